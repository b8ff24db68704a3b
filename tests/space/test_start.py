from __future__ import annotations

import pytest

from tunekit.results import Scalar

from .helpers import assert_problem, parse, with_parameters

PARAMETERS = (
    "optimizer: [adam, momentum]",
    "learning_rate: {min: 1.0e-3, max: 0.1, scale: log}",
    "momentum: {min: 0.5, max: 0.9, when: {optimizer: [momentum]}}",
    "dropout: {min: 0.0, max: 0.6, step: 0.2}",
    "hidden_units: {min: 8, max: 64}",
    "batch_size: 50",
)


def text(*starts: str) -> str:
    """The first start is in line 12."""
    return with_parameters(*PARAMETERS) + "start:\n" + "".join(f"  - {start}\n" for start in starts)


def start(written: str) -> dict[str, Scalar]:
    (found,) = parse(text(written)).start
    return dict(found)


def test_a_configuration_is_given_whole_or_in_part() -> None:
    whole = "{optimizer: momentum, learning_rate: 0.01, momentum: 0.9, dropout: 0.4, hidden_units: 32}"
    found = parse(text(whole, "{dropout: 0.2}")).start

    assert found == (
        {"optimizer": "momentum", "learning_rate": 0.01, "momentum": 0.9, "dropout": 0.4, "hidden_units": 32},
        {"dropout": 0.2},
    )


def test_without_the_section_there_is_none() -> None:
    assert parse(with_parameters(*PARAMETERS)).start == ()


def test_values_have_the_parameters_types_and_order() -> None:
    found = start("{dropout: 0, optimizer: adam}")

    assert list(found) == ["optimizer", "dropout"]
    assert type(found["dropout"]) is float


def test_what_is_written_twice_is_asked_once() -> None:
    assert parse(text("{dropout: 0.0}", "{optimizer: adam}", "{dropout: 0}")).start == (
        {"dropout": 0.0},
        {"optimizer": "adam"},
    )


@pytest.mark.parametrize(
    ("written", "name", "expected", "remedy"),
    [
        ("{droput: 0.2}", "droput", "a parameter of this space", "Did you mean dropout?"),
        ("{optimizer: sgd}", "optimizer", "adam or momentum", "widen the parameter"),
        ("{learning_rate: 0.5}", "learning_rate", "a number from 0.001 to 0.1", "widen"),
        ("{learning_rate: high}", "learning_rate", "a number from 0.001 to 0.1", "widen"),
        ("{dropout: 0.3}", "dropout", "0.0, 0.2, 0.4 or 0.6", "leave dropout out"),
        ("{hidden_units: 8.5}", "hidden_units", "a whole number from 8 to 64", "widen"),
        ("{hidden_units: true}", "hidden_units", "a whole number from 8 to 64", "widen"),
        ("{batch_size: 32}", "batch_size", "50, to which it is fixed", "leave batch_size out"),
        ("{momentum: 0.9}", "momentum", "optimizer: momentum, on which", "leave momentum out"),
        ("{optimizer: adam, momentum: 0.9}", "momentum", "optimizer: momentum", "Write optimizer: momentum"),
        ("{dropout: [0.2]}", "dropout", "one value", "true, false, a number or text"),
        ("{dropout: }", "dropout", "a value", "leave the parameter out"),
    ],
)
def test_what_lies_outside_the_space_is_told(written: str, name: str, expected: str, remedy: str) -> None:
    assert_problem(text(written), 12, f"start[0].{name}", expected, remedy)


@pytest.mark.parametrize(
    ("section", "line", "path", "expected"),
    [
        ("start: {dropout: 0.2}", 11, "start", "a list of configurations"),
        ("start: 0.2", 11, "start", "a list of configurations"),
        ("start:", 11, "start", "a list of configurations"),
        ("start: [0.2]", 11, "start[0]", "a mapping of parameters"),
        ("start: [{}]", 11, "start[0]", "at least one value"),
    ],
)
def test_it_is_a_list_of_mappings(section: str, line: int, path: str, expected: str) -> None:
    assert_problem(with_parameters(*PARAMETERS) + section, line, path, expected, "")


def test_a_parameter_that_cannot_be_read_is_not_called_unknown_as_well() -> None:
    broken = with_parameters("dropout: 5.0") + "start: [{dropout: 0.2}]"

    assert_problem(broken, 5, "parameters.dropout", "from 0 to 0.99", "Lower it")


def test_what_depends_on_a_fixed_value_needs_no_word_of_it() -> None:
    lines = ("optimizer: momentum", "momentum: {min: 0.5, max: 0.9, when: {optimizer: [momentum]}}")
    (found,) = parse(with_parameters(*lines) + "start: [{momentum: 0.9}]").start

    assert found == {"momentum": 0.9}
