"""Searches that are ranked by something else than accuracy, from the space to the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.study.commands import TINY, loaded, outcome, run
from tunekit.space.reader import parse_space, read_space
from tunekit.study.objective import doubt

SMALL = ("--max-epochs", 2, "--factor", 2, "--limit", 150, "--no-pictures", "--workers", 1)
"""Four trials, one of which is promoted."""
Searched = tuple[Path, dict[str, Any]]


def space(folder: Path, objective: str, data: str = "{digits: true, validation: 0.2}") -> Path:
    path = folder / "mine.yaml"
    text = TINY.read_text().replace("data: {digits: true, validation: 0.2}", f"data: {data}")
    path.write_text(f"{text}objective: {objective}\n")
    return path


@pytest.fixture(scope="module", params=["val_f1", "{name: val_loss, direction: min}"])
def searched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("searched")
    wanted = space(folder, request.param)
    return folder, loaded(run("search", wanted, *SMALL, "--name", "tiny", "--json", cwd=folder))


def metric(searched: Searched) -> str:
    return read_space(Path(searched[1]["config"])).objective.metric


def test_the_winner_is_the_best_of_the_longest(searched: Searched) -> None:
    report = searched[1]
    full = [trial["score"] for trial in report["trials"] if trial["epochs"] == 2]
    best = min if metric(searched) == "loss" else max
    assert len(full) > 1
    assert report["best"]["score"] == best(full)
    by_id = {trial["id"]: trial for trial in report["trials"]}
    firsts = [trial for trial in report["trials"] if (trial["bracket"], trial["epochs"]) == (1, 1)]
    promoted = {trial["parent"] for trial in report["trials"]} - {None}
    assert {by_id[name]["score"] for name in promoted} == {best(trial["score"] for trial in firsts)}


def test_best_yaml_has_it_and_its_score_comes_back(searched: Searched) -> None:
    folder, report = searched
    exported = read_space(Path(report["config"]))
    assert exported.verified is not None
    assert exported.verified.test == report["test"]
    assert set(report["test"]) == {"accuracy", "loss", metric(searched)}
    trained = loaded(run("train", report["config"], "--json", cwd=folder))
    assert (trained["score"], trained["difference"]) == (report["best"]["score"], 0)


def test_mlflow_holds_it(searched: Searched) -> None:
    import mlflow

    report, name = searched[1], metric(searched)
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    parent = client.get_run(report["mlflow"]["run_id"]).data.metrics
    assert parent[f"best_val_{name}"] == report["best"]["score"]
    assert parent[f"test_{name}"] == report["test"][name]
    if name == "loss":
        assert not [each for each in parent if each.startswith("validation_minus")]
    else:
        assert parent["validation_minus_test_f1"] == report["best"]["score"] - report["test"]["f1"]
    best = report["best"]["run_id"]
    values = [each.value for each in client.get_metric_history(best, f"val_{name}")]
    assert len(values) == 2
    assert (min if name == "loss" else max)(values) == report["best"]["score"]
    assert client.get_run(best).data.metrics[f"best_val_{name}"] == report["best"]["score"]


def test_it_is_told(searched: Searched) -> None:
    folder, report = searched
    name = metric(searched)
    shown = run("show", cwd=folder).stdout
    assert f"val_{name} {report['best']['score']:.4f}" in shown
    assert f"test {name} {report['test'][name]:.4f}" in shown
    page = (folder / "mlruns/searches/tiny/report.html").read_text()
    assert f"{report['best']['score']:.4f} val_{name} in epoch" in page
    assert f"test {'accuracy' if name == 'loss' else name}</span>" in page
    again = loaded(run("evaluate", "--json", cwd=folder))
    assert again["test"] == report["test"]


@pytest.mark.long
def test_killed_and_resumed_it_is_the_same(searched: Searched, tmp_path: Path) -> None:
    """After two trials, and with a worker more: to the bit."""
    wanted = searched[0] / "mine.yaml"
    command = ("search", wanted, *SMALL, "--name", "tiny", "--json", "--resume", "--workers", 2)
    run(*command, cwd=tmp_path, code=-9, TUNEKIT_FAILPOINT="state.end.after@2")
    assert outcome(loaded(run(*command, cwd=tmp_path))) == outcome(searched[1])


@pytest.mark.parametrize(
    ("objective", "line", "said"),
    [
        ("val_loss", "l2: [0.0, 0.01]", "l2 varies"),
        ("val_loss", "l2: [0.0, 0.01]\n  label_smoothing: {min: 0.0, max: 0.2}", "l2, label_smoothing vary"),
        ("val_loss", "l2: 0.01", None),
        ("val_log_loss", "l2: [0.0, 0.01]", None),
        ("val_accuracy", "l2: [0.0, 0.01]", None),
    ],
)
def test_penalties_that_vary_are_told(objective: str, line: str, said: str | None, tmp_path: Path) -> None:
    text = TINY.read_text().replace("batch_norm:    [true, false]", line)
    told = doubt(parse_space(f"{text}objective: {objective}\n", "tiny.yaml", tmp_path))
    assert (told is None) if said is None else told is not None and said in told and "val_log_loss" in told


@pytest.mark.parametrize("count", [3, 5])
def test_too_few_classes_for_the_first_five(count: int, tmp_path: Path) -> None:
    """Told once the data are read, before anything is built."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % count
    np.savez(tmp_path / "few.npz", x=random.integers(0, 256, (60, 8, 8), dtype=np.uint8), y=labels)
    wanted = space(tmp_path, "val_top5", "{npz: few.npz, validation: 0.2}")
    done = run("check", wanted, "--workers", 1, cwd=tmp_path, code=2)
    assert f"more than 5 classes for val_top5, got {count}" in done.stderr
    assert "Traceback" not in done.stderr
