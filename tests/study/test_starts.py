"""Searches that begin with what is known: in the space file, in exported files, from an earlier search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import assert_recorded, loaded, outcome, run
from tunekit.errors import SearchError, SpaceError
from tunekit.space.reader import parse_space, read_space
from tunekit.space.space import Space
from tunekit.study.home import Home
from tunekit.study.starts import BEST, common, with_starts

SMALL = """\
name: small
model: lenet5
data: {digits: true, validation: 0.2}
search: {max_epochs: 2, factor: 2, seed: 1, limit: 200}
parameters:
  optimizer:     [adam, momentum]
  learning_rate: {min: 1.0e-3, max: 1.0e-1, scale: log}
  momentum:      {min: 0.5, max: 0.95, when: {optimizer: [momentum]}}
  filters:       2
  kernel_size:   3
  hidden_units:  [8, 16]
  batch_size:    32
start:
  - {optimizer: momentum, learning_rate: 0.05, momentum: 0.9, hidden_units: 16}
  - {hidden_units: 8}
  - {hidden_units: 8}
"""
WHOLE = {
    "optimizer": "momentum",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "filters": 2,
    "kernel_size": 3,
    "hidden_units": 16,
    "batch_size": 32,
}
HOME = Home(Path("/nowhere"))


def parsed(text: str) -> Space:
    return parse_space(text, "small.yaml", Path("/spaces"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder and the report of a search that begins with two configurations."""
    folder = tmp_path_factory.mktemp("starts")
    (folder / "small.yaml").write_text(SMALL)
    return folder, loaded(run("search", "small.yaml", "--workers", 1, "--json", cwd=folder))


def test_a_search_begins_with_what_is_known(small: tuple[Path, dict[str, Any]]) -> None:
    import mlflow

    _, report = small
    trials = {trial["id"]: trial for trial in report["trials"]}
    assert len(trials) == 5
    assert trials["0"]["values"] == WHOLE
    assert (trials["0"]["start"], trials["1"]["start"]) == (1, 2)
    assert trials["1"]["values"]["hidden_units"] == 8
    assert trials["2"]["start"] == trials[trials["2"]["parent"]]["start"], "promoted, it is what it was"
    assert_recorded(report)
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    tags = {name: client.get_run(trial["run_id"]).data.tags for name, trial in trials.items()}
    assert tags["0"]["tunekit.start"] == "1"
    assert "tunekit.start" not in tags["3"]
    assert read_space(Path(report["config"])).start == ()


def test_show_marks_them(small: tuple[Path, dict[str, Any]]) -> None:
    lines = run("show", "small", cwd=small[0]).stdout.splitlines()

    assert lines[0].split()[:4] == ["trial", "parent", "start", "bracket"]
    assert ["1", "2", "1"] in [line.split()[:3] for line in lines], "trial, start and bracket of the second"


def test_another_search_begins_with_the_best_of_it(small: tuple[Path, dict[str, Any]]) -> None:
    folder, report = small
    best = report["best"]["values"]
    space = folder / "next.yaml"
    space.write_text(SMALL[: SMALL.index("start:")].replace("name: small", "name: next"))
    options = ["search", space, "--workers", 1, "--like", "small", "--start", report["config"]]
    done = run(*options, "--max-trials", 2, "--json", cwd=folder)

    assert "its scores themselves are not taken over" in done.stderr
    found = loaded(done)
    assert found["trials"][0]["values"] == best
    assert [trial["start"] for trial in found["trials"]] == [1, 2]
    refused = run(*options[:2], "--max-trials", 2, "--resume", cwd=folder, code=2)
    assert "start: was [{'optimizer'" in refused.stderr
    again = loaded(run(*options, "--max-trials", 2, "--resume", "--json", cwd=folder))
    assert outcome(again) == outcome(found)


@pytest.mark.long
def test_the_outcome_is_the_same_with_two_workers(small: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    again = run("search", small[0] / "small.yaml", "--workers", 2, "--json", cwd=tmp_path)

    assert outcome(loaded(again)) == outcome(small[1])


def test_like_takes_the_best_that_lie_in_the_space(small: tuple[Path, dict[str, Any]]) -> None:
    folder, report = small
    space = parsed(SMALL[: SMALL.index("start:")])
    path = folder / "mlruns/searches/small"
    begun, notes = with_starts(space, [], str(path), HOME)

    ranked = sorted(report["trials"], key=lambda trial: (-trial["epochs"], -trial["score"], trial["id"]))
    values: list[dict[str, Any]] = []
    for trial in ranked:
        values += [] if trial["values"] in values else [trial["values"]]
    assert list(begun.start) == values[:BEST]
    assert notes == [
        f"--like {path}: begins with its best 3 configurations; its scores themselves are not taken over."
    ]
    worse = "adam" if values[0]["optimizer"] == "momentum" else "momentum"
    narrow = (
        SMALL[: SMALL.index("start:")]
        .replace("[adam, momentum]", f"[{worse}]")
        .replace("[momentum]}", f"[{worse}]}}")
    )
    with_one, notes = with_starts(parsed(narrow), [], str(path), HOME)
    assert {start.get("optimizer", worse) for start in with_one.start} == {worse}


def test_like_needs_a_configuration_that_fits(small: tuple[Path, dict[str, Any]]) -> None:
    far = SMALL[: SMALL.index("start:")].replace("max: 1.0e-1", "max: 1.1e-3")

    with pytest.raises(SearchError, match="expected a configuration that lies in the space small"):
        with_starts(parsed(far), [], str(small[0] / "mlruns/searches/small"), HOME)


def exported(folder: Path, *lines: str) -> Path:
    """A configuration in a file."""
    head = "name: best\nmodel: lenet5\ndata: digits\nparameters:\n"
    (folder / "best.yaml").write_text(head + "".join(f"  {line}\n" for line in lines))
    return folder / "best.yaml"


def test_a_file_gives_what_the_space_has_and_says_the_rest(tmp_path: Path) -> None:
    file = exported(
        tmp_path, "optimizer: adam", "momentum: 0.9", "dropout: 0.5", "batch_size: 50", "filters: [2, 4]"
    )
    begun, notes = with_starts(parsed(SMALL), [file, file], None, HOME)

    assert begun.start == (
        {"optimizer": "momentum", "learning_rate": 0.05, "momentum": 0.9, "hidden_units": 16},
        {"hidden_units": 8},
        {"optimizer": "adam"},
    )
    assert [note.removeprefix(f"--start {file}: ") for note in notes[:4]] == [
        "filters have no single value there, and are drawn.",
        "dropout: not in this space, and left out.",
        "batch_size: 50 there, fixed to 32 here.",
        "momentum: left out, as optimizer does not call for it here.",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("optimizer: sgd", r"optimizer: expected adam or momentum, got sgd\. .* widen the parameter"),
        ("learning_rate: 0.5", r"learning_rate: expected a number from 0\.001 to 0\.1, got 0\.5"),
        ("dropout: 0.5", "expected a configuration with a parameter of this space"),
    ],
)
def test_a_file_whose_values_lie_outside_is_refused(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=message):
        with_starts(parsed(SMALL), [exported(tmp_path, line)], None, HOME)


def test_what_a_condition_needs_comes_from_the_values_or_is_fixed() -> None:
    kept, left_out = common(parsed(SMALL), {"momentum": 0.9})
    assert (kept, len(left_out)) == ({}, 1)
    fixed = SMALL.replace("[adam, momentum]", "momentum").replace("{optimizer: momentum, ", "{")
    assert common(parsed(fixed), {"momentum": 0.9}) == ({"momentum": 0.9}, [])
