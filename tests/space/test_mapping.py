"""Spaces given as Python mappings: read as their files would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.api.spaces import SMALL
from tunekit.errors import SpaceError
from tunekit.space.mapping import space_of
from tunekit.space.parameters import Choice, Range
from tunekit.space.reader import read_space
from tunekit.space.shipped import shipped_spaces


def test_a_dict_is_a_space() -> None:
    space = space_of(SMALL)
    assert space.parameter("optimizer") == Choice("optimizer", ("adam", "momentum"))
    momentum = space.parameter("momentum")
    assert isinstance(momentum, Range)
    assert momentum.when == {"optimizer": ("momentum",)}


def test_a_shipped_space_as_a_dict_is_the_same() -> None:
    path = shipped_spaces()["cnn-digits"]
    assert space_of({"name": "cnn-digits"} | yaml.safe_load(path.read_text())) == read_space(path)


def test_numpy_and_paths_in_a_dict() -> None:
    shared = (np.float64(0.25), np.float64(0.5))
    given = SMALL | {"parameters": {"dropout": shared, "hidden_units": np.int64(8), "learning_rate": 0.1}}
    space = space_of(given)
    assert space.parameter("dropout") == Choice("dropout", (0.25, 0.5))
    paths = space_of(SMALL | {"data": {"npz": Path("some.npz")}})
    assert paths.data.location == str(Path.cwd() / "some.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": "lenet"},
            "got the text 'lenet'. Did you mean lenet5?",
        ),
        ({"parameters": {"dropout": 3}}, "parameters.dropout: expected"),
        ({"data": object()}, "expected texts, numbers, booleans, lists and dicts alone"),
        ({"serch": {}}, "serch: expected"),
    ],
)
def test_what_is_wrong_with_a_dict_has_its_place_and_no_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError) as found:
        space_of(SMALL | changes)
    assert message in str(found.value)
    assert "line" not in str(found.value)


def test_a_dict_needs_a_name() -> None:
    nameless = {key: value for key, value in SMALL.items() if key != "name"}
    with pytest.raises(SpaceError, match="expected the space's name"):
        space_of(nameless)
