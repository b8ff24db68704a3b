from __future__ import annotations

import pytest

from tunekit.errors import SpaceError
from tunekit.space.problems import MOST, Report, listed, suggestion


def test_problems_come_in_the_order_of_their_lines() -> None:
    report = Report("a.yaml")
    for line in (3, 1, 2):
        report.add("p", line, "x", "y", "z.")
    assert [problem.line for problem in report.error().problems] == [1, 2, 3]


def test_no_problem_raises_nothing() -> None:
    Report("a.yaml").check()


def test_a_file_full_of_problems_is_cut() -> None:
    report = Report("a.yaml")
    for line in range(1000):
        report.add("p", line, "x", "y", "z.")
    with pytest.raises(SpaceError) as caught:
        report.check()
    assert len(caught.value.problems) == MOST + 1
    assert caught.value.problems[-1].got == f"{1000 - MOST} more"


def test_a_suggestion_names_the_nearest_and_all() -> None:
    assert suggestion("momentm", ["adam", "momentum"]) == "Did you mean momentum? Known: adam, momentum."
    assert suggestion("xyz", ["adam", "sgd"]) == "Known: adam, sgd."


@pytest.mark.parametrize(("names", "text"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b or c")])
def test_listed(names: list[str], text: str) -> None:
    assert listed(names) == text
