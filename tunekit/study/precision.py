"""`precision: auto` becomes what suits this machine, once, when a search begins: its outcome depends on it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Fixed, Parameter
from tunekit.space.space import Space
from tunekit.space.start import distinct
from tunekit.space.vocabulary import AUTO, PRECISION
from tunekit.study.resources import gpus
from tunekit.trial.backend import backend

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
"""Of processors that compute in bfloat16: others only imitate it, and slowly."""
GAINING = ("lenet5",)
"""Models that are quicker in bfloat16 and score no less; recurrent ones are slower, others nobody has measured."""


def settled(space: Space, begun: Space | None = None) -> Space:
    """The space without `auto`: as the search that has begun settled it, else as suits this machine."""
    parameter = space.parameter(PRECISION)
    if parameter is None or AUTO not in _values(parameter):
        return space
    before = begun.parameter(PRECISION) if begun else None
    if isinstance(before, Fixed):
        suited: Scalar = before.value
    else:
        gains = space.model in GAINING and suits_bfloat16()
        suited = "bfloat16" if gains else "float32"
    values = tuple(dict.fromkeys(suited if value == AUTO else value for value in _values(parameter)))
    new = (
        Fixed(PRECISION, values[0], parameter.when)
        if len(values) == 1
        else Choice(PRECISION, values, parameter.when)
    )
    parameters = tuple(new if other is parameter else other for other in space.parameters)
    start = [
        {name: suited if name == PRECISION and value == AUTO else value for name, value in values.items()}
        for values in space.start
    ]
    return replace(space, parameters=parameters, start=distinct(start))


def suits_bfloat16() -> bool:
    """Whether TensorFlow trains on this processor, and the processor has instructions for bfloat16."""
    return backend() == "tensorflow" and not gpus() and bool(BFLOAT16_FLAGS & processor_flags())


@lru_cache
def processor_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    flags = next((line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(flags.split())


def _values(parameter: Parameter) -> tuple[Scalar, ...]:
    if isinstance(parameter, Choice):
        return parameter.values
    return (parameter.value,) if isinstance(parameter, Fixed) else ()
