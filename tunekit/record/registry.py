"""The winner's model in MLflow's registry."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from io import StringIO
from pathlib import Path

from tunekit.failpoints import reach
from tunekit.record.store import MLFLOW, Store, set_tracking_uri

CHAMPION = "champion"
TRIAL = "tunekit.trial"


def register(
    store: Store, run_id: str, model_file: Path, name: str, trial: str, classes: Sequence[str]
) -> str:
    """Log the model on the run, register it, and make it the champion; returns its registered version.

    `classes` are the names of its outputs, which whoever serves it reads from the model's metadata.

    What this run and trial have already, as after a kill, is taken instead of a second one.
    """
    found = store.client.search_model_versions(f"name = '{name}'")
    known = [version for version in found if version.run_id == run_id and version.tags.get(TRIAL) == trial]
    registered = known[0].version if known else _register(store, run_id, model_file, name, trial, classes)
    reach("registry.alias.before")
    store.client.set_registered_model_alias(name, CHAMPION, registered)
    reach("registry.alias.after")
    return str(registered)


def _register(
    store: Store, run_id: str, model_file: Path, name: str, trial: str, classes: Sequence[str]
) -> str:
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    # MLflow prints what it has registered whatever its log level.
    with MLFLOW, redirect_stderr(StringIO()):
        # Another search of this process may have opened another store since.
        set_tracking_uri(store.tracking_uri)
        uri = _logged(store, run_id, trial) or _log(run_id, model_file, trial, classes)
        reach("registry.register.before")
        version = mlflow.register_model(uri, name, tags={TRIAL: trial})
        reach("registry.register.after")
    return str(version.version)


def _logged(store: Store, run_id: str, trial: str) -> str | None:
    """A model that a kill has kept from being registered; one that is not whole is deleted."""
    whole = None
    for model in store.client.search_logged_models(
        [store.experiment_id], filter_string=f"source_run_id = '{run_id}'"
    ):
        if str(model.status) != "READY":
            store.client.delete_logged_model(model.model_id)
        elif model.tags.get(TRIAL) == trial:
            whole = str(model.model_uri)
    return whole


def _log(run_id: str, model_file: Path, trial: str, classes: Sequence[str]) -> str:
    import keras
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    # Without its optimizer and loss: who loads it needs no tunekit, unless the model itself is of a user's own layers.
    model = keras.saving.load_model(model_file, compile=False)
    # What the data have, whatever the first layer makes of it: images are uint8, the rows of a table float32.
    given = "uint8" if len(model.input_shape) == 4 else "float32"
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(given), (-1, *model.input_shape[1:]))]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, *model.output_shape[1:]))]),
    )
    reach("registry.log_model.before")
    with mlflow.start_run(run_id=run_id):
        info = mlflow.keras.log_model(
            model,
            name="model",
            signature=signature,
            # MLflow would find them out by loading the model in a process of its own, which takes 9 s.
            pip_requirements=_requirements(),
            metadata={"classes": list(classes)},
            tags={TRIAL: trial},
        )
    reach("registry.log_model.after")
    return str(info.model_uri)


def _requirements() -> list[str]:
    found = []
    for package in ("keras", "tensorflow", "numpy"):
        try:
            found.append(f"{package}=={package_version(package)}")
        except PackageNotFoundError:
            continue
    return found
