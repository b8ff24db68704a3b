"""Failed trials by cause."""

from __future__ import annotations

from typing import get_args

from tests.report.materials import HALVED, record
from tunekit.report.failures import MEANINGS, counts_by_cause, failures
from tunekit.results import Cause, Failure


def test_the_most_frequent_cause_and_message_come_first() -> None:
    records = [
        record("0", failure=Failure("oom", "16 GB wanted")),
        record("1", failure=Failure("nan", "loss is nan")),
        record("2", failure=Failure("nan", "loss is inf")),
        record("3", failure=Failure("nan", "loss is inf")),
        *HALVED[3:],
    ]
    nan, oom = failures(records)
    assert (nan.cause, nan.count, oom.cause, oom.count) == ("nan", 3, "oom", 1)
    assert [(said.message, said.trials) for said in nan.messages] == [
        ("loss is inf", ("2", "3")),
        ("loss is nan", ("1",)),
    ]
    assert counts_by_cause(records[:4]) == "3 nan, 1 oom"


def test_every_cause_is_explained() -> None:
    assert set(MEANINGS) == set(get_args(Cause))
