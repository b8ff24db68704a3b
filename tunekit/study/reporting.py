"""The page that sums a search up: gathered from its state, drawn, written beside it, and shown in MLflow."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunekit.report.material import Material, Picture
from tunekit.results import TrialRecord
from tunekit.search.lock import is_running
from tunekit.search.state import State
from tunekit.search.winner import ranked
from tunekit.study.files import write_text
from tunekit.study.finish import evaluation_from
from tunekit.study.home import Home, SearchFolder, home_option
from tunekit.study.quiet import frameworks_log_to
from tunekit.study.session import Reporter, stored_space

if TYPE_CHECKING:
    from tunekit.report.chart import Chart
    from tunekit.report.figures import Figures

RECORDED = "report"
"""Folder of the parent run's artefacts."""
FACTS = (
    "data_name",
    "data_sha256",
    "data_count",
    "data_shape",
    "versions",
    "backend",
    "machine",
    "threads",
    "deterministic",
    "run_id",
    "tracking_uri",
    "seconds_recording",
    "tested",
)
TITLES = {
    "curves.png": "Learning curves",
    "filters.png": "Filters",
    "activations.png": "Activations",
}
"""Of a trial's own pictures, in the order in which they are shown; others are called as their files are."""


@dataclass(frozen=True)
class Written:
    """A report as it lies on disk, and what it says."""

    path: Path
    figures: Figures
    charts: Mapping[str, Chart]
    material: Material


def report(home: Home, name: str | None, output: Path | None, warn: Callable[[str], None]) -> Written:
    """Write the report of a search, or of the newest; also of one that runs or was interrupted.

    Without another output it lies in the search's folder, and MLflow gets it too, unless the search still runs.
    """
    folder = home.find(name)
    home.keep_caches()
    written = _write(gather(folder, home), output or folder.report)
    if output is None and written.material.status != "running":
        with _told(warn, folder, home):
            _record(written, folder, home)
    return written


def report_finished(folder: SearchFolder, home: Home, reporter: Reporter) -> None:
    """At the end of a search, whose result stands whatever becomes of its report."""
    reporter.stage("Writing the report")
    with _told(reporter.warn, folder, home):
        report(home, folder.name, None, reporter.warn)


@contextmanager
def _told(warn: Callable[[str], None], folder: SearchFolder, home: Home) -> Iterator[None]:
    """What goes wrong with a report is said, and stops nothing."""
    try:
        yield
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        command = f"tunekit report {folder.name}{home_option(home.path)}"
        warn(f"The report of {folder.name} is not complete: {lines[0]} Write it again with `{command}`.")


def gather(folder: SearchFolder, home: Home) -> Material:
    """All that the state says of a search, and the pictures of its best trial."""
    state = State.open(folder.state, write=False)
    try:
        space = stored_space(state, folder)
        records = tuple(state.records())
        order = ranked([record for record in records if record.kind == "trial"], space.objective)
        best_id, evaluation = state.fact("best"), state.fact("evaluation")
        chosen = [record for record in records if record.trial.id == best_id]
        best = next(iter([*chosen, *order]), None)
        return Material(
            search=folder.name,
            space=space,
            status=_status(state, folder),
            created=state.fact("created"),
            written=time.time(),
            records=records,
            ranked=tuple(order),
            best=best,
            epochs={record.trial.id: state.own_epochs(record.trial.id) for record in records},
            facts={name: state.fact(name) for name in FACTS},
            evaluation=evaluation_from(evaluation) if evaluation else None,
            finalists=tuple(state.fact("finalists") or ()),
            commands=_commands(folder, home),
            pictures=tuple(_pictures(folder, home, best)) if best else (),
        )
    finally:
        state.close()


def _status(state: State, folder: SearchFolder) -> str:
    status = str(state.fact("status"))
    if status == "RUNNING" and not is_running(folder.path):
        return "interrupted"
    return status.lower()


def _commands(folder: SearchFolder, home: Home) -> dict[str, str]:
    where = home_option(home.path)
    commands = {
        name: f"tunekit {name} {folder.name}{where}" for name in ("resume", "show", "report", "evaluate")
    }
    commands["ui"] = f"tunekit ui{where}"
    if folder.best_config.exists():
        commands["train"] = f"tunekit train {shlex.quote(str(folder.best_config))}{where}"
    return commands


def _pictures(folder: SearchFolder, home: Home, best: TrialRecord) -> Iterator[Picture]:
    """What explains the trial, then what was drawn while it trained, where that lies on this machine."""
    from tunekit.study.explain import explanations

    for explained in explanations(folder, best.trial.id):
        yield Picture(explained.path, explained.title, explained.caption, explained.alt)
    if best.run_id is None:
        return
    for path in sorted(
        (home.path / "artifacts").glob(f"*/{best.run_id}/artifacts/*.png"), key=_picture_order
    ):
        title = TITLES.get(path.name) or path.stem.replace("_", " ").capitalize()
        yield Picture(path, title, "", f"{title} of trial {best.trial.id}, drawn while it trained.")


def _picture_order(path: Path) -> tuple[int, str]:
    known = list(TITLES)
    return known.index(path.name) if path.name in known else len(known), path.name


def _write(material: Material, path: Path) -> Written:
    # Matplotlib and its fonts take a second that other commands need not wait for.
    from tunekit.report.charts import charts
    from tunekit.report.figures import compute
    from tunekit.report.page import render

    figures = compute(material)
    made = charts(material, figures)
    write_text(path, render(material, figures, made))
    return Written(path, figures, made, material)


def _record(written: Written, folder: SearchFolder, home: Home) -> None:
    """The page, and its charts as PNG, on the search's parent run."""
    run_id = written.material.facts["run_id"]
    if run_id is None:
        return
    with tempfile.TemporaryDirectory() as scratch, frameworks_log_to(folder.framework_log):
        from tunekit.record.recorder import log_to_run
        from tunekit.report.chart import png

        pictures = [png(chart, Path(scratch) / f"{name}.png") for name, chart in written.charts.items()]
        material, paths = written.material, [written.path, *pictures]
        recorded_in = material.facts["tracking_uri"]
        log_to_run(home.path.absolute(), material.space, run_id, recorded_in, paths, RECORDED)
