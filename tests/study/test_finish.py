"""What is left of a search when it is over."""

from __future__ import annotations

import dataclasses
import json

from tunekit.results import ClassScores, Evaluation
from tunekit.study.finish import _test_table, evaluation_from


def test_the_table_of_the_test_set_is_read_back() -> None:
    classes = (ClassScores("ant", 0.5, 1.0, 2 / 3, 2), ClassScores('a "bee"', 1.0, 0.5, 2 / 3, 2))
    found = Evaluation(0.25, 0.75, classes, ((2, 0), (1, 1)), "ab" * 32)
    text = _test_table(found)
    assert "    [2,0],\n    [1,1]\n" in text
    assert json.loads(text) == json.loads(json.dumps(dataclasses.asdict(found)))
    assert evaluation_from(json.loads(text)) == found
