"""Arguments mean what the command's options mean, and are refused in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunekit
from tests.api.spaces import SMALL
from tunekit.api.options import read_options
from tunekit.cli.searching import search
from tunekit.errors import SearchError, SpaceError, UserError
from tunekit.space.mapping import space_of
from tunekit.space.parameters import Choice, Range
from tunekit.space.reader import read_space
from tunekit.space.shipped import shipped_spaces


def test_options_are_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIT_HOME", "elsewhere")
    given = {
        "workers": 2,
        "time_budget": "30m",
        "disk_max": 2e9,
        "fast": True,
        "seed": np.int64(0),
        "home": None,
    }
    read = read_options(
        search, "some", given | {"set": {"a": True, "b": "x y", "c": np.float32(0.5), "d": 1e-05}}
    )
    assert read["workers"] == 2
    assert read["threads"] is None
    assert read["time_budget"] == 1800
    assert read["disk_max"] == 2 * 10**9
    assert read["fast"] is True
    assert read["no_pictures"] is False
    assert read["seed"] == 0
    assert read["home"].path == Path("elsewhere")
    assert read["sets"] == ("a=true", 'b="x y"', "c=0.5", "d=1e-05")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "expected a whole number from 1, or auto, got '0'"),
        ({"max_epochs": 2.5}, "'2.5' is not a valid integer"),
        ({"max_epochs": 0}, "--max-epochs: expected a whole number from 1"),
        ({"time_budget": "soon"}, "expected a time such as 90s"),
        ({"set": {"dropout": 7}}, "--set dropout: expected a number from 0 to 0.99, got 7"),
        ({"set": {"learning_rat": 1}}, "Did you mean learning_rate"),
        ({"name": ".hidden"}, "--name '.hidden': expected letters"),
    ],
)
def test_mistakes_are_refused_in_the_commands_words(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as found:
        tunekit.search("cnn-digits", home=tmp_path, progress=False, **options)
    assert message in str(found.value)


def test_an_unknown_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="there is no search yet"):
        tunekit.load(home=tmp_path)
    with pytest.raises(SearchError, match="expected the name of a search"):
        tunekit.resume("none", home=tmp_path, progress=False)


def test_a_dict_is_a_space() -> None:
    space = space_of(SMALL)
    assert space.parameter("optimizer") == Choice("optimizer", ("adam", "momentum"))
    momentum = space.parameter("momentum")
    assert isinstance(momentum, Range)
    assert momentum.when == {"optimizer": ("momentum",)}


def test_a_shipped_space_as_a_dict_is_the_same() -> None:
    import yaml

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
            "model: expected lenet5, recurrent or package.module:function, got the text 'lenet'.",
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
