"""One uninterrupted search that several tests compare with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, loaded, run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The working folder and the report of a whole search of tiny.yaml with two workers."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, loaded(run("search", TINY, "--workers", 2, "--json", cwd=folder))
