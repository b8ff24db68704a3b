"""What a search will cost, said before it is run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunekit.oracles.schedule import BracketPlan, RungPlan
from tunekit.space.space import DataSpec, SearchSettings, Space
from tunekit.study.plan import Plan, plan_of
from tunekit.study.preview import Preview
from tunekit.trial.jobs import Probe


@pytest.mark.parametrize(
    ("max_epochs", "trials", "epochs"), [(9, 23, 75), (27, 70, 375), (25, 30, 278), (81, 211, 1767)]
)
def test_hyperbands_plan_is_keras_tuners(max_epochs: int, trials: int, epochs: int) -> None:
    from tunekit.space.parameters import Range

    parameters = (Range("learning_rate", 1e-4, 1e-1, scale="log"),)
    search = SearchSettings(max_epochs=max_epochs, factor=3)
    plan = plan_of(Space("s", "lenet5", DataSpec("digits"), parameters, search=search))
    assert (plan.trials, plan.epochs) == (trials, epochs)
    thrice = plan_of(
        Space("s", "lenet5", DataSpec("digits"), parameters, search=replace(search, executions_per_trial=3))
    )
    assert (thrice.trials, thrice.epochs) == (trials, 3 * epochs)


def test_time_and_disk_follow_from_the_probes() -> None:
    plan = Plan((BracketPlan(0, 1, (RungPlan(4, 0, 1), RungPlan(2, 1, 3))),))
    small = Probe(parameters=10, epoch_seconds=0.5, checkpoint_bytes=100)
    large = Probe(parameters=99, epoch_seconds=2.0, checkpoint_bytes=1000)
    seen = Preview(plan, small, large, workers=2, threads=1, images=100)
    assert plan.epochs == 4 * 1 + 2 * 2
    assert seen.seconds() == (pytest.approx(8 * 0.5 / 2), pytest.approx(8 * 2.0 / 2))
    assert seen.disk() == pytest.approx(1.4 * (2 * 2 + 2 * 2 + 1) * 1000)


def test_executions_cost_each_as_much() -> None:
    bracket = BracketPlan(0, 1, (RungPlan(4, 0, 1), RungPlan(2, 1, 3)))
    probe = Probe(parameters=10, epoch_seconds=0.5, checkpoint_bytes=1000)
    once, thrice = (
        Preview(Plan((bracket,), executions), probe, probe, workers=2, threads=1, images=100)
        for executions in (1, 3)
    )
    assert thrice.plan.trials == once.plan.trials
    assert thrice.plan.epochs == 3 * once.plan.epochs
    assert thrice.seconds() == pytest.approx([3 * seconds for seconds in once.seconds()])
    assert thrice.disk() == pytest.approx(3 * once.disk(), abs=3)
