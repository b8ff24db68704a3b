"""What a search shows while it runs: a live table in a terminal, else a line for each finished trial."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tunekit.cli.tables import short
from tunekit.report.wording import counted, duration
from tunekit.results import TimedEpoch, TrialRecord
from tunekit.search.winner import ranked
from tunekit.study.plan import Plan, plan_of
from tunekit.study.session import Reporter, Session
from tunekit.trial.jobs import Step

DUMB = ("dumb", "unknown")
"""Terminals whose lines cannot be written twice."""
RATE_WINDOW = 60.0
"""Seconds over which epochs per second are counted."""


@contextmanager
def make_progress(to_stderr: bool, quiet: bool = False, verbose: bool = False) -> Iterator[Reporter]:
    """The display that fits where the output goes."""
    stream = sys.stderr if to_stderr else sys.stdout
    if quiet:
        yield Quiet()
    elif stream.isatty() and os.environ.get("TERM") not in DUMB:
        # Standard error stays what it is, so that what frameworks write to it can be sent to a file.
        console = Console(file=stream)
        with Live(console=console, refresh_per_second=4, transient=True, redirect_stderr=False) as live:
            yield LiveDisplay(live, verbose)
    else:
        yield Lines(stream, verbose)


class Quiet(Reporter):
    """Nothing but warnings."""

    def warn(self, text: str) -> None:
        click.echo(f"Warning: {text}", err=True)


class Counting(Reporter):
    """Keeps count of what is done, for either display."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.session: Session | None = None
        self.done = 0
        self.failed = 0
        self.repeats = 0
        self.best: TrialRecord | None = None
        self.epochs_done = 0
        self._recent: deque[float] = deque()
        self._window = RATE_WINDOW
        self._began = time.monotonic()

    def opened(self, session: Session) -> None:
        self.session = session
        self.plan = plan_of(session.space)
        if self.plan.executions > 1:
            # Their epochs are told all at once, when the last of them has ended.
            self._window = math.inf
        self._began = time.monotonic()
        for record in session.state.records("trial"):
            self.epochs_done += self.plan.executions * len(session.state.own_epochs(record.trial.id))
            if record.status != "RUNNING":
                self._count(record)

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        executions = self.plan.executions if self.plan and record.kind == "trial" else 1
        if record.kind == "trial":
            self.epochs_done += executions
        now = time.monotonic()
        self._recent.extend([now] * executions)
        while self._recent and self._recent[0] < now - self._window:
            self._recent.popleft()

    def trial_ended(self, record: TrialRecord) -> None:
        self._count(record)

    def rate(self) -> float:
        """Epochs per second."""
        span = min(self._window, time.monotonic() - self._began)
        return len(self._recent) / span if span > 0 else 0.0

    def seconds_left(self) -> float | None:
        if self.plan is None or not self._recent:
            return None
        return max(0, self.plan.epochs - self.epochs_done) / self.rate()

    def _count(self, record: TrialRecord) -> None:
        if record.kind == "repeat":
            self.repeats += 1
        elif record.kind == "snapshot":
            return
        elif record.score is None:
            self.failed += 1
        else:
            self.done += 1
            assert self.session is not None
            contenders = [record] if self.best is None else [self.best, record]
            self.best = ranked(contenders, self.session.space.objective)[0]


class Lines(Counting):
    """One plain line for each finished trial."""

    def __init__(self, stream: TextIO, verbose: bool = False) -> None:
        super().__init__()
        self._stream = stream
        self._verbose = verbose

    def stage(self, text: str) -> None:
        click.echo(text, file=self._stream)

    def warn(self, text: str) -> None:
        click.echo(f"Warning: {text}", file=self._stream)

    def opened(self, session: Session) -> None:
        super().opened(session)
        assert self.plan is not None
        executions = f", each trial trained {self.plan.executions} times" if self.plan.executions > 1 else ""
        known = f", {self.done} of them done" if self.done else ""
        click.echo(
            f"{session.folder.name}: {counted(self.plan.trials, 'trial')}, {counted(self.plan.epochs, 'epoch')}"
            f"{executions}{known}; {counted(session.workers.count, 'worker')} of "
            f"{counted(session.workers.threads, 'thread')}",
            file=self._stream,
        )

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        super().epoch_done(record, epoch)
        if self._verbose:
            click.echo(epoch_line(record, epoch), file=self._stream)

    def trial_ended(self, record: TrialRecord) -> None:
        super().trial_ended(record)
        assert self.plan is not None
        trial = record.trial
        if record.outcome is not None:
            deviation = record.outcome.deviation
            spread = "" if deviation is None else f" ± {deviation:.4f}"
            took = f"{record.outcome.score:.4f}{spread} in {record.outcome.seconds:.1f} s"
        else:
            assert record.failure is not None
            took = f"failed: {record.failure.cause}: {record.failure.message.splitlines()[0][:120]}"
        values = " ".join(f"{name}={short(value)}" for name, value in trial.values.items())
        first, last = trial.initial_epoch + 1, trial.epochs
        epochs = f"epochs {first}-{last}" if first <= last else f"after epoch {last}"
        place = f"{self.done + self.failed}/{self.plan.trials}" if record.kind == "trial" else record.kind
        click.echo(
            f"[{place}] trial {trial.id} bracket {trial.bracket} rung {trial.round} {epochs}: {took}  {values}",
            file=self._stream,
        )


def epoch_line(record: TrialRecord, timed: TimedEpoch) -> str:
    epoch = timed.epoch
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items())
    return f"trial {record.trial.id} epoch {epoch.number} of {record.trial.epochs}: {metrics} ({epoch.seconds:.1f} s)"


class Screen(Protocol):
    """Something that is written again and again: `rich.live.Live` in a terminal, or a notebook's cell."""

    @property
    def console(self) -> Console: ...
    def update(self, renderable: RenderableType) -> None: ...


class LiveDisplay(Counting):
    """Progress, rung, speed, time left, the best so far, and what each worker does."""

    def __init__(self, live: Screen, verbose: bool = False) -> None:
        super().__init__()
        self._verbose = verbose
        self.live = live
        self._workers: dict[int, tuple[TrialRecord, int, float]] = {}
        self._trial_worker: dict[str, int] = {}

    def stage(self, text: str) -> None:
        self.live.update(Text(text))

    def warn(self, text: str) -> None:
        self.live.console.print(f"Warning: {text}", style="yellow", highlight=False, markup=False)

    def trial_started(self, record: TrialRecord, worker: int) -> None:
        self._workers[worker] = (record, record.trial.initial_epoch, 0.0)
        self._trial_worker[record.trial.id] = worker
        self.tick()

    def progressed(self, trial_id: str, worker: int, step: Step) -> None:
        record, _, _ = self._workers[worker]
        self._workers[worker] = (record, step.epoch - 1, step.share)

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        super().epoch_done(record, epoch)
        if self._verbose:
            self.live.console.print(epoch_line(record, epoch), highlight=False, markup=False)
        worker = self._trial_worker[record.trial.id]
        if self._workers[worker][0].trial.id == record.trial.id:
            self._workers[worker] = (record, epoch.epoch.number, 0.0)

    def trial_ended(self, record: TrialRecord) -> None:
        super().trial_ended(record)
        worker = self._trial_worker.pop(record.trial.id, None)
        if worker is not None and self._workers[worker][0].trial.id == record.trial.id:
            del self._workers[worker]

    def tick(self) -> None:
        if self.plan is not None:
            self.live.update(self.table())

    def table(self) -> Group:
        """All that is known, one below the other."""
        return Group(self._headline(), self._bar(), self._best_line(), self._worker_table())

    def _headline(self) -> Text:
        assert self.plan is not None
        assert self.session is not None
        left = self.seconds_left()
        failed = f", {self.failed} failed" if self.failed else ""
        repeats = f", {counted(self.repeats, 'repeat')}" if self.repeats else ""
        return Text(
            f"{self.session.folder.name}: {self.done + self.failed:,} of {counted(self.plan.trials, 'trial')}"
            f"{failed}{repeats} · "
            f"{self.epochs_done:,} of {counted(self.plan.epochs, 'epoch')} · {self.rate():.2f} epochs/s · "
            + (f"about {duration(left)} left" if left is not None else "time left: not known yet")
        )

    def _bar(self) -> Table:
        assert self.plan is not None
        line = Table.grid()
        line.add_row(ProgressBar(total=self.plan.epochs, completed=self.epochs_done, width=60))
        return line

    def _best_line(self) -> Text:
        if self.best is None or self.session is None:
            return Text("best so far: none yet")
        values = " ".join(f"{name}={short(value)}" for name, value in self.best.trial.values.items())
        name = self.session.space.objective.name
        return Text(
            f"best so far: {name} {self.best.score:.4f} (trial {self.best.trial.id}, "
            f"{counted(self.best.trial.epochs, 'epoch')}) {values}",
            overflow="ellipsis",
            no_wrap=True,
        )

    def _worker_table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("worker", "trial", "bracket", "rung", "epoch"):
            table.add_column(heading)
        for worker, (record, epoch, share) in sorted(self._workers.items()):
            trial = record.trial
            now = min(trial.epochs, epoch + share)
            table.add_row(
                str(worker), trial.id, str(trial.bracket), str(trial.round), f"{now:.1f} of {trial.epochs}"
            )
        return table
