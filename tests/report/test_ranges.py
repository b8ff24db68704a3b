from __future__ import annotations

import math

import pytest

from tunekit.report.ranges import LARGEST, between, limits, place
from tunekit.space.parameters import Range

RATE = Range("learning_rate", 1e-4, 1e-1, scale="log")
DROPOUT = Range("dropout", 0.0, 0.5, 0.1)
ANYWHERE = (-math.inf, math.inf)


def test_places() -> None:
    assert place(RATE, 1e-4) == 0
    assert place(RATE, 1e-1) == pytest.approx(1)
    assert place(RATE, 10**-2.5) == pytest.approx(0.5)
    assert place(DROPOUT, 0.1) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("name", "ends", "allowed"),
    [
        ("learning_rate", (1e-4, 1e-1), (1e-8, 10.0)),
        ("momentum", (0.5, 0.99), (0.0, 0.99)),
        ("dropout", (0.0, 0.5), (0.0, 0.99)),
        ("kernel_size", (3, 5), (3, 5)),
        ("hidden_units", (32, 64), (1, 65536)),
        ("bias", (-1.0, 1.0), (-10.0, 10.0)),
    ],
)
def test_limits_are_those_of_the_parameter(
    name: str, ends: tuple[float, float], allowed: tuple[float, float]
) -> None:
    assert limits("lenet5", Range(name, *ends)) == allowed


def test_limits_of_a_parameter_that_only_the_users_model_knows() -> None:
    assert limits("mine:build", Range("keep", 0.1, 0.9)) == (0, 0.99)
    assert limits("mine:build", Range("share", 0.0, 1.0)) == (0, 1)
    assert limits("mine:build", Range("width", 4, 64)) == (0, LARGEST)
    assert limits("mine:build", Range("offset", -2.0, 2.0)) == (-LARGEST, LARGEST)


@pytest.mark.parametrize(
    ("parameter", "span", "ends"),
    [
        (RATE, (0.25, 0.75), (5.6e-4, 1.8e-2)),
        (RATE, (-0.5, 0.5), (3.1e-6, 3.2e-3)),
        (DROPOUT, (0.35, 0.85), (0.1, 0.5)),
        (DROPOUT, (-0.5, 0.5), (0.0, 0.3)),
        (DROPOUT, (0.5, 1.5), (0.2, 0.8)),
        (Range("momentum", 0.5, 0.99), (0.5, 1.5), (0.74, 0.99)),
        (Range("hidden_units", 16, 64), (0.5, 1.5), (40, 88)),
        (Range("hidden_units", 16, 128, 2, "log"), (0.4, 1.5), (32, 512)),
        (Range("batch_size", 1, 9, 4), (-0.5, 0.4), (1, 5)),
    ],
)
def test_cut_and_widened(parameter: Range, span: tuple[float, float], ends: tuple[float, float]) -> None:
    after = between(parameter, *span, limits("lenet5", parameter))
    assert (after.min, after.max) == ends
    assert (after.whole, after.step, after.scale) == (parameter.whole, parameter.step, parameter.scale)


def test_what_cannot_be_cut_stays() -> None:
    tiny = Range("width", 1e-9, 2e-9)
    assert between(tiny, 0.5, 0.5, ANYWHERE) in (
        tiny,
        Range("width", 1.4e-9, 1.6e-9),
        Range("width", 1.5e-9, 1.5e-9 + 1e-10),
    )
    huge = Range("width", 1e300, 1e308, scale="log")
    assert between(huge, 0.0, 1.5, ANYWHERE) == huge
