"""Keeps checkpoints and pictures as they come from nodes, and says what an attempt goes on from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tunekit.errors import SearchError, StoreError
from tunekit.trial.jobs import Job, TrainJob
from tunekit.workers.cluster.checkpoints import Checkpoints, InFolder
from tunekit.workers.cluster.host import Hello, Told
from tunekit.workers.cluster.members import Member
from tunekit.workers.cluster.storage import Kept, Receipt, Storage, StorageAway

PATIENCE = 120.0
"""Seconds that a storage may be away before the search ends."""


class Keeper:
    """Of one search; what goes wrong with the storage costs no trial anything."""

    def __init__(self, search: Path, address: str | None) -> None:
        self.storages: Sequence[Storage] = ()
        """What a node may use, the best first."""
        self._name = search.name
        self._checkpoints = _checkpoints(search, address)
        self._rubbish: list[Kept] = []
        self._away_since: float | None = None
        self._worked = False
        """Whether anything has come through the storage."""

    def open(self) -> None:
        self.storages = self._checkpoints.open()

    def meet(self, hello: Hello) -> bool:
        """Whether the node can use a storage; SearchError where none ever could."""
        if hello.storage is not None:
            return True
        trouble = f"--storage: the node {hello.name} cannot take part: {hello.trouble}"
        if not self._worked:
            raise SearchError(
                f"{trouble}. Name a place that all nodes reach, with the credentials that each needs."
            )
        self.away(trouble)
        return False

    def given(self, job: Job, member: Member) -> Receipt:
        if not isinstance(job, TrainJob):
            return {}
        assert member.storage is not None
        return self._checkpoints.given(job, member.storage)

    def take(self, job: Job, told: Told) -> None:
        """From here on these checkpoints are the trial's; StorageAway where they do not come."""
        if not isinstance(job, TrainJob) or not (told.receipt or told.pictures):
            return
        self._rubbish += self._checkpoints.accept(job, told.receipt)
        self._worked, self._away_since = True, None
        for name, content in told.pictures.items():
            assert job.pictures is not None
            path = job.pictures / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def rubbish(self) -> list[Kept]:
        """What need not be kept any longer, for the next node to remove."""
        rubbish, self._rubbish = self._rubbish, []
        return rubbish

    def away(self, error: StorageAway | str) -> None:
        """The place is at fault; StoreError where it stays away."""
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now > self._away_since + PATIENCE:
            raise StoreError(
                f"Checkpoints could not be stored for {PATIENCE:.0f} s. {error}\nWhen the place is there again, go on "
                f"with `tunekit resume {self._name}` and the same options: every epoch that was told is kept."
            ) from None

    def bring(self, folder: Path) -> None:
        """See that the checkpoints in a trial's folder are there."""
        self._checkpoints.bring(folder)

    def close(self) -> None:
        # To tidy a place that is away would take long.
        if self.storages and self._away_since is None:
            self._checkpoints.close()


def _checkpoints(search: Path, address: str | None) -> Checkpoints:
    if address is None:
        return InFolder(search)
    from tunekit.workers.cluster.pointers import Elsewhere

    return Elsewhere(search, address)
