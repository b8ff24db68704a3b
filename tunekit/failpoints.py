"""Instants at which a test may end the process: before and after everything that is written to last.

TUNEKIT_FAILPOINT=NAME@N kills the process the Nth time that it reaches NAME, or any where NAME is `*`. Workers inherit
it; with NAME@N@FILE only the first process of all that gets there is killed, which leaves FILE behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

VARIABLE = "TUNEKIT_FAILPOINT"

Callback = Callable[[str], None]
_armed: Callback | None = None


def reach(name: str) -> None:
    """Nothing but a comparison, unless a test has armed this process."""
    if _armed is not None:
        _armed(name)


@contextmanager
def armed(callback: Callback) -> Iterator[None]:
    """Within this process: the callback is told every name, and may raise."""
    global _armed
    before, _armed = _armed, callback
    try:
        yield
    finally:
        _armed = before


def _killer(setting: str) -> Callback:
    name, count, *once = setting.split("@", 2)
    left = int(count)

    def kill(reached: str) -> None:
        nonlocal left
        if name not in ("*", reached):
            return
        left -= 1
        if left == 0 and not (once and os.path.exists(once[0])):  # noqa: PTH110  (imports as little as it can)
            if once:
                os.close(os.open(once[0], os.O_CREAT | os.O_WRONLY))
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


if VARIABLE in os.environ:
    _armed = _killer(os.environ[VARIABLE])
