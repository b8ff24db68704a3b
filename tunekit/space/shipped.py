"""The space files that come with the package, found by name."""

from __future__ import annotations

import os
from pathlib import Path

from tunekit.errors import Problem, SpaceError
from tunekit.space.problems import suggestion
from tunekit.space.scalars import shown

_PACKAGE = Path(__file__).parent.parent


def shipped_spaces() -> dict[str, Path]:
    """The files by name: beside the package's own where it is installed, else those of the checkout."""
    for folder in (_PACKAGE / "search_spaces", _PACKAGE.parent / "search_spaces"):
        if folder.is_dir():
            # Those of the folder itself first: the others are for particular purposes.
            paths = sorted(folder.glob("**/*.yaml"), key=lambda path: (len(path.parts), path.stem))
            return {path.stem: path for path in paths}
    return {}


def find_space(name_or_path: str) -> Path:
    """The file that a path or a shipped name means."""
    path = Path(name_or_path)
    if _is_file(path):
        return path
    shipped = shipped_spaces()
    if name_or_path in shipped:
        return shipped[name_or_path]
    if path.suffix or any(separator in name_or_path for separator in (os.sep, os.altsep) if separator):
        if _is_there(path):
            return path  # a directory or a pipe, which the reader refuses with its reason
        remedy = f"Check the path, or name a shipped space. {suggestion(path.stem, list(shipped))}"
        raise SpaceError(
            [Problem("", "a space file", "no file of this name", remedy, 0, shown(name_or_path, 500))]
        )
    expected = "the path of a space file or the name of a shipped one"
    raise SpaceError(
        [Problem("", expected, shown(repr(name_or_path)), suggestion(name_or_path, list(shipped)))]
    )


def _is_file(path: Path) -> bool:
    return _is_there(path) and path.is_file()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # such as a name that is too long, or has a NUL
        return False


def describe(path: Path) -> str:
    """What a file is for: its first comment line, without the name; empty where it has none."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(1000)
    except OSError:
        return ""
    return (
        shown(first.removeprefix("#").strip().removeprefix(f"{path.stem}:").strip(), 200)
        if first[:1] == "#"
        else ""
    )
