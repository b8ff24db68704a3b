"""Every command and every block of code in the README and in docs/ is run, or read as what it is.

After a block's language may stand `parse-only`: of a shell its grammar and tunekit's options are read then, of Python
and YAML the grammar. A first line such as `# mine.py` gives a block that name in the page's folder, where the later
ones find it. A part of a space file is completed by what it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.docs.checks import Reading, Unchecked
from tests.docs.interpreter import Interpreter
from tests.docs.pages import PAGES, Block, blocks, commands, prompted, spoken_commands
from tests.study.commands import run
from tunekit.cli.main import COMMANDS, cli

SEARCH = ("search", "cnn-digits", "--max-epochs", "2", "--limit", "300", "--workers", "1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small search, which all pages speak of."""
    folder = tmp_path_factory.mktemp("search")
    run(*SEARCH, cwd=folder)
    return folder / "mlruns"


@pytest.fixture(scope="module")
def python() -> Iterator[Interpreter]:
    with Interpreter() as started:
        yield started


@pytest.fixture
def reading(tmp_path: Path, python: Interpreter) -> Reading:
    return Reading(tmp_path, python)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_works(page: Path, home: Path, reading: Reading) -> None:
    (reading.folder / "mlruns").symlink_to(home)
    for block in blocks(page):
        reading.check(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_and_options_in_the_prose_exist(page: Path) -> None:
    for where, text in spoken_commands(page):
        name, *words = text.removeprefix("tunekit ").split()
        if name.startswith("-"):
            continue
        assert name in COMMANDS, f"{where}: {text}"
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {word for option in command.params for word in option.opts} | {"--help"}
        used = {match[0] for word in words if (match := re.match(r"--?[a-z][a-z-]*", word))}
        assert used <= known, f"{where}: {text}"


def block(language: str, text: str, *marks: str) -> Block:
    return Block(Path("page.md"), 7, language, marks, text)


@pytest.mark.parametrize(
    "unknown",
    [
        block("ruby", "puts 1"),
        block("sh", "rm -rf /"),
        block("sh", "tunekit ls", "looked-at"),
    ],
    ids=lambda block: block.text,
)
def test_what_nobody_checks_is_told_with_its_place(unknown: Block, reading: Reading) -> None:
    with pytest.raises(Unchecked, match=r"unchecked block at page\.md:7"):
        reading.check(unknown)


@pytest.mark.parametrize(
    "wrong",
    [
        block("sh", "tunekit search cnn-digits --max-epoch 3", "parse-only"),
        block("sh", "tunekit serch cnn-digits"),
        block("sh", "tunekit search cnn-digits --set kernel=3"),
        block("sh", "if tunekit ls; then"),
        block("sh", "pip install '.[gpus]'"),
        block("sh", "make everything"),
        block("sh", "python benchmarks/absent.py"),
        block("sh", "tunekit show unknown"),
        block("yaml", "parameters: {dropout: 2.0}"),
        block("python", "assert False"),
        block("json", "{"),
        block("text", "$ tunekit ls --all\n"),
    ],
    ids=lambda block: block.text,
)
def test_what_is_wrong_is_found(wrong: Block, reading: Reading) -> None:
    with pytest.raises((Exception, SystemExit)) as found:
        reading.check(wrong)
    assert found.value.__notes__ == ["in the block at page.md:7"]


def test_blocks_of_a_page_follow_each_other(reading: Reading) -> None:
    reading.check(block("python", "# mine.py\nWIDTH = 3\n"))
    reading.check(block("python", "import mine\nassert mine.WIDTH == WIDTH\n"))
    reading.check(block("yaml", "# some.yaml\nmodel: mine:build\nparameters: {width: [1, 2]}\n"))
    assert (reading.folder / "some.yaml").exists()


def test_another_page_begins_anew(python: Interpreter, tmp_path: Path) -> None:
    for width, name in ((3, "one"), (4, "other")):
        (tmp_path / name).mkdir()
        page = Reading(tmp_path / name, python)
        page.check(block("python", f"# mine.py\nassert 'WIDTH' not in globals()\nWIDTH = {width}\n"))
        page.check(block("python", f"import mine\nassert mine.WIDTH == {width}\n"))


def test_a_shell_line_is_taken_apart() -> None:
    text = "A=1 tunekit ls --home 'a b' | head && make \\\n  docs > log  # why\n"
    found = list(commands(text))
    assert [command.words for command in found] == [
        ("tunekit", "ls", "--home", "a b"),
        ("head",),
        ("make", "docs"),
    ]
    assert found[0].variables == {"A": "1"}
    assert prompted("$ tunekit ls\nname\n") == "tunekit ls"
