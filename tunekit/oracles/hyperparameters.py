"""A space's parameters as Keras Tuner's HyperParameters, declared beforehand."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from keras_tuner import HyperParameters

from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space
from tunekit.space.steps import stepped_values


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
