"""Small pieces of text: tables, sizes, values."""

from __future__ import annotations

import shutil
import sys
import textwrap

GAP = "  "
LEAST_ROOM = 24
"""Columns that the last entry of a row needs to be set beside the others; with fewer it goes below them."""


def table(rows: list[list[str]], headings: list[str], width: int | None = None) -> str:
    """Columns as wide as their widest entry; the last one is not padded.

    Where that is wider than the terminal, the last column is wrapped, and where even the others are too wide, each
    row becomes a list of its own. What is no terminal gets every row on one line.
    """
    if not rows:
        return ""
    width = width or terminal_width()
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    lead = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    if width is None or lead + widths[-1] <= width:
        return "\n".join(_beside(row, widths) for row in [headings, *rows])
    if max(lead - len(GAP), len(headings[-1])) > width:
        return "\n\n".join(_listed(row, headings, width) for row in rows)
    room = width - lead
    if room < LEAST_ROOM:
        return "\n".join(_below(row, widths, width) for row in [headings, *rows])
    wrapped = [_pieces(row[-1], room) for row in [headings, *rows]]
    lines = []
    for row, pieces in zip([headings, *rows], wrapped, strict=True):
        lines.append(_beside([*row[:-1], pieces[0]], widths))
        lines += [f"{' ' * lead}{piece}" for piece in pieces[1:]]
    return "\n".join(lines)


def fitted(text: str) -> str:
    """Prose, broken between words where the terminal would break it within them."""
    width = terminal_width()
    if width is None:
        return text
    lines = (_pieces(line, width) if len(line) > width else [line] for line in text.splitlines())
    return "\n".join(piece for pieces in lines for piece in pieces)


def terminal_width() -> int | None:
    """Of standard output; None where it is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def short(value: object) -> str:
    """A value in at most four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def size(count: float) -> str:
    """Bytes, such as 1.4 GB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _beside(row: list[str], widths: list[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _below(row: list[str], widths: list[int], width: int) -> str:
    """The last entry on lines of its own."""
    indent = " " * 4
    rest = [f"{indent}{piece}" for piece in _pieces(row[-1], width - len(indent)) if piece]
    return "\n".join([_beside(row[:-1], widths[:-1]), *rest])


def _listed(row: list[str], headings: list[str], width: int) -> str:
    """An entry a line, beside its heading."""
    widest = max(map(len, headings))
    return "\n".join(
        _beside([heading, piece], [widest, 0])
        for name, cell in zip(headings, row, strict=True)
        for heading, piece in zip(
            [name, *[""] * len(cell)], _pieces(cell, max(8, width - widest - len(GAP))), strict=False
        )
    )


def _pieces(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]
