"""The command reference says what the commands say."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from tests.docs.pages import ROOT
from tunekit import errors
from tunekit.cli.main import COMMANDS, cli


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The text below each heading."""
    script = ROOT / "docs/reference.py"
    made = subprocess.run(
        [sys.executable, script],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    parts = re.split(r"^## (.+)$", made, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_command_has_a_section_in_their_order(sections: dict[str, str]) -> None:
    assert list(sections) == ["Exit codes", *(f"tunekit {name}" for name in COMMANDS)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_there_with_its_meaning_and_default(name: str, sections: dict[str, str]) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    listed = dict(re.findall(r"^`(-.+)`\n: (.+)$", sections[f"tunekit {name}"], re.MULTILINE))
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert len(listed) == len(options) + 1, "and --help"
    for option in options:
        names, meaning = next(
            pair for pair in listed.items() if option.opts[0] in pair[0].replace(",", "").split()
        )
        assert set(option.opts) <= set(names.replace(",", "").split())
        assert "[" not in meaning, "a default or a limit that was not understood"
        if option.show_default is True:
            assert f"Default: `{option.default}`." in meaning


@pytest.mark.parametrize(
    ("name", "option", "meaning"),
    [
        ("search", "--repeats INTEGER", "Seeds that each finalist is trained with. Default: `3`."),
        ("search", "--name TEXT", "Of the search. Default: the space's name."),
        (
            "ui",
            "--port INTEGER RANGE",
            "Port on 127.0.0.1; 0 takes a free one. Within `0<=x<=65535`. Default: `5000`.",
        ),
        (
            "ls",
            "--home DIRECTORY",
            "Folder for everything that is written. Also TUNEKIT_HOME. Default: `./mlruns`.",
        ),
        ("init", "--max-epochs INTEGER RANGE", "Epochs of the longest trials. Within `1<=x<=1000000`."),
        ("resume", "-q, --quiet", "Tell only how it ended, and what went wrong."),
    ],
)
def test_as_written_by_hand(name: str, option: str, meaning: str, sections: dict[str, str]) -> None:
    assert f"`{option}`\n: {meaning}\n" in sections[f"tunekit {name}"]


def test_the_exit_codes_are_those_of_the_errors(sections: dict[str, str]) -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", sections["Exit codes"], re.MULTILINE)}
    kinds = (errors.TunekitError, errors.UserError, errors.Interrupted)
    assert told == {0, *(kind.exit_code for kind in kinds)}
