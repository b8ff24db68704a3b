"""Whether a configuration lies in a space: what the values of its parameters are, and which it may have together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunekit.results import Scalar, Values
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.problems import Report, listed, suggestion
from tunekit.space.scalars import shown, written
from tunekit.space.steps import stepped_values

SHOWN = 12
"""Values that a message lists."""


def fitted(parameter: Parameter, value: Scalar) -> Scalar | None:
    """The value as the parameter has it, such as 1.0 for 1; None where it is not among the parameter's."""
    match parameter:
        case Fixed():
            return _among((parameter.value,), value)
        case Choice():
            return _among(parameter.values, value)
        case Range():
            return _within(parameter, value)


def _among(values: Sequence[Scalar], value: Scalar) -> Scalar | None:
    same = (each for each in values if each == value and isinstance(each, bool) == isinstance(value, bool))
    return next(same, None)


def _within(parameter: Range, value: Scalar) -> Scalar | None:
    if isinstance(value, bool | str) or not parameter.min <= value <= parameter.max:
        return None
    steps = stepped_values(parameter)
    if steps:
        return _among(steps, value)
    if parameter.whole:
        return value if isinstance(value, int) else None
    return float(value)


def described(parameter: Parameter) -> str:
    """A parameter's values, in words."""
    match parameter:
        case Fixed():
            return f"{written(parameter.value)}, to which it is fixed"
        case Choice():
            return _some(parameter.values)
        case Range():
            steps = stepped_values(parameter)
            kind = "a whole number" if parameter.whole else "a number"
            between = f"{kind} from {written(parameter.min)} to {written(parameter.max)}"
            return f"{between}: {_some(steps)}" if steps else between


def _some(values: Sequence[Scalar]) -> str:
    texts = [written(value) for value in values[:SHOWN]]
    return f"{', '.join(texts)}, ..." if len(values) > SHOWN else listed(texts)


def fit(
    report: Report, path: str, parameters: Sequence[Parameter], values: Values, lines: Mapping[str, int]
) -> dict[str, Scalar]:
    """The values as the parameters have them, in their order; each that does not fit is reported."""
    known = {parameter.name: parameter for parameter in parameters}
    for name in values:
        if name not in known:
            where, line = _place(path, name, lines)
            expected = "a parameter of this space"
            report.add(where, line, expected, shown(repr(name)), suggestion(name, tuple(known)))
    found: dict[str, Scalar] = {}
    for name, parameter in known.items():
        if name in values:
            value = fitted(parameter, values[name])
            if value is None:
                where, line = _place(path, name, lines)
                got = shown(written(values[name]))
                remedy = f"Write such a value, leave {name} out to have it drawn, or widen the parameter."
                report.add(where, line, described(parameter), got, remedy)
            else:
                found[name] = value
    _check_active(report, path, known, found, lines)
    return found


def _check_active(
    report: Report, path: str, known: Mapping[str, Parameter], found: Values, lines: Mapping[str, int]
) -> None:
    """A parameter that has a value is active: whatever it depends on has a value under which it is."""
    for name in found:
        unmet = unmet_condition(known, found, name)
        if unmet is not None:
            allowed = " or ".join(written(value) for value in known[name].when[unmet])
            where, line = _place(path, name, lines)
            came = f"{unmet}: {written(found[unmet])}" if unmet in found else f"no {unmet}"
            remedy = f"Write {unmet}: {allowed} beside it, or leave {name} out."
            report.add(where, line, f"{unmet}: {allowed}, on which {name} depends", shown(came), remedy)


def unmet_condition(known: Mapping[str, Parameter], values: Values, name: str) -> str | None:
    """The first parameter whose value, or the lack of one, keeps this one from being active."""
    for parent, allowed in known[name].when.items():
        fixed = known.get(parent)
        value = values.get(parent, fixed.value if isinstance(fixed, Fixed) else None)
        if value not in allowed:
            return parent
    return None


def _place(path: str, name: str, lines: Mapping[str, int]) -> tuple[str, int]:
    return ".".join(filter(None, (path, shown(name, 40)))), lines.get(name, 0)
