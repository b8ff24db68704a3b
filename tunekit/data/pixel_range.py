"""Whether the values of a table are pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tunekit.data.images import unfit
from tunekit.data.tables import Table


@dataclass
class Range:
    """Whether values are pixels: whole numbers of 0 to 255, or numbers of 0 to 1."""

    whole: bool = True
    beyond: dict[int, str] = field(default_factory=dict)
    """By their upper end, 1 and 255: the first value beyond it, or below 0, and its place."""

    def see(self, values: NDArray[np.float64], name: str, table: Table, first_row: int) -> None:
        self.whole = self.whole and bool((values == np.rint(values)).all())
        for top in (1, 255):
            if top not in self.beyond and len(values) and not (values.min() >= 0 and values.max() <= top):
                row = int(np.argmax((values < 0) | (values > top)))
                self.beyond[top] = f"{values[row]:g} in column {name!r}, {table.place(first_row + row)}"

    @property
    def fits(self) -> bool:
        return self._wrong is None

    @property
    def _wrong(self) -> str | None:
        return self.beyond.get(255 if self.whole else 1)

    def check(self, table: Table) -> None:
        wrong = self._wrong
        if wrong:
            expected = "pixels, because of `shape`: whole numbers of 0 to 255, or numbers of 0 to 1"
            fractions = "" if self.whole else " beside fractions"
            remedy = "Scale the values, or leave `shape` out and use a model of your own."
            raise unfit(table.path, expected, f"{wrong}{fractions}", remedy)
