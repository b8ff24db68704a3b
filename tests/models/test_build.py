"""From a configuration to a model: weights from the seed, a user's own function, what can be wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.errors import ModelError
from tunekit.models.build import build

from .helpers import make, pictures, shape_of

GOOD = """
import keras

def model(values, data):
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(values["units"])(x)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""

Write = Callable[..., str]


def weights(model: keras.Model) -> list[np.ndarray]:
    return list(model.get_weights())


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a user's module beside the place where the command runs, and names its function `model`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(source: str, name: str, folder: Path = tmp_path) -> str:
        path = folder / Path(*name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source, encoding="utf-8")
        return f"{name}:model"

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("model", ["lenet5", "recurrent"])
def test_weights_follow_from_the_seed(model: str) -> None:
    first, again, other = (weights(make(model, seed=seed)) for seed in (7, 7, 8))

    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_names_do_not_depend_on_models_built_before() -> None:
    names = [variable.path for variable in make(dropout=0.5).variables]
    make("recurrent")

    assert [variable.path for variable in make(dropout=0.5).variables] == names


def test_a_model_is_loaded_again_without_tunekit(tmp_path: Path) -> None:
    asked = {
        "lenet5": {"batch_norm": True, "dropout": 0.5, "l2": 0.1, "l2_dense": 0.1, "activation": "gelu"},
        "recurrent": {"cell": "lstm", "layers": 2, "batch_norm": True, "l2": 0.1},
    }
    for name, values in asked.items():
        model = make(name, **values)
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", model.predict_on_batch(pictures()))
    np.save(tmp_path / "images.npy", pictures())
    script = """
import keras, numpy, sys
for name in ("lenet5", "recurrent"):
    model = keras.saving.load_model(name + ".keras", safe_mode=True)
    numpy.testing.assert_allclose(
        model.predict_on_batch(numpy.load("images.npy")), numpy.load(name + ".npy"), atol=1e-6
    )
assert not any(name.startswith("tunekit") for name in sys.modules)
"""

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["own_alone", "own_package.inner.mine"])
def test_a_users_own_model_is_found_where_the_command_runs(own: Write, name: str) -> None:
    model = build(own(GOOD, name), {"units": 4}, shape_of(), seed=0)

    assert model.count_params() == 64 * 4 + 4 + 4 * 10 + 10


def test_a_users_own_model_is_found_among_installed_modules(
    own: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "installed")

    model = build(own(GOOD, "own_installed", tmp_path / "installed"), {"units": 4}, shape_of(), seed=0)

    assert model.output_shape == (None, 10)


def test_a_users_own_model_gets_the_defaults_of_training(own: Write) -> None:
    name = own(GOOD.replace('values["units"]', 'values["batch_size"]'), "own_defaults")

    assert build(name, {}, shape_of(), seed=0).layers[-2].units == 50


def test_a_users_own_model_follows_from_the_seed(own: Write) -> None:
    name = own(GOOD, "own_seeded")

    first, again = (weights(build(name, {"units": 4}, shape_of(), seed=3)) for _ in range(2))

    np.testing.assert_array_equal(first[0], again[0])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def model(values, data): return 7", "returns a keras.Model, got int"),
        ("def model(values, data): return None", "returns a keras.Model, got NoneType"),
        ("model = 7", "has no function model"),
        ("other = 7", "has no function model"),
        (GOOD.replace("data.classes", "3"), r"output of shape \(None, 10\).*got \(None, 3\)"),
        (GOOD.replace("Flatten()", "Reshape((8, 8))"), r"got \(None, 8, 10\)"),
        (
            "import keras\ndef model(values, data): return keras.Sequential([keras.layers.Dense(10)])",
            r"not built. Begin it with keras.Input\(\(8, 8, 1\)",
        ),
        (
            "import keras\nclass Mine(keras.Model): pass\ndef model(values, data): return Mine()",
            "not built",
        ),
        (
            GOOD.replace(
                'keras.layers.Dense(data.classes, activation="softmax")(x))',
                "[keras.layers.Dense(10)(x), keras.layers.Dense(10)(x)])",
            ),
            "one probability per class",
        ),
    ],
)
def test_what_is_no_classifier_is_refused(own: Write, source: str, message: str) -> None:
    name = own(source, f"own_refused{abs(hash(source))}")

    with pytest.raises(ModelError, match=message):
        build(name, {"units": 4}, shape_of(), seed=0)


@pytest.mark.parametrize("name", ["nowhere_at_all:model", "nowhere.at.all:model", "keras.nowhere:model"])
def test_a_module_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError, match=rf"there is no module {name.partition(':')[0]}. Run the command in"):
        build(name, {}, shape_of(), seed=0)


def test_a_module_that_itself_imports_a_missing_one(own: Write) -> None:
    with pytest.raises(ModuleNotFoundError, match="own_imp"):
        build(own("import own_imp", "own_importer"), {}, shape_of(), seed=0)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("1 / 0", ZeroDivisionError),
        ("def model(values, data): raise KeyError('units')", KeyError),
        ("def model(:", SyntaxError),
        ("from keras import no_such_name", ImportError),
    ],
)
def test_a_users_own_exception_is_kept(own: Write, source: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        build(own(source, f"own_raises{kind.__name__}"), {}, shape_of(), seed=0)


def test_no_other_framework_is_loaded_for_a_model_on_jax() -> None:
    pytest.importorskip("jax")
    script = """
import sys
from tests.models.helpers import make
first, again = (make("recurrent", cell="rnn").get_weights() for _ in range(2))
assert all((one == two).all() for one, two in zip(first, again))
assert "tensorflow" not in sys.modules
"""
    settings = os.environ | {"KERAS_BACKEND": "jax"}
    root = Path(__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=settings, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
