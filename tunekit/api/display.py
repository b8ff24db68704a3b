"""What a function shows while it works: the command's display, one that a notebook can show, or nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tunekit.cli.progress import make_progress
from tunekit.study.session import Reporter


class Silent(Reporter):
    """Prints nothing; what went wrong without stopping anything is a warning of Python's."""

    def warn(self, text: str) -> None:
        warnings.warn(text, RuntimeWarning, stacklevel=2)


@contextmanager
def display(progress: bool, verbose: bool = False) -> Iterator[Reporter]:
    """The display that fits where the output goes."""
    if not progress:
        yield Silent()
    elif in_kernel():
        from tunekit.api.notebook import Cell, NotebookDisplay

        with Cell() as cell:
            shown = NotebookDisplay(cell, verbose)
            yield shown
            shown.stage("")
    else:
        with make_progress(to_stderr=False, verbose=verbose) as reporter:
            yield reporter


def in_kernel() -> bool:
    """Whether a notebook shows what this process displays."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")
