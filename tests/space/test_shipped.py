from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunekit.errors import SpaceError
from tunekit.oracles.tuners import make_oracle
from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.reader import read_space
from tunekit.space.shipped import describe, find_space, shipped_spaces
from tunekit.space.vocabulary import AUTO

SHIPPED = shipped_spaces()
REPORTS = {
    "cnn-adam-sgd",
    "cnn-epochs",
    "cnn-optimizers-2022",
    "cnn-rates",
    "cnn-regularised",
    "recurrent-units",
}
"""Experiments of published reports, each combination trained."""
SEARCHES = {
    "cnn-cifar10",
    "cnn-cifar10-augmented",
    "cnn-digits",
    "cnn-mnist",
    "gru-digits",
    "gru-mnist",
    "lstm-mnist",
    "recurrent-mnist",
    "rnn-mnist",
}


def test_what_is_shipped() -> None:
    assert set(SHIPPED) == SEARCHES | REPORTS
    assert list(SHIPPED) == [*sorted(SEARCHES), *sorted(REPORTS)]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file(name: str) -> None:
    path = SHIPPED[name]
    space = read_space(path)
    header = path.read_text(encoding="utf-8").splitlines()[:2]
    assert space.name == name
    assert header[0].startswith(f"# {name}: ")
    assert header[1].startswith(f"# tunekit search {name}")
    assert describe(path) == header[0].removeprefix(f"# {name}: ")


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_shipped_search(name: str) -> None:
    space = read_space(SHIPPED[name])
    assert space.search.max_epochs == {"cnn-cifar10": 27, "cnn-cifar10-augmented": 81}.get(name, 9)
    assert any(not isinstance(parameter, Fixed) for parameter in space.parameters)


@pytest.mark.parametrize(
    ("name", "trials"),
    [
        ("cnn-adam-sgd", 4),
        ("cnn-epochs", 6),
        ("cnn-optimizers-2022", 9),
        ("cnn-rates", 9),
        ("cnn-regularised", 1),
        ("recurrent-units", 300),
    ],
)
def test_a_report_is_trained_in_every_combination(name: str, trials: int) -> None:
    space = read_space(SHIPPED[name])
    assert space.search.tuner == "grid"
    assert make_oracle(space).schedule.plans[0].trials == trials
    assert "# Reported: " in SHIPPED[name].read_text() or "# Reported for " in SHIPPED[name].read_text()


SCORES = Path(__file__).parents[2] / "benchmarks" / "scores"
WINNERS = {
    "gru-rows": "gru-mnist",
    "lenet-augmented": "cnn-cifar10-augmented",
    "lenet-plain": "cnn-cifar10",
    "rnn-rows": "rnn-mnist",
}
"""Configurations whose scores are published, and the shipped space that each lies in."""


def test_winners() -> None:
    assert {path.stem for path in SCORES.glob("*.yaml")} == set(WINNERS)


@pytest.mark.parametrize(("winner", "name"), WINNERS.items())
def test_a_shipped_space_holds_the_winner(winner: str, name: str) -> None:
    found, space = read_space(SCORES / f"{winner}.yaml"), read_space(SHIPPED[name])
    assert (found.model, found.data) == (space.model, space.data)
    values = {parameter.name: parameter.smallest for parameter in found.parameters}
    known = {parameter.name: parameter for parameter in space.parameters}
    assert values.keys() <= known.keys()
    outside = {name: value for name, value in values.items() if not holds(known[name], value)}
    assert outside == {}


def holds(parameter: Parameter, value: Scalar) -> bool:
    if isinstance(parameter, Choice):
        return value in parameter.values
    if isinstance(parameter, Fixed):
        return parameter.value in (value, AUTO)
    steps = 0.0 if parameter.step is None else (float(value) - parameter.min) / parameter.step
    return parameter.min <= float(value) <= parameter.max and steps == pytest.approx(round(steps))


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_a_shipped_file_searches_the_learning_rate(name: str) -> None:
    rate = read_space(SHIPPED[name]).parameter("learning_rate")
    assert isinstance(rate, Range)
    assert rate.scale == "log"


def test_a_name_and_a_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("x")
    Path("bare").write_text("x")
    assert find_space("mine.yaml") == Path("mine.yaml")
    assert find_space(str(tmp_path / "mine.yaml")) == tmp_path / "mine.yaml"
    assert find_space("bare") == Path("bare")
    assert find_space("cnn-mnist") == SHIPPED["cnn-mnist"]


def test_a_folder_does_not_hide_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cnn-mnist").mkdir()
    assert find_space("cnn-mnist") == SHIPPED["cnn-mnist"]
    assert find_space(f".{os.sep}cnn-mnist") == Path("cnn-mnist")


@pytest.mark.parametrize("name", ["cnn-minst", "cnn-minst.yaml", "./cnn-minst", "/nowhere/cnn-minst.yml"])
def test_an_unknown_name_or_path(name: str) -> None:
    with pytest.raises(SpaceError) as caught:
        find_space(name)
    (problem,) = caught.value.problems
    assert "Did you mean cnn-mnist?" in problem.remedy
    assert "cnn-cifar10, cnn-cifar10-augmented" in problem.remedy


@pytest.mark.parametrize("name", ["", "a\0b", "a\0b.yaml", "x" * 5000, "\x1b[31m", "../.."])
def test_an_odd_name(name: str) -> None:
    if name == "../..":
        assert find_space(name).is_dir()
        return
    with pytest.raises(SpaceError) as caught:
        find_space(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "description"),
    [
        ("# mine: what for\nname: x", "what for"),
        ("\ufeff#just this", "just this"),
        ("# mine: \x1b[31m", "\\x1b[31m"),
        ("name: x\n# later", ""),
        ("", ""),
    ],
)
def test_a_description(tmp_path: Path, content: str, description: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    assert describe(path) == description


def test_a_missing_file_has_no_description(tmp_path: Path) -> None:
    assert describe(tmp_path / "none.yaml") == ""
