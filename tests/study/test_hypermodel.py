"""A HyperModel as it is, from its space to its best configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import assert_recorded, kill_group, loaded, outcome, run, start, wait_for_trials
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.reader import read_space
from tunekit.space.writer import plain_parameter
from tunekit.study.hypermodel import is_plain_function, parameter_from

NETWORK = """
import keras
import keras_tuner


class Network(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Rescaling(1 / 16)])
        kind = hp.Choice("kind", ["dense", "conv"])
        with hp.conditional_scope("kind", ["conv"]):
            if kind == "conv":
                model.add(keras.layers.Conv2D(hp.Int("filters", 2, 8, step=2), 3, activation="relu"))
        model.add(keras.layers.Flatten())
        for number in range(hp.Int("layers", 1, 2)):
            units = hp.Int(f"dense/units {number}", 8, 32, sampling="log")
            model.add(keras.layers.Dense(units, activation="relu"))
        if hp.Boolean("drop"):
            rate = hp.Float("rate", 0.1, 0.5, step=0.1, parent_name="drop", parent_values=[True])
            model.add(keras.layers.Dropout(rate))
        model.add(keras.layers.Dense(10))
        optimizers = {"Adam": keras.optimizers.Adam, "SGD": keras.optimizers.SGD}
        optimizer = optimizers[hp.Choice("optimizer", ["Adam", "SGD"])]
        model.compile(
            optimizer(hp.Float("lr", 1e-2, 1e-1, sampling="log")),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model


def build(hp):
    import print_nothing_that_is_there
"""
SPACE = """\
name: net
model: mine:Network
data: {digits: true, validation: 0.2}
search: {max_epochs: 2, factor: 2, seed: 1, limit: 200}
parameters:
  layers: 2
  batch_size: [16, 32]
"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder and the report of a search that was killed once on its way."""
    folder = tmp_path_factory.mktemp("hypermodel")
    (folder / "mine.py").write_text(NETWORK)
    (folder / "net.yaml").write_text(SPACE)
    process = start("search", "net.yaml", "--workers", 1, cwd=folder)
    wait_for_trials(folder / "mlruns", "net", 1, seconds=400)
    kill_group(process)
    return folder, loaded(run("resume", "net", "--workers", 1, "--json", cwd=folder))


def test_its_parameters_are_the_spaces(net: tuple[Path, dict[str, Any]]) -> None:
    folder, report = net
    space = read_space(folder / "mlruns/searches/net/space.yaml")

    assert space.model == "hypermodel:mine:Network"
    assert space.parameters == (
        Choice("kind", ("dense", "conv")),
        Fixed("layers", 2),
        Range("dense/units 0", 8, 32, scale="log"),
        Choice("drop", (False, True)),
        Choice("optimizer", ("Adam", "SGD")),
        Range("lr", 1e-2, 1e-1, scale="log"),
        Range("filters", 2, 8, 2, when={"kind": ("conv",)}),
        Range("dense/units 1", 8, 32, scale="log"),
        Range("rate", 0.1, 0.5, 0.1, when={"drop": (True,)}),
        Choice("batch_size", (16, 32)),
    )
    assert_recorded(report)
    assert len(report["trials"]) == 5
    assert {trial["status"] for trial in report["trials"]} == {"COMPLETED"}


def test_every_trial_was_looked_into(net: tuple[Path, dict[str, Any]]) -> None:
    import mlflow

    client = mlflow.MlflowClient(net[1]["mlflow"]["tracking_uri"])
    for trial in net[1]["trials"]:
        run_ = client.get_run(trial["run_id"])
        assert "health/gradient_norm" in run_.data.metrics
        assert "fault.txt" not in {artifact.path for artifact in client.list_artifacts(trial["run_id"])}
        assert run_.data.params["dense/units 0"] == str(trial["values"]["dense/units 0"])
    kept = client.list_artifacts(net[1]["mlflow"]["run_id"], "source")
    assert [artifact.path for artifact in kept] == ["source/mine.py"]


def test_the_best_configuration_comes_back(net: tuple[Path, dict[str, Any]]) -> None:
    folder, report = net
    again = loaded(run("train", report["config"], "--json", cwd=folder))

    assert again["score"] == report["best"]["score"]
    assert again["notes"] == []
    tested = loaded(run("evaluate", "net", "--json", cwd=folder))
    assert tested["test"] == report["test"]
    assert 0 < tested["test"]["loss"] < 5, "logits were taken for probabilities"


def test_the_next_space_is_read_with_the_hypermodel(net: tuple[Path, dict[str, Any]]) -> None:
    folder, report = net
    run("refine", "net", "-o", "next.yaml", cwd=folder)
    options = ("--like", "net", "--set", "layers=2", "--max-epochs", 2, "--max-trials", 1, "--workers", 1)
    found = loaded(run("search", "next.yaml", *options, "--json", cwd=folder))

    (trial,) = found["trials"]
    assert trial["values"] == report["best"]["values"]
    run("export", "net", "-o", "model.keras", "--format", "keras", cwd=folder)


@pytest.mark.long
def test_the_outcome_is_that_of_a_search_that_was_not_killed(
    net: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    for name in ("mine.py", "net.yaml"):
        shutil.copy(net[0] / name, tmp_path)
    again = loaded(run("search", "net.yaml", "--workers", 2, "--json", cwd=tmp_path))

    assert outcome(again) == outcome(net[1])


def test_a_build_that_breaks_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(NETWORK)
    (tmp_path / "net.yaml").write_text(SPACE.replace("Network", "build"))
    refused = run("check", "net.yaml", "--workers", 1, cwd=tmp_path, code=2)

    assert "model mine:build: it could not be built with its defaults: No module named" in refused.stderr
    assert "mine.py" in refused.stderr
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("def build(values, data): ...", True),
        ("def build(values, data, depth=2): ...", True),
        ("def build(hp): ...", False),
        ("def build(hp, depth=2): ...", False),
        ("@wrapped\ndef build(values, data): ...", False),
        ("class build: ...", False),
        ("build = other", False),
        ("from other import build", False),
        ("def build(", False),
        ("def build(a, b): ...\ndef build(hp): ...", False),
    ],
)
def test_a_plain_function_is_told_from_its_source(
    source: str, plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/networks.py").write_text(source)

    assert is_plain_function("package.networks:build") is plain
    assert not is_plain_function("package.missing:build")


@pytest.mark.parametrize(
    "parameter",
    [
        Fixed("a", True),
        Choice("a b", (1.0, 2.0), {"c": (1,)}),
        Range("a", 1, 9),
        Range("a", 1e-4, 1.0, 10.0, "log", {"b": ("x", "y")}),
    ],
)
def test_parameters_travel_as_json(parameter: Parameter) -> None:
    plain = json.loads(json.dumps({"name": parameter.name} | plain_parameter(parameter)))

    assert repr(parameter_from(plain)) == repr(parameter)
