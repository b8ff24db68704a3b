"""Configurations at the last rung they completed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.report.materials import HALVED, SPACE, material, record
from tunekit.report.configurations import configurations, thinned
from tunekit.results import Failure
from tunekit.space.space import Objective


def test_a_promoted_configuration_is_counted_once_at_its_last_rung() -> None:
    found = configurations(material(*HALVED))
    assert [(each.trial.id, each.chain, each.score) for each in found] == [
        ("3", ("1", "3"), 0.95),
        ("4", ("4",), 0.8),
        ("2", ("2",), 0.7),
        ("0", ("0",), 0.5),
    ]
    assert [each.standing for each in found] == [1, pytest.approx(2 / 3), pytest.approx(1 / 3), 0]


def test_where_the_next_rung_failed_or_runs_the_rung_before_counts() -> None:
    failed = record("5", parent="0", round=1, failure=Failure("nan", "loss"))
    running = record("6", parent="2", round=1, at=(60, None))
    found = configurations(material(*HALVED, failed, running))
    assert [each.trial.id for each in found] == ["3", "4", "2", "0"]


def test_repeats_and_broken_scores_are_left_out_and_a_loss_is_best_low() -> None:
    space = replace(SPACE, objective=Objective("val_loss", "min"))
    records = [
        record("0", 0.5),
        record("1", math.inf),
        record("2", 0.1),
        record("2-repeat1", 0.05, kind="repeat"),
    ]
    assert [each.trial.id for each in configurations(material(*records, space=space))] == ["2", "0"]


def test_one_configuration_stands_first() -> None:
    assert [each.standing for each in configurations(material(record("0", 0.5)))] == [1]


def test_thinned_keeps_the_ends_and_spreads_the_rest() -> None:
    found = configurations(material(*[record(f"{n:02d}", 1 - n / 100) for n in range(21)]))
    assert [each.trial.id for each in thinned(found, 5)] == ["00", "05", "10", "15", "20"]
    assert thinned(found, 21) == found
