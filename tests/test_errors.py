"""Errors read well, also after a journey between processes."""

from __future__ import annotations

import pickle

from tunekit.errors import Problem, SpaceError


def test_a_problem_names_place_expectation_and_remedy() -> None:
    problem = Problem("parameters.dropout", "a number", "'high'", "Write 0.5.", line=7, file="a.yaml")
    assert str(problem) == "a.yaml:7: parameters.dropout: expected a number, got 'high'. Write 0.5."


def test_a_space_error_survives_the_way_between_processes() -> None:
    error = SpaceError([Problem("model", "a model", "nothing", "Add one.", 1, "a.yaml")] * 2)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.problems == error.problems
