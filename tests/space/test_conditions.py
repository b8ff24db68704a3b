from __future__ import annotations

import pytest

from tunekit.results import Scalar
from tunekit.space.conditions import possible_values
from tunekit.space.parameters import Choice, Fixed, Parameter, Range

from .helpers import HEAD, OWN, assert_problem, parse, with_parameters

RECURRENT = HEAD.replace("lenet5", "recurrent")


@pytest.mark.parametrize("when", ["{optimizer: [momentum]}", "{optimizer: momentum}"])
@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        ("min: 0.5, max: 0.9", Range("momentum", 0.5, 0.9, when={"optimizer": ("momentum",)})),
        ("values: [0.5, 0.9]", Choice("momentum", (0.5, 0.9), when={"optimizer": ("momentum",)})),
        ("value: 0.5", Fixed("momentum", 0.5, when={"optimizer": ("momentum",)})),
    ],
)
def test_every_kind_may_be_conditional(when: str, kind: str, parameter: Parameter) -> None:
    text = with_parameters("optimizer: [adam, momentum]", f"momentum: {{{kind}, when: {when}}}")
    assert parse(text).parameters[1] == parameter


def test_a_childs_condition_includes_its_parents() -> None:
    lines = ["a: [1, 2, 3]", "b: {values: [x, y], when: {a: [1, 2]}}", "c: {value: 0, when: {b: x}}"]
    assert parse(with_parameters(*lines, head=OWN)).parameters[2].when == {"a": (1, 2), "b": ("x",)}
    lines[2] = "c: {value: 0, when: {b: x, a: [3, 2]}}"
    assert parse(with_parameters(*lines, head=OWN)).parameters[2].when == {"a": (2,), "b": ("x",)}


def test_conditions_take_the_parents_type() -> None:
    lines = ["rate: [1, 2.5]", "flag: [true, false]", "c: {value: 0, when: {rate: 1, flag: true}}"]
    when = parse(with_parameters(*lines, head=OWN)).parameters[2].when
    assert when == {"rate": (1.0,), "flag": (True,)}
    assert isinstance(when["rate"][0], float)


@pytest.mark.parametrize(
    ("when", "path", "expected", "remedy"),
    [
        ("{optimzer: adam}", ".optimzer", "declared above", "Did you mean optimizer?"),
        ("{l2: 0.0}", ".l2", "declared above", "A parameter comes after those it depends on"),
        ("{momentum: 0.5}", ".momentum", "declared above", "A parameter comes after those it depends on"),
        ("{optimizer: momentun}", ".optimizer", "adam or momentum", "Did you mean momentum?"),
        ("{optimizer: [adam, sgd]}", ".optimizer", "adam or momentum", "Known: adam, momentum"),
        ("{optimizer: []}", ".optimizer", "at least one value", "such as [adam]"),
        ("{optimizer: [adam, adam]}", ".optimizer", "differ", "such as [adam]"),
        ("{optimizer: null}", ".optimizer", "adam or momentum", "Known"),
        ("{optimizer: {a: b}}", ".optimizer", "adam or momentum", "Known"),
        ("{batch_norm: 1}", ".batch_norm", "true or false", "Known: true, false"),
        ("{dropout: 0.5}", ".dropout", "listed or whole numbers", "List the values of dropout"),
        ("{shift: 5}", ".shift", "0, 2 or 4", "Known: 0, 2, 4"),
        ("[optimizer]", "", "conditions such as", "Write a mapping"),
        ("", "", "conditions such as", "Write a mapping"),
    ],
)
def test_a_condition_that_is_wrong(when: str, path: str, expected: str, remedy: str) -> None:
    text = with_parameters(
        "optimizer: [adam, momentum]",
        "batch_norm: [true, false]",
        "dropout: {min: 0.0, max: 0.5}",
        "shift: {min: 0, max: 5, step: 2}",
        f"momentum: {{value: 0.5, when: {when}}}",
        "l2: 0.0",
    )
    assert_problem(text, 9, f"parameters.momentum.when{path}", expected, remedy)


def test_conditions_that_exclude_each_other() -> None:
    lines = ["a: [1, 2]", "b: {values: [x, y], when: {a: 1}}", "c: {value: 0, when: {b: x, a: 2}}"]
    remedy = "Allow a = 1, as b does."
    assert_problem(with_parameters(*lines, head=OWN), 7, "parameters.c.when", "can hold together", remedy)


def test_a_broken_parent_is_one_problem() -> None:
    lines = ["cell: gru", "layers: none", "dropout: {value: 0.1, when: {layers: 2}}"]
    assert_problem(
        with_parameters(*lines, head=RECURRENT), 6, "parameters.layers", "a whole number", "such as"
    )


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Fixed("x", 3), (3,)),
        (Choice("x", ("a", "b")), ("a", "b")),
        (Range("x", 1, 3), (1, 2, 3)),
        (Range("x", 1, 8, 3), (1, 4, 7)),
        (Range("x", 2, 17, 2, "log"), (2, 4, 8, 16)),
        (Range("x", 0.0, 1.0), None),
        (Range("x", 0.0, 1.0, 0.1), None),
        (Range("x", 0, 10**15), None),
    ],
)
def test_possible_values(parameter: Parameter, values: tuple[Scalar, ...] | None) -> None:
    assert possible_values(parameter) == values
