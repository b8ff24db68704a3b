"""Keras Tuner's oracles, mended. `Hyperband` and `HyperbandTuner` are for those who stay with Keras Tuner."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunekit.oracles.keras_tuners import Hyperband as Hyperband
    from tunekit.oracles.keras_tuners import HyperbandTuner as HyperbandTuner

__all__ = ["Hyperband", "HyperbandTuner"]


def __getattr__(name: str) -> Any:
    """Keras Tuner takes seconds to import, and the schedule needs nothing of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tunekit.oracles.keras_tuners"), name)
