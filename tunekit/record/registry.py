"""The winner's model in MLflow's registry."""

from __future__ import annotations

import logging
from contextlib import redirect_stderr
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from io import StringIO
from pathlib import Path

from tunekit.record.store import Store

CHAMPION = "champion"
TRIAL = "tunekit.trial"


def register(store: Store, run_id: str, model_file: Path, name: str, trial: str) -> str:
    """Log the model on the run, register it, and make it the champion; returns its registered version.

    A version that this run and trial have already, as after a kill, is taken instead of a second one.
    """
    found = store.client.search_model_versions(f"name = '{name}'")
    known = [version for version in found if version.run_id == run_id and version.tags.get(TRIAL) == trial]
    registered = known[0].version if known else _log(run_id, model_file, name, trial)
    store.client.set_registered_model_alias(name, CHAMPION, registered)
    return str(registered)


def _log(run_id: str, model_file: Path, name: str, trial: str) -> str:
    import keras
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    model = keras.saving.load_model(model_file, compile=False)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("uint8"), (-1, *model.input_shape[1:]))]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, *model.output_shape[1:]))]),
    )
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    # MLflow prints what it has registered whatever its log level.
    with redirect_stderr(StringIO()), mlflow.start_run(run_id=run_id):
        info = mlflow.keras.log_model(
            model,
            name="model",
            signature=signature,
            # MLflow would find them out by loading the model in a process of its own, which takes 9 s.
            pip_requirements=_requirements(),
        )
        version = mlflow.register_model(info.model_uri, name, tags={TRIAL: trial})
    return str(version.version)


def _requirements() -> list[str]:
    found = []
    for package in ("keras", "tensorflow", "numpy"):
        try:
            found.append(f"{package}=={package_version(package)}")
        except PackageNotFoundError:
            continue
    return found
