"""A search space: what may vary, on which data, how it is searched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tunekit.results import Scalar, Values
from tunekit.space.parameters import Fixed, Parameter

Tuner = Literal["hyperband", "random", "bayesian", "grid"]
Direction = Literal["max", "min"]
ClassWeights = Literal["balanced"] | tuple[tuple[str, float], ...]
"""Of the classes in the training loss: in inverse proportion to their examples, or by name."""


@dataclass(frozen=True)
class Objective:
    """The metric that ranks trials."""

    name: str = "val_accuracy"
    direction: Direction = "max"

    @property
    def metric(self) -> str:
        """Its name on any part of the data: `f1` for `val_f1`."""
        return self.name.removeprefix("val_")

    def validation_minus_test(self, score: float, test: Mapping[str, float]) -> float | None:
        """By how much the score flatters; None for Keras' loss: it has penalties and smoothed labels in validation."""
        return None if self.metric == "loss" or self.metric not in test else score - test[self.metric]

    def better(self, one: float, other: float) -> bool:
        return one > other if self.direction == "max" else one < other


@dataclass(frozen=True)
class DataSpec:
    """Where examples and labels come from, what is made of them, and what is held out of them."""

    source: Literal["digits", "tfds", "npz", "images", "csv", "parquet", "python"]
    location: str = ""
    """The TFDS name, `package.module:function`, or a path: absolute, or relative to the space file in the YAML."""
    validation: float = 0.1
    """Share of the training examples held out for validation, the same for every class and every trial."""
    class_weights: ClassWeights | None = None
    size: tuple[int, int] | None = None
    """Height and width that images are brought to; None where they have one size already."""
    channels: int | None = None
    """1 or 3; None takes what the images have."""
    label: str | None = None
    """The column that holds the classes."""
    shape: tuple[int, int, int] | None = None
    """Of the image that a row of a table is; None leaves it a vector of features."""
    test: str | None = None
    """The path of the file with the test part; None holds a part of the first file out."""


@dataclass(frozen=True)
class SearchSettings:
    """How the space is searched."""

    tuner: Tuner = "hyperband"
    max_epochs: int = 27
    factor: int = 3
    iterations: int = 1
    seed: int = 0
    max_trials: int | None = None
    """Trials at most; needed by the tuners random and bayesian, where None means 20."""
    limit: int | None = None
    """Use this many of the training images, validation included; None uses all."""
    finalists: int = 0
    """Retrain this many of the best from scratch before a winner is picked; 0 picks it as searched."""
    repeats: int = 3
    """Seeds that each finalist is retrained with."""
    executions_per_trial: int = 1
    """Trainings of each trial, each with a seed of its own; their mean is its score."""


@dataclass(frozen=True)
class Verified:
    """What an exported configuration adds so that it can be checked: what it scored, and with what."""

    search: str
    trial: str
    score: float
    epochs: int
    best_epoch: int
    seed: int
    threads: int
    data_sha256: str
    versions: Mapping[str, str] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    machine: str = ""
    model_sha256: str = ""
    """Of the source of a model of the user's own."""


@dataclass(frozen=True)
class Space:
    """A whole space file, checked."""

    name: str
    model: str
    data: DataSpec
    parameters: tuple[Parameter, ...]
    objective: Objective = Objective()
    search: SearchSettings = SearchSettings()
    verified: Verified | None = None
    """Only in an exported configuration, where every parameter is fixed."""
    start: tuple[Values, ...] = ()
    """Configurations that are tried first, each whole or in part."""

    def parameter(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def fixed(self, values: Mapping[str, Scalar], **changes: Any) -> Space:
        """The same space with exactly these values, every parameter fixed."""
        parameters = tuple(Fixed(name, value) for name, value in values.items())
        return replace(self, parameters=parameters, start=(), **changes)

    def active(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The values whose conditions hold, in the space's order."""
        kept: dict[str, Scalar] = {}
        for parameter in self.parameters:
            holds = all(kept.get(name) in allowed for name, allowed in parameter.when.items())
            if parameter.name in values and holds:
                kept[parameter.name] = values[parameter.name]
        return kept

    def smallest(self) -> dict[str, Scalar]:
        """The configuration of every parameter's smallest value."""
        return self.active({parameter.name: parameter.smallest for parameter in self.parameters})

    def largest(self) -> dict[str, Scalar]:
        """The configuration of every parameter's largest value."""
        return self.active({parameter.name: parameter.largest for parameter in self.parameters})
