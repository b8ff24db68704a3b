"""What the command answers to a shell; quick, quiet, and without a trace."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import click
import pytest

from tests.cli.test_main import HEAVY, modules_after
from tests.study.commands import TUNEKIT, environment
from tunekit.cli.main import COMMANDS, cli
from tunekit.cli.shell.answer import SUGGESTIONS
from tunekit.results import Outcome, Trial
from tunekit.search.state import State
from tunekit.space.declared import data_kinds
from tunekit.space.sections import TUNERS
from tunekit.space.sources import WITHOUT_PLACE
from tunekit.space.vocabulary import OPTIMIZERS

SPACE = """name: mine
model: mine:build
data: digits
search: {max_epochs: 9}
parameters:
  width: [8, 16]
  depth: {min: 1, max: 3, step: 1}
  rate: {min: 0.5, max: 2.0, scale: log}
  optimizer: [adam, sgd]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(SPACE)
    (tmp_path / "images.npz").write_text("")
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "other.yaml").write_text(SPACE)
    for number, name in enumerate(("first", "second")):
        search = tmp_path / "mlruns" / "searches" / name
        search.mkdir(parents=True)
        state = State.create(search / "state.db", {"status": "RUNNING"})
        for trial in ("00", "01", "02"):
            state.begin(Trial(trial, {"width": 8}, 0, 0, 3))
        state.complete("01", Outcome(0.9 + number / 100, 3, 100, 1.0))
        state.close()
        os.utime(search / "state.db", (number, number))
    return tmp_path


def answered(line: str, cwd: Path, shell: str = "bash", **env: str) -> list[str]:
    words = line if shell == "bash" else line.replace(" ", "\n")
    done = subprocess.run(
        TUNEKIT,
        cwd=cwd,
        env=environment(_TUNEKIT_COMPLETE=shell, _TUNEKIT_WORDS=words, **env),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [each.split("\t")[1] for each in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tunekit sea", ["search"]),
        ("KERAS_BACKEND=jax tunekit res", ["resume"]),
        ("tunekit search --max-e", ["--max-epochs"]),
        ("tunekit search cnn-d", ["cnn-digits"]),
        ("tunekit search mi", ["mine.yaml"]),
        ("tunekit search sp", ["spaces/"]),
        ("tunekit search spaces/", ["spaces/other.yaml"]),
        ("tunekit plan gru-d", ["gru-digits"]),
        ("tunekit search cnn-digits --set lear", ["learning_rate="]),
        ("tunekit search cnn-digits --set=lear", ["learning_rate="]),
        ("tunekit search mine.yaml --set ", None),
        ("tunekit search mine.yaml --set wi", ["width="]),
        ("tunekit search mine.yaml --set width=", ["8", "16"]),
        ("tunekit search mine.yaml --set=width=1", ["16"]),
        ("tunekit search mine.yaml --set depth=", ["1", "2", "3"]),
        ("tunekit search mine.yaml --set rate=", ["0.5", "2.0"]),
        (
            "tunekit search mine.yaml --set optimizer=ada",
            [name for name in OPTIMIZERS if name.startswith("ada")],
        ),
        ("tunekit search mine.yaml --set flip=", ["true", "false"]),
        ("tunekit search --tuner ", list(TUNERS)),
        ("tunekit search cnn-digits --time-budget 3", ["3s", "3m", "3h", "3d"]),
        ("tunekit show ", ["second", "first"]),
        ("tunekit show --home nowhere ", []),
        ("tunekit compare second ", ["first"]),
        ("tunekit evaluate fi", ["first"]),
        ("tunekit train mi", ["mine.yaml"]),
        ("tunekit train mine.yaml --set wi", ["width="]),
        ("tunekit explain first --trial ", ["01"]),
        ("tunekit explain --trial 0", ["01"]),
        ("tunekit export --format ", ["yaml", "keras"]),
        ("tunekit init --data ", [kind if kind in WITHOUT_PLACE else f"{kind}:" for kind in data_kinds()]),
        ("tunekit init --data npz:im", ["images.npz"]),
        ("tunekit init --model ", ["lenet5", "recurrent", "own"]),
        ("tunekit init --objective val_l", ["val_loss", "val_log_loss"]),
        ("tunekit completion z", ["zsh"]),
        ("tunekit search 'unfinished", []),
        ("tunekit nonsense ", []),
        ("", []),
    ],
)
def test_completions(folder: Path, line: str, expected: list[str] | None) -> None:
    before = sorted(folder.rglob("*"))
    found = answered(line, folder)
    assert sorted(folder.rglob("*")) == before
    if expected is None:
        assert {"width=", "learning_rate="} <= set(found)
    elif expected or line:
        assert found == expected


def test_shells_that_know_no_word_breaks_get_whole_words(folder: Path) -> None:
    for shell in ("zsh", "fish"):
        assert answered("tunekit search mine.yaml --set width=1", folder, shell) == ["width=16"]
        assert answered("tunekit search mine.yaml --set=width=1", folder, shell) == ["--set=width=16"]


def test_scores_are_told_beside_trials(folder: Path) -> None:
    done = subprocess.run(
        TUNEKIT,
        cwd=folder,
        env=environment(_TUNEKIT_COMPLETE="fish", _TUNEKIT_WORDS="tunekit\nexplain\nsecond\n--trial\n"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "plain\t01\t0.9100\n"


def test_the_home_of_the_environment_is_looked_into(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert answered("tunekit show ", elsewhere, TUNEKIT_HOME=str(folder / "mlruns")) == ["second", "first"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "mlruns/searches/second/state.db").write_bytes(b"x" * 5000),
        lambda folder: (folder / "mine.yaml").write_text("{"),
    ],
)
def test_what_is_broken_gives_no_completion_and_no_error(folder: Path, spoil: object) -> None:
    spoil(folder)  # type: ignore[operator]
    for line in ("tunekit explain second --trial ", "tunekit search mine.yaml --set wid"):
        assert answered(line, folder) in ([], ["01"], ["width="])


def test_nothing_heavy_is_imported_and_little_time_is_taken(folder: Path) -> None:
    words = "tunekit search mine.yaml --set optimizer=ada"
    code = (
        f"import os; os.environ.update(_TUNEKIT_COMPLETE='bash', _TUNEKIT_WORDS={words!r})\n"
        "from tunekit.cli.main import cli\nfrom tunekit.cli.shell.answer import answer\nanswer(cli)"
    )
    assert not modules_after(code, folder) & {*HEAVY, "tunekit.study.search"}
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        answered(words, folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_names_a_search_a_space_or_a_parameter_is_completed(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    words = ("SEARCH", "SPACE", "YAML", "PARAMETER")
    named = {
        parameter.metavar
        for parameter in command.params
        if any(word in (parameter.metavar or "") for word in words)
    }
    assert named <= set(SUGGESTIONS)
