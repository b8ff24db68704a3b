"""The scripts in the shells themselves, through their own completion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell.test_answer import SPACE
from tests.cli.terminal import Terminal
from tests.study.commands import environment
from tunekit.cli.shell.scripts import SCRIPTS
from tunekit.space.vocabulary import OPTIMIZERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a `tunekit` on the path that is this one, and a space of one's own."""
    command = tmp_path / "bin" / "tunekit"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tunekit "$@"\n')
    command.chmod(0o755)
    for shell, script in SCRIPTS.items():
        (tmp_path / f"tunekit.{shell}").write_text(script)
    (tmp_path / "my space.yaml").write_text(SPACE)
    return tmp_path


def path(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[3])}


def installed(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def in_bash(folder: Path, line: str, words: list[str]) -> list[str]:
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        f". ./tunekit.bash; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({quoted}); "
        f'COMP_CWORD={len(words) - 1}; _tunekit_completion tunekit; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=folder, env=environment(**path(folder)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_calls_the_function(folder: Path) -> None:
    installed("bash")
    assert in_bash(folder, "tunekit sea", ["tunekit", "sea"]) == ["search"]
    words = ["tunekit", "search", "cnn-digits", "--set", "optimizer", "=", "ad"]
    line = "tunekit search cnn-digits --set optimizer=ad"
    assert in_bash(folder, line, words) == [name for name in OPTIMIZERS if name.startswith("ad")]
    assert in_bash(folder, "tunekit nonsense ", ["tunekit", "nonsense", ""]) == [""]


def test_bash_completes_what_is_typed(folder: Path) -> None:
    installed("bash")
    with Terminal(["bash", "--norc", "-i"], folder, **path(folder), PS1="> ") as terminal:
        terminal.send("bind 'set bell-style none'; . ./tunekit.bash; echo re''ady\n")
        terminal.wait("ready")
        terminal.send("tunekit sea\tcnn-d\t--set lear\t0.1 --set opt\tnad\t--tun\thyp\t\x01echo \x05\n")
        terminal.wait(
            "\ntunekit search cnn-digits --set learning_rate=0.1 --set optimizer=nadam --tuner hyperband"
        )
        terminal.send("tunekit search my\t--set wid\t8\x01echo \x05\n")
        terminal.wait("\ntunekit search my space.yaml --set width=8")
        terminal.send("tunekit init --data npz:my\t\x01echo \x05\n")
        terminal.wait("\ntunekit init --data npz:my")


def test_zsh_completes_what_is_typed(folder: Path) -> None:
    installed("zsh")
    with Terminal(["zsh", "-f", "-i"], folder, **path(folder), PS1="> ") as terminal:
        terminal.send("autoload -Uz compinit; compinit -u -D; . ./tunekit.zsh; unsetopt beep; echo re''ady\n")
        terminal.wait("ready")
        terminal.send("tunekit sea\tcnn-d\t--set lear\t0.1 --set=opt\tnad\t--tun\thyp\t")
        terminal.send("\x01print -r -- \x05\n")
        terminal.wait(
            "\ntunekit search cnn-digits --set learning_rate=0.1 --set=optimizer=nadam --tuner hyperband", 60
        )


def test_zsh_loads_it_as_a_file_of_its_path(folder: Path) -> None:
    installed("zsh")
    (folder / "functions").mkdir()
    shutil.copy(folder / "tunekit.zsh", folder / "functions" / "_tunekit")
    with Terminal(["zsh", "-f", "-i"], folder, **path(folder), PS1="> ") as terminal:
        terminal.send("fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; echo re''ady\n")
        terminal.wait("ready")
        terminal.send("tunekit compl\tzs\t\x01print -r -- \x05\n")
        terminal.wait("\ntunekit completion zsh", 60)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tunekit sea", ["search"]),
        ("tunekit search cnn-digits --set lear", ["learning_rate="]),
        ("tunekit search cnn-digits --set optimizer=na", ["optimizer=nadam"]),
        ("tunekit search my", ["my space.yaml"]),
        ("tunekit search --tuner hy", ["hyperband"]),
        ("tunekit search cnn-digits --home b", ["bin/"]),
        ("tunekit nonsense x", []),
    ],
)
def test_fish(folder: Path, line: str, expected: list[str]) -> None:
    installed("fish")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source tunekit.fish; complete -C '{line}'"],
        cwd=folder, env=environment(**path(folder)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert [each.split("\t")[0] for each in done.stdout.splitlines()] == expected


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_scripts_are_right_in_their_shells_eyes(folder: Path, shell: str) -> None:
    installed(shell)
    subprocess.run([shell, "-n", f"tunekit.{shell}"], cwd=folder, check=True)
