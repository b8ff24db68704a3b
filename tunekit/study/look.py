"""Searches as they stand, read from their state; also while they run."""

from __future__ import annotations

from dataclasses import dataclass

from tunekit.errors import TunekitError
from tunekit.search.lock import is_running
from tunekit.search.state import State
from tunekit.study.home import Home
from tunekit.study.overview import Report, make_report
from tunekit.study.session import stored_space


@dataclass(frozen=True)
class Listing:
    """One line of `tunekit ls`."""

    name: str
    report: Report | None
    problem: str | None = None
    running: bool = False

    @property
    def status(self) -> str:
        if self.report is None:
            return "damaged"
        status = str(self.report.facts["status"])
        if status == "RUNNING" and not self.running:
            return "interrupted"
        return status.lower()


def load_report(home: Home, name: str | None) -> Report:
    folder = home.find(name)
    state = State.open(folder.state, write=False)
    try:
        return make_report(folder, state, stored_space(state, folder), str(home.path.absolute()))
    finally:
        state.close()


def list_searches(home: Home) -> list[Listing]:
    """All searches; a damaged one is listed with its problem instead of hiding the others."""
    found = []
    for folder in home.existing():
        try:
            found.append(Listing(folder.name, load_report(home, folder.name), None, is_running(folder.path)))
        except TunekitError as error:
            found.append(Listing(folder.name, None, str(error)))
    return found
