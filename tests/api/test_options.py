"""Arguments mean what the command's options mean, and are refused in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tunekit
from tunekit.api.options import read_options
from tunekit.cli.searching import search
from tunekit.errors import SearchError, UserError


def test_options_are_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEKIT_HOME", "elsewhere")
    given: dict[str, Any] = {
        "workers": 2,
        "time_budget": "30m",
        "disk_max": 2e9,
        "fast": True,
        "seed": np.int64(0),
        "home": None,
    }
    given["start"] = ["a.yaml", Path("b.yaml")]
    given["set"] = {"a": True, "b": "x y", "c": np.float32(0.5), "d": 1e-05}
    read = read_options(search, "some", given)
    assert read["workers"] == 2
    assert read["threads"] is None
    assert read["time_budget"] == 1800
    assert read["disk_max"] == 2 * 10**9
    assert read["fast"] is True
    assert read["no_pictures"] is False
    assert read["seed"] == 0
    assert read["home"].path == Path("elsewhere")
    assert read["starts"] == (Path("a.yaml"), Path("b.yaml"))
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
        ({"storage": "s3://b/f"}, "--storage is for a cluster: give --on ray as well"),
        ({"on": "ray", "storage": "here"}, "--storage: expected an address such as s3://BUCKET/FOLDER"),
        (
            {"on": "ray", "storage": "s3://b", "disk_max": "1GB"},
            "--disk-max and --storage cannot both be had",
        ),
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
