"""The pages name all that a space file may name, so that what is added is written about."""

from __future__ import annotations

import re

import click
import pytest

from tests.docs.pages import ROOT
from tunekit.cli.main import cli
from tunekit.space.declared import data_kinds
from tunekit.space.sections import TUNERS
from tunekit.space.vocabulary import LENET5, RECURRENT, TRAINING, Known


def page(name: str) -> str:
    """Its text, on one line."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", ["README.md", "docs/models.md"])
@pytest.mark.parametrize("parameters", [TRAINING, LENET5, RECURRENT], ids=["training", "lenet5", "recurrent"])
def test_parameters(name: str, parameters: tuple[Known, ...]) -> None:
    text = page(name)
    for known in parameters:
        assert re.search(rf"[ ,|]{known.name}[ ,|]", text), known.name
        # Those of initializers and activations would fill the table.
        if known.choices and parameters is not LENET5:
            assert f"{known.name} ({', '.join(known.choices)})" in text


@pytest.mark.parametrize("source", data_kinds())
def test_sources_of_data(source: str) -> None:
    assert re.search(rf"\| `{{?{source}\b", page("docs/data.md"))


@pytest.mark.parametrize("tuner", TUNERS)
def test_tuners(tuner: str) -> None:
    assert f"`{tuner}`" in page("docs/spaces.md")
    command = cli.get_command(click.Context(cli), "search")
    assert command is not None
    option = next(each for each in command.params if each.name == "tuner")
    assert isinstance(option, click.Option)
    assert re.search(rf"\b{tuner}\b", option.help or "")
