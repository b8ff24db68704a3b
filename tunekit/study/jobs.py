"""Jobs of a study beside its trials, each waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunekit.errors import Interrupted, ModelError, TunekitError
from tunekit.results import Failure
from tunekit.trial.jobs import Done, EpochDone, Failed, Job, Step
from tunekit.workers.local import LocalWorkers


class JobFailed(TunekitError):
    """A job beside the trials failed; the failure says why."""

    def __init__(self, job: Job, failure: Failure) -> None:
        self.failure = failure
        super().__init__(f"{type(job).__name__}: {failure.cause}: {failure.message}")


def run_job(
    workers: LocalWorkers,
    job: Job,
    interrupted: Callable[[], bool] = lambda: False,
    on_event: Callable[[Step | EpochDone], None] = lambda event: None,
) -> Any:
    """The job's result; its errors are raised here."""
    workers.submit(job)
    return await_job(workers, job, interrupted, on_event)


def await_job(
    workers: LocalWorkers,
    job: Job,
    interrupted: Callable[[], bool] = lambda: False,
    on_event: Callable[[Step | EpochDone], None] = lambda event: None,
) -> Any:
    """The same for a job that was submitted before."""
    while True:
        if interrupted():
            raise Interrupted("interrupted")
        for message in workers.events(0.25):
            if message.job_id != job.id:
                continue
            match message.event:
                case Done(result):
                    return result
                case Failed(failure, error):
                    raise error or JobFailed(job, failure)
                case event:
                    on_event(event)


def model_error(space_name: str, failure: Failure, which: str) -> ModelError:
    """A model that cannot be built or trained at all, with the lines of the user's code that say why."""
    trace = failure.traceback.rstrip().splitlines()
    tail = "\n".join(f"  {line}" for line in trace[-6:])
    return ModelError(
        f"{space_name}: the model could not be built and trained on one batch with {which}: {failure.message}\n{tail}"
    )
