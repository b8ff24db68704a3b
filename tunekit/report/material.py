"""Everything a report is made of, as the study gathers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunekit.results import Evaluation, TimedEpoch, TrialRecord
from tunekit.space.parameters import Fixed, Parameter
from tunekit.space.space import Space


@dataclass(frozen=True)
class Picture:
    """A picture that is there already, to be shown as it is."""

    path: Path
    title: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Material:
    """A search as it stands."""

    search: str
    space: Space
    status: str
    """finished, stopped, running, interrupted, failed or killed."""
    created: float
    """Seconds since the epoch."""
    written: float
    """When this was gathered."""
    records: tuple[TrialRecord, ...]
    ranked: tuple[TrialRecord, ...]
    """The completed trials of the search, best first; repeats and snapshots are not among them."""
    best: TrialRecord | None
    """The winner; the leader so far where there is none yet."""
    epochs: Mapping[str, Sequence[TimedEpoch]]
    """The epochs that each trial trained itself."""
    facts: Mapping[str, Any]
    """Of the data, the versions and the machine, by the state's names."""
    evaluation: Evaluation | None = None
    finalists: tuple[Mapping[str, Any], ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    """What to type next: train, resume, show, evaluate."""
    pictures: tuple[Picture, ...] = ()

    @property
    def best_drawn(self) -> str | None:
        """The id of the best trial as charts know it: a snapshot is a point of the trial that it was taken of."""
        if self.best is None:
            return None
        return self.best.trial.parent if self.best.kind == "snapshot" else self.best.trial.id

    @property
    def trials(self) -> list[TrialRecord]:
        """Without the repeats of finalists, and what a time budget broke off."""
        return [record for record in self.records if record.kind == "trial"]

    @property
    def varying(self) -> list[Parameter]:
        return [parameter for parameter in self.space.parameters if not isinstance(parameter, Fixed)]
