"""Small records to write and read; imports nothing heavy, for programs that are started to be killed."""

from __future__ import annotations

from typing import Any

from tunekit.results import Epoch, Outcome, Trial


def make_trial(trial_id: str = "00", **changes: Any) -> Trial:
    settings: dict[str, Any] = {"values": {"units": 3}, "seed": 7, "initial_epoch": 0, "epochs": 3}
    return Trial(trial_id, **(settings | changes))


def make_epoch(number: int = 1, value: float = 0.5) -> Epoch:
    return Epoch(number, {"score": value}, 1.5)


def make_outcome(score: float = 0.5) -> Outcome:
    return Outcome(score=score, best_epoch=1, parameters=10, seconds=1.0, insight={"dead": 0.25})
