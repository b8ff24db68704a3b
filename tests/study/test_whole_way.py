"""From a space file to a tested, exported and registered winner, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, assert_recorded, loaded, outcome, run, start, wait_for_trials
from tunekit.space.parameters import Fixed
from tunekit.space.reader import read_space

Finished = tuple[Path, dict[str, Any]]


def test_the_report_holds_what_programs_read(finished: Finished) -> None:
    _, report = finished
    assert {"search", "home", "trials", "best", "test", "config", "mlflow"} <= set(report)
    assert len(report["trials"]) == 15
    wanted = {"id", "parent", "values", "bracket", "round", "epochs", "status", "score", "run_id"}
    assert all(wanted <= set(trial) for trial in report["trials"])
    assert wanted <= set(report["best"])
    assert set(report["test"]) == {"accuracy", "loss"}
    assert {"tracking_uri", "experiment_id", "run_id"} <= set(report["mlflow"])


def test_the_winner_has_the_full_budget_and_the_best_score_there(finished: Finished) -> None:
    _, report = finished
    full = [trial for trial in report["trials"] if trial["epochs"] == 4]
    assert report["best"]["score"] == max(trial["score"] for trial in full)


def test_promoted_trials_keep_their_values_and_never_score_less(finished: Finished) -> None:
    _, report = finished
    trials = {trial["id"]: trial for trial in report["trials"]}
    promoted = [trial for trial in trials.values() if trial["parent"]]
    assert len(promoted) == 5
    for trial in promoted:
        assert trial["values"] == trials[trial["parent"]]["values"]
        assert trial["score"] >= trials[trial["parent"]]["score"]


def test_mlflow_holds_every_trial_once(finished: Finished) -> None:
    assert_recorded(finished[1])


def test_the_champion_is_registered_and_scores_as_recorded(finished: Finished) -> None:
    import keras
    import mlflow
    import numpy as np

    from tunekit.data.prepared import prepare
    from tunekit.data.sealed import open_test
    from tunekit.space.space import DataSpec

    folder, report = finished
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    champion = client.get_model_version_by_alias("tiny", "champion")
    assert champion.run_id == report["mlflow"]["run_id"]
    model = keras.saving.load_model(folder / "mlruns/searches/tiny/champion/model.keras", compile=False)
    spec = DataSpec("digits", validation=0.2)
    test = open_test(spec, prepare(spec, folder / "data"))
    predicted = np.asarray(model.predict(test.x, verbose=0)).argmax(axis=1)
    assert float((predicted == test.y).mean()) == pytest.approx(report["test"]["accuracy"])


def test_everything_is_below_the_home_folder(finished: Finished) -> None:
    folder, report = finished
    assert [path.name for path in folder.iterdir() if path.name != "data"] == ["mlruns"]
    assert report["home"] == str(folder / "mlruns")
    assert {path.name for path in (folder / "mlruns").iterdir()} == {
        "artifacts",
        "cache",
        "data",
        "mlflow.db",
        "searches",
    }


def test_nothing_is_written_into_the_users_own_folder(finished: Finished) -> None:
    assert list(finished[0].with_suffix(".user").rglob("*")) == []


def test_only_the_winner_keeps_a_checkpoint(finished: Finished) -> None:
    folder, report = finished
    kept = [path.name for path in (folder / "mlruns/searches/tiny/checkpoints").iterdir()]
    assert kept == [report["best"]["id"]]


def test_files_are_told_as_seen_from_the_working_folder(finished: Finished, tmp_path: Path) -> None:
    folder, _ = finished
    config = "mlruns/searches/tiny/best.yaml"
    assert f"Configuration  {config}\n" in run("show", "tiny", cwd=folder).stdout
    elsewhere = run("show", "tiny", "--home", folder / "mlruns", cwd=tmp_path).stdout
    assert f"Configuration  {folder / config}\n" in elsewhere


def test_best_yaml_is_a_space_of_fixed_values(finished: Finished) -> None:
    _, report = finished
    space = read_space(Path(report["config"]))
    assert all(isinstance(parameter, Fixed) for parameter in space.parameters)
    assert space.smallest() == report["best"]["values"]
    assert space.verified is not None
    assert space.verified.score == report["best"]["score"]
    assert space.verified.test["accuracy"] == report["test"]["accuracy"]


def test_the_score_comes_back_when_best_yaml_is_trained(finished: Finished) -> None:
    folder, report = finished
    done = loaded(run("train", report["config"], "--json", cwd=folder))
    assert done["score"] == report["best"]["score"], "rungs did not continue exactly"
    assert done["came_back"] is True
    assert done["notes"] == []


def test_a_score_that_does_not_come_back_is_said(finished: Finished, tmp_path: Path) -> None:
    folder, report = finished
    changed = tmp_path / "changed.yaml"
    text = Path(report["config"]).read_text()
    changed.write_text(text.replace(f"score:       {report['best']['score']}", "score:       0.0123"))
    done = run("train", changed, cwd=folder, code=1)
    assert "did not come back: expected 0.0123" in done.stdout


@pytest.mark.parametrize("what", ["search", "config"])
def test_evaluate_repeats_the_test_score(finished: Finished, what: str) -> None:
    folder, report = finished
    done = loaded(run("evaluate", report[what], "--json", cwd=folder))
    assert done["test"] == report["test"]
    assert done["recorded_accuracy"] == report["test"]["accuracy"]


def test_show_and_ls_tell_the_same(finished: Finished) -> None:
    folder, report = finished
    assert loaded(run("show", "tiny", "--json", cwd=folder)) == report
    listed = json.loads(run("ls", "--json", cwd=folder).stdout)
    assert [(search["search"], search["status"]) for search in listed] == [("tiny", "finished")]
    assert listed[0]["best"] == report["best"]


def test_export_writes_the_configuration_and_the_model(finished: Finished, tmp_path: Path) -> None:
    folder, report = finished
    run("export", "tiny", "-o", tmp_path / "again.yaml", cwd=folder)
    assert (tmp_path / "again.yaml").read_text() == Path(report["config"]).read_text()
    run("export", "tiny", "-o", tmp_path / "model.keras", "--format", "keras", cwd=folder)
    assert (tmp_path / "model.keras").stat().st_size > 1000


def test_a_finished_search_is_not_run_again(finished: Finished, tmp_path: Path) -> None:
    folder, report = finished
    refused = run("search", TINY, cwd=folder, code=2)
    assert "exists already" in refused.stderr
    assert "tunekit resume tiny" in refused.stderr
    again = loaded(run("search", TINY, "--resume", "--json", cwd=folder))
    assert outcome(again) == outcome(report)


def test_finalists_are_trained_again_and_the_mean_decides(tmp_path: Path) -> None:
    options = ("--max-trials", 4, "--finalists", 2, "--repeats", 2, "--workers", 1, "--json")
    report = loaded(run("search", TINY, *options, cwd=tmp_path))
    repeats = [trial for trial in report["trials"] if trial.get("kind") == "repeat"]
    assert len(repeats) == 4
    assert len(report["finalists"]) == 2
    means = [row["mean"] for row in report["finalists"]]
    assert means == sorted(means, reverse=True)
    assert report["best"]["id"].startswith(report["finalists"][0]["trial"])
    assert_recorded(report)


def test_the_test_set_is_not_needed_before_the_search_is_over(tmp_path: Path) -> None:
    """The file's test images are damaged while it runs: every trial runs, and only then is the damage found."""
    import numpy as np

    random = np.random.default_rng(0)
    x = random.integers(0, 256, (120, 8, 8), dtype=np.uint8)
    y = np.arange(120) % 3
    arrays = {"x_train": x, "y_train": y, "x_test": x[:30], "y_test": y[:30]}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    import zipfile

    good = tmp_path / "good.npz"
    with zipfile.ZipFile(good, "w") as archive:
        for name in arrays:
            archive.write(tmp_path / f"{name}.npy", f"{name}.npy")
    damaged = bytearray(good.read_bytes())
    at = damaged.index(x[:30].tobytes()[:64], damaged.index(b"x_test.npy"))
    damaged[at] ^= 0xFF
    shutil.copy(good, tmp_path / "data.npz")
    space = tmp_path / "npz.yaml"
    text = TINY.read_text().replace("{digits: true, validation: 0.2}", "{npz: data.npz, validation: 0.2}")
    space.write_text(text.replace("limit: 240", "max_trials: 3").replace("name: tiny", "name: npz"))
    process = start("search", space, "--workers", 1, cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "npz", 1)
    (tmp_path / "data.npz").write_bytes(damaged)
    said, errors = process.communicate(timeout=200)
    assert process.returncode == 2
    assert "[3/3] trial" in said
    assert "data.npz" in errors
    assert "Traceback" not in errors
    # Once the file is mended the search goes on, and only the evaluation is left.
    shutil.copy(good, tmp_path / "data.npz")
    refused = run("resume", "npz", "--workers", 1, cwd=tmp_path)
    assert "test accuracy" in refused.stdout
    assert "[3/3] trial" not in refused.stdout
