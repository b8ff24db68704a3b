"""What HyperModels declare, however they do it, and models built of plain values."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from keras_tuner import HyperParameters

from tunekit.errors import ModelError
from tunekit.oracles.ask_hypermodel import answer
from tunekit.oracles.declared import REVERSED, as_parameters, declared
from tunekit.oracles.hypermodels import build_hypermodel, declared_by, find_build, takes_hp
from tunekit.space.parameters import Choice, Fixed, Parameter, Range

SOURCE = """
import keras
import keras_tuner


class Network(keras_tuner.HyperModel):
    def build(self, hp):
        hp.Choice("kind", ["a", "b"])
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 5))])


class Sized(keras_tuner.HyperModel):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def declare_hyperparameters(self, hp):
        hp.Int("units", 2, self.size)

    def build(self, hp):
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.get("units"))])


class Trained(Network):
    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **kwargs)


sized = Sized(4)


def build(hp, scale=1):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(hp.Int("units", 2, 3))])
    model.compile("sgd", "mse")
    return model


def plain(values, data):
    return None


number = 7


def broken(hp):
    raise RuntimeError("no such thing")
"""

Declare = Callable[[HyperParameters], Any]


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_networks.py").write_text(SOURCE)
    yield
    sys.modules.pop("own_networks", None)


def space(declare: Declare) -> tuple[dict[str, Parameter], dict[str, str]]:
    """What a function declares that builds nothing."""
    found, problems = as_parameters(declared_by(declare)[0])
    return {parameter.name: parameter for parameter in found}, problems


def test_each_kind_becomes_a_parameter() -> None:
    def declare(hp: HyperParameters) -> None:
        hp.Int("whole", 1, 9)
        hp.Int("even", 2, 9, step=2)
        hp.Int("power", 4, 64, step=2, sampling="log")
        hp.Float("share", 0.0, 0.5, step=0.1)
        hp.Float("rate", 1e-4, 1e-1, sampling="log")
        hp.Choice("word", ["b", "a"])
        hp.Choice("number", [1.0, 2.5])
        hp.Boolean("flag", default=True)
        hp.Fixed("fixed", 3)
        hp.Choice("alone", [8])
        hp.Int("one", 4, 4)
        hp.Int("unreached", 4, 6, step=5)
        with hp.name_scope("block"):
            hp.Int("units", 1, 2)

    assert space(declare) == (
        {
            "whole": Range("whole", 1, 9),
            "even": Range("even", 2, 9, 2),
            "power": Range("power", 4, 64, 2, "log"),
            "share": Range("share", 0.0, 0.5, 0.1),
            "rate": Range("rate", 1e-4, 1e-1, scale="log"),
            "word": Choice("word", ("b", "a")),
            "number": Choice("number", (1.0, 2.5)),
            "flag": Choice("flag", (True, False)),
            "fixed": Fixed("fixed", 3),
            "alone": Fixed("alone", 8),
            "one": Fixed("one", 4),
            "unreached": Fixed("unreached", 4),
            "block/units": Range("block/units", 1, 2),
        },
        {},
    )


def test_conditions_are_nested_and_found_wherever_they_hold() -> None:
    def declare(hp: HyperParameters) -> None:
        kind = hp.Choice("kind", ["a", "b", "c"])
        with hp.conditional_scope("kind", ["b"]):
            if kind == "b" and hp.Boolean("deep"):
                hp.Int("depth", 1, 3, parent_name="deep", parent_values=[True])
        hp.Float("rate", 0.0, 1.0, parent_name="kind", parent_values=["a", "c"])

    found, problems = space(declare)
    assert problems == {}
    assert found["deep"].when == {"kind": ("b",)}
    assert found["depth"].when == {"kind": ("b",), "deep": (True,)}
    assert found["rate"].when == {"kind": ("a", "c")}


def test_what_a_loop_or_an_if_declares_is_found() -> None:
    def declare(hp: HyperParameters) -> None:
        if hp.Choice("kind", ["flat", "deep"]) == "deep":
            for number in range(hp.Int("layers", 1, 3)):
                hp.Int(f"units_{number}", 8, 16)

    assert list(space(declare)[0]) == ["kind", "layers", "units_0", "units_1", "units_2"]


def test_values_that_cannot_be_built_do_not_hide_the_others() -> None:
    def declare(hp: HyperParameters) -> None:
        if hp.Int("layers", 1, 3) == 3:
            raise ValueError("too deep")
        if hp.Boolean("more"):
            hp.Fixed("extra", 1)

    assert list(space(declare)[0]) == ["layers", "more", "extra"]


def test_a_parameter_declared_under_two_values_is_one() -> None:
    def declare(hp: HyperParameters) -> None:
        hp.Choice("kind", ["a", "b", "c"])
        for kind in ("a", "b"):
            hp.Int("units", 1, 9, parent_name="kind", parent_values=[kind])

    assert space(declare)[0]["units"].when == {"kind": ("a", "b")}


def test_what_a_space_cannot_have_is_named() -> None:
    def declare(hp: HyperParameters) -> None:
        hp.Choice("kind", ["a", "b"])
        hp.Float("rate", 0.1, 1.0, sampling="reverse_log")
        hp.Int("units", 1, 9, parent_name="kind", parent_values=["a"])
        hp.Int("units", 1, 8, parent_name="kind", parent_values=["b"])

    found, problems = space(declare)
    assert list(found) == ["kind"]
    assert problems == {"rate": REVERSED, "units": "two declarations that differ"}


@pytest.mark.parametrize(
    ("name", "parameters", "compiled"),
    [
        ("Network", ["kind", "units"], False),
        ("sized", ["units"], False),
        ("build", ["units"], True),
    ],
)
def test_a_class_an_instance_and_a_function(name: str, parameters: list[str], compiled: bool) -> None:
    found = declared(f"own_networks:{name}")

    assert found is not None
    assert [parameter.name for parameter in found.parameters] == parameters
    assert found.compiled is compiled
    model = build_hypermodel(f"own_networks:{name}", {"units": 3, "kind": "b", "batch_size": 20})
    assert isinstance(model, keras.Model)
    assert model.output_shape == (None, 3)


def test_a_function_of_plain_values_is_none() -> None:
    assert declared("own_networks:plain") is None
    assert answer("own_networks:plain") == {"function": True}


def test_the_answer_is_plain() -> None:
    assert answer("own_networks:Network") == {
        "declared": [{"name": "kind", "values": ["a", "b"]}, {"name": "units", "min": 2, "max": 5}],
        "compiled": False,
        "problems": {},
    }


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Trained", r"without a fit\(\) of its own"),
        ("Sized", "made without arguments.*network = Sized"),
        ("number", r"or a function \(values, data\) of this name, got int"),
        ("missing", "got nothing"),
    ],
)
def test_what_is_no_hypermodel_is_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        find_build(f"own_networks:{name}")


def test_what_breaks_as_it_is_built_is_told_with_its_lines() -> None:
    told = answer("own_networks:broken")["error"]

    assert "could not be built with its defaults: no such thing" in told
    assert 'own_networks.py", line' in told


def test_a_function_is_keras_tuners_by_its_one_argument() -> None:
    assert takes_hp(lambda hp: None)
    assert takes_hp(lambda hp, depth=3, **more: None)
    assert not takes_hp(lambda values, data: None)
    assert not takes_hp(lambda values: None)
