"""One entry for every kind of job; an exception becomes a named failure."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from typing import Any

import psutil

from tunekit.errors import StoreError, TunekitError
from tunekit.results import Cause, Failure
from tunekit.trial.evaluate import evaluate
from tunekit.trial.explain import explain
from tunekit.trial.jobs import Done, Emit, EvaluateJob, ExplainJob, Failed, Job, ProbeJob, TrainJob
from tunekit.trial.probe import probe
from tunekit.trial.train import NotFinite, train

TRACEBACK_LENGTH = 20_000
"""Characters of a traceback that are kept."""

HANDLERS: dict[type, Callable[[Any, Emit], Any]] = {
    ProbeJob: probe,
    TrainJob: train,
    EvaluateJob: evaluate,
    ExplainJob: explain,
}


def execute(job: Job, emit: Emit) -> Done | Failed:
    """Run the job; whatever goes wrong comes back as a record."""
    try:
        result = HANDLERS[type(job)](job, emit)
    except TunekitError as error:
        failure = Failure("exception", str(error), _traceback())
        return Failed(failure, error, memory=_memory())
    except OSError as error:
        return Failed(name_failure(error), _disk_error(error, job), memory=_memory())
    # A user's model may call exit(): that is an end of the trial, not of the worker.
    except (Exception, SystemExit) as error:
        return Failed(name_failure(error), memory=_memory())
    return Done(result, _memory())


def name_failure(error: BaseException) -> Failure:
    """Why a trial failed, in one of the causes that people sort by."""
    text = f"{type(error).__name__}: {error}"
    cause: Cause = "exception"
    if isinstance(error, NotFinite):
        cause, text = "nan", f"not finite {error}"
    elif isinstance(error, MemoryError) or _says_out_of_memory(error):
        cause = "oom"
    first_lines = "\n".join(text.splitlines()[:3])
    return Failure(cause, first_lines[:500], _traceback())


def _traceback() -> str:
    """Its end, where it is endless: an error's text may hold whole tensors."""
    return traceback.format_exc()[-TRACEBACK_LENGTH:]


def _disk_error(error: OSError, job: Job) -> StoreError | None:
    """A full or read-only disk is no trial's fault."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO):
        return None
    # Only opening a file names it: writing to one that is open does not.
    place = error.filename or job.place
    return StoreError(f"{place}: {error.strerror}. Free space there or make it writable, then start again.")


def _says_out_of_memory(error: BaseException) -> bool:
    """TensorFlow and JAX raise errors of their own; only their text says what it is."""
    text = str(error).lower()
    return "resourceexhausted" in type(error).__name__.lower() or any(
        phrase in text
        for phrase in (
            "resource_exhausted",
            "out of memory",
            "out_of_memory",
            "oom when allocating",
            "bad_alloc",
        )
    )


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)
