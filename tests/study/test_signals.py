"""Signals in the midst of a search: the first asks, the second does what it did before."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from tunekit.errors import Interrupted
from tunekit.study.signals import interruption


def test_the_second_signal_is_answered_as_before() -> None:
    """As in a notebook, where Ctrl-C must never end the process."""
    before = signal.getsignal(signal.SIGINT)
    assert before is signal.default_int_handler
    with interruption() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked()
        assert asked.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_first_signal_raises_where_nothing_asks() -> None:
    with interruption() as asked, pytest.raises(Interrupted), asked.at_once():
        os.kill(os.getpid(), signal.SIGINT)


def test_another_thread_leaves_signals_alone() -> None:
    handlers = []

    def work() -> None:
        with interruption() as asked:
            handlers.append(signal.getsignal(signal.SIGINT))
            assert not asked()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]
