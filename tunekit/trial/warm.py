"""Compiled models that are kept for the next trial of their kind.

To build a model and to trace its steps takes as long as an epoch on little data. A promoted trial trains the very model
of its parent, and trials that differ in nothing but the learning rate, a variable of the optimizer, share one graph.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

import keras

from tunekit.models.build import BUILDERS
from tunekit.results import Scalar
from tunekit.trial import checkpoint
from tunekit.trial.loop import Loop

MOST = 3
"""Models that a worker keeps."""

Key = Hashable


@dataclass
class Compiled:
    """A model that is ready to train."""

    model: keras.Model
    loop: Loop
    used: bool = False
    """Whether it has what an earlier trial has left in it."""

    def renew(self, build: Callable[[], keras.Model]) -> None:
        """Give it the weights, the random state and the optimizer of a model that `build` makes, unless it is new."""
        if self.used:
            fresh = checkpoint.all_variables(build())
            for variable, its in zip(checkpoint.all_variables(self.model), fresh, strict=True):
                variable.assign(its)


_kept: OrderedDict[Key, Compiled] = OrderedDict()


def key(model: str, values: Mapping[str, Scalar], *rest: Hashable) -> Key | None:
    """What a graph depends on; None for a user's own model, of which nobody knows what it depends on."""
    if model not in BUILDERS:
        return None
    variable = ("learning_rate",) if values["schedule"] == "constant" else ()
    return model, tuple(sorted(item for item in values.items() if item[0] not in variable)), *rest


def take(key: Key | None) -> Compiled | None:
    """The model of this key, which is nobody else's until it is kept again."""
    return _kept.pop(key, None)


def keep(key: Key | None, compiled: Compiled) -> None:
    """For a later trial, once this one has ended well."""
    if key is None:
        return
    compiled.used = True
    _kept[key] = compiled
    while len(_kept) > MOST:
        _kept.popitem(last=False)
