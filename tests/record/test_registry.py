"""The registered winner, loaded where there is no tunekit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.models.helpers import make, pictures, shape_of
from tests.study.commands import environment
from tunekit.record.registry import register
from tunekit.record.store import Store, open_store

CLASSES = ["cat", "dog", "crème brûlée"]
LOADER = """
import json, sys
sys.modules["tunekit"] = None
import mlflow, numpy
data = numpy.load(sys.argv[1])
found = {}
for name in data.files:
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    spec = model.metadata.signature.inputs.to_dict()[0]["tensor-spec"]
    answers = model.predict(data[name])
    found[name] = {"spec": spec, "classes": model.metadata.metadata["classes"], "answers": answers.tolist()}
print(json.dumps(found))
"""


def vectors() -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs))


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[keras.Model, np.ndarray]]:
    data = shape_of(classes=3)
    return {
        # First: the next one sets the precision of all layers back.
        "mixed": (make("lenet5", data, precision="bfloat16"), pictures()),
        "convolving": (make("lenet5", data, batch_norm=True, dropout=0.5), pictures()),
        "reading": (make("recurrent", data, cell="gru", layers=2), pictures()),
        "table": (vectors(), np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)),
    }


@pytest.fixture(scope="module")
def loaded(
    models: dict[str, tuple[keras.Model, np.ndarray]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store = open_store(folder / "home", "space", "val_accuracy")
        # As by another search in a thread: what is registered below goes to the first all the same.
        open_store(folder / "other", "space", "val_accuracy")
    for name, (model, _) in models.items():
        _register(store, model, folder, name)
    np.savez(folder / "data.npz", **{name: data for name, (_, data) in models.items()})
    command = [sys.executable, "-c", LOADER, str(folder / "data.npz")]
    env = environment(MLFLOW_TRACKING_URI=store.tracking_uri)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _register(store: Store, model: keras.Model, folder: Path, name: str) -> None:
    model.save(folder / "model.keras")
    run = store.client.create_run(store.experiment_id)
    register(store, run.info.run_id, folder / "model.keras", name, "0", CLASSES)


@pytest.mark.parametrize("name", ["convolving", "reading", "mixed", "table"])
def test_it_answers_as_the_model_that_was_registered(
    name: str, models: dict[str, tuple[keras.Model, np.ndarray]], loaded: dict[str, Any]
) -> None:
    model, data = models[name]
    expected = np.asarray(model.predict_on_batch(data))
    np.testing.assert_allclose(loaded[name]["answers"], expected, atol=1e-5)
    np.testing.assert_allclose(np.sum(loaded[name]["answers"], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "dtype", "shape"),
    [("convolving", "uint8", [-1, 8, 8, 1]), ("reading", "uint8", [-1, 8, 8, 1]), ("table", "float32", [-1, 4])],
)  # fmt: skip
def test_it_says_what_it_takes_and_what_its_outputs_are(
    name: str, dtype: str, shape: list[int], loaded: dict[str, Any]
) -> None:
    assert loaded[name]["spec"] == {"dtype": dtype, "shape": shape}
    assert loaded[name]["classes"] == CLASSES
