"""Drives an oracle with workers that exist only in name, and scores that follow from values and epochs alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tunekit.oracles.tuners import Tuner, make_oracle
from tunekit.results import Trial
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import DataSpec, Objective, SearchSettings, Space

MIXED: tuple[Parameter, ...] = (
    Choice("optimizer", ("adam", "sgd", "momentum")),
    Range("learning_rate", 1e-4, 1e-1, scale="log"),
    Range("momentum", 0.5, 0.99, when={"optimizer": ("momentum",)}),
    Range("dropout", 0.0, 0.8, 0.1),
    Choice("batch_norm", (True, False)),
    Range("units", 16, 256),
    Fixed("batch_size", 50),
)
SIX: tuple[Parameter, ...] = (Choice("kind", ("a", "b", "c")), Choice("flag", (True, False)))

Score = Callable[[Trial], float | None]
"""The score of a trial; None where it fails."""


def make_space(*parameters: Parameter, direction: str = "max", **settings: Any) -> Space:
    return Space(
        name="small",
        model="lenet5",
        data=DataSpec("digits"),
        parameters=parameters or MIXED,
        objective=Objective("score", direction),  # type: ignore[arg-type]
        search=SearchSettings(**settings),
    )


def digest(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(json.dumps(parts).encode(), digest_size=6).digest(), "big")


def scored(trial: Trial, digits: int = 2) -> float:
    """A score from the values and the epochs; few digits make for ties."""
    return round(digest(dict(sorted(trial.values.items())), trial.epochs) % 10**6 / 10**6, digits)


def failing(percent: int, salt: int = 0) -> Score:
    """Scores where that share of trials fails, the same ones every time."""

    def score(trial: Trial) -> float | None:
        return None if digest(trial.id, salt) % 100 < percent else scored(trial)

    return score


@dataclass
class Run:
    """What came of a search."""

    trials: dict[str, Trial] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    most_running: int = 0

    def rung(self, bracket: int, round: int, iteration: int = 0) -> list[Trial]:
        place = (iteration, bracket, round)
        trials = [self.trials[trial_id] for trial_id in sorted(self.trials)]
        return [trial for trial in trials if (trial.iteration, trial.bracket, trial.round) == place]

    @property
    def ordered(self) -> dict[str, tuple[Trial, float | None]]:
        return {trial_id: (self.trials[trial_id], self.scores[trial_id]) for trial_id in sorted(self.trials)}


def play(oracle: Tuner, score: Score = scored, workers: int = 1, order: Random | None = None) -> Run:
    """A whole search; `order` draws which running trial ends next, without it the oldest does."""
    run, running = Run(), []
    while True:
        while len(running) < workers and (trial := oracle.ask()) is not None:
            assert trial.id not in run.trials
            run.trials[trial.id] = trial
            running.append(trial)
        run.most_running = max(run.most_running, len(running))
        if not running:
            assert oracle.complete
            return run
        trial = running.pop(order.randrange(len(running)) if order else 0)
        run.scores[trial.id] = score(trial)
        tell(oracle, trial.id, run.scores[trial.id])


def tell(oracle: Tuner, trial_id: str, score: float | None) -> None:
    if score is None:
        oracle.fail(trial_id)
    else:
        oracle.finish(trial_id, score)


def search(space: Space, score: Score = scored, workers: int = 1, order: Random | None = None) -> Run:
    return play(make_oracle(space), score, workers, order)


def as_text(values: Any) -> str:
    return json.dumps(values, sort_keys=True)
