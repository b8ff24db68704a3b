"""`tunekit.search`, `tunekit.resume` and `tunekit.load`: the commands of these names as functions."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from tunekit.api.display import display
from tunekit.api.options import read_options
from tunekit.api.result import SearchResult
from tunekit.cli import searching as commands
from tunekit.cli.options import TRACKING_VARIABLE, changed, settings_from
from tunekit.cli.results import show
from tunekit.errors import Interrupted
from tunekit.results import Scalar
from tunekit.space.shipped import find_space
from tunekit.space.space import Space
from tunekit.study import search as study
from tunekit.study.hypermodel import read_whole_space, whole_space_of

Number = int | Literal["auto"]
Folder = str | os.PathLike[str]
Amount = float | str
"""Of time in seconds, or as "90s", "30m", "2h"; of space in bytes, or as "500MB", "2GB"."""


def search(
    space: Folder | Mapping[str, Any],
    *,
    name: str | None = None,
    home: Folder | None = None,
    resume: bool = False,
    set: Mapping[str, Scalar] | None = None,
    tuner: str | None = None,
    max_epochs: int | None = None,
    factor: int | None = None,
    iterations: int | None = None,
    seed: int | None = None,
    executions_per_trial: int | None = None,
    max_trials: int | None = None,
    limit: int | None = None,
    finalists: int | None = None,
    repeats: int | None = None,
    start: Folder | Sequence[Folder] = (),
    like: Folder | None = None,
    workers: Number = "auto",
    threads: Number = "auto",
    fast: bool = False,
    pictures: bool = True,
    trial_timeout: Amount | None = None,
    time_budget: Amount | None = None,
    disk_max: Amount | None = None,
    tracking_uri: str | None = None,
    on: str | None = None,
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
    memory_per_trial: Amount | None = None,
    storage: str | None = None,
    progress: bool = True,
    verbose: bool = False,
) -> SearchResult:
    """Search a space, test the best model and export its configuration, as `tunekit search` does.

    The space is the name of a shipped one, the path of a space file, or a dict of the form of such a file. The other
    arguments are the command's options: `tunekit search --help` describes each. `tracking_uri` holds for all of the
    process while it searches. `set` fixes parameters, as in
    `set={"dropout": 0.5}`; `start` takes one file or several; `resume=True` goes on where a search of this name exists
    already.

    Ctrl-C ends the search so that it can be resumed, and is then raised; a second one ends it at once.
    """
    options = {
        "set": set,
        "tuner": tuner,
        "max_epochs": max_epochs,
        "factor": factor,
        "iterations": iterations,
        "seed": seed,
        "executions_per_trial": executions_per_trial,
        "max_trials": max_trials,
        "limit": limit,
        "finalists": finalists,
        "repeats": repeats,
        "start": start,
        "like": like,
        "name": name,
        "home": home,
        "resume": resume,
        "tracking_uri": tracking_uri,
        "on": on,
        "cpus_per_trial": cpus_per_trial,
        "gpus_per_trial": gpus_per_trial,
        "memory_per_trial": memory_per_trial,
        "storage": storage,
        "workers": workers,
        "threads": threads,
        "fast": fast,
        "no_pictures": not pictures,
        "trial_timeout": trial_timeout,
        "time_budget": time_budget,
        "disk_max": disk_max,
    }
    shown = "the space" if isinstance(space, Mapping) else os.fspath(space)
    read = read_options(commands.search, shown, options)
    with display(progress, verbose) as reporter, _interrupts_raised(), _recorded_in(tracking_uri):
        wanted = changed(_space(space, name), read, reporter.warn)
        report = study.search(wanted, settings_from(read), reporter, resume)
    return SearchResult(report.home, report.search)


def resume(
    name: str | None = None,
    *,
    home: Folder | None = None,
    workers: Number = "auto",
    threads: Number = "auto",
    fast: bool = False,
    pictures: bool = True,
    trial_timeout: Amount | None = None,
    time_budget: Amount | None = None,
    disk_max: Amount | None = None,
    tracking_uri: str | None = None,
    on: str | None = None,
    cpus_per_trial: float | None = None,
    gpus_per_trial: float | None = None,
    memory_per_trial: Amount | None = None,
    storage: str | None = None,
    progress: bool = True,
    verbose: bool = False,
) -> SearchResult:
    """Go on with a search of this name, or the newest one, where it was, as `tunekit resume` does."""
    options = {
        "home": home,
        "tracking_uri": tracking_uri,
        "on": on,
        "cpus_per_trial": cpus_per_trial,
        "gpus_per_trial": gpus_per_trial,
        "memory_per_trial": memory_per_trial,
        "storage": storage,
        "workers": workers,
        "threads": threads,
        "fast": fast,
        "no_pictures": not pictures,
        "trial_timeout": trial_timeout,
        "time_budget": time_budget,
        "disk_max": disk_max,
    }
    read = read_options(commands.resume, name, options)
    with display(progress, verbose) as reporter, _interrupts_raised(), _recorded_in(tracking_uri):
        report = study.resume(name, settings_from(read), reporter)
    return SearchResult(report.home, report.search)


def load(name: str | None = None, *, home: Folder | None = None) -> SearchResult:
    """The search of this name, or the newest one; also one that runs or was interrupted."""
    folder = read_options(show, name, {"home": home})["home"]
    return SearchResult(folder.path.absolute(), folder.find(name).name)


def _space(space: Folder | Mapping[str, Any], name: str | None) -> Space:
    if isinstance(space, Mapping):
        return whole_space_of(space if name is None else {"name": name, **space})
    return read_whole_space(find_space(os.fspath(space)))


@contextmanager
def _interrupts_raised() -> Iterator[None]:
    """Ctrl-C reaches the caller as Python has it, once the search has ended cleanly."""
    try:
        yield
    except Interrupted as error:
        if error.signal == signal.SIGINT:
            raise KeyboardInterrupt(str(error)) from error
        raise


@contextmanager
def _recorded_in(tracking_uri: str | None) -> Iterator[None]:
    """MLflow's variable, which every process that is started sees, for as long as this takes."""
    before = os.environ.get(TRACKING_VARIABLE)
    if tracking_uri is not None:
        os.environ[TRACKING_VARIABLE] = tracking_uri
    try:
        yield
    finally:
        if tracking_uri is not None:
            os.environ.pop(TRACKING_VARIABLE)
            if before is not None:
                os.environ[TRACKING_VARIABLE] = before
