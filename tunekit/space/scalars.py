"""Single values of a space file: what a plain scalar means, and how a value is written to read back."""

from __future__ import annotations

import json
import math
import re

from tunekit.results import Scalar

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_WORDS: dict[str, bool | float | None] = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
)
_LONGEST_INTEGER = 300
"""Digits from which a whole number is read as a float: Python refuses to convert very long ones."""

_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*(:[A-Za-z0-9_./+-]+)*")
_AMBIGUOUS = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Text that readers of YAML 1.1 take for a boolean."""


def resolve(text: str) -> Scalar | None:
    """What a plain scalar means after the core schema of YAML 1.2; None is null."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _LONGEST_INTEGER else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    if len(text) <= _LONGEST_INTEGER and _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if len(text) <= _LONGEST_INTEGER and _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    return text


def written(value: Scalar) -> str:
    """The value as YAML that resolves to exactly the same value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _written_float(value)
    plain = _SAFE.fullmatch(value) and isinstance(resolve(value), str) and value.lower() not in _AMBIGUOUS
    return value if plain else json.dumps(value, ensure_ascii=False)


def _written_float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    # 1.0e-5 and not 1e-05, which readers of YAML 1.1 take for text.
    text = re.sub(r"e([-+])0+", r"e\1", text)
    return text if "." in text else text.replace("e", ".0e")


def shown(text: str, longest: int = 60) -> str:
    """The text fit for a message: on one line, without control characters, shortened."""
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut)
