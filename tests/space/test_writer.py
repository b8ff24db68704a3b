from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from tunekit.space.reader import parse_space, read_space
from tunekit.space.shipped import shipped_spaces
from tunekit.space.space import Space
from tunekit.space.writer import as_plain, write_space

from .helpers import OWN, parse, with_parameters
from .strategies import spaces


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spaces())
def test_every_space_survives_being_written_and_read(space: Space) -> None:
    text = write_space(space, "a comment")
    again = parse_space(text, "other.yaml", Path("/elsewhere"))
    assert again == space
    assert repr(as_plain(again)) == repr(as_plain(space))
    assert write_space(again, "a comment") == text


@pytest.mark.parametrize("path", shipped_spaces().values(), ids=shipped_spaces().keys())
def test_every_shipped_file_survives_being_written_and_read(path: Path) -> None:
    space = read_space(path)
    assert parse_space(write_space(space), "other.yaml", Path("/elsewhere")) == space


def test_the_layout() -> None:
    lines = [
        "learning_rate: {min: 1e-4, max: 0.1, scale: log}",
        "b: [1, 2.5]",
        "c: {value: 'no', when: {b: 1}}",
    ]
    assert write_space(
        parse(with_parameters(*lines, head=OWN)), "small: an example\n\ntunekit search small"
    ) == (
        "# small: an example\n"
        "#\n"
        "# tunekit search small\n"
        "name: small\n"
        "model: mine.models:build\n"
        "data: {digits: true, validation: 0.1}\n"
        "objective: val_accuracy\n"
        "search: {tuner: hyperband, max_epochs: 27, factor: 3, iterations: 1, seed: 0,"
        " finalists: 0, repeats: 3}\n"
        "parameters:\n"
        "  learning_rate: {min: 0.0001, max: 0.1, scale: log}\n"
        "  b:             [1.0, 2.5]\n"
        '  c:             {value: "no", when: {b: [1.0]}}\n'
    )


def test_a_comment_cannot_become_content() -> None:
    space = parse(with_parameters("dropout: 0.5"))
    text = write_space(space, "a\rname: evil\x85name: worse\u2028name: worst\x1b[31m\0")
    assert parse(text) == space
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x85\u2028]", text)


def test_other_readers_of_yaml_read_the_same_values() -> None:
    lines = ["mode: ['no', 'on', 'y', '1_0', '1:30', '2024-01-01', '=', '.inf']", "rate: [1e-5, 1e16, 1e300]"]
    space = parse(with_parameters(*lines, head=OWN))
    read = yaml.safe_load(write_space(space))["parameters"]
    assert read == {parameter.name: list(parameter.values) for parameter in space.parameters}  # type: ignore[union-attr]


def test_plain_data_is_json_and_keeps_the_order_of_parameters() -> None:
    one = parse(with_parameters("a: 1", "b: {min: 0, max: 1, when: {a: 1}}", head=OWN))
    other = parse(with_parameters("b: {min: 0, max: 1}", "a: 1", head=OWN))
    plain = as_plain(one)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["parameters"] == [
        {"name": "a", "value": 1},
        {"name": "b", "min": 0, "max": 1, "when": {"a": [1]}},
    ]
    assert json.dumps(plain, sort_keys=True) != json.dumps(as_plain(other), sort_keys=True)
