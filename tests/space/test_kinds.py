"""The section `parameters`: kinds, types, bounds, ranges."""

from __future__ import annotations

import pytest

from tunekit.space.parameters import Choice, Fixed, Parameter, Range

from .helpers import HEAD, OWN, assert_problem, parse, problems, with_parameters


def parameters(*lines: str, head: str = HEAD) -> tuple[Parameter, ...]:
    return parse(with_parameters(*lines, head=head)).parameters


@pytest.mark.parametrize(
    ("line", "parameter"),
    [
        ("dropout: 0", Fixed("dropout", 0.0)),
        ("dropout: 1e-1", Fixed("dropout", 0.1)),
        ("dropout: {value: 0}", Fixed("dropout", 0.0)),
        ("dropout: [0, 0.5]", Choice("dropout", (0.0, 0.5))),
        ("dropout: {values: [0, 0.5]}", Choice("dropout", (0.0, 0.5))),
        ("dropout: [0]", Fixed("dropout", 0.0)),
        ("dropout: {min: 0, max: 0.8, step: 0.1}", Range("dropout", 0.0, 0.8, 0.1)),
        ("bias: {min: 0, max: 1}", Range("bias", 0.0, 1.0)),
        ("l2: {min: 1e-6, max: 1e-2, scale: log}", Range("l2", 1e-6, 1e-2, None, "log")),
        ("filters: {min: 8, max: 64, step: 2, scale: log}", Range("filters", 8, 64, 2, "log")),
        ("filters: {min: 8, max: 64, scale: linear}", Range("filters", 8, 64)),
        ("batch_norm: [true, false]", Choice("batch_norm", (True, False))),
        ("optimizer: [adam, sgd]", Choice("optimizer", ("adam", "sgd"))),
    ],
)
def test_a_parameter_of_a_built_in_model(line: str, parameter: Parameter) -> None:
    (read,) = parameters(line)
    assert read == parameter
    assert [type(value) for value in vars(read).values()] == [
        type(value) for value in vars(parameter).values()
    ]


@pytest.mark.parametrize(
    ("line", "parameter"),
    [
        ("depth: 3", Fixed("depth", 3)),
        ("mode: no", Fixed("mode", "no")),
        ("mode: ''", Fixed("mode", "")),
        ("rate: [1, 2.5]", Choice("rate", (1.0, 2.5))),
        ("rate: {min: 1, max: 3, step: 0.5}", Range("rate", 1.0, 3.0, 0.5)),
        ("depth: {min: 1, max: 3}", Range("depth", 1, 3)),
        ("learning_rate: 1", Fixed("learning_rate", 1.0)),
    ],
)
def test_a_parameter_of_a_users_model(line: str, parameter: Parameter) -> None:
    (read,) = parameters(line, head=OWN)
    assert read == parameter
    assert [type(value) for value in vars(read).values()] == [
        type(value) for value in vars(parameter).values()
    ]


@pytest.mark.parametrize(
    ("line", "path", "expected", "remedy"),
    [
        (
            "drop_out: 0.5",
            "drop_out",
            "a parameter of lenet5 or of training",
            "Did you mean dropout? Known: filters",
        ),
        ("layers: 2", "layers", "a parameter of lenet5 or of training", "Known: filters"),
        ("dropout:", "dropout", "a value", "leave the parameter out"),
        ("dropout: null", "dropout", "a value", "leave the parameter out"),
        ("dropout: [0.1, null]", "dropout[1]", "a value", "leave the parameter out"),
        ("dropout: [0.1, [0.2]]", "dropout[1]", "a number from 0 to 0.99", "such as 0.1"),
        ("dropout: []", "dropout", "at least one value", "List at least one value"),
        ("dropout: [0.1, 0.1]", "dropout", "differ from each other", "Remove"),
        ("dropout: [0, 0.0]", "dropout", "differ from each other", "Remove"),
        ("dropout: 1", "dropout", "a number from 0 to 0.99", "Lower it to 0.99"),
        ("dropout: -0.1", "dropout", "a number from 0 to 0.99", "Raise it to 0"),
        ("dropout: .nan", "dropout", "a finite number", "finite"),
        ("dropout: .inf", "dropout", "a finite number", "finite"),
        ("dropout: 1e999", "dropout", "a finite number", "finite"),
        ("dropout: true", "dropout", "a number from", "such as"),
        ("dropout: '0.5'", "dropout", "a number from", "such as"),
        ("batch_norm: no", "batch_norm", "true or false", "Write true or false"),
        ("batch_norm: 1", "batch_norm", "true or false", "Write true or false"),
        ("batch_norm: [yes, false]", "batch_norm[0]", "true or false", "Write true or false"),
        ("filters: 3.5", "filters", "a whole number from 1 to 1024", "such as 4"),
        ("filters: 32.0", "filters", "a whole number from 1 to 1024", "such as 32"),
        ("filters: 0", "filters", "a whole number from 1 to 1024", "Raise it to 1"),
        ("filters: 9223372036854775808", "filters", "a whole number", "Lower it to 1024"),
        ("optimizer: adma", "optimizer", "adam, adamw", "Did you mean adam?"),
        ("optimizer: [adam, 3]", "optimizer[1]", "adam, adamw", "Known: adam"),
        ("dropout: {min: 0.5, max: 0.1}", "dropout.min", "min below max", "Swap them"),
        ("dropout: {min: 0.5, max: 0.5}", "dropout.min", "min below max", "fix the parameter"),
        ("dropout: {min: .nan, max: 0.1}", "dropout.min", "a finite number", "finite"),
        ("dropout: {min: 0, max: -.inf}", "dropout.max", "a finite number", "finite"),
        ("dropout: {min: 0, max: 1.5}", "dropout.max", "from 0 to 0.99", "Lower it"),
        ("dropout: {min: low, max: 0.5}", "dropout.min", "a number from", "such as"),
        ("dropout: {min: 0.1}", "dropout.max", "the key `max`", "Add a max"),
        ("dropout: {max: 0.1}", "dropout.min", "the key `min`", "Add a min"),
        (
            "dropout: {min: 0, max: 0.5, scale: log}",
            "dropout.min",
            "min above 0 on a log scale",
            "scale: linear",
        ),
        ("bias: {min: -1, max: 0.5, scale: log}", "bias.min", "min above 0 on a log scale", "scale: linear"),
        ("dropout: {min: 0, max: 0.5, scale: lgo}", "dropout.scale", "linear or log", "Did you mean log?"),
        ("dropout: {min: 0, max: 0.5, step: 0}", "dropout.step", "a step above 0", "such as 0.1"),
        ("dropout: {min: 0, max: 0.5, step: -1}", "dropout.step", "a step above 0", "such as 0.1"),
        (
            "dropout: {min: 0, max: 0.5, step: 0.6}",
            "dropout.step",
            "no larger than max - min",
            "smaller step",
        ),
        (
            "dropout: {min: 0, max: 0.5, step: 1e-12}",
            "dropout.step",
            "at most 1,000,000 values",
            "larger step",
        ),
        ("dropout: {min: 0, max: 0.5, step: null}", "dropout.step", "a number", "such as 0.1"),
        (
            "l2: {min: 0.1, max: 1, step: 1, scale: log}",
            "l2.step",
            "above 1 on a log scale",
            "such as 2 or 10",
        ),
        ("filters: {min: 1, max: 8.5}", "filters.max", "a whole number", "such as 8"),
        ("filters: {min: 1, max: 8, step: 0.5}", "filters.step", "a whole number", "Write a whole number"),
        ("dropout: {min: 0, max: 0.5, stp: 0.1}", "dropout.stp", "a known key", "Did you mean step?"),
        ("dropout: {values: [0, 0.5], min: 0}", "dropout.min", "a known key", "Known: values, when"),
        ("dropout: {values: 0.5}", "dropout.values", "a list", "in brackets"),
        ("dropout: {value: [0, 0.5]}", "dropout.value", "one value", "`values:`"),
        ("dropout: {value: null}", "dropout", "a value", "leave the parameter out"),
        ("batch_norm: {min: 0, max: 1}", "batch_norm", "a value or a list", "as in [true, false]"),
        ("activation: {min: 0, max: 1}", "activation", "a value or a list", "as in [relu, elu, selu]"),
    ],
)
def test_a_parameter_that_is_wrong(line: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(
        with_parameters("bias: 0.5" if "bias" not in line else "shift: 1", line),
        6,
        f"parameters.{path}",
        expected,
        remedy,
    )


@pytest.mark.parametrize(
    ("line", "path", "expected", "remedy"),
    [
        ("a b: 1", "a b", "a name of up to 64 letters", "Rename"),
        ("../x: 1", "../x", "a name of up to 64 letters", "Rename"),
        ("tuner/epochs: 1", "tuner/epochs", "a name of up to 64 letters", "Rename"),
        ("depth: [1, true]", "depth", "differ", "Remove"),
        ("depth: [1, two]", "depth", "values of one type", "Remove"),
        ("depth: 9223372036854775808", "depth", "a number", "Lower it"),
        ("depth: -9223372036854775809", "depth", "a number", "nearer to 0"),
        ("depth: .nan", "depth", "a finite number", "finite"),
        ("depth: [[1]]", "depth[0]", "one value", "Write true, false, a number or text"),
        (f"mode: {'x' * 300}", "mode", "at most 200 characters", "Shorten it"),
        ("optimizer: adma", "optimizer", "adam, adamw", "Did you mean adam?"),
        ("learning_rate: fast", "learning_rate", "a number from 1e-08 to 10", "such as"),
    ],
)
def test_a_parameter_of_a_users_model_that_is_wrong(line: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(with_parameters(line, head=OWN), 5, f"parameters.{path}", expected, remedy)


@pytest.mark.parametrize(
    ("section", "expected"),
    [("[dropout]", "a mapping of parameters"), ("{}", "at least one parameter"), ("", "a mapping")],
)
def test_a_section_that_is_no_mapping(section: str, expected: str) -> None:
    assert_problem(HEAD + f"parameters: {section}\n", 4, "parameters", expected, "")


def test_all_problems_of_the_parameters_come_at_once() -> None:
    lines = ["dropout: {min: 2, max: x, scale: y}", "batch_norm: [no, yes]", "filters: 0"]
    assert len(problems(with_parameters(*lines))) == 6


def test_every_value_of_the_vocabulary_is_accepted() -> None:
    from tunekit.space.scalars import written
    from tunekit.space.vocabulary import MODELS, known_parameters

    for model in MODELS:
        known = known_parameters(model)
        lines = [f"{name}: {written(parameter.default)}" for name, parameter in known.items()]
        read = parameters(*lines, head=HEAD.replace("lenet5", model))
        assert {parameter.name: parameter.smallest for parameter in read} == {
            name: parameter.default for name, parameter in known.items()
        }
