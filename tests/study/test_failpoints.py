"""Recording, evaluation and registration struck down at any of their writes lose nothing and do nothing twice."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.conftest import Tell
from tests.failing import struck_at
from tests.oracles.driver import search as played
from tests.study.together import EVALUATION, SPACE, Workers, live, make_model
from tunekit.search.state import State

# Keras' own way of turning a tensor into an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WHOLE = played(SPACE)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without anything in it: making one takes a second."""
    from tunekit.record.store import _make_database, load_mlflow

    load_mlflow()
    home = tmp_path_factory.mktemp("database")
    _make_database(home)
    return home / "mlflow.db"


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory, model: Path, database: Path) -> list[str]:
    """The failpoints that an uninterrupted search reaches, in order."""
    home = tmp_path_factory.mktemp("whole")
    reached = through(home, [], model, database)
    stems = {name.rsplit(".", 1)[0] for name in reached}
    assert {"registry.log_model", "registry.register", "registry.alias", "recorder.create_run"} <= stems
    assert {"file.space.yaml", "file.best.yaml", "recorder.set_terminated", "recorder.log_batch"} <= stems
    return reached


def through(home: Path, strikes: Sequence[int], model: Path, database: Path) -> list[str]:
    """Struck at these hits, one a process, and then left in peace; the last one's failpoints."""
    shutil.copy(database, home / "mlflow.db")
    submitted: list[str] = []
    evaluated: list[str] = []
    whole: set[str] = set()
    reached: list[str] = []
    for hit in [*strikes, None]:
        before = len(submitted)
        with struck_at(hit) as counter:
            live(home, Workers(2, submitted=submitted, model=model, evaluated=evaluated))
        assert whole.isdisjoint(submitted[before:]), "run again after it had ended"
        reached = counter.reached
        whole = ended(home / "searches/small/state.db")
    assert_outcome(home)
    assert_recorded_once(home)
    return reached


def ended(path: Path) -> set[str]:
    if not path.exists():
        return set()
    state = State.open(path, write=False)
    found = {record.trial.id for record in state.records() if record.status != "RUNNING"}
    state.close()
    return found


def assert_outcome(home: Path) -> None:
    folder = home / "searches/small"
    state = State.open(folder / "state.db", write=False)
    assert {r.trial.id: (r.trial, r.score) for r in state.records()} == WHOLE.ordered
    assert all(record.recorded for record in state.records())
    assert state.fact("status") == "FINISHED"
    best = state.fact("best")
    state.close()
    assert yaml.safe_load((folder / "best.yaml").read_text())["verified"]["trial"] == best
    assert [path.name for path in (folder / "checkpoints").iterdir()] == [best]
    assert not list((folder / "pictures").glob("*"))


def assert_recorded_once(home: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{home}/mlflow.db")
    (experiment,) = [each for each in client.search_experiments() if each.name == "small"]
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    (parent,) = [run for run in runs if run.data.tags["tunekit.trial"] == "parent"]
    assert parent.data.params["max_epochs"] == "2"
    assert parent.data.metrics["test_accuracy"] == EVALUATION.accuracy
    assert len(parent.inputs.dataset_inputs) == 1
    progress = client.get_metric_history(parent.info.run_id, "best_score")
    assert [metric.step for metric in progress] == list(range(1, len(WHOLE.trials) + 1))
    assert {"space.yaml", "best.yaml", "confusion.png", "test.json"} <= artifacts(client, parent)
    children = [run for run in runs if run is not parent]
    assert sorted(run.data.tags["tunekit.trial"] for run in children) == sorted(WHOLE.trials)
    for run in children:
        assert_child(client, run, parent)
    assert_registered_once(client, experiment.experiment_id, parent)


def assert_child(client: Any, run: Any, parent: Any) -> None:
    trial = WHOLE.trials[run.data.tags["tunekit.trial"]]
    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.params == {name: str(value) for name, value in trial.values.items()}
    steps = [metric.step for metric in client.get_metric_history(run.info.run_id, "score")]
    assert sorted(steps) == list(range(1, trial.epochs + 1))
    assert len(client.get_metric_history(run.info.run_id, "best_score")) == 1
    assert run.data.metrics["best_score"] == WHOLE.scores[trial.id]
    assert artifacts(client, run) == {"configuration.yaml", "activations.png", "curves.png"}


def assert_registered_once(client: Any, experiment_id: str, parent: Any) -> None:
    (version,) = client.search_model_versions("name = 'small'")
    champion = client.get_model_version_by_alias("small", "champion")
    assert (champion.version, champion.run_id) == (version.version, parent.info.run_id)
    (logged,) = client.search_logged_models([experiment_id])
    assert str(logged.status) == "READY"
    assert logged.model_uri == version.source or logged.model_id == version.model_id


def artifacts(client: Any, run: Any) -> set[str]:
    return {artifact.path for artifact in client.list_artifacts(run.info.run_id)}


def test_struck_at_some_of_its_writes(
    tmp_path_factory: pytest.TempPathFactory, model: Path, database: Path, hits: list[str]
) -> None:
    """One of each name, and a few more."""
    draw = Random(len(hits))
    last = {name: number for number, name in enumerate(hits, 1)}
    chosen = {*draw.sample(sorted(last.values()), 14), *draw.sample(range(1, len(hits) + 1), 8)}
    for hit in sorted(chosen):
        strike(tmp_path_factory.mktemp("struck"), [hit], model, database, hits)


def test_struck_again_while_it_recovers(
    tmp_path_factory: pytest.TempPathFactory, model: Path, database: Path, hits: list[str]
) -> None:
    draw = Random(1)
    for _ in range(4):
        strikes = [draw.randint(1, len(hits)), draw.randint(1, 60), draw.randint(1, 60)]
        strike(tmp_path_factory.mktemp("struck"), strikes, model, database, hits)


@pytest.mark.long
def test_struck_at_every_single_write(
    tmp_path_factory: pytest.TempPathFactory, model: Path, database: Path, hits: list[str], tell: Tell
) -> None:
    draw = Random(2)
    for hit in range(1, len(hits) + 1):
        strike(tmp_path_factory.mktemp("struck"), [hit], model, database, hits)
        strike(tmp_path_factory.mktemp("struck"), [hit, draw.randint(1, 80)], model, database, hits)
    tell(f"{len(hits)} writes struck, each once alone and once with another during the recovery")


def strike(home: Path, strikes: list[int], model: Path, database: Path, hits: list[str]) -> None:
    try:
        through(home, strikes, model, database)
    except BaseException as error:
        error.add_note(f"struck at {strikes}, first at {hits[strikes[0] - 1]}")
        raise
    shutil.rmtree(home)
