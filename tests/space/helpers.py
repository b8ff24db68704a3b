"""Space texts for the tests, and the one problem that a text is expected to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.errors import Problem, SpaceError
from tunekit.space.reader import parse_space
from tunekit.space.space import Space

BASE = Path("/spaces")

HEAD = """\
name: small
model: lenet5
data: digits
"""
OWN = HEAD.replace("lenet5", "mine.models:build")


def parse(text: str) -> Space:
    return parse_space(text, "small.yaml", BASE)


def with_parameters(*lines: str, head: str = HEAD) -> str:
    """A whole space; its first parameter is in line 5."""
    return head + "parameters:\n" + "".join(f"  {line}\n" for line in lines)


def with_sections(*lines: str) -> str:
    """A whole space; the first of these lines is line 6."""
    return with_parameters("dropout: 0.5") + "".join(f"{line}\n" for line in lines)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(SpaceError) as caught:
        parse(text)
    assert all(problem.file == "small.yaml" for problem in caught.value.problems)
    return caught.value.problems


def assert_problem(text: str, line: int, path: str, expected: str, remedy: str) -> None:
    """The text has exactly this one problem; `expected` and `remedy` are parts of its words."""
    (problem,) = problems(text)
    assert (problem.line, problem.path) == (line, path)
    assert expected in problem.expected
    assert remedy in problem.remedy
    assert problem.got
    assert str(problem).startswith(f"small.yaml:{line}: ")
