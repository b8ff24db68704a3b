"""What is told of a space before it is searched."""

from __future__ import annotations

from tunekit.cli.spaces import plan_text
from tunekit.oracles.schedule import BracketPlan, RungPlan
from tunekit.space.parameters import Fixed
from tunekit.space.space import DataSpec, SearchSettings, Space
from tunekit.study.plan import Plan
from tunekit.study.preview import Preview
from tunekit.trial.jobs import Probe


def test_one_trial_of_one_epoch_is_counted_as_one() -> None:
    space = Space(
        "one",
        "lenet5",
        DataSpec("digits"),
        (Fixed("batch_size", 32),),
        search=SearchSettings(tuner="grid", finalists=1, repeats=1),
    )
    probe = Probe(parameters=10, epoch_seconds=0.5, checkpoint_bytes=1000)
    plan = Plan((BracketPlan(0, 0, (RungPlan(1, 0, 1),)),))
    text = plan_text(space, Preview(plan, probe, probe, workers=1, threads=1, images=100))

    assert "one: grid, 1 trial, 1 epoch\n" in text
    assert "1 worker of 1 thread" in text
    assert text.endswith("1 more training from scratch")
