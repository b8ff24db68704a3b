"""`precision: auto` is settled once and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.study.commands import TINY, loaded, run
from tunekit.space.parameters import Choice, Fixed
from tunekit.space.reader import parse_space, read_space
from tunekit.space.space import Space
from tunekit.study import precision
from tunekit.study.precision import settled, suits_bfloat16

SPACE = read_space(TINY)


@pytest.fixture(params=["float32", "bfloat16"])
def suited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    flags = {"bfloat16": frozenset({"sse", "avx512_bf16"}), "float32": frozenset({"sse", "avx512f"})}
    monkeypatch.setattr(precision, "processor_flags", lambda: flags[request.param])
    monkeypatch.setattr(precision, "gpus", lambda: ())
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return str(request.param)


def with_precision(parameter: Fixed | Choice) -> Space:
    return replace(SPACE, parameters=(*SPACE.parameters, parameter))


def test_auto_is_what_the_processor_suits(suited: str) -> None:
    space = with_precision(Fixed("precision", "auto"))
    assert settled(space).parameter("precision") == Fixed("precision", suited)
    assert settled(space).parameters[:-1] == SPACE.parameters


@pytest.mark.parametrize("model", ["recurrent", "mine:build"])
def test_auto_is_float32_for_models_that_gain_nothing(suited: str, model: str) -> None:
    space = replace(with_precision(Fixed("precision", "auto")), model=model)
    assert settled(space).parameter("precision") == Fixed("precision", "float32")


def test_what_a_search_began_with_is_kept(suited: str) -> None:
    space = with_precision(Fixed("precision", "auto"))
    for begun in ("float32", "bfloat16"):
        before = with_precision(Fixed("precision", begun))
        assert settled(space, before) == before


def test_auto_among_choices_is_not_offered_twice(suited: str) -> None:
    both = Choice("precision", ("auto", "float32"), {"optimizer": ("adam",)})
    found = settled(with_precision(both)).parameter("precision")
    assert found is not None
    assert found.when == {"optimizer": ("adam",)}
    if suited == "float32":
        assert found == Fixed("precision", "float32", both.when)
    else:
        assert found == Choice("precision", ("bfloat16", "float32"), both.when)


def test_other_spaces_are_left_alone(suited: str) -> None:
    assert settled(SPACE) is SPACE
    fixed = with_precision(Fixed("precision", "bfloat16"))
    assert settled(fixed) is fixed


def test_jax_and_gpus_do_not_follow_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "processor_flags", lambda: frozenset({"avx512_bf16"}))
    monkeypatch.setattr(precision, "gpus", lambda: ("0",))
    assert not suits_bfloat16()
    monkeypatch.setattr(precision, "gpus", lambda: ())
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert not suits_bfloat16()


def test_a_search_with_bfloat16_is_resumed_and_trained_again_exactly(tmp_path: Path) -> None:
    space = tmp_path / "half.yaml"
    space.write_text(TINY.read_text().replace("tiny", "half") + "  precision: auto\n")
    options = ("--set", "precision=bfloat16", "--max-epochs", 2, "--max-trials", 2, "--workers", 1)
    command = ("search", space, *options, "--json")
    report = loaded(run(*command, cwd=tmp_path))
    assert report["best"]["values"]["precision"] == "bfloat16"
    again = loaded(run("train", report["config"], "--json", cwd=tmp_path))
    assert again["score"] == report["best"]["score"]
    assert loaded(run(*command, "--resume", cwd=tmp_path))["best"] == report["best"]


def test_a_known_configuration_is_settled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunekit.study.precision.suits_bfloat16", lambda: True)
    text = (
        "name: a\nmodel: lenet5\ndata: digits\nparameters:\n  precision: [auto, float32]\n  filters: [2, 4]\n"
    )
    space = parse_space(
        f"{text}start: [{{precision: auto}}, {{precision: float32}}]\n", "a.yaml", Path("/spaces")
    )

    assert settled(space).start == ({"precision": "bfloat16"}, {"precision": "float32"})
