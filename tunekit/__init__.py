"""Hyperparameter search for Keras that you can leave running overnight and trust in the morning.

    found = tunekit.search("cnn-digits", max_epochs=9)
    found.best.score, found.trials(), found.model()

Nothing below is imported before it is asked for, so that the command answers at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature

    from tunekit import errors as errors
    from tunekit import oracles as oracles
    from tunekit.api.result import SearchResult as SearchResult
    from tunekit.api.searching import load as load
    from tunekit.api.searching import resume as resume
    from tunekit.api.searching import search as search

__version__ = "0.1.0"
__all__ = ["SearchResult", "__version__", "errors", "load", "oracles", "resume", "search"]

_MADE_IN = {
    "SearchResult": "tunekit.api.result",
    "load": "tunekit.api.searching",
    "resume": "tunekit.api.searching",
}
_MODULES = ("errors", "oracles")


def __getattr__(name: str) -> Any:
    if name in _MADE_IN:
        return getattr(import_module(_MADE_IN[name]), name)
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _SearchRoom(ModuleType):
    """Makes `tunekit.search`, the package of the coordinator, a function as well.

    Python sets a package's attribute to each of its modules as it imports them: a function of that name would be there
    or not, depending on what was imported before. So it is one object, from the first import on.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return import_module("tunekit.api.searching").search(*args, **kwargs)

    @property
    def __signature__(self) -> Signature:
        """What `help` and notebooks show."""
        from inspect import signature

        return signature(import_module("tunekit.api.searching").search)


import_module("tunekit.search")
sys.modules["tunekit.search"].__class__ = _SearchRoom
