"""What `import tunekit` offers: light, whatever else is imported first, and no name lost by accident."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tunekit
from tests.cli.test_main import HEAVY, modules_after
from tests.study.commands import environment
from tunekit.cli import searching as commands

RUNNING = {
    "workers", "threads", "fast", "pictures", "trial_timeout", "time_budget", "disk_max", "home", "progress", "verbose",
}  # fmt: skip


def test_import_is_light(tmp_path: Path) -> None:
    assert not modules_after("import tunekit", tmp_path) & {*HEAVY, "pandas", "click", "yaml"}


def test_public_names() -> None:
    assert tunekit.__all__ == ["SearchResult", "__version__", "errors", "load", "oracles", "resume", "search"]
    assert set(tunekit.__all__) <= set(dir(tunekit))
    assert all(hasattr(tunekit, name) for name in tunekit.__all__)
    with pytest.raises(AttributeError, match="'tunekit' has no attribute 'serch'"):
        tunekit.serch  # type: ignore[attr-defined]  # noqa: B018


def test_public_members_of_a_result() -> None:
    members = {name for name in dir(tunekit.SearchResult) if not name.startswith("_")}
    assert members == {
        "best", "config", "curves", "evaluate", "home", "model", "name", "report", "space", "status", "test", "trials",
    }  # fmt: skip
    assert all(getattr(tunekit.SearchResult, name).__doc__ for name in members)


IMPORTS = [
    "import tunekit",
    "import tunekit.search",
    "import tunekit.search as again",
    "import tunekit.search.state",
    "from tunekit.search.lock import SearchLock",
    "from tunekit import search",
    "from tunekit import *",
    "from tunekit.api.searching import search as plain",
    "import tunekit, importlib; importlib.reload(tunekit)",
    "import tunekit.search, importlib; importlib.reload(tunekit.search)",
]


@pytest.mark.parametrize("first", IMPORTS)
def test_the_function_and_the_package_are_one_in_every_order(first: str, tmp_path: Path) -> None:
    program = f"""{first}
import tunekit
found = [tunekit.search]
for line in {IMPORTS!r}:
    exec(line)
    found.append(tunekit.search)
from tunekit import search
import tunekit.search as package
import tunekit.search.state as state
assert all(each is search for each in found) and package is search
assert state is tunekit.search.state and state.State
try:
    search("no-such-space")
except tunekit.errors.SpaceError as error:
    assert "no-such-space" in str(error)
else:
    raise SystemExit("not called")
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment(), check=True)


def test_the_signature_is_the_functions() -> None:
    assert list(inspect.signature(tunekit.search).parameters)[:3] == ["space", "name", "home"]


@pytest.mark.parametrize("name", ["search", "resume"])
def test_every_option_of_the_command_is_an_argument(name: str) -> None:
    """But for --json and --quiet, which say how a command prints; `pictures` is the other side of --no-pictures."""
    elsewhere = {"no_pictures": "pictures", "as_json": None, "quiet": "progress"}
    options = {
        long.replace("-", "_")
        for parameter in getattr(commands, name).params
        for option in parameter.opts
        for long in [option.lstrip("-")]
        if len(long) > 1
    }
    wanted = {elsewhere.get(option, option) for option in options - {"json"}} - {None}
    given = set(inspect.signature(getattr(tunekit, name)).parameters)
    assert given == wanted
    assert given >= RUNNING
