"""A first look at configurations: their size and how long a step takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.trial.jobs import Probe, ProbeJob, Split
from tunekit.trial.probe import probe

from .helpers import TINY, run, train_job


@pytest.fixture(scope="module")
def probes(part: Split) -> tuple[Probe, ...]:
    larger = TINY | {"hidden_units": 500, "batch_size": 1000}
    return probe(ProbeJob("probe", "lenet5", (TINY, larger), part), lambda event: None)


def test_the_size_of_each(probes: tuple[Probe, ...]) -> None:
    # 3*3*1*2+2, 3*3*2*4+4, 2*2*4*units+units, units*10+10
    assert [found.parameters for found in probes] == [20 + 76 + 136 + 90, 20 + 76 + 8_500 + 5_010]


def test_the_time_of_an_epoch(part: Split) -> None:
    """About what it then takes: the machine may be busy in one and not in the other."""
    (timed,) = probe(ProbeJob("probe", "lenet5", (TINY,), part, timed=True), lambda event: None)
    assert timed.epoch_seconds is not None
    assert 0.001 < timed.epoch_seconds < 5


def test_nothing_is_timed_unasked(probes: tuple[Probe, ...]) -> None:
    assert [found.epoch_seconds for found in probes] == [None, None]


def test_the_size_of_a_checkpoint(probes: tuple[Probe, ...], part: Split, tmp_path: Path) -> None:
    run(train_job(part, tmp_path, 1))
    arrays = 4 * 3 * 322  # weights and Adam's two moments

    assert arrays < probes[0].checkpoint_bytes < arrays + 1000
    # Names and checksums come on top.
    assert probes[0].checkpoint_bytes < (tmp_path / "last.npz").stat().st_size < arrays + 20_000


def test_nothing_is_probed_of_nothing(part: Split) -> None:
    assert probe(ProbeJob("probe", "lenet5", (), part), lambda event: None) == ()
