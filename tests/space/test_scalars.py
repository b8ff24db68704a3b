from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tunekit.space.scalars import resolve, shown, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.0e-4", 0.0001),
        ("5.", 5.0),
        (".5", 0.5),
        ("+1E3", 1000.0),
        ("007", 7),
        ("-12", -12),
        ("0x1F", 31),
        ("0o17", 15),
        ("-.inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
    ],
)
def test_a_plain_scalar_resolves_after_yaml_1_2(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "Off", "1_000", "1:30", "0b1", "1e", ".", "-", "tRUE", "2024-01-01", "١"]
)
def test_whatever_else_is_text(text: str) -> None:
    assert resolve(text) == text


def test_nan_and_numbers_too_long_for_python() -> None:
    assert math.isnan(resolve(".nan"))  # type: ignore[arg-type]
    assert resolve("9" * 5000) == math.inf
    assert isinstance(resolve("0x" + "f" * 5000), str)


@given(st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
def test_a_written_value_reads_back_the_same(value: bool | int | float | str) -> None:
    text = written(value)
    if not text.startswith('"'):
        assert resolve(text) == value
        assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("value", [1e-05, 1e16, 1.5e-7, "no", "1e-3", "", "true", "a: b", "# a", "1:30", "é"])
def test_other_readers_read_the_same(value: float | str) -> None:
    assert yaml.safe_load(written(value)) == value


def test_a_float_is_written_as_in_the_shipped_files() -> None:
    assert written(1e-05) == "1.0e-5"
    assert written(0.1 + 0.2) == "0.30000000000000004"


def test_shown_text_is_short_and_without_escapes() -> None:
    assert shown("a\x1b[31m\n") == "a\\x1b[31m\\n"
    assert len(shown("x" * 1000)) == 60
