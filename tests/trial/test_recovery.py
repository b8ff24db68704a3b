"""Whatever happens to a trial's files, it ends with the same weights.

It goes on from its own last epoch, else from its parent's, else from the start.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tunekit.trial.jobs import Done, EpochDone, Split, Step
from tunekit.workers.local import LocalWorkers

from .helpers import TINY, differences, stored, train_job

VALUES = TINY | {"dropout": 0.2, "flip": True}
Damage = Callable[[Path, Path], object]
"""What is done to the trial's folder and to its parent's."""


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for place in range(0, len(content), 40):  # one byte alone may be a date, which does no harm
        content[place] ^= 0x10
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_model(path: Path) -> None:
    np.savez(path, v00000=np.zeros((3, 3)), progress=np.frombuffer(b"{}", np.uint8))


def leftovers(own: Path, parent: Path) -> None:
    (own / ".last.npz.99999").write_bytes(b"half a checkpoint")


DAMAGES: dict[str, tuple[Damage, list[int]]] = {
    "none": (lambda own, parent: None, [2, 3]),
    "leftovers of a killed process": (leftovers, [2, 3]),
    "own folder missing": (lambda own, parent: shutil.rmtree(own), [2, 3]),
    "own last missing": (lambda own, parent: (own / "last.npz").unlink(), [2, 3]),
    "own last cut short": (lambda own, parent: cut(own / "last.npz"), [2, 3]),
    "own last changed": (lambda own, parent: flip(own / "last.npz"), [2, 3]),
    "own last emptied": (lambda own, parent: empty(own / "last.npz"), [2, 3]),
    "own last of another model": (lambda own, parent: other_model(own / "last.npz"), [2, 3]),
    "own best missing": (lambda own, parent: (own / "best.npz").unlink(), [2, 3]),
    "own best changed": (lambda own, parent: flip(own / "best.npz"), [2, 3]),
    "own best emptied": (lambda own, parent: empty(own / "best.npz"), [2, 3]),
    "own history missing": (lambda own, parent: (own / "features.npz").unlink(), [2, 3]),
    "both histories changed": (
        lambda own, parent: (flip(own / "features.npz"), flip(parent / "features.npz")),
        [2, 3],
    ),
    "both lasts changed": (
        lambda own, parent: (flip(own / "last.npz"), flip(parent / "last.npz")),
        [1, 2, 3],
    ),
    "both bests cut short": (
        lambda own, parent: (cut(own / "best.npz"), cut(parent / "best.npz")),
        [1, 2, 3],
    ),
    "everything missing": (lambda own, parent: (shutil.rmtree(own), shutil.rmtree(parent)), [1, 2, 3]),
}


class Trained:
    """A worker, and the folders of a trial that was trained for 1, 2 and 3 epochs."""

    def __init__(self, part: Split, folder: Path) -> None:
        self.part = part
        self.folder = folder
        self.workers = LocalWorkers(1, threads=1, logs=folder / "logs")

    def train(self, folder: Path, epochs: int, parent: Path | None = None) -> list[int]:
        """The epochs that were told."""
        initial = 0 if parent is None else 1
        job = train_job(
            self.part, folder, epochs, id=folder.name, values=VALUES, parent=parent, initial_epoch=initial
        )
        self.workers.submit(job)
        told: list[int] = []
        while self.workers.busy:
            for message in self.workers.events(1.0):
                if isinstance(message.event, EpochDone):
                    told.append(message.event.epoch.number)
                else:  # on a busy machine an epoch may take long enough for a sign of life
                    assert isinstance(message.event, Done | Step), message.event
        return told


@pytest.fixture(scope="module")
def trained(part: Split, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("recovery")
    found = Trained(part, folder)
    try:
        found.train(folder / "parent", 1)
        found.train(folder / "half", 2, folder / "parent")
        found.train(folder / "whole", 3)
        yield found
    finally:
        found.workers.close()


@pytest.mark.parametrize("name", DAMAGES)
def test_the_same_weights_in_the_end(trained: Trained, tmp_path: Path, name: str) -> None:
    own, parent = tmp_path / "own", tmp_path / "parent"
    shutil.copytree(trained.folder / "half", own)
    shutil.copytree(trained.folder / "parent", parent)
    damage, epochs = DAMAGES[name]
    damage(own, parent)

    assert trained.train(own, 3, parent) == epochs

    for file in ("last.npz", "best.npz"):
        assert differences(stored(own / file), stored(trained.folder / "whole" / file)) == []
    assert sorted(path.name for path in own.iterdir()) == ["best.npz", "features.npz", "last.npz"]


def test_a_finished_trial_is_not_trained_again(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.folder / "whole", tmp_path / "own")
    before = (tmp_path / "own" / "last.npz").stat().st_mtime_ns

    assert trained.train(tmp_path / "own", 3) == [1, 2, 3]

    assert (tmp_path / "own" / "last.npz").stat().st_mtime_ns == before
