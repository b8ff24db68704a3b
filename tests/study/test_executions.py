"""A search whose trials are trained twice each, from the space to the record."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from tests.study.commands import TINY, loaded, outcome, run
from tunekit.space.reader import read_space

TWICE = ("--max-epochs", 2, "--factor", 2, "--limit", 150, "--no-pictures", "--executions-per-trial", 2)
ONE = ("--workers", 1)
Searched = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    folder = tmp_path_factory.mktemp("searched")
    return folder, loaded(run("search", TINY, *TWICE, *ONE, "--disk-max", "20MB", "--json", cwd=folder))


def test_every_score_is_a_mean(searched: Searched) -> None:
    trials = searched[1]["trials"]
    for trial in trials:
        scores = trial["executions"]["scores"]
        assert len(scores) == 2
        assert trial["score"] == fmean(scores)
        assert trial["executions"]["deviation"] == stdev(scores)
        assert scores[trial["executions"]["best"] - 1] == max(scores)
    full = [trial["score"] for trial in trials if trial["epochs"] == 2]
    assert searched[1]["best"]["score"] == max(full)
    by_id = {trial["id"]: trial for trial in trials}
    for trial in trials:
        if trial["parent"]:
            # Each goes on from its own; what a score is can only rise.
            pairs = zip(
                trial["executions"]["scores"], by_id[trial["parent"]]["executions"]["scores"], strict=True
            )
            assert all(after >= before for after, before in pairs)


def test_best_yaml_is_its_best_execution_which_comes_back(searched: Searched) -> None:
    folder, report = searched
    best = report["best"]["executions"]
    exported = read_space(Path(report["config"]))
    assert exported.verified is not None
    assert exported.verified.score == max(best["scores"])
    assert exported.search.executions_per_trial == 2
    trained = loaded(run("train", report["config"], "--json", cwd=folder))
    assert (trained["score"], trained["difference"]) == (max(best["scores"]), 0)


def test_the_test_score_is_that_of_the_model_that_is_kept(searched: Searched) -> None:
    folder, report = searched
    evaluated = loaded(run("evaluate", report["config"], "--json", cwd=folder))
    assert (evaluated["search"], evaluated["test"]) == ("tiny", report["test"])


def test_it_is_recorded_and_told(searched: Searched) -> None:
    import mlflow

    folder, report = searched
    best = report["best"]
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    metrics = client.get_run(best["run_id"]).data.metrics
    assert metrics["best_val_accuracy"] == best["score"]
    assert metrics["best_val_accuracy_deviation"] == best["executions"]["deviation"]
    assert metrics["best_val_accuracy_of_model"] == max(best["executions"]["scores"])
    assert len(client.get_metric_history(best["run_id"], "val_accuracy")) == 2
    parent = client.get_run(report["mlflow"]["run_id"])
    assert parent.data.params["executions_per_trial"] == "2"
    gap = max(best["executions"]["scores"]) - report["test"]["accuracy"]
    assert parent.data.metrics["validation_minus_test_accuracy"] == gap

    assert (
        f"{best['score']:.4f} ± {best['executions']['deviation']:.4f} over 2"
        in run("show", cwd=folder).stdout
    )
    page = (folder / "mlruns/searches/tiny/report.html").read_text()
    assert "as the mean of 2 executions" in page
    assert "mean of 2 executions, ±" in page


@pytest.mark.long
@pytest.mark.parametrize("failpoint", ["state.end.after@2", "checkpoint.save.after@7@fell"])
def test_killed_and_resumed_it_is_the_same(searched: Searched, tmp_path: Path, failpoint: str) -> None:
    """The whole search, which goes on with a worker more, or a worker within its second execution."""
    command = ("search", TINY, *TWICE, *ONE, "--json", "--resume")
    if failpoint.endswith("fell"):
        done = run(*command, cwd=tmp_path, TUNEKIT_FAILPOINT=failpoint)
        assert (tmp_path / "fell").exists()
    else:
        run(*command, cwd=tmp_path, code=-9, TUNEKIT_FAILPOINT=failpoint)
        done = run(*command, "--workers", 2, cwd=tmp_path)
    assert outcome(loaded(done)) == outcome(searched[1])


@pytest.mark.long
def test_a_trial_that_was_not_kept_is_explained_as_its_best_execution(searched: Searched) -> None:
    folder, report = searched
    lost = next(
        trial["id"]
        for trial in report["trials"]
        if not (folder / "mlruns/searches/tiny/checkpoints" / trial["id"]).exists()
    )
    done = run("explain", "--trial", lost, cwd=folder)
    assert "Trained again it scored" not in done.stdout + done.stderr
