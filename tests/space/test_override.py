from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tunekit.errors import Problem, SpaceError
from tunekit.space.override import apply_settings
from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.space import SearchSettings, Verified

from .helpers import OWN, parse, with_parameters

SPACE = parse(
    with_parameters(
        "optimizer: [adam, momentum, nesterov]",
        "momentum: {min: 0.5, max: 0.9, when: {optimizer: [momentum, nesterov]}}",
        "dropout: {min: 0.0, max: 0.5, step: 0.1}",
    )
)
MINE = parse(with_parameters("depth: [1, 2]", "rate: {min: 0.5, max: 1.5}", "mode: a", head=OWN))
VERIFIED = Verified("s", "t", 0.5, 1, 1, 0, 1, "00")


def problems(space: Any, *sets: str, **overrides: Any) -> tuple[Problem, ...]:
    with pytest.raises(SpaceError) as caught:
        apply_settings(space, sets, **overrides)
    assert all(problem.line == 0 and not problem.file for problem in caught.value.problems)
    return caught.value.problems


def test_nothing_set_changes_nothing() -> None:
    assert apply_settings(SPACE, [], max_epochs=None, seed=None) == SPACE


def test_a_set_parameter_is_fixed_in_its_place() -> None:
    changed = apply_settings(SPACE, ["dropout=1e-1"])
    assert changed.parameters == (*SPACE.parameters[:2], Fixed("dropout", 0.1))


def test_a_parameter_that_only_the_model_knows_is_added() -> None:
    changed = apply_settings(SPACE, ["bias=0", " flip = true "])
    assert changed.parameters[3:] == (Fixed("bias", 0.0), Fixed("flip", True))
    assert isinstance(changed.parameters[3].smallest, float)


def test_conditions_follow_a_fixed_parent() -> None:
    assert apply_settings(SPACE, ["optimizer=adam"]).parameter("momentum") is None
    assert apply_settings(SPACE, ["optimizer=rmsprop"]).parameter("momentum") is None
    momentum = apply_settings(SPACE, ["optimizer=nesterov"]).parameter("momentum")
    assert momentum == Range("momentum", 0.5, 0.9, when={"optimizer": ("nesterov",)})
    momentum = apply_settings(SPACE, ["momentum=0.8"]).parameter("momentum")
    assert momentum == Fixed("momentum", 0.8, {"optimizer": ("momentum", "nesterov")})


def test_a_changed_space_is_read_back_as_it_is() -> None:
    from tunekit.space.writer import write_space

    for setting in ("optimizer=adam", "optimizer=nesterov", "momentum=0.99", "clip_norm=1"):
        changed = apply_settings(SPACE, [setting], max_epochs=3)
        assert parse(write_space(changed)) == changed


def test_search_settings_are_replaced() -> None:
    changed = apply_settings(SPACE, [], tuner="random", seed=0, max_trials=5, limit=None, finalists=2)
    assert changed.search == SearchSettings(tuner="random", seed=0, max_trials=5, finalists=2)
    assert apply_settings(SPACE, [], max_epochs=1).search.max_epochs == 1


def test_a_changed_space_is_no_longer_verified() -> None:
    space = replace(SPACE.fixed({"dropout": 0.5}), verified=VERIFIED)
    assert apply_settings(space, ["dropout=0.5"], seed=0).verified == VERIFIED
    assert apply_settings(space, ["dropout=0.4"]).verified is None
    assert apply_settings(space, [], seed=1).verified is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [("depth=5", 5), ("rate=3", 3.0), ("mode=no", "no"), ("mode='1'", "1"), ("mode=a=b", "a=b")],
)
def test_a_users_parameter_keeps_its_type(setting: str, value: object) -> None:
    fixed = apply_settings(MINE, [setting]).parameter(setting.partition("=")[0])
    assert isinstance(fixed, Fixed)
    assert (fixed.value, type(fixed.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("setting", "path", "expected", "remedy"),
    [
        ("dropout", "--set dropout", "parameter=value", "--set dropout=0.5"),
        ("=5", "--set", "parameter=value", "--set dropout=0.5"),
        ("drop=5", "--set drop", "a parameter of lenet5", "Did you mean dropout?"),
        ("dropout=", "--set dropout", "a value", "take its default"),
        ("dropout=5", "--set dropout", "a number from 0 to 0.99", "Lower it"),
        ("dropout=.nan", "--set dropout", "a finite number", "finite"),
        ("dropout=[0.1, 0.2]", "--set dropout", "a number from 0 to 0.99", "such as"),
        ("dropout=!!float 1", "--set dropout", "a plain value", "Remove the tag"),
        ("dropout=*a", "--set dropout", "a value", "Write the value itself"),
        ("dropout=[", "--set dropout", "valid YAML", "Check"),
        ("dropout=\x1b[31m", "--set dropout", "printable text", "Remove it"),
        ("optimizer=adma", "--set optimizer", "adam, adamw", "Did you mean adam?"),
        ("flip=yes", "--set flip", "true or false", "Write true or false"),
        ("shift=1.5", "--set shift", "a whole number", "such as 2"),
    ],
)
def test_a_setting_that_is_wrong(setting: str, path: str, expected: str, remedy: str) -> None:
    (problem,) = problems(SPACE, setting)
    assert problem.path == path
    assert expected in problem.expected
    assert remedy in problem.remedy
    assert str(problem).isprintable()


@pytest.mark.parametrize(
    ("setting", "path", "expected", "remedy"),
    [
        ("deep=1", "--set deep", "a parameter of the file or of training", "Did you mean depth?"),
        ("depth=two", "--set depth", "a whole number", "of the kind that the file has"),
        ("depth=1.5", "--set depth", "a whole number", "of the kind that the file has"),
        ("rate=true", "--set rate", "a number", "of the kind that the file has"),
        ("mode=1", "--set mode", "text", "of the kind that the file has"),
        ("mode=[a]", "--set mode", "one value", "Write true, false, a number or text"),
    ],
)
def test_a_setting_of_a_users_model_that_is_wrong(
    setting: str, path: str, expected: str, remedy: str
) -> None:
    (problem,) = problems(MINE, setting)
    assert problem.path == path
    assert expected in problem.expected
    assert remedy in problem.remedy


def test_a_parameter_is_set_once() -> None:
    (problem,) = problems(SPACE, "dropout=0.1", "dropout=0.2")
    assert (problem.path, problem.expected) == ("--set dropout", "each parameter once")


def test_a_parameter_that_could_never_be_active() -> None:
    (problem,) = problems(SPACE, "optimizer=adam", "momentum=0.5")
    assert problem.path == "--set momentum"
    assert problem.remedy == "Leave it out, or set optimizer to momentum or nesterov."


def test_an_override_that_makes_a_grid_of_ranges() -> None:
    (problem,) = problems(SPACE, tuner="grid")
    assert problem.path == "parameters.momentum"
    assert apply_settings(SPACE, ["momentum=0.9"], tuner="grid").search.tuner == "grid"
    assert Choice("optimizer", ("adam", "momentum", "nesterov")) in SPACE.parameters


def test_all_problems_come_at_once() -> None:
    found = problems(SPACE, "dropout=5", "x=1", max_epochs=0, factor=1, tuner="gird", max_trials=0, seed=-1)
    assert [problem.path for problem in found] == [
        "--set dropout",
        "--set x",
        "--max-epochs",
        "--factor",
        "--tuner",
        "--max-trials",
        "--seed",
    ]
    assert "Did you mean grid?" in found[4].remedy


def test_an_unknown_override_is_a_bug_of_the_caller() -> None:
    with pytest.raises(TypeError):
        apply_settings(SPACE, [], epochs=3)
