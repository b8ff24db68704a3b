"""MLflow's calls that write, in the sizes that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tunekit.failpoints import reach
from tunekit.record.store import Store
from tunekit.record.trouble import explained
from tunekit.results import Values

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

METRICS, PARAMS, LETTERS = 800, 100, 5000
"""At most so many metrics and parameters a call, and letters a tag; MLflow takes 1,000, 100 and 8,000."""


class Calls:
    """Writes into one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def client(self) -> MlflowClient:
        return self._store.client

    def write(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call the method of MLflow's client that has this name."""
        reach(f"recorder.{name}.before")
        answer = getattr(self._store.client, name)(*arguments, **options)
        reach(f"recorder.{name}.after")
        return answer

    def log(self, run_id: str, metrics: Sequence[Metric]) -> None:
        with explained(self._store.tracking_uri):
            for start in range(0, len(metrics), METRICS):
                self.write("log_batch", run_id, metrics=metrics[start : start + METRICS])

    def log_params(self, run_id: str, values: Values) -> None:
        from mlflow.entities import Param

        params = [Param(name, str(value)) for name, value in values.items()]
        for start in range(0, len(params), PARAMS):
            self.write("log_batch", run_id, params=params[start : start + PARAMS])

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        for name, value in tags.items():
            self.write("set_tag", run_id, name, value[:LETTERS])


def metric(name: str, value: float, when: float, step: int) -> Metric:
    from mlflow.entities import Metric

    return Metric(name, float(value), milliseconds(when), step)


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
