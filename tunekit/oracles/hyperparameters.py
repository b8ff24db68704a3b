"""A space's parameters as Keras Tuner's HyperParameters, declared beforehand."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from keras_tuner import HyperParameters

from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space

MOST_STEPS = 1000
"""Values of a stepped range that are listed one by one; longer ranges are left to Keras Tuner's arithmetic."""


def to_hyperparameters(space: Space) -> HyperParameters:
    """Declare every parameter of the space, conditional ones under their conditions."""
    hp = HyperParameters()
    for parameter in space.parameters:
        hp.merge([_declared(parameter)])
    return hp


def within(hp: Any, value: Any) -> Any:
    """The value, kept inside its range: rounding and a probability of exactly 1 can leave it."""
    if not hasattr(hp, "min_value"):
        return value
    return min(max(value, hp.min_value), hp.max_value)


def _declared(parameter: Parameter) -> Any:
    """Declared in a place of its own: `conditional_scope` takes a parent only from the scopes it is in itself."""
    hp = HyperParameters()
    with ExitStack() as scopes:
        for name, values in parameter.when.items():
            hp.Fixed(name, values[0])
            scopes.enter_context(hp.conditional_scope(name, list(values)))
        _declare(hp, parameter)
    return hp.space[-1]


def _declare(hp: HyperParameters, parameter: Parameter) -> None:
    if isinstance(parameter, Fixed):
        hp.Fixed(parameter.name, parameter.value)
    elif isinstance(parameter, Choice):
        _declare_choice(hp, parameter)
    else:
        _declare_range(hp, parameter)


def _declare_choice(hp: HyperParameters, parameter: Choice) -> None:
    # A Choice of booleans would become a Choice of integers.
    if isinstance(parameter.values[0], bool):
        if len(parameter.values) == 1:
            hp.Fixed(parameter.name, parameter.values[0])
        else:
            hp.Boolean(parameter.name, default=parameter.values[0])
    else:
        hp.Choice(parameter.name, list(parameter.values), ordered=False, default=parameter.values[0])


def _declare_range(hp: HyperParameters, parameter: Range) -> None:
    steps = stepped_values(parameter)
    if steps:
        hp.Choice(parameter.name, steps, ordered=True)
        return
    declare = hp.Int if parameter.whole else hp.Float
    settings: dict[str, Any] = {"sampling": parameter.scale}
    if parameter.step is not None:
        settings["step"] = parameter.step
    declare(parameter.name, min_value=parameter.min, max_value=parameter.max, **settings)


def stepped_values(parameter: Range) -> list[Scalar]:
    """Every value of a range with a step, as written; empty without a step and where they are too many.

    In decimals: with binary fractions Keras Tuner's 0 to 1 by 0.1 ends at 0.9 and holds 0.30000000000000004.
    """
    if parameter.step is None:
        return []
    kind = int if parameter.whole else float
    low, high, step = (Decimal(repr(number)) for number in (parameter.min, parameter.max, parameter.step))
    values: list[Scalar] = []
    value = low
    while value <= high and len(values) <= MOST_STEPS:
        values.append(kind(value))
        value = low + len(values) * step if parameter.scale == "linear" else value * step
    return values if len(values) <= MOST_STEPS else []
