"""What must be set before Keras computes anything: threads, determinism, memory on a GPU."""

from __future__ import annotations

import difflib
import os
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from tunekit.errors import UserError

BACKENDS = ("tensorflow", "jax")
"""Those that tunekit is tested with."""
OTHERS = ("torch", "openvino", "numpy")
"""What Keras knows besides."""


def environment(threads: int, deterministic: bool) -> dict[str, str]:
    """Variables that a worker process is started with; frameworks read them when they are imported."""
    count = str(threads)
    flags = os.environ.get("XLA_FLAGS", "")
    settings = {
        # Said outright: Keras would else look into a file in the home folder, and tunekit would not.
        "KERAS_BACKEND": backend(),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        # JAX takes its number of CPU threads from here.
        "NPROC": count,
        "XLA_FLAGS": flags if threads > 1 else f"{flags} --xla_cpu_multi_thread_eigen=false".strip(),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
    }
    if deterministic:
        settings |= {"TF_DETERMINISTIC_OPS": "1", "PYTHONHASHSEED": "0"}
    return settings


def configure(threads: int, deterministic: bool) -> None:
    """Settings that TensorFlow has no variable for; call before the first operation."""
    if backend() != "tensorflow":
        return
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # One operation at a time: the sums of two that run side by side do not depend on each other anyway.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def backend() -> str:
    """The framework that Keras computes with."""
    return os.environ.get("KERAS_BACKEND", "tensorflow")


def check_backend() -> None:
    """Refuse a backend that does not exist, or is not installed, before anything is started with it."""
    chosen = backend()
    if chosen not in (*BACKENDS, *OTHERS):
        near = difflib.get_close_matches(chosen, BACKENDS, 1)
        hint = f"Did you mean {near[0]}?" if near else "Unset it to compute with tensorflow."
        raise UserError(f"KERAS_BACKEND: expected {' or '.join(BACKENDS)}, got {chosen!r}. {hint}")
    if find_spec(chosen) is None:
        raise UserError(
            f"KERAS_BACKEND: expected a backend that is installed, got {chosen}, which is not. Install it "
            f"(`pip install {chosen}`), or set KERAS_BACKEND to another."
        )


def versions() -> dict[str, str]:
    """What a score depends on besides the space and the seed."""
    found = {}
    for package in ("tunekit", "keras", backend(), "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
