"""Modules: what a space file names as `package.module:function`, and frameworks that take long to load."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunekit.errors import UserError


def find_function(kind: str, location: str, error: type[UserError]) -> Callable[..., Any]:
    """The function; the error says what `kind` it was to be."""
    module_name, _, function_name = location.partition(":")
    function = find(kind, location, error)
    if not callable(function):
        raise error(f"{kind} {location}: {module_name} has no function {function_name}.")
    found: Callable[..., Any] = function
    return found


def find(kind: str, location: str, error: type[UserError]) -> Any:
    """What the module has under this name, None for nothing; the module is looked for in the working folder as well.

    What goes wrong as the module is imported is its author's to see, and raised as it is.
    """
    module_name, _, name = location.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        # A module that is there may itself import one that is not.
        if missing.name is None or not f"{module_name}.".startswith(f"{missing.name}."):
            raise
        raise error(
            f"{kind} {location}: there is no module {module_name}. "
            f"Run the command in the folder that holds it, or install it into this environment."
        ) from missing
    return getattr(module, name, None)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """While frameworks load: what they make stays, and to search it for garbage takes Python a quarter of that time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
