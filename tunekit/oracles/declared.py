"""Keras Tuner's hyperparameters as a space's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from keras_tuner.engine.hyperparameters import Boolean, Choice, Fixed

from tunekit.oracles.hypermodels import declared_by, find_build
from tunekit.space import parameters
from tunekit.space.conditions import possible_values
from tunekit.space.hypermodel import Declared
from tunekit.space.parameters import Parameter

REVERSED = "sampling reverse_log, which a space does not have"


class Unfit(Exception):
    """A hyperparameter that a space cannot have; the text says why."""


def declared(location: str) -> Declared | None:
    """What the HyperModel of this name says of itself; None where the name is that of another function."""
    build = find_build(location)
    if build is None:
        return None
    found, compiled = declared_by(build)
    fit, problems = as_parameters(found)
    return Declared(fit, compiled, problems)


def as_parameters(found: Sequence[Any]) -> tuple[tuple[Parameter, ...], dict[str, str]]:
    """In their order; and the names of those that a space cannot have, with the reason."""
    made: dict[str, Parameter] = {}
    problems: dict[str, str] = {}
    for hp in found:
        try:
            parameter = _with_conditions(_parameter(hp), hp.conditions, made)
            earlier = made.get(hp.name)
            made[hp.name] = parameter if earlier is None else _joined(earlier, parameter)
        except (Unfit, ValueError) as error:
            problems[hp.name] = str(error)
    return tuple(parameter for name, parameter in made.items() if name not in problems), problems


def _parameter(hp: Any) -> Parameter:
    if isinstance(hp, Fixed):
        return parameters.Fixed(hp.name, hp.value)
    if isinstance(hp, Boolean):
        return parameters.Choice(hp.name, (bool(hp.default), not hp.default))
    if isinstance(hp, Choice):
        values = tuple(dict.fromkeys(hp.values))
        return parameters.Choice(hp.name, values) if len(values) > 1 else parameters.Fixed(hp.name, values[0])
    return _range(hp)


def _range(hp: Any) -> Parameter:
    low, high, step = hp.min_value, hp.max_value, hp.step
    if hp.sampling == "reverse_log":
        raise Unfit(REVERSED)
    if isinstance(low, int) and step == 1 and hp.sampling == "linear":
        step = None
    reaches = step is None or (low * step if hp.sampling == "log" else low + step) <= high
    if low == high or not reaches:
        return parameters.Fixed(hp.name, low)
    return parameters.Range(hp.name, low, high, step, "log" if hp.sampling == "log" else "linear")


def _with_conditions(
    parameter: Parameter, conditions: Sequence[Any], made: Mapping[str, Parameter]
) -> Parameter:
    """Under its own conditions and those of the parameters it depends on."""
    when: dict[str, tuple[Any, ...]] = {}
    for condition in conditions:
        parent = made.get(condition.name)
        if parent is None:
            raise Unfit(f"a condition on {condition.name}, which is no parameter of the space")
        possible = possible_values(parent)
        if possible is None:
            raise Unfit(f"a condition on {condition.name}, whose values cannot be listed")
        own = tuple(value for value in possible if value in condition.values)
        for name, values in {**parent.when, condition.name: own}.items():
            when[name] = tuple(value for value in when.get(name, values) if value in values)
    return replace(parameter, when=when)


def _joined(one: Parameter, other: Parameter) -> Parameter:
    """One that is declared again under another value of the same parameter."""
    if replace(one, when={}) != replace(other, when={}):
        raise Unfit("two declarations that differ")
    differing = [name for name in {**one.when, **other.when} if one.when.get(name) != other.when.get(name)]
    if len(differing) != 1 or set(one.when) != set(other.when):
        raise Unfit("two declarations under conditions that cannot be said in one")
    name = differing[0]
    return replace(one, when={**one.when, name: tuple(dict.fromkeys((*one.when[name], *other.when[name])))})
