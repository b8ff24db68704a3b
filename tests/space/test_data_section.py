"""The section `data` of a space file."""

from __future__ import annotations

import pytest

from tunekit.space.declared import data_kinds
from tunekit.space.problems import listed
from tunekit.space.sources import SOURCE_OPTIONS, WITHOUT_PLACE
from tunekit.space.space import DataSpec
from tunekit.space.writer import write_space

from .helpers import assert_problem, parse, with_parameters

WHOLE = with_parameters("dropout: 0.5")


CASES = [
    ("{digits: true, validation: 0.2}", DataSpec("digits", "", 0.2)),
    ("{tfds: cifar10}", DataSpec("tfds", "cifar10", 0.1)),
    ("{tfds: emnist/letters, validation: 1e-2}", DataSpec("tfds", "emnist/letters", 0.01)),
    ('{tfds: "mnist:3.*.*"}', DataSpec("tfds", "mnist:3.*.*", 0.1)),
    ("{npz: my data.npz}", DataSpec("npz", "/spaces/my data.npz", 0.1)),
    ("{npz: ../x.npz}", DataSpec("npz", "/x.npz", 0.1)),
    ("{npz: /data/x.npz}", DataSpec("npz", "/data/x.npz", 0.1)),
    ("{images: my photos}", DataSpec("images", "/spaces/my photos")),
    (
        "{images: ., size: [64, 48], channels: 1}",
        DataSpec("images", "/spaces", size=(64, 48), channels=1),
    ),
    ("{csv: a.csv, label: species}", DataSpec("csv", "/spaces/a.csv", label="species")),
    (
        '{csv: a.csv, label: "0", shape: [28, 28], test: ../b.csv}',
        DataSpec("csv", "/spaces/a.csv", label="0", shape=(28, 28, 1), test="/b.csv"),
    ),
    (
        "{parquet: a.parquet, label: y, shape: [8, 4, 3]}",
        DataSpec("parquet", "/spaces/a.parquet", label="y", shape=(8, 4, 3)),
    ),
    ("{python: mine.data:load}", DataSpec("python", "mine.data:load")),
    ("{tfds: mnist, class_weights: balanced}", DataSpec("tfds", "mnist", class_weights="balanced")),
    (
        '{digits: true, class_weights: {"0": 2, seven: 0.5}}',
        DataSpec("digits", class_weights=(("0", 2.0), ("seven", 0.5))),
    ),
]


@pytest.mark.parametrize(("data", "spec"), CASES)
def test_data(data: str, spec: DataSpec) -> None:
    space = parse(WHOLE.replace("data: digits", f"data: {data}"))
    assert space.data == spec
    assert parse(write_space(space)) == space


def test_every_source_is_among_them() -> None:
    assert {spec.source for _, spec in CASES} == set(data_kinds())


@pytest.mark.parametrize("source", WITHOUT_PLACE)
def test_a_source_without_a_place_is_named_alone(source: str) -> None:
    assert parse(WHOLE.replace("data: digits", f"data: {source}")).data.source == source


def test_options_come_back_as_they_were_written() -> None:
    data = (
        "{csv: a.csv, label: species, shape: [2, 3, 3], test: b.csv, class_weights: {a cat: 2.0, '7': 0.5}, "
        "validation: 0.25}"
    )
    space = parse(WHOLE.replace("data: digits", f"data: {data}"))
    assert parse(write_space(space)) == space


@pytest.mark.parametrize(
    ("data", "path", "expected", "remedy"),
    [
        ("mnist", "data", "{tfds: NAME}", "Write {tfds: mnist}."),
        ("7", "data", "{tfds: NAME}", "for instance"),
        ("", "data", "{tfds: NAME}", "for instance"),
        ("[digits]", "data", "{tfds: NAME}", "Write a mapping"),
        (
            "{validation: 0.1}",
            "data",
            f"one of {listed(SOURCE_OPTIONS)}",
            "exactly one source",
        ),
        (
            "{tfds: a, npz: b.npz}",
            "data",
            f"one of {listed(SOURCE_OPTIONS)}",
            "exactly one source",
        ),
        ("{digits: false}", "data.digits", "true", "data: digits"),
        ("{digits: yes}", "data.digits", "true", "data: digits"),
        ("{npz: x.csv}", "data.npz", "path of an .npz file", "numpy.savez"),
        ("{npz: 3}", "data.npz", "path of an .npz file", "in quotes"),
        ("{tfds: ../mnist}", "data.tfds", "name of a data set", "such as mnist"),
        ("{tfds: /mnist}", "data.tfds", "name of a data set", "such as mnist"),
        ("{tfds: mnist, validation: 0}", "data.validation", "above 0 and below 1", "such as 0.1"),
        ("{tfds: mnist, validation: 1.0}", "data.validation", "above 0 and below 1", "such as 0.1"),
        ("{tfds: mnist, validation: .nan}", "data.validation", "above 0 and below 1", "such as 0.1"),
        ("{tfds: mnist, validation: true}", "data.validation", "above 0 and below 1", "such as 0.1"),
        ("{csv: a.csv}", "data.label", "the key `label`", "`label: species`"),
        ("{csv: a.csv, label: 3}", "data.label", "the column that holds the classes", "in quotes"),
        ("{npz: a.npz, size: [8, 8]}", "data.size", "an option of npz", "belongs to images"),
        ("{images: a, shape: [8, 8]}", "data.shape", "an option of images", "belongs to csv or parquet"),
        ("{images: a, size: 64}", "data.size", "[height, width] in pixels", "[64, 48]"),
        ("{images: a, size: [64]}", "data.size", "[height, width] in pixels", "[64, 48]"),
        ("{images: a, size: [64, 0]}", "data.size", "from 1 to 16384", "Raise it"),
        ("{images: a, channels: 2}", "data.channels", "1 (grey) or 3 (colour)", "Write 1 or 3"),
        ("{csv: a, label: b, shape: [1, 28, 28]}", "data.shape", "1 to 4 channels", "[32, 32, 3]"),
        ("{csv: a, label: b, shape: [784]}", "data.shape", "[height, width, channels]", "[28, 28]"),
        ("{python: mine.load}", "data.python", "package.module:function", "mine:load"),
        ("{python: ../mine:load}", "data.python", "package.module:function", "mine:load"),
        (
            "{digits: true, class_weights: yes}",
            "data.class_weights",
            "balanced, or a mapping",
            "{cat: 1, dog: 2.5}",
        ),
        (
            "{digits: true, class_weights: {a: 0}}",
            "data.class_weights.a",
            "a number above 0",
            "remove the class",
        ),
        (
            "{digits: true, class_weights: {a: b}}",
            "data.class_weights.a",
            "a number from 0",
            "Write a number",
        ),
        ("{tfds: mnist, validtion: 0.1}", "data.validtion", "a known key", "Did you mean validation?"),
    ],
)
def test_data_that_is_wrong(data: str, path: str, expected: str, remedy: str) -> None:
    assert_problem(WHOLE.replace("data: digits", f"data: {data}"), 3, path, expected, remedy)
