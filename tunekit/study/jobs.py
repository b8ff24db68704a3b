"""Jobs of a study beside its trials, each waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunekit.errors import Interrupted, ModelError, TunekitError
from tunekit.results import Failure
from tunekit.trial.jobs import Done, EpochDone, Failed, Job, Step
from tunekit.workers.workers import Workers


class JobFailed(TunekitError):
    """A job beside the trials failed; the failure says why."""

    def __init__(self, job: Job, failure: Failure) -> None:
        self.job = job
        self.failure = failure
        super().__init__(f"{type(job).__name__}: {failure.cause}: {failure.message}")


def run_job(
    workers: Workers,
    job: Job,
    interrupted: Callable[[], bool] = lambda: False,
    on_event: Callable[[Step | EpochDone], None] = lambda event: None,
) -> Any:
    """The job's result; its errors are raised here."""
    return run_jobs(workers, [job], interrupted, on_event)[0]


def run_jobs(
    workers: Workers,
    jobs: Sequence[Job],
    interrupted: Callable[[], bool] = lambda: False,
    on_event: Callable[[Step | EpochDone], None] = lambda event: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Any]:
    """The jobs' results in order; of several errors the first job's is raised.

    `meanwhile` is called once, when the workers have been given what they can take.
    """
    waiting, ended = list(jobs), dict[str, Done | Failed]()
    _hand_out(workers, waiting)
    meanwhile()
    while len(ended) < len(jobs):
        _hand_out(workers, waiting)
        if interrupted():
            raise Interrupted("interrupted")
        for message in workers.events(0.25):
            match message.event:
                case Done() | Failed() as end:
                    ended[message.job_id] = end
                case event:
                    on_event(event)
    return [_result(job, ended[job.id]) for job in jobs]


def _hand_out(workers: Workers, waiting: list[Job]) -> None:
    while waiting and workers.idle:
        workers.submit(waiting.pop(0))


def _result(job: Job, end: Done | Failed) -> Any:
    if isinstance(end, Failed):
        raise end.error or JobFailed(job, end.failure)
    return end.result


def model_error(space_name: str, failure: Failure, which: str) -> ModelError:
    """A model that cannot be built or trained at all, with the lines of the user's code that say why."""
    trace = failure.traceback.rstrip().splitlines()
    tail = "\n".join(f"  {line}" for line in trace[-6:])
    return ModelError(
        f"{space_name}: the model could not be built and trained on one batch with {which}: {failure.message}\n{tail}"
    )
