from __future__ import annotations

from pathlib import Path

from tunekit.space.reader import read_space

from .helpers import HEAD, assert_problem, parse, problems, with_parameters

WHOLE = with_parameters("dropout: 0.5")


def test_a_file_and_its_text_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(WHOLE)
    assert read_space(path) == parse(WHOLE)


def test_a_grid_needs_values_that_can_be_counted() -> None:
    text = (
        with_parameters("bias: {min: 0, max: 1}", "dropout: {min: 0, max: 0.5, step: 0.1}")
        + "search: {tuner: grid}\n"
    )
    assert_problem(text, 5, "parameters.bias", "a step, because the tuner grid", "Add a step, or list")


def test_all_problems_of_a_file_come_at_once() -> None:
    text = (
        HEAD.replace("small", "a/b").replace("lenet5", "lenet")
        + "objective: loss\nsearch: {factor: 1, seed: -1}\n"
    )
    paths = [problem.path for problem in problems(text)]
    assert paths == ["name", "parameters", "model", "objective", "search.factor", "search.seed"]


def test_relative_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(WHOLE.replace("digits", "{npz: x.npz}"))
    assert read_space(path).data.location == str(tmp_path / "x.npz")
