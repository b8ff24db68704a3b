"""What a HyperModel declares, as a space file takes it over, restricts it and adds to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunekit.errors import Problem, SpaceError
from tunekit.space.hypermodel import Declared
from tunekit.space.override import apply_settings
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.reader import parse_space
from tunekit.space.space import Space
from tunekit.space.writer import write_space

HEAD = "name: small\nmodel: mine:Network\ndata: digits\n"
OWN: tuple[Parameter, ...] = (
    Choice("kind", ("a", "b", "c")),
    Range("block/units", 1, 9, when={"kind": ("b", "c")}),
    Choice("optimizer", ("Adam", "SGD")),
)


def read(*lines: str, parameters: tuple[Parameter, ...] = OWN, **changes: Any) -> Space:
    """The first of the lines, those of the section `parameters`, is line 5."""
    settings: dict[str, Any] = {"compiled": True, "problems": {}} | changes
    text = HEAD + ("parameters:\n" if lines else "") + "".join(f"  {line}\n" for line in lines)
    return parse_space(text, "small.yaml", Path("/spaces"), Declared(parameters, **settings))


def problem(*lines: str, **changes: Any) -> Problem:
    with pytest.raises(SpaceError) as caught:
        read(*lines, **changes)
    (found,) = caught.value.problems
    return found


def test_without_a_section_the_parameters_are_its_own() -> None:
    space = read()

    assert space.parameters == OWN
    assert space.model == "hypermodel:mine:Network"


def test_the_file_restricts_some_and_adds_trainings() -> None:
    space = read("batch_size: [16, 32]", "block/units: [2, 4]", "kind: [a, b]")

    assert space.parameters == (
        Choice("kind", ("a", "b")),
        Choice("block/units", (2, 4), when={"kind": ("b",)}),
        OWN[2],
        Choice("batch_size", (16, 32)),
    )


def test_what_can_never_be_active_any_more_is_left_out() -> None:
    assert [parameter.name for parameter in read("kind: a").parameters] == ["kind", "optimizer"]


def test_a_condition_may_be_given_anew() -> None:
    space = read("block/units: {min: 1, max: 3, when: {kind: [a]}}")

    assert space.parameter("block/units") == Range("block/units", 1, 3, when={"kind": ("a",)})


def test_the_whole_space_needs_no_hypermodel_to_be_read_again() -> None:
    space = read("batch_size: [16, 32]")

    assert parse_space(write_space(space), "again.yaml", Path("/elsewhere")) == space


@pytest.mark.parametrize(
    ("line", "expected", "got"),
    [
        ("learning_rate: 0.1", "a parameter that has an effect", "own compile() decides"),
        ("units: 3", "a parameter of the HyperModel or of training", "'units'"),
        ("batch_size: 0", "a whole number from 1", "0"),
        ("kind: {min: 1}", "the key `max`", "no such key"),
    ],
)
def test_what_does_not_fit_is_told(line: str, expected: str, got: str) -> None:
    found = problem(line)

    assert found.line == 5
    assert expected in found.expected
    assert got in found.got


def test_where_tunekit_compiles_its_parameters_have_its_values() -> None:
    assert (
        read("learning_rate: 0.1", parameters=OWN[:2], compiled=False).parameter("learning_rate") is not None
    )
    found = problem(compiled=False)
    assert found.path == "parameters.optimizer"
    assert found.got == "Adam"
    assert "compile the model there" in found.remedy
    assert read("optimizer: [adam, sgd]", compiled=False).parameter("optimizer") == Choice(
        "optimizer", ("adam", "sgd")
    )


def test_a_name_that_means_something_else_here_is_refused() -> None:
    assert "Rename it" in problem(parameters=(Choice("flip", (True, False)),)).remedy


def test_a_parameter_that_no_space_has_must_be_declared_anew() -> None:
    found = problem(problems={"rate": "sampling reverse_log"})
    assert found.path == "parameters.rate"
    assert "reverse_log" in found.got
    space = read("rate: {min: 0.1, max: 1.0}", problems={"rate": "sampling reverse_log"})
    assert space.parameter("rate") == Range("rate", 0.1, 1.0)


def test_one_that_declares_nothing_needs_a_parameter_of_training() -> None:
    assert "declares none" in problem(parameters=()).got
    assert read("batch_size: 20", parameters=()).parameters == (Fixed("batch_size", 20),)


def test_parameters_are_set_on_the_command_line() -> None:
    space = apply_settings(read(), ["optimizer=SGD", "kind=a", "batch_size=10"])
    assert space.smallest() == {"kind": "a", "optimizer": "SGD", "batch_size": 10}
    with pytest.raises(SpaceError, match="a parameter of the file or of training, got 'learning_rate'"):
        apply_settings(read(), ["learning_rate=0.1"])


def test_starts_name_its_parameters() -> None:
    text = HEAD + "start: [{kind: b, block/units: 3}, {kind: d}]\n"
    with pytest.raises(SpaceError, match=r"small.yaml:4: start\[1\].kind: expected a, b or c, got d"):
        parse_space(text, "small.yaml", Path("/spaces"), Declared(OWN, True, {}))
