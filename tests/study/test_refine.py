from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.report.histories import history
from tests.space.strategies import spaces
from tests.study.commands import loaded, run
from tunekit.report.advice import advise
from tunekit.report.changes import WIDENED
from tunekit.report.importance import Effect, Importance
from tunekit.report.ranges import limits, place
from tunekit.results import Values
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.reader import parse_space, read_space
from tunekit.space.shipped import shipped_spaces
from tunekit.space.space import Space
from tunekit.study.refine import commented, next_name, next_space


def refined(space: Space, seed: int, count: int) -> Space:
    """A search whose score depends on one parameter chosen at random, and what follows from it."""
    drawing = random.Random(seed)
    names = [parameter.name for parameter in space.parameters]
    ruling = drawing.choice(space.parameters)
    signs, failing = drawing.choice((-1, 1)), drawing.random() / 3

    def score(values: Values) -> float | None:
        if drawing.random() < failing:
            return None
        return signs * _at(ruling, values) + drawing.gauss(0, 0.01)

    effects = [
        Effect(name, 0.9 if name == ruling.name else drawing.choice((0.0, 0.2)), 0.01) for name in names
    ]
    records = history(space, count, score, seed)
    advice = advise(space, records, Importance(tuple(effects), (), count, ()))
    after, advice = next_space(space, advice)
    text = commented(after, advice, f"head\n{advice.sentences[0]}")
    assert parse_space(text, "next.yaml", Path("/elsewhere")) == after
    for parameter in after.parameters:
        before = space.parameter(parameter.name)
        assert before is not None
        assert_follows(space.model, before, parameter)
    return after


def _at(parameter: Parameter, values: Values) -> float:
    value = values.get(parameter.name)
    if value is None or isinstance(parameter, Fixed):
        return 0.0
    return place(parameter, value) if isinstance(parameter, Range) else parameter.values.index(value) / 5


def assert_follows(model: str, before: Parameter, after: Parameter) -> None:
    """Contained in the old one, or past its edge by no more than is meant and allowed."""
    match before, after:
        case Fixed(), _:
            assert after == replace(before, when=after.when)
        case Choice(), Fixed():
            assert after.value in before.values
        case Choice(), Choice():
            assert len(set(after.values) - set(before.values)) <= 1
        case Range(), Fixed():
            assert before.min <= after.value <= before.max  # type: ignore[operator]
        case Range(), Range():
            low, high = limits(model, before)
            assert low <= after.min < after.max <= high
            rounding = 2 / float(before.max - before.min) if before.whole else 0.15
            slack = WIDENED + max(0.15, rounding) + _one_step(before)
            assert -slack <= place(before, after.min) < place(before, after.max) <= 1 + slack
        case _:
            raise AssertionError(f"{before} became {after}")


def _one_step(parameter: Range) -> float:
    if parameter.step is None:
        return 0.0
    if parameter.scale == "log":
        return math.log(parameter.step) / math.log(parameter.max / parameter.min)
    return parameter.step / (parameter.max - parameter.min)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(spaces(), st.integers(0, 10**6), st.integers(1, 40))
def test_the_next_space_is_valid_and_follows_from_the_old_one(space: Space, seed: int, count: int) -> None:
    refined(replace(space, verified=None), seed, count)


@pytest.mark.parametrize("name", shipped_spaces())
def test_every_shipped_space_can_be_refined_again_and_again(name: str) -> None:
    for seed in range(6):
        space = read_space(shipped_spaces()[name])
        for _ in range(4):
            space = refined(space, seed, 40)
        assert space.name == f"{name}-next4"
        assert all(not isinstance(p, Range) or p.name != "dropout" or p.max < 1 for p in space.parameters)


def test_a_condition_goes_with_what_it_depends_on() -> None:
    space = read_space(shipped_spaces()["cnn-digits"])
    records = history(space, 160, lambda values: 0.9 if values["optimizer"] == "adam" else 0.1)
    after, advice = next_space(space, advise(space, records, Importance((), (), 0, ())))
    assert after.parameter("optimizer") == Fixed("optimizer", "adam")
    assert after.parameter("momentum") is None
    assert any("momentum" in sentence and "never uses it" in sentence for sentence in advice.sentences)


def test_names() -> None:
    assert [next_name(name) for name in ("mnist", "mnist-next", "mnist-next9")] == [
        "mnist-next",
        "mnist-next2",
        "mnist-next10",
    ]
    assert len(next_name("m" * 64)) == 64


def test_the_command(finished: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = finished
    home = folder / "mlruns"
    printed = run("refine", "tiny", "--home", home, cwd=tmp_path)
    space = parse_space(printed.stdout, "next.yaml", tmp_path)
    assert space.name == "tiny-next"
    assert "configurations completed" in printed.stderr
    file = tmp_path / "next.yaml"
    told = run("refine", "tiny", "--home", home, "-o", file, cwd=tmp_path).stdout
    assert f"Written: {file}" in told
    assert read_space(file) == space
    run("check", file, "--home", home, cwd=tmp_path)
    assert "--force" in run("refine", "tiny", "--home", home, "-o", file, cwd=tmp_path, code=2).stderr
    plain = loaded(run("refine", "tiny", "--home", home, "--json", "-o", file, "--force", cwd=tmp_path))
    assert {"sentences", "changes", "importance", "space"} <= set(plain)
    assert json.dumps(plain["space"]["name"]) == '"tiny-next"'
