"""What a search will do, before anything is spent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tunekit.oracles.schedule import BracketPlan
from tunekit.space.space import Space
from tunekit.study.quiet import frameworks_log_to


@dataclass(frozen=True)
class Plan:
    """Brackets, and the trials and epochs in them."""

    brackets: tuple[BracketPlan, ...]
    executions: int = 1
    """Trainings of each trial."""

    @property
    def trials(self) -> int:
        return sum(bracket.trials for bracket in self.brackets)

    @property
    def epochs(self) -> int:
        """Trained in all."""
        return self.executions * sum(bracket.epochs_trained for bracket in self.brackets)


def plan_of(space: Space) -> Plan:
    """The brackets that the space's search settings lead to; failures and exhausted spaces change them."""
    with frameworks_log_to(Path(os.devnull)):
        from tunekit.oracles.tuners import make_oracle

    return Plan(make_oracle(space).schedule.plans, space.search.executions_per_trial)
