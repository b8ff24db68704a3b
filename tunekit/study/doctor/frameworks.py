"""Keras, its backend and the devices that it computes on."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tunekit.errors import UserError
from tunekit.study.doctor.finding import Finding, attention, ok, wrong
from tunekit.study.doctor.process import NoAnswerError, ask
from tunekit.study.resources import gpus
from tunekit.trial.backend import BACKENDS, backend, check_backend, environment


class Frameworks:
    """Keras asked once, for two findings."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._answer = cache(self._ask)

    def keras(self) -> Finding:
        name, chosen = "Keras", backend()
        problem = _refused()
        if problem:
            return wrong(name, *problem)
        found = self._answer()
        if isinstance(found, str):
            return wrong(name, f"with the backend {chosen} it cannot be used: {found}", _remedy(chosen))
        said = f"{found['keras']} on {chosen}, loaded in {found['seconds']:.1f} s ({_origin()})"
        if not found["computes"]:
            return wrong(name, f"{said}, but a product of matrices came out wrong", _reinstall(chosen))
        if found["image_data_format"] != "channels_last" or found["floatx"] != "float32":
            settings = f"image_data_format {found['image_data_format']} and floatx {found['floatx']}"
            remedy = "Write channels_last and float32 there: models are written for them."
            return attention(name, f"{said}; {_keras_file()} sets {settings}", remedy)
        if chosen not in BACKENDS:
            return attention(
                name, said, f"tunekit is tested with {' and '.join(BACKENDS)}: set KERAS_BACKEND to one."
            )
        written = _written_backend()
        if "KERAS_BACKEND" not in os.environ and written not in (None, chosen):
            remedy = f"To compute with {written}, set KERAS_BACKEND={written}: the file's word is not taken."
            return attention(name, f"{said}; {_keras_file()} names {written}", remedy)
        return ok(name, said)

    def devices(self) -> Finding:
        name, chosen = "GPUs", backend()
        found = "no such backend" if _refused() else self._answer()
        here = gpus()
        if isinstance(found, str):
            return attention(name, "not known while Keras cannot be used", "Mend Keras first.")
        if found["gpus"]:
            listed = ", ".join(_described(gpu) for gpu in found["gpus"])
            return ok(name, f"{listed}; a worker for each")
        if here:
            return attention(
                name,
                f"{len(here)} in this machine, but {chosen} sees none",
                'Install the CUDA libraries, `pip install ".[gpu]"` for TensorFlow, and check `nvidia-smi`; or set '
                "CUDA_VISIBLE_DEVICES=-1 to compute on processors.",
            )
        if os.environ.get("CUDA_VISIBLE_DEVICES") is not None:
            return ok(name, "none: CUDA_VISIBLE_DEVICES hides them")
        if _cuda_libraries():
            return attention(
                name,
                "none in sight, though CUDA's libraries are installed; processors do the work",
                "If this machine has one, check its driver with `nvidia-smi`; a container sees it when started with "
                "`docker run --gpus all`.",
            )
        return ok(name, "none; processors do the work")

    def _ask(self) -> dict[str, Any] | str:
        # A folder that cannot be: Keras would write its settings into the user's.
        nowhere = {} if _keras_file().exists() else {"KERAS_HOME": f"{os.devnull}/keras"}
        # Keras loads matplotlib, which would write its list of fonts there as well; it insists on a folder.
        with TemporaryDirectory(prefix="tunekit-") as folder:
            fonts = {} if os.environ.get("MPLCONFIGDIR") else {"MPLCONFIGDIR": folder}
            try:
                return ask(
                    "tunekit.trial.examine",
                    seconds=self._seconds,
                    env=environment(threads=1, deterministic=False) | nowhere | fonts,
                )
            except NoAnswerError as error:
                return str(error)


def _origin() -> str:
    return "KERAS_BACKEND" if "KERAS_BACKEND" in os.environ else "the default"


def _keras_file() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"


def _written_backend() -> str | None:
    try:
        return str(json.loads(_keras_file().read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refused() -> tuple[str, str] | None:
    """Why nothing would be computed with the backend, and what to do."""
    try:
        check_backend()
    except UserError as error:
        what, _, remedy = str(error).partition(". ")
        return what, remedy
    return None


def _remedy(chosen: str) -> str:
    if _keras_file().exists() and _written_backend() is None:
        return f"Mend or remove {_keras_file()}, which Keras reads as it loads, and try again."
    return _reinstall(chosen)


def _reinstall(chosen: str) -> str:
    again = f"{sys.executable} -m pip install --force-reinstall keras {chosen}"
    other = next(name for name in BACKENDS if name != chosen)
    return f"Install it again (`{again}`), or compute with another: KERAS_BACKEND={other}."


def _cuda_libraries() -> bool:
    """As they come with TensorFlow's and JAX's packages for GPUs."""
    return find_spec("nvidia") is not None and find_spec("nvidia.cudnn") is not None


def _described(gpu: dict[str, Any]) -> str:
    memory = f" with {gpu['bytes'] / 2**30:.0f} GiB" if gpu["bytes"] else ""
    return f"{gpu['name']}{memory}"
