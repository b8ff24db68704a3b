"""Searches of people's own data, as a user runs them: to the end, and not on when the data have changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.study.commands import assert_recorded, loaded, run

SPACE = """
name: own
model: {model}
data: {{{data}, validation: 0.2, class_weights: balanced}}
search: {{max_epochs: 4, factor: 2, seed: 1}}
parameters:
  learning_rate: {{min: 0.001, max: 0.1, scale: log}}
  {parameters}
"""
LENET5 = "filters: 2\n  kernel_size: 3\n  hidden_units: 8"
OWN_MODEL = """
import keras


def build(values, data):
    inputs = keras.Input(data.shape, dtype=data.dtype)
    x = keras.layers.Dense(values["width"], activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""
OWN_DATA = """
from pathlib import Path
import numpy as np


def load():
    rows = np.loadtxt(Path(__file__).with_name("set.csv"), delimiter=",", skiprows=1)
    return rows[:, :-1].reshape(-1, 8, 8) / 16, rows[:, -1].astype(int)
"""


def write_images(folder: Path) -> Path:
    digits = load_digits()
    for place in range(200):
        path = folder / "set" / str(digits.target[place]) / f"{place:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[place] * 15).astype(np.uint8)).save(path)
    return folder / "set" / "0" / "000.png"


def write_table(folder: Path) -> Path:
    digits = load_digits()
    names = [*(f"pixel{place}" for place in range(64)), "digit"]
    rows = [",".join(f"{value:g}" for value in [*digits.data[n], digits.target[n]]) for n in range(200)]
    path = folder / "set.csv"
    path.write_text("\n".join([",".join(names), *rows]) + "\n")
    (folder / "mine.py").write_text(OWN_MODEL)
    (folder / "loads.py").write_text(OWN_DATA)
    return path


def write_space(folder: Path, data: str, model: str = "lenet5", parameters: str = LENET5) -> Path:
    path = folder / "own.yaml"
    path.write_text(SPACE.format(data=data, model=model, parameters=parameters))
    return path


TABLE = "csv: set.csv, label: digit"


@pytest.mark.parametrize(
    ("data", "model", "parameters"),
    [
        pytest.param(TABLE, "mine:build", "width: 8", id="table"),
        pytest.param(
            f"{TABLE}, shape: [8, 8]", "lenet5", LENET5, marks=pytest.mark.long, id="table of images"
        ),
        pytest.param("python: loads:load", "lenet5", LENET5, id="python"),
        pytest.param("images: set", "lenet5", LENET5, marks=pytest.mark.long, id="images"),
    ],
)
def test_from_check_to_training_again_and_not_on_when_the_data_have_changed(
    data: str, model: str, parameters: str, tmp_path: Path
) -> None:
    changed = write_images(tmp_path) if data.startswith("images") else write_table(tmp_path)
    space = write_space(tmp_path, data, model, parameters)
    run("check", space, "--workers", 1, cwd=tmp_path)
    command = ("search", space, "--max-trials", 2, "--workers", 1)
    run(*command, cwd=tmp_path, code=-9, TUNEKIT_FAILPOINT="state.end.after@1")

    content = changed.read_bytes()
    if data.startswith("images"):
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(changed)
    else:
        changed.write_bytes(content.replace(b",16", b",15"))
    refused = run("resume", "own", "--workers", 1, cwd=tmp_path, code=2)
    assert "data: " in refused.stderr
    assert "Traceback" not in refused.stderr

    changed.write_bytes(content)
    report = loaded(run("resume", "own", "--workers", 1, "--json", cwd=tmp_path))
    assert report["status"] == "FINISHED"
    assert len(report["trials"]) == 2
    assert_recorded(report)
    assert loaded(run("evaluate", "own", "--json", cwd=tmp_path))["test"] == report["test"]
    assert loaded(run("train", report["config"], "--json", cwd=tmp_path))["score"] == report["best"]["score"]
