"""What GitHub reads is of the form that it asks, and calls only what there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"


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
    jobs = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())["jobs"]
    steps = [step["run"].split() for job in jobs.values() for step in job["steps"] if "run" in step]
    assert all(words[0] == "make" and words[1] in recipes for words in steps), steps
    assert {"check", "test", "test-jax", "dist"} <= {words[1] for words in steps}


def test_every_python_that_is_promised_is_of_the_matrix_or_between() -> None:
    jobs = yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())["jobs"]
    tried = jobs["test"]["strategy"]["matrix"]["python"]
    assert (
        f'requires-python = ">={tried[0]},<3.{int(tried[-1].partition(".")[2]) + 1}"'
        in (ROOT / "pyproject.toml").read_text()
    )
