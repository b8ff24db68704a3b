from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.errors import SpaceError
from tunekit.space.reader import parse_space, read_space
from tunekit.space.space import DataSpec, Objective, SearchSettings, Verified

from .helpers import assert_problem, parse, with_parameters, with_sections

WHOLE = with_parameters("dropout: 0.5")


def test_a_short_file_takes_every_default() -> None:
    space = parse(WHOLE)
    assert (space.name, space.model, space.data) == ("small", "lenet5", DataSpec("digits", "", 0.1))
    assert space.objective == Objective("val_accuracy", "max")
    assert space.search == SearchSettings()
    assert space.verified is None


@pytest.mark.parametrize("name", ["a", "cnn-v1.2_b", "0day", "x" * 64, '"1"'])
def test_a_name(name: str) -> None:
    assert parse(WHOLE.replace("small", name)).name == name.strip('"')


@pytest.mark.parametrize(
    "name", [".hidden", "../up", "a/b", "x" * 65, '"a b"', "-rf", '""', "é", "1", "[a]", ""]
)
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    remedy = {"1": "in quotes", "[a]": "Write one text", '""': "Write some text", "": "Write one text"}
    text = WHOLE.replace("name: small", f"name: {name}")
    assert_problem(text, 1, "name", "up to 64 letters", remedy.get(name, "Write a short name"))


def test_the_name_is_the_files_where_none_is_given(tmp_path: Path) -> None:
    path = tmp_path / "from-file.yaml"
    path.write_text(WHOLE.replace("name: small\n", ""))
    assert read_space(path).name == "from-file"
    with pytest.raises(SpaceError, match="Write a short name"):
        parse_space(WHOLE.replace("name: small\n", ""), "my space.yaml", tmp_path)


@pytest.mark.parametrize("model", ["recurrent", "mine:build", "a.b_c.d:make_model"])
def test_a_model(model: str) -> None:
    assert parse(WHOLE.replace("lenet5", model)).model == model


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("lenet", "Did you mean lenet5?"),
        ("package.module", "package.module:function"),
        ("../evil.py:run", "package.module:function"),
        ("a b:c", "package.module:function"),
        ('":f"', "package.module:function"),
        ("5", "in quotes"),
    ],
)
def test_an_unknown_model(model: str, remedy: str) -> None:
    text = WHOLE.replace("model: lenet5", f"model: {model}")
    assert_problem(text, 2, "model", "lenet5, recurrent, package.module:function or a .keras file", remedy)


METRICS = "val_accuracy, val_loss, val_f1, val_auc, val_top5 or val_log_loss"


@pytest.mark.parametrize("name", ["val_accuracy", "val_f1", "val_auc", "val_top5"])
def test_an_objective_of_which_more_is_better(name: str) -> None:
    wanted = Objective(name, "max")
    assert parse(with_sections(f"objective: {name}")).objective == wanted
    assert parse(with_sections(f"objective: {{name: {name}, direction: max}}")).objective == wanted


@pytest.mark.parametrize("text", ["val_loss", "{name: val_loss}", "{name: val_loss, direction: min}"])
def test_an_objective(text: str) -> None:
    assert parse(with_sections(f"objective: {text}")).objective == Objective("val_loss", "min")


@pytest.mark.parametrize(
    ("objective", "path", "expected", "remedy"),
    [
        (
            "accuracy",
            "objective",
            METRICS,
            "Write val_accuracy: metrics of the training images",
        ),
        (
            "{name: loss}",
            "objective.name",
            METRICS,
            "Write val_loss: metrics of the training",
        ),
        ("val_acuracy", "objective", METRICS, "Did you mean val_accuracy?"),
        ("val_f2", "objective", METRICS, "Did you mean val_f1?"),
        ("f1", "objective", METRICS, "Write val_f1: metrics of the training images"),
        (
            "{name: val_f1, direction: min}",
            "objective.direction",
            "max, which is better for val_f1",
            "Write max",
        ),
        ("{name: val_loss, direction: max}", "objective.direction", "min, which is better", "Write min"),
        ("{name: val_loss, direction: up}", "objective.direction", "max or min", "Known: max, min"),
        ("{direction: min}", "objective.name", "the key `name`", "Add {name: val_accuracy}"),
        ("3", "objective", METRICS, "Known"),
    ],
)
def test_an_objective_that_is_wrong(objective: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(with_sections(f"objective: {objective}"), 6, path, expected, remedy)


def test_search_settings() -> None:
    text = (
        "search: {tuner: random, max_epochs: 9, factor: 4, iterations: 2, seed: 0,"
        " max_trials: 7, limit: null, finalists: 0, repeats: 1, executions_per_trial: 3}"
    )
    assert parse(with_sections(text)).search == SearchSettings("random", 9, 4, 2, 0, 7, None, 0, 1, 3)


@pytest.mark.parametrize(
    ("setting", "expected", "remedy"),
    [
        ("tuner: hyperbnd", "hyperband, random, bayesian or grid", "Did you mean hyperband?"),
        ("max_epochs: 0", "from 1 to", "Raise it to 1"),
        ("max_epochs: 1e3", "a whole number", "such as 1000"),
        ("factor: 1", "from 2 to", "Raise it to 2"),
        ("factor: 2.5", "a whole number", "such as 2"),
        ("iterations: 0", "from 1 to", "Raise it to 1"),
        ("seed: -1", "from 0 to", "Raise it to 0"),
        ("seed: 4294967296", "from 0 to 4294967295", "Lower it"),
        ("seed: true", "a whole number", "such as 10"),
        ("seed: null", "a whole number", "such as 10"),
        ("max_trials: 0", "from 1 to", "Raise it to 1"),
        ("limit: 1", "from 2 to", "Raise it to 2"),
        ("finalists: -1", "from 0 to", "Raise it to 0"),
        ("repeats: 0", "from 1 to", "Raise it to 1"),
        ("repeats: 1" + "0" * 5000, "a whole number", "Write a whole number"),
        ("executions_per_trial: 0", "from 1 to 1000", "Raise it to 1"),
        ("execution_per_trial: 3", "a known key", "Did you mean executions_per_trial?"),
        ("max_epoch: 3", "a known key", "Did you mean max_epochs?"),
    ],
)
def test_a_search_setting_that_is_wrong(setting: str, expected: str, remedy: str) -> None:
    name = setting.partition(":")[0]
    assert_problem(with_sections("search:", f"  {setting}"), 7, f"search.{name}", expected, remedy)


@pytest.mark.parametrize(
    ("line", "path", "expected", "remedy"),
    [
        ("objektive: val_loss", "objektive", "a known key", "Did you mean objective?"),
        ("search: 3", "search", "search settings", "such as {tuner: ...}"),
        ("search:", "search", "search settings", "such as {tuner: ...}"),
    ],
)
def test_sections_that_are_wrong(line: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(with_sections(line), 6, path, expected, remedy)


@pytest.mark.parametrize("section", ["model", "data", "parameters"])
def test_a_section_that_is_missing(section: str) -> None:
    text = WHOLE.replace(f"{section}:", "#:", 1).replace(
        "  dropout", "# " if section == "parameters" else "  dropout"
    )
    assert_problem(text, 1, section, f"the key `{section}`", "Add a")


VERIFIED = {
    "search": "small-1",
    "trial": '"0007"',
    "score": "0.7861",
    "epochs": "27",
    "best_epoch": "25",
    "seed": "3",
    "threads": "1",
    "data_sha256": '"12e4567"',
    "versions": '{keras: 3.15.0, numpy: "2.1"}',
    "test": "{accuracy: 1, loss: 0.25}",
    "machine": '""',
}


def exported(parameter: str = "dropout: 0.5", **changes: str) -> str:
    fields = VERIFIED | changes
    lines = [f"  {name}: {value}" for name, value in fields.items() if value != "absent"]
    return with_parameters(parameter) + "\n".join(["verified:", *lines, ""])


def test_an_exported_configuration() -> None:
    versions = {"keras": "3.15.0", "numpy": "2.1"}
    test = {"accuracy": 1.0, "loss": 0.25}
    expected = Verified("small-1", "0007", 0.7861, 27, 25, 3, 1, "12e4567", versions, test, "")
    assert parse(exported()).verified == expected
    short = parse(exported(versions="absent", test="absent", machine="absent")).verified
    assert short == Verified("small-1", "0007", 0.7861, 27, 25, 3, 1, "12e4567")


@pytest.mark.parametrize(
    ("field", "value", "line", "path", "expected", "remedy"),
    [
        ("trial", "7", 8, "verified.trial", "text", 'Put it in quotes: "7"'),
        ("score", "good", 9, "verified.score", "a number", "such as"),
        ("score", ".nan", 9, "verified.score", "a finite number", "finite"),
        ("epochs", "0", 10, "verified.epochs", "at least 1", "Raise it"),
        ("seed", "absent", 7, "verified.seed", "the key `seed`", "Export the configuration again"),
        ("data_sha256", "12e4567", 14, "verified.data_sha256", "text", "in quotes"),
        ("versions", "{keras: 3.1}", 15, "verified.versions.keras", "text", "in quotes"),
        ("versions", "3", 15, "verified.versions", "a mapping", "Write a mapping"),
        ("test", "{loss: low}", 16, "verified.test.loss", "a number", "such as"),
        ("machine", "3", 17, "verified.machine", "text", "in quotes"),
    ],
)
def test_an_exported_configuration_that_is_wrong(
    field: str, value: str, line: int, path: str, expected: str, remedy: str
) -> None:
    assert_problem(exported(**{field: value}), line, path, expected, remedy)


def test_what_was_verified_is_fixed() -> None:
    assert_problem(exported("dropout: [0.1, 0.2]"), 5, "parameters.dropout", "one value", "Fix the parameter")
