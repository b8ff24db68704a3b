"""Models that begin with what a file holds: its weights, nothing that could run, and only where it fits."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.errors import ModelError
from tunekit.models.build import build
from tunekit.models.saved_file import check_saved
from tunekit.space.model_names import KerasFile

from .helpers import pictures, shape_of

DATA = shape_of((8, 8, 1), 10)


def network(size: int | None = 8, classes: int = 10) -> keras.Model:
    inputs = keras.Input((size, size, 1))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(2, 3, name="first")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.5)(x)
    x = keras.layers.Dense(4, name="second")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax", name="last")(x))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[np.ndarray], np.ndarray]:
    """The file, its weights and its answers."""
    keras.utils.set_random_seed(3)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return str(KerasFile(str(path))), model.get_weights(), model.predict(pictures(), verbose=0)


def test_it_has_the_files_weights_and_is_not_compiled(
    saved: tuple[str, list[np.ndarray], np.ndarray],
) -> None:
    name, weights, answers = saved
    model = build(name, {}, DATA, seed=1)

    for mine, its in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_array_equal(model.predict(pictures(), verbose=0), answers)
    assert not model.compiled


def test_dropout_goes_by_the_trials_seed(saved: tuple[str, list[np.ndarray], np.ndarray]) -> None:
    first, again, other = (
        np.asarray(build(saved[0], {}, DATA, seed)(pictures(), training=True)) for seed in (7, 7, 8)
    )

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("freeze", "trained"), [(0, ["first", "second", "last"]), (1, ["second", "last"]), (2, ["last"])]
)
def test_the_first_layers_can_be_frozen(
    saved: tuple[str, list[np.ndarray], np.ndarray], freeze: int, trained: list[str]
) -> None:
    model = build(saved[0], {"freeze": freeze}, DATA, seed=1)

    assert [layer.name for layer in model.layers if layer.trainable_weights] == trained


def test_all_cannot_be_frozen(saved: tuple[str, list[np.ndarray], np.ndarray]) -> None:
    with pytest.raises(ModelError, match=r"got 3 of 3 layers with weights\. Freeze at most 2"):
        build(saved[0], {"freeze": 3}, DATA, seed=1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(size=9), r"expected an input of shape \(None, 8, 8, 1\).*got \(None, 9, 9, 1\)"),
        (lambda: network(classes=3), r"expected an output of shape \(None, 10\).*got \(None, 3\)"),
        (
            lambda: keras.Sequential(
                [keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: x), keras.layers.Flatten()]
            ),
            "can be loaded without running code.*[Ll]ambda",
        ),
    ],
)
def test_a_model_that_does_not_fit_is_refused(
    make: Callable[[], keras.Model], message: str, tmp_path: Path
) -> None:
    make().save(tmp_path / "model.keras")

    with pytest.raises(ModelError, match=message):
        build(str(KerasFile(str(tmp_path / "model.keras"))), {}, DATA, seed=1)


def test_a_model_for_any_size_fits(tmp_path: Path) -> None:
    network(size=None).save(tmp_path / "model.keras")

    assert build(str(KerasFile(str(tmp_path / "model.keras"))), {}, DATA, seed=1).output_shape == (None, 10)


def test_layers_from_elsewhere_are_not_imported(tmp_path: Path) -> None:
    """The file names a class of another module, which is neither imported nor called."""
    path = tmp_path / "model.keras"
    network().save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json":
                config = json.loads(content)
                layer = next(each for each in config["config"]["layers"] if each["class_name"] == "Dense")
                layer |= {"module": "antigravity", "class_name": "Anything", "registered_name": None}
                content = json.dumps(config).encode()
            bad.writestr(name, content)

    with pytest.raises(ModelError, match="of Keras' own layers"):
        build(str(KerasFile(str(path))), {}, DATA, seed=1)
    import sys

    assert "antigravity" not in sys.modules


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    network().save(path)
    found = check_saved(KerasFile(str(path)))

    assert found.sha256 is not None
    assert check_saved(found) == found
    network(classes=3).save(path)
    with pytest.raises(
        ModelError, match=r"expected the file with the sha256 .*it changed\. Put the old file back"
    ):
        check_saved(found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        (b"", "expected a file that Keras 3 has saved, got one without config.json, metadata.json"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "expected a file that Keras 3 has saved"),
        (b"PK\x03\x04 cut short", "expected a file that Keras 3 has saved"),
    ],
)
def test_what_keras_has_not_saved_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ModelError, match=message):
        check_saved(KerasFile(str(path)))


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="could not be read: Is a directory"):
        check_saved(KerasFile(str(tmp_path)))


def test_a_damaged_file_is_refused(saved: tuple[str, list[np.ndarray], np.ndarray], tmp_path: Path) -> None:
    content = bytearray(Path(saved[0].removeprefix("keras:")).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    (tmp_path / "model.keras").write_bytes(content)

    with pytest.raises(ModelError, match=r"model\.keras"):
        build(str(KerasFile(str(tmp_path / "model.keras"))), {}, DATA, seed=1)
