"""Whatever is done to a space file, it is read or refused with problems: nothing else is ever raised."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tunekit.errors import SpaceError
from tunekit.space.override import apply_settings
from tunekit.space.reader import parse_space
from tunekit.space.shipped import shipped_spaces
from tunekit.space.space import Space
from tunekit.space.writer import write_space

TEXTS = [path.read_text(encoding="utf-8") for path in shipped_spaces().values()]
SNIPPETS = (
    *"[]{}:,-?!&*#|>@`'\"%\\\n\t\r \0\x1b\ufeff\u2028\ud800é0",
    ": ",
    "- ",
    "\n  ",
    "---\n",
    "...\n",
    "<<: ",
    "&a ",
    "*a",
    "!!python/object:os.system ",
    "!!binary ",
    "%YAML 1.1\n",
    "null",
    "~",
    "yes",
    "no",
    "true",
    ".nan",
    "-.inf",
    "1e-3",
    "1e999",
    "-1",
    "0",
    "0x",
    "9" * 400,
    "when: {optimizer: adam}",
    "min: 1",
    "step: 0",
    "scale: log",
    "values: []",
    "verified: {score: 1}",
    "tuner: grid",
    '"\\x00"',
    '"\\UFFFFFFFF"',
    "? ",
    "[" * 30,
    "mine.models:build",
)


def mutated(chance: random.Random) -> str:
    """A shipped file with a few changes, each at random."""
    text = chance.choice(TEXTS)
    for _ in range(chance.randint(1, 6)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice((0, 0, 1, 3, 10, 40)))
        words = text.split(" ")
        new = chance.choice(
            (chance.choice(SNIPPETS), chance.choice(SNIPPETS), chance.choice(words), text[start:end] * 2)
        )
        text = text[:start] + new + text[end:]
    return text if chance.random() > 0.05 else text[: chance.randrange(len(text) + 1)]


def outcome(make: Callable[[], Space]) -> Space | SpaceError:
    try:
        return make()
    except SpaceError as error:
        return error


def check(text: str) -> None:
    result = outcome(lambda: parse_space(text, "fuzz.yaml", Path("/spaces")))
    if isinstance(result, Space):
        check_read(result)
        return
    assert result.problems
    for problem in result.problems:
        assert problem.file == "fuzz.yaml"
        assert problem.line > 0 or not problem.path
        assert problem.line <= text.count("\n") + text.count("\r") + 1
        assert problem.expected
        assert problem.got
        assert problem.remedy.endswith((".", "?"))
        assert str(problem).isprintable()


def check_read(space: Space) -> None:
    assert parse_space(write_space(space), "again.yaml", Path("/spaces")) == space
    assert set(space.smallest()) <= {parameter.name for parameter in space.parameters}
    assert set(space.largest()) <= {parameter.name for parameter in space.parameters}


def fuzz(seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    for _ in range(rounds):
        check(mutated(chance))


def test_mutated_files() -> None:
    fuzz(seed=0, rounds=2_000)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_mutated_files() -> None:
    fuzz(seed=1, rounds=100_000)


def test_random_settings() -> None:
    chance = random.Random(0)
    space = parse_space(TEXTS[0], "fuzz.yaml", Path("/spaces"))
    names = [parameter.name for parameter in space.parameters] + ["bias", "nothing", "", "[", "a b"]
    for _ in range(1_000):
        values = [*SNIPPETS, "adam", "momentum", "0.5", "1", "false", "he_normal"]
        sets = [f"{chance.choice(names)}={chance.choice(values)}" for _ in range(chance.randint(1, 3))]
        result = outcome(partial(apply_settings, space, sets))
        if isinstance(result, Space):
            check_read(result)
        else:
            assert result.problems
            assert all(problem.path.startswith("--set") and problem.remedy for problem in result.problems)
            assert all(str(problem).isprintable() for problem in result.problems)
