"""The kinds of data that a space file may name, as `tunekit init` asks for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunekit.data.glance import (
    Glance,
    TableGlance,
    glance_csv,
    glance_digits,
    glance_images,
    glance_npz,
    glance_parquet,
    glance_tfds,
)
from tunekit.errors import UserError
from tunekit.space.declared import data_kinds
from tunekit.space.sources import SOURCE_OPTIONS, WITHOUT_PLACE

MOST_COLUMNS = 20
"""Of a table, that are named."""


@dataclass(frozen=True)
class Kind:
    """One kind of data."""

    about: str = "data of this kind"
    question: str = "Where is it"
    """Empty where there is only one of its kind."""
    glance: Callable[[str], Glance | TableGlance] | None = None
    """None where a look may take long."""
    is_path: bool | None = None
    """Whether its place is a path; None where only a look at the disk tells."""


KINDS = {
    "digits": Kind("scikit-learn's 8x8 digits, to try things with", "", glance_digits, False),
    "tfds": Kind("a set of TensorFlow Datasets", "Which set, such as mnist or cifar10", glance_tfds, False),
    "npz": Kind("arrays x and y in a file of NumPy's", "Which file, such as images.npz", glance_npz, True),
    "images": Kind(
        "a folder of images: a folder per class, or train/ and test/",
        "Which folder, such as flowers",
        glance_images,
        True,
    ),
    "csv": Kind("a table of numbers and classes", "Which file, such as flowers.csv", glance_csv, True),
    "parquet": Kind("the same in Parquet", "Which file, such as flowers.parquet", glance_parquet, True),
    "python": Kind(
        "a function of your own that returns arrays", "Which function, such as mine:load", None, False
    ),
}
"""A kind that a space may name and that is not here is asked for in general words, and not looked at."""


def kind_of(name: str) -> Kind:
    return KINDS.get(name, Kind(question="") if name in WITHOUT_PLACE else Kind())


@dataclass(frozen=True)
class Data:
    """Data named by its user: `npz:FILE`, or the kind alone where there is only one of it."""

    kind: str
    location: str
    label: str | None = None
    """The column that holds the classes, of a table."""

    @classmethod
    def parse(cls, text: str) -> Data:
        kind, _, location = text.partition(":")
        if kind not in data_kinds():
            known = ", ".join(f"{name}:..." if kind_of(name).question else name for name in data_kinds())
            raise UserError(f"--data {text}: expected one of {known}, got {kind!r}.")
        needed = kind_of(kind).question
        if needed and not location:
            raise UserError(f"--data {text}: expected {kind}:..., got no more than its kind. {needed}?")
        return cls(kind, location)

    def look(self) -> Glance | TableGlance:
        """What can be told whatever the label."""
        look = kind_of(self.kind).glance
        return Glance(None, None, None) if look is None else look(self.location)

    def glance(self) -> Glance:
        seen = self.look()
        if isinstance(seen, Glance):
            if self.label is not None:
                owners = " and ".join(kind for kind, names in SOURCE_OPTIONS.items() if "label" in names)
                raise UserError(
                    f"--label {self.label}: expected none with {self}. Remove it: it belongs to {owners}."
                )
            return seen
        if self.label is None:
            expected = "expected --label COLUMN as well, the column that holds the classes"
            raise UserError(f"--data {self}: {expected}. Columns of the file: {shown_columns(seen.columns)}.")
        return seen.with_label(self.label)

    def as_seen_from(self, folder: Path) -> str:
        """A path as a space file in the folder names it."""
        is_path = kind_of(self.kind).is_path
        if is_path is None:
            is_path = bool(self.location) and Path(self.location).exists()
        if not is_path or Path(self.location).is_absolute():
            return self.location
        return os.path.relpath(self.location, folder)

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}" if self.location else self.kind


def shown_columns(columns: list[str]) -> str:
    """The names of all, or of the first and last of many, where labels mostly are."""
    shown = columns if len(columns) <= MOST_COLUMNS else [*columns[: MOST_COLUMNS - 4], "...", *columns[-3:]]
    return ", ".join(shown)
