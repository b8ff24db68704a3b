"""Everything that `tunekit doctor` looks at, in the order in which it is told.

Each check imports what it needs itself, so that a package that is broken spoils one finding and not all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from typing import Any

from tunekit.study.doctor.finding import Finding, guarded
from tunekit.study.home import Home

Check = Callable[[], Finding]


def examine(home: Home, seconds: float) -> Iterator[Finding]:
    """Each finding as it comes; frameworks get `seconds` to load, each in a process of its own."""
    keras = cache(lambda: _room("frameworks").Frameworks(seconds))
    checks: dict[str, Check] = {
        "Python": lambda: _room("packages").python(),
        "packages": lambda: _room("packages").packages(),
        "processors": lambda: _room("machine").processors(),
        "memory": lambda: _room("machine").memory(),
        "home": lambda: _room("machine").home(home.path),
        "temporary": lambda: _room("machine").temporary(),
        "clock": lambda: _room("machine").clock(_room("searches").states(home), time.time()),
        "data": lambda: _room("searches").data(),
        "searches": lambda: _room("searches").searches(home),
        "Keras": lambda: keras().keras(),
        "GPUs": lambda: keras().devices(),
        "MLflow": lambda: _room("record").mlflow(home.path, seconds),
    }
    with ThreadPoolExecutor() as pool:
        # They take seconds, and are begun first.
        begun = {name: pool.submit(guarded, name, checks[name]) for name in ("Keras", "MLflow")}
        for name, check in checks.items():
            yield begun[name].result() if name in begun else guarded(name, check)


def _room(name: str) -> Any:
    return import_module(f"tunekit.study.doctor.{name}")
