"""What GitHub reads is of the form that it asks, and calls only what there is."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
ACTIONS = {
    "actions/checkout@v7": set[str](),
    "actions/setup-python@v7": {"python-version", "cache", "cache-dependency-path"},
}
"""The actions that are called, and of the inputs that their action.yml names those that are given."""


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_the_form(schema: str, files: str) -> None:
    paths = list(GITHUB.glob(files))
    assert paths
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    subprocess.run([*command, *map(str, paths)], check=True)


def test_every_step_is_a_recipe_of_the_makefile() -> None:
    recipes = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    steps = [step["run"].split() for job in jobs().values() for step in job["steps"] if "run" in step]
    assert all(words[0] == "make" and words[1] in recipes for words in steps), steps
    assert {"check", "test", "test-jax", "dist"} <= {words[1] for words in steps}


def test_the_actions_are_known_and_so_is_what_they_are_given() -> None:
    """Their schema leaves the inputs of an action open, and GitHub only warns of one that there is not."""
    steps = [step for job in jobs().values() for step in job["steps"] if "uses" in step]
    assert {step["uses"] for step in steps} == set(ACTIONS)
    assert all(set(step.get("with", {})) <= ACTIONS[step["uses"]] for step in steps)


def test_every_python_that_is_promised_is_tried() -> None:
    tried = jobs()["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = "Programming Language :: Python :: 3."
    assert [kind.split()[-1] for kind in project["classifiers"] if kind.startswith(said)] == tried
    assert project["requires-python"] == f">={tried[0]},<3.{int(tried[-1].partition('.')[2]) + 1}"
    assert f"Python {tried[0]} to {tried[-1]}" in (ROOT / "README.md").read_text()
    assert f"Python {', '.join(tried[:-1])} or {tried[-1]}" in (ROOT / "CONTRIBUTING.md").read_text()


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())["jobs"]
    return found
