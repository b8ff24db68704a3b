"""A space's parameters, as Keras Tuner draws them."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles.driver import MIXED, make_space, search
from tests.space.strategies import spaces
from tunekit.oracles.hyperparameters import to_hyperparameters, within
from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space
from tunekit.space.steps import MOST_STEPS, stepped_values


def drawn(*parameters: Parameter, count: int = 60) -> list[dict[str, Scalar]]:
    run = search(make_space(*parameters, tuner="random", max_trials=count))
    return [dict(trial.values) for trial in run.trials.values()]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Range("x", 0.0, 1.0, 0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (Range("x", 0.0, 0.8, 0.3), [0.0, 0.3, 0.6]),
        (Range("x", 1e-4, 1e-1, 10, "log"), [1e-4, 1e-3, 1e-2, 1e-1]),
        (Range("x", 16, 100, 2, "log"), [16, 32, 64]),
        (Range("x", 1, 10, 4), [1, 5, 9]),
    ],
)
def test_a_step_reaches_every_value_as_it_is_written(parameter: Range, expected: list[Scalar]) -> None:
    values = [values["x"] for values in drawn(parameter)]

    assert stepped_values(parameter) == expected
    assert sorted(values) == expected
    assert {type(value) for value in values} == {type(expected[0])}


def test_a_range_of_very_many_steps_is_left_to_keras_tuner() -> None:
    parameter = Range("x", 0.0, 1.0, 1 / (MOST_STEPS + 1))

    assert stepped_values(parameter) == []
    values = [values["x"] for values in drawn(parameter)]
    assert len(values) == 60
    assert all(isinstance(value, float) and 0 <= value <= 1 for value in values)


def test_values_keep_their_types() -> None:
    parameters = (
        Choice("flag", (True, False)),
        Choice("always", (True,)),
        Choice("number", (1, 2)),
        Choice("share", (0.5, 1.0)),
        Choice("word", ("yes", "no")),
        Range("whole", 1, 100_000, scale="log"),
        Range("real", 0.0, 1.0),
        Fixed("off", False),
        Fixed("fifty", 50),
    )
    types = {"flag": bool, "always": bool, "number": int, "share": float, "word": str}
    types |= {"whole": int, "real": float, "off": bool, "fifty": int}

    for values in drawn(*parameters):
        assert {name: type(value) for name, value in values.items()} == types
        assert (values["off"], values["fifty"], values["always"]) == (False, 50, True)


def test_a_logarithmic_range_is_drawn_evenly_by_magnitude() -> None:
    values = [math.log10(values["x"]) for values in drawn(Range("x", 1e-4, 1.0, scale="log"), count=400)]

    counts = [sum(low <= value <= low + 1 for value in values) for low in (-4, -3, -2, -1)]
    assert all(70 <= count <= 130 for count in counts), counts


def test_a_conditional_parameter_is_there_when_it_is_active() -> None:
    for values in drawn(*MIXED):
        assert ("momentum" in values) == (values["optimizer"] == "momentum")


def test_conditions_may_name_several_parameters() -> None:
    parameters = (
        Choice("kind", ("a", "b")),
        Choice("flag", (True, False)),
        Choice("both", (1, 2), when={"kind": ("a",), "flag": (True,)}),
        # As the reader gives it: its own condition first, then those of its parent.
        Choice("below", (3, 4), when={"both": (2,), "kind": ("a",), "flag": (True,)}),
    )
    found = drawn(*parameters, count=20)

    # 3 without `both`, then both=1, and both=2 with either value of `below`.
    assert len(found) == 6
    for values in found:
        assert ("both" in values) == (values["kind"] == "a" and values["flag"])
        assert ("below" in values) == (values.get("both") == 2)


@pytest.mark.parametrize("value", [0, 11, 5])
def test_a_value_is_kept_inside_its_range(value: int) -> None:
    (hp,) = to_hyperparameters(make_space(Range("x", 1, 10))).space

    assert 1 <= within(hp, value) <= 10
    assert within(hp, 5) == 5


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(space=spaces(), seed=st.integers(0, 2**31))
def test_what_is_drawn_from_any_space_is_in_it(space: Space, seed: int) -> None:
    assert_drawn_values_are_in(space, seed)


@pytest.mark.long
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(space=spaces(), seed=st.integers(0, 2**31))
def test_what_is_drawn_from_any_space_is_in_it_at_length(space: Space, seed: int) -> None:
    assert_drawn_values_are_in(space, seed)


def assert_drawn_values_are_in(space: Space, seed: int) -> None:
    run = search(make_space(*space.parameters, tuner="random", max_trials=4, seed=seed))
    assert run.trials
    for trial in run.trials.values():
        assert space.active(trial.values) == trial.values
        expected = space.active({p.name: trial.values.get(p.name, p.smallest) for p in space.parameters})
        assert set(expected) == set(trial.values)
        for name, value in trial.values.items():
            parameter = space.parameter(name)
            assert parameter is not None
            assert_allowed(parameter, value)


def assert_allowed(parameter: Parameter, value: Scalar) -> None:
    match parameter:
        case Fixed(value=fixed):
            assert (value, type(value)) == (fixed, type(fixed))
        case Choice(values=values):
            assert (type(value), value) in [(type(other), other) for other in values]
        case Range() as numbers:
            assert type(value) is (int if numbers.whole else float)
            assert numbers.min <= value <= numbers.max  # type: ignore[operator]
