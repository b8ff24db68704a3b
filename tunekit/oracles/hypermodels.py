"""Keras Tuner's HyperModels: found by name, built from plain values, and asked what parameters they have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import keras
from keras_tuner import HyperModel, HyperParameters

from tunekit.errors import ModelError
from tunekit.imports import find
from tunekit.results import Values

MOST_BUILDS = 60
"""Models built to find parameters that are declared only where others have certain values."""
MOST_VALUES = 10
"""Values of one choice that are tried for that."""

Build = Callable[[HyperParameters], Any]


def find_build(location: str) -> Build | None:
    """What builds a model from HyperParameters; None where the name is that of a function of plain values."""
    found = find("model", location, ModelError)
    if inspect.isclass(found):
        found = _instance(location, found)
    if isinstance(found, HyperModel):
        if type(found).fit is not HyperModel.fit:
            raise ModelError(
                f"model {location}: expected a HyperModel without a fit() of its own, since tunekit trains epoch by "
                "epoch itself. Remove it; batch_size is a parameter of training that the space file may give."
            )
        return lambda hp: _build(found, hp)
    if not callable(found):
        kind = "nothing" if found is None else type(found).__name__
        raise ModelError(
            f"model {location}: expected a HyperModel, a function build(hp) or a function (values, data) of this name, "
            f"got {kind}."
        )
    return found if takes_hp(found) else None


def takes_hp(function: Callable[..., Any]) -> bool:
    """Whether it is written for Keras Tuner: its one argument that must be given is called hp."""
    parameters = inspect.signature(function).parameters.values()
    needed = [
        each.name
        for each in parameters
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    return needed == ["hp"]


def build_hypermodel(location: str, values: Values) -> Any:
    """The model of these values."""
    build = find_build(location)
    if build is None:
        raise ModelError(
            f"model {location}: expected a HyperModel or a function build(hp), got another function."
        )
    hp = HyperParameters()
    hp.values = dict(values)
    return build(hp)


def declared_by(build: Build) -> tuple[list[Any], bool]:
    """Every hyperparameter that building models brings up, and whether the models come compiled.

    Some are declared only for certain values of others, as `units_2` in a loop over `layers`. So models are built with
    the defaults, then with other values of each parameter in turn, until that brings up nothing new.
    """
    found: list[Any] = []
    contexts: list[dict[str, Any]] = []
    first = HyperParameters()
    compiled = bool(getattr(_built(build, first), "compiled", False))
    _take_new(found, contexts, first, {})
    builds, place = 1, 0
    while place < len(found):
        for value in _others(found[place]):
            if builds == MOST_BUILDS:
                return found, compiled
            builds += 1
            hp = HyperParameters()
            hp.values = contexts[place] | _under_conditions(found, found[place]) | {found[place].name: value}
            context = dict(hp.values)
            # Values that do not go together make a failed trial; what they declared counts all the same.
            with suppress(Exception):
                _built(build, hp)
            _take_new(found, contexts, hp, context)
        place += 1
    return found, compiled


def _instance(location: str, kind: type) -> Any:
    try:
        return kind()
    except TypeError as error:
        name = kind.__name__
        raise ModelError(
            f"model {location}: expected a class that is made without arguments, got {error}. "
            f"Make an instance in the module, such as `network = {name}(...)`, and name that."
        ) from error


def _build(hypermodel: HyperModel, hp: HyperParameters) -> Any:
    hypermodel.declare_hyperparameters(hp)
    return hypermodel.build(hp)


def _built(build: Build, hp: HyperParameters) -> Any:
    keras.utils.clear_session()
    return build(hp)


def _take_new(
    found: list[Any], contexts: list[dict[str, Any]], hp: HyperParameters, context: Mapping[str, Any]
) -> None:
    for each in hp.space:
        if not any(known.name == each.name and known.conditions == each.conditions for known in found):
            found.append(each)
            contexts.append(dict(context))


def _under_conditions(found: list[Any], hp: Any) -> dict[str, Any]:
    """Values under which the hyperparameter is active."""
    values: dict[str, Any] = {}
    for condition in hp.conditions:
        parent = next((known for known in found if known.name == condition.name), None)
        values |= {} if parent is None else _under_conditions(found, parent)
        values[condition.name] = condition.values[0]
    return values


def _others(hp: Any) -> list[Any]:
    """Values beside the default that may bring up other hyperparameters."""
    ranged = hasattr(hp, "min_value")
    values = [hp.max_value, hp.min_value] if ranged else list(hp.values)[:MOST_VALUES]
    return [value for value in values if value != hp.default]
