"""What is done with a block of each language, so that what a page shows is known to work."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml
from packaging.requirements import Requirement

from tests.docs.interpreter import Interpreter
from tests.docs.pages import MARKS, ROOT, Block, Command, commands, prompted
from tests.study.commands import run
from tunekit.cli.main import cli
from tunekit.cli.options import space_from
from tunekit.space.reader import parse_space

QUICK = ("spaces", "ls", "show", "export", "report", "refine", "init", "completion", "resume")
"""Run as they stand. The others train, or go on until they are stopped, and have tests of their own."""
OF_SPACES = ("search", "plan", "check")
MISSING = {
    "name": "name: fragment",
    "model": "model: lenet5",
    "data": "data: digits",
    "parameters": "parameters:\n  learning_rate: 0.01",
}
"""What is added to a part of a space file to make it a whole one."""


class Unchecked(AssertionError):
    """A block that nobody knows how to check."""


@dataclass
class Reading:
    """One page as a reader follows it: a folder to work in, and a Python."""

    folder: Path
    python: Interpreter

    def check(self, block: Block) -> None:
        check = CHECKS.get(block.language)
        if check is None or not set(block.marks) <= set(MARKS):
            raise Unchecked(f"unchecked block at {block.where}: {block.language} {' '.join(block.marks)}")
        if block.file_name:
            (self.folder / block.file_name).write_text(block.text, encoding="utf-8")
        try:
            check(self, block)
        except Unchecked:
            raise
        except BaseException as error:
            error.add_note(f"in the block at {block.where}")
            raise


def check_sh(reading: Reading, block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    for command in commands(block.text):
        check_command(reading, block, command)


def check_terminal(reading: Reading, block: Block) -> None:
    """What was typed into it is read; what came out may have come out of a longer run."""
    for command in commands(prompted(block.text)):
        check_command(reading, block, command, run_it=False)


def check_command(reading: Reading, block: Block, command: Command, run_it: bool = True) -> None:
    program, *words = command.words or ("",)
    if program == "tunekit":
        check_tunekit(reading, words, command.variables, run_it and block.runs)
    elif program in PROGRAMS:
        PROGRAMS[program](reading, words)
    elif block.runs and program:
        raise Unchecked(f"unchecked block at {block.where}: {program} is no command that is known here")


def check_tunekit(reading: Reading, words: list[str], variables: Mapping[str, str], run_it: bool) -> None:
    if not words[0].startswith("-"):
        with chdir(reading.folder):
            parameters = parsed(words)
            if words[0] in OF_SPACES and run_it:
                space_from(parameters["space"], parameters)
    if run_it and (words[0] in QUICK or words[0].startswith("-")):
        run(*words, cwd=reading.folder, **variables)


def parsed(words: list[str]) -> dict[str, Any]:
    """The parameters of a command, each option known and of the right kind."""
    with click.Context(cli, info_name="tunekit", resilient_parsing=False) as top:
        command = cli.get_command(top, words[0])
        assert command is not None, f"there is no command {words[0]}"
        return dict(command.make_context(words[0], words[1:], parent=top).params)


def check_pip(reading: Reading, words: list[str]) -> None:
    """Of the project only extras that exist are asked for; anything else is a requirement as pip knows it."""
    assert words[0] == "install", words
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word in words[1:]:
        wanted = Requirement(word.replace(".", "tunekit", 1) if word.startswith(".") else word)
        if wanted.name == "tunekit":
            assert wanted.extras <= set(extras), word


def check_make(reading: Reading, words: list[str]) -> None:
    recipes = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    assert set(words) <= recipes, words


def check_python_command(reading: Reading, words: list[str]) -> None:
    """A script of the project, or of the page."""
    assert any((folder / words[0]).is_file() for folder in (ROOT, reading.folder)), words


def check_yaml(reading: Reading, block: Block) -> None:
    """A space, or a part of one; another kind of file only by its grammar."""
    sections = yaml.safe_load(block.text)
    if block.runs:
        added = [text for name, text in MISSING.items() if name not in sections]
        parse_space("\n".join([block.text, *added]), block.where, reading.folder)


def check_python(reading: Reading, block: Block) -> None:
    """Run after the blocks before it, in the page's folder."""
    compile(block.text, block.where, "exec")
    if block.runs:
        reading.python.run(reading.folder, block.where, block.text)


Check = Callable[[Reading, Block], None]
CHECKS: Mapping[str, Check] = {
    "sh": check_sh,
    "yaml": check_yaml,
    "python": check_python,
    "json": lambda reading, block: json.loads(block.text),
    "toml": lambda reading, block: tomllib.loads(block.text),
    "console": check_terminal,
    "text": check_terminal,
    "": check_terminal,
}
PROGRAMS: Mapping[str, Callable[[Reading, list[str]], None]] = {
    "pip": check_pip,
    "make": check_make,
    "python": check_python_command,
}
