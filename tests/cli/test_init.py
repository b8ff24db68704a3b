"""`tunekit init` with and without a terminal."""

from __future__ import annotations

from pathlib import Path

from tests.cli.terminal import Terminal
from tests.study.commands import TUNEKIT, run
from tunekit.space.reader import read_space


def test_without_a_terminal_nothing_is_asked(tmp_path: Path) -> None:
    done = run("init", cwd=tmp_path)
    assert done.stdout == (
        "digits: 1,438 examples of 8x8x1, 10 classes\nWritten: my-space.yaml\n"
        "Next:    tunekit check my-space.yaml\nthen:    tunekit search my-space.yaml\n"
    )
    assert read_space(tmp_path / "my-space.yaml").name == "my-space"
    refused = run("init", cwd=tmp_path, code=2)
    assert "add --force" in refused.stderr
    run("init", "--force", "--objective", "val_loss", "--max-epochs", 3, "--factor", 2, cwd=tmp_path)
    space = read_space(tmp_path / "my-space.yaml")
    assert (space.objective.name, space.search.max_epochs, space.search.factor) == ("val_loss", 3, 2)


def test_mistakes(tmp_path: Path) -> None:
    for arguments, message in [
        (("x.txt",), "ends in .yaml"),
        (("--data", "minst"), "expected one of digits, tfds:..., npz:..."),
        (("--objective", "loss"), "val_accuracy or val_loss or val_f1"),
        (("--time-budget", "soon"), "30m or 2h"),
        (("--model", "lenet"), "Did you mean lenet5?"),
    ]:
        done = run("init", *arguments, cwd=tmp_path, code=2)
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_in_a_terminal_it_asks_and_asks_again(tmp_path: Path) -> None:
    with Terminal([*TUNEKIT, "init", "mine.yaml"], tmp_path) as terminal:
        terminal.answer("Data [digits]:", "npz")
        terminal.answer("Which file, such as images.npz:", "none.npz")
        terminal.wait("no such file")
        terminal.wait("Which file, such as images.npz:")
        assert terminal.interrupt() == 130
    assert list(tmp_path.iterdir()) == []
    with Terminal([*TUNEKIT, "init", "mine.yaml"], tmp_path) as terminal:
        terminal.answer("Data [digits]:", "")
        terminal.answer("Model [lenet5]:", "lenet")
        terminal.wait("Did you mean lenet5?")
        terminal.answer("Model [lenet5]:", "own")
        terminal.answer(
            "What ranks the trials (val_accuracy, val_loss, val_f1, val_auc, val_top5, val_log_loss) [val_accuracy]:",
            "val_loss",
        )
        terminal.answer("How long may the search take [1h]:", "soon")
        terminal.wait("expected a time")
        terminal.answer("How long may the search take [1h]:", "20m")
        assert terminal.end() == 0
    assert "Written: mine_model.py" in terminal.text
    space = read_space(tmp_path / "mine.yaml")
    assert (space.model, space.objective.name, space.search.max_epochs) == (
        "mine_model:build",
        "val_loss",
        27,
    )


def test_what_an_option_says_is_not_asked(tmp_path: Path) -> None:
    options = ["--data", "digits", "--model", "lenet5", "--objective", "val_loss", "--max-epochs", "3"]
    with Terminal([*TUNEKIT, "init", *options], tmp_path) as terminal:
        assert terminal.end() == 0
    assert "Model" not in terminal.text


def test_what_is_written_passes_the_check(tmp_path: Path) -> None:
    run("init", "own.yaml", "--model", "own", cwd=tmp_path)
    assert "own: good. 7 parameters" in run("check", "own.yaml", "--workers", 1, cwd=tmp_path).stdout
