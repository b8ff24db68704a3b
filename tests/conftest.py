"""Figures that tests measure are printed together at the end, wherever the tests ran; the longest tests come first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Tell = Callable[[str], None]
LONGEST = ("study", "api", "docs", "cli", "trial")
"""Folders whose files take longest, mostly of whole searches, in the order in which they begin."""


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Tells a figure; it is shown once the test has passed."""
    return lambda figure: record_property("figure", figure)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """So that no process of several is left with a long file when the others have ended."""

    folders = [Path(__file__).parent / name for name in LONGEST]

    def place(item: pytest.Item) -> list[bool]:
        return [folder not in item.path.parents for folder in folders]

    items.sort(key=place)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = [
        (report.nodeid, value)
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        for test, figure in figures:
            terminalreporter.line(f"{test.split('::')[-1]}: {figure}")
