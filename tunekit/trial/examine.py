"""What Keras and its backend are here. Run in a process of its own, as `tunekit.study.doctor.process` does."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def main() -> None:
    """Writes one JSON object to the descriptor that is the first argument."""
    answer = json.dumps(examine()).encode()
    os.write(int(sys.argv[1]), answer)
    # Frameworks that crash as they leave have answered all the same.
    os._exit(0)


def examine() -> dict[str, Any]:
    """Import it, compute something, and look at the devices."""
    began = time.perf_counter()
    import keras

    backend = keras.config.backend()
    seconds = time.perf_counter() - began
    ones = keras.ops.ones((64, 64))
    total = float(keras.ops.convert_to_numpy(keras.ops.sum(keras.ops.matmul(ones, ones))))
    return {
        "keras": keras.__version__,
        "backend": backend,
        "seconds": seconds,
        "computes": total == 64.0**3,
        "image_data_format": keras.config.image_data_format(),
        "floatx": keras.config.floatx(),
        "gpus": _gpus(backend),
    }


def _gpus(backend: str) -> list[dict[str, Any]]:
    """Name and bytes of each GPU; 0 bytes where the backend does not say."""
    if backend == "tensorflow":
        return _tensorflow_gpus()
    if backend == "jax":
        return _jax_gpus()
    return []


def _tensorflow_gpus() -> list[dict[str, Any]]:
    import tensorflow as tf
    from tensorflow.python.client import device_lib

    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return []
    limits = [
        device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU"
    ]
    names = [
        tf.config.experimental.get_device_details(device).get("device_name", "GPU") for device in devices
    ]
    limits += [0] * (len(names) - len(limits))
    return [{"name": name, "bytes": int(limit)} for name, limit in zip(names, limits, strict=False)]


def _jax_gpus() -> list[dict[str, Any]]:
    import jax

    found = []
    for device in jax.local_devices():
        if device.platform != "cpu":
            stats = device.memory_stats() or {}
            found.append({"name": device.device_kind, "bytes": int(stats.get("bytes_limit", 0))})
    return found
