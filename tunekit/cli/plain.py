"""Text for terminals that cannot show every letter."""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper

HANDLER = "tunekit.plain"
# One letter for one where the display counts columns.
INSTEAD = {"·": "-", "±": "+-", "…": ".", "×": "x", "—": "-", "–": "-", "’": "'", "→": ">", "│": "|"}


def show_what_can_be_shown() -> None:
    """Standard output and error write something like what they cannot encode, instead of failing."""
    codecs.register_error(HANDLER, _like)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def _like(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(INSTEAD.get(letter, "?") for letter in letters), error.end
