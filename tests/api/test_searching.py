"""Searches begun, interrupted and gone on with from Python, by scripts as users write them, and by the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunekit
from tests.api.spaces import SMALL
from tests.study.commands import environment, loaded, outcome, run, start, wait_for_trials
from tunekit.errors import SearchError

# Without `if __name__ == "__main__"`, which processes that start by importing the script would need.
IN_A_THREAD = """
import json, threading, tunekit
found = []
thread = threading.Thread(target=lambda: found.append(tunekit.{call}))
thread.start()
thread.join()
print(json.dumps([repr(found[0]), found[0].best.score, str(found[0].config)]))
"""
IN_TWO_THREADS = """
import os, sys, threading, tunekit
before = os.fstat(2), sys.stderr, sys.stdout
found = dict()
def search(name):
    found[name] = tunekit.search({space!r}, name=name, workers=1, progress=False)
threads = [threading.Thread(target=search, args=(name,)) for name in ("one", "two")]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert (os.fstat(2), sys.stderr, sys.stdout) == before
print(*[repr(found[name]).removeprefix(f"<tunekit search {{name}}") for name in sorted(found)], sep="\\n")
"""
IN_THE_MAIN_THREAD = """
import tunekit
try:
    tunekit.search({space!r}, workers=1)
except KeyboardInterrupt as error:
    print("caught", error)
"""


def script(text: str, folder: Path) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(text)
    return subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=1000)
    assert process.returncode == 0, f"{out}\n{err}"
    assert err == ""
    return out


def interrupt(process: subprocess.Popen[str], folder: Path) -> None:
    """As soon as two trials have ended."""
    wait_for_trials(folder / "mlruns", "small", 2, 1000)
    process.send_signal(signal.SIGINT)


def shown(folder: Path) -> dict[str, Any]:
    return loaded(run("show", "small", "--json", cwd=folder))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A search in a thread of a script, and the one line that the script printed."""
    folder = tmp_path_factory.mktemp("whole")
    call = f"search({SMALL!r}, workers=1, progress=False)"
    printed = ended(script(IN_A_THREAD.format(call=call), folder))
    return folder, json.loads(printed)


@pytest.fixture
def found(whole: tuple[Path, list[Any]]) -> tunekit.SearchResult:
    return tunekit.load("small", home=whole[0] / "mlruns")


def test_a_silent_search_in_a_thread_of_a_script(whole: tuple[Path, list[Any]]) -> None:
    folder, (text, score, config) = whole
    report = shown(folder)
    assert text.startswith("<tunekit search small: finished, best val_accuracy ")
    assert score == report["best"]["score"]
    assert config == report["config"]


@pytest.mark.long
def test_two_searches_in_two_threads_of_a_script(found: tunekit.SearchResult, tmp_path: Path) -> None:
    """Of one home; each comes to what it comes to alone."""
    printed = ended(script(IN_TWO_THREADS.format(space=SMALL), tmp_path)).splitlines()
    assert printed == [repr(found).removeprefix("<tunekit search small")] * 2


def test_a_result_is_the_commands(whole: tuple[Path, list[Any]], found: tunekit.SearchResult) -> None:
    report = shown(whole[0])
    assert found.name == "small"
    assert found.home == whole[0] / "mlruns"
    assert found.status == "finished"
    assert found.space.search.limit == 200
    assert found.best is not None
    assert dict(found.best.trial.values) == report["best"]["values"]
    assert found.test is not None
    assert found.test.accuracy == report["test"]["accuracy"]
    assert found.config == Path(report["config"])
    assert found.config.exists()
    assert tunekit.load(home=found.home).name == "small"


def test_trials_are_a_data_frame(whole: tuple[Path, list[Any]], found: tunekit.SearchResult) -> None:
    report, trials = shown(whole[0]), found.trials()
    assert list(trials["trial"]) == [trial["id"] for trial in report["trials"]]
    assert list(trials["score"]) == [trial["score"] for trial in report["trials"]]
    assert list(trials["learning_rate"]) == [trial["values"]["learning_rate"] for trial in report["trials"]]
    without = trials[trials["optimizer"] == "adam"]
    assert without["momentum"].isna().all()
    assert trials.loc[trials["parent"].notna(), "round"].tolist() == [1]


def test_curves_are_whole(found: tunekit.SearchResult) -> None:
    trials, curves = found.trials(), found.curves()
    assert list(curves.columns[:2]) == ["trial", "epoch"]
    for trial in trials.itertuples():
        curve = curves[curves["trial"] == trial.trial]
        assert list(curve["epoch"]) == list(range(1, trial.epochs + 1))
        assert curve["val_accuracy"].max() == trial.score


def test_a_finished_search_is_told_again(found: tunekit.SearchResult) -> None:
    again = tunekit.resume("small", home=found.home, progress=False)
    assert again.best == found.best
    with pytest.raises(SearchError, match="exists already"):
        tunekit.search(SMALL, home=found.home, progress=False)
    went_on = tunekit.search(SMALL, home=found.home, resume=True, progress=False)
    assert went_on.best == found.best
    changed = SMALL["search"] | {"seed": 2}
    with pytest.raises(SearchError, match=r"search\.seed: was 1, is 2"):
        tunekit.search(SMALL | {"search": changed}, home=found.home, resume=True, progress=False)


def test_the_report_is_written_again(found: tunekit.SearchResult, tmp_path: Path) -> None:
    path = found.home / "searches" / "small" / "report.html"
    assert path.exists()
    assert found.report(tmp_path / "other.html") == tmp_path / "other.html"
    assert "small" in (tmp_path / "other.html").read_text()


def test_the_model_and_its_test_score(found: tunekit.SearchResult) -> None:
    model = found.model()
    assert found.best is not None
    assert found.best.outcome is not None
    assert model.count_params() >= found.best.outcome.parameters
    assert model.input_shape == (None, 8, 8, 1)
    evaluated = found.evaluate()
    assert evaluated.evaluation.accuracy == evaluated.recorded
    shown_in_a_notebook = repr(evaluated)
    assert shown_in_a_notebook.startswith(f"<trial {evaluated.trial} of small on the test set: accuracy ")
    assert shown_in_a_notebook.endswith(f"; recorded: accuracy {evaluated.recorded:.4f}>")
    assert len(shown_in_a_notebook) < 120
    assert evaluated.recorded == (found.test.accuracy if found.test else None)


def test_ctrl_c_in_a_script_and_the_command_goes_on(whole: tuple[Path, list[Any]], tmp_path: Path) -> None:
    process = script(IN_THE_MAIN_THREAD.format(space=SMALL), tmp_path)
    interrupt(process, tmp_path)
    printed = ended(process)
    assert (
        "caught Stopped by SIGINT; every finished epoch is kept. Go on with `tunekit resume small`."
        in printed
    )
    assert "small: 6 trials, 11 epochs" in printed
    assert tunekit.load("small", home=tmp_path / "mlruns").status == "killed"
    went_on = loaded(run("resume", "small", "--workers", 1, "--json", cwd=tmp_path))
    assert outcome(went_on) == outcome(shown(whole[0]))


@pytest.mark.long
def test_the_command_begins_and_python_goes_on(whole: tuple[Path, list[Any]], tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(json.dumps(SMALL))
    process = start("search", "small.yaml", "--workers", 2, cwd=tmp_path)
    interrupt(process, tmp_path)
    process.communicate()
    assert process.returncode == 130
    ended(script(IN_A_THREAD.format(call="resume(progress=False)"), tmp_path))
    assert outcome(shown(tmp_path)) == outcome(shown(whole[0]))
