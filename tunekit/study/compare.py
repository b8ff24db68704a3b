"""Searches of one home side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunekit.errors import SearchError, StoreError, UserError
from tunekit.report.comparison import Comparison, Entry, side_by_side, summed_up
from tunekit.search.lock import is_running
from tunekit.search.state import State
from tunekit.study.home import Home
from tunekit.study.look import Listing
from tunekit.study.overview import make_report
from tunekit.study.session import stored_space

FACTS = ("data_name", "data_sha256", "finalists")


def compare(home: Home, names: Sequence[str], output: Path | None = None) -> Comparison:
    """Sum the searches up, and draw them into `output` where it is given."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) < 2:
        known = ", ".join(folder.name for folder in home.existing()) or "none yet"
        raise UserError(
            f"expected two searches or more to compare, got {len(distinct)}. Known searches: {known}."
        )
    if output is not None and output.suffix.lower() != ".png":
        raise UserError(f"{output}: expected a name that ends in .png.")
    found = side_by_side([load_entry(home, name) for name in distinct])
    objectives = {entry.objective.name for entry in found.entries}
    if len(objectives) > 1:
        listed = ", ".join(f"{entry.search} {entry.objective.name}" for entry in found.entries)
        raise SearchError(
            f"expected searches of one objective, got {listed}. Scores of two metrics cannot be compared: "
            "name searches of the same objective."
        )
    if output is not None:
        _draw(home, found, output)
    return found


def load_entry(home: Home, name: str) -> Entry:
    """One search, read from its state; also while it runs."""
    folder = home.find(name)
    state = State.open(folder.state, write=False)
    try:
        report = make_report(folder, state, stored_space(state, folder), str(home.path.absolute()))
        return summed_up(
            search=folder.name,
            space=report.space,
            status=Listing(folder.name, report, None, is_running(folder.path)).status,
            records=report.records,
            best=report.best,
            epochs={record.trial.id: state.own_epochs(record.trial.id) for record in report.records},
            curve=state.curve(report.best.trial.id) if report.best else (),
            facts={fact: state.fact(fact) for fact in FACTS},
            evaluation=report.evaluation,
        )
    finally:
        state.close()


def _draw(home: Home, found: Comparison, output: Path) -> None:
    home.keep_caches()
    from tunekit.report.draw_comparison import draw_comparison

    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draw_comparison(found, output)
    except OSError as error:
        raise StoreError(f"{output}: could not be written: {error.strerror or error}.") from error
