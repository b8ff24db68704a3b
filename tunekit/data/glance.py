"""What can be told of a data set at a glance: from its headers and labels, without decoding an image."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from tunekit.data.folders import classes_of, layout_of
from tunekit.data.images import need_two_classes, unfit
from tunekit.data.npz import EXPECTED, PARTS, REMEDY, WHOLE, Npz
from tunekit.data.npz_member import NoArray, entry, header_of
from tunekit.data.picture_files import Header, Unreadable, bombs_refused, read_header
from tunekit.data.tfds_builder import find_builder

if TYPE_CHECKING:
    from tunekit.data.tables import Table

MOST_HEADERS = 300
"""Files of a folder whose first bytes are read."""
MOST_ROWS = 100
"""Rows of a table whose values are looked at."""
SMALLEST_SIDE = 8
"""Of images in a table, below which a square number of columns says nothing."""


@dataclass(frozen=True)
class Glance:
    """Of the examples to learn from, the validation part included."""

    count: int | None
    shape: tuple[int, ...] | None
    """Of one example, the channels of images included; None where it differs or cannot be known yet."""
    classes: int | None
    size: tuple[int, int] | None = None
    """The most frequent height and width of images that differ in it, to which all can be brought."""
    pixels: tuple[int, int] | None = None
    """Height and width of the images that vectors seem to be."""


@dataclass(frozen=True)
class TableGlance:
    """Of a table, of which somebody has to say which column holds the classes."""

    path: Path
    count: int | None
    columns: list[str]
    like_pixels: frozenset[str]
    """Columns whose first values could be pixels; none is looked for where their number makes no square."""

    def with_label(self, label: str) -> Glance:
        from tunekit.data.tables import features_beside

        features = features_beside(label, self.columns, self.path)
        square = _square(len(features)) if self.like_pixels.issuperset(features) else None
        return Glance(self.count, (len(features),), None, pixels=square)


def glance_digits(location: str) -> Glance:
    return Glance(1438, (8, 8, 1), 10)


def glance_tfds(location: str) -> Glance:
    """From what TensorFlow Datasets knows of the set; how many images only once it has been prepared."""
    info = find_builder(location).info
    image, label = info.supervised_keys or ("image", "label")
    features: Mapping[str, Any] = dict(info.features)
    shape: tuple[int | None, ...] = getattr(features.get(image), "shape", None) or (None,)
    return Glance(
        info.splits["train"].num_examples if "train" in info.splits else None,
        None if None in shape else tuple(int(length or 0) for length in shape),
        getattr(features.get(label), "num_classes", None),
    )


def glance_npz(location: str) -> Glance:
    """The header of the images, and the labels."""
    Npz(location, Path()).identity()  # says what is wrong where there is no such file
    try:
        with zipfile.ZipFile(location) as archive:
            names = {Path(name).stem for name in archive.namelist()}
            if not (names >= PARTS or (names >= WHOLE and not names & PARTS)):
                raise unfit(location, EXPECTED, ", ".join(sorted(names)[:8]) or "no array", REMEDY)
            x, y = ("x_train", "y_train") if names >= PARTS else ("x", "y")
            with archive.open(entry(archive, x)) as file:
                shape = header_of(file).shape
            with archive.open(f"{y}.npy") as file:
                labels = npy.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, NoArray, zipfile.BadZipFile) as error:
        raise unfit(location, EXPECTED, f"a file that cannot be read ({error})", REMEDY) from None
    if len(shape) not in (2, 3, 4):
        expected = "images of shape (N, H, W) or (N, H, W, C), or vectors of shape (N, features)"
        raise unfit(f"{location}: {x}", expected, f"shape {shape}", "Reshape the array before it is saved.")
    example = (*shape[1:], 1) if len(shape) == 3 else shape[1:]
    return Glance(shape[0], example, len(np.unique(labels)))


def glance_images(location: str) -> Glance:
    """The names of all folders and files, and the headers of some files."""
    classes = classes_of(layout_of(Path(location)).train)
    need_two_classes(len(classes), location)
    paths = [path for some in classes.values() for path in some]
    headers = _some_headers(paths)
    if not headers:
        return Glance(len(paths), None, len(classes))
    (size, _), *others = Counter(header.size for header in headers).most_common()
    channels = 1 if all(header.grey for header in headers) else 3
    return Glance(len(paths), (*size, channels), len(classes), size=size if others else None)


def glance_csv(location: str) -> TableGlance:
    from tunekit.data.tables import CsvTable  # PyArrow takes a third of a second to import

    return _of_table(CsvTable(Path(location)))


def glance_parquet(location: str) -> TableGlance:
    from tunekit.data.tables import ParquetTable

    return _of_table(ParquetTable(Path(location)))


def _some_headers(paths: list[str]) -> list[Header]:
    """Of files picked evenly; what cannot be read is passed over, as whoever decodes all of them names it."""
    picked = np.linspace(0, len(paths) - 1, min(MOST_HEADERS, len(paths)), dtype=int)
    headers = []
    with bombs_refused():
        for number in picked:
            with suppress(Unreadable):
                headers.append(read_header(paths[number]))
    return headers


def _of_table(table: Table) -> TableGlance:
    columns = table.columns()
    square = _square(len(columns) - 1)
    return TableGlance(table.path, table.rows(), columns, _like_pixels(table) if square else frozenset())


def _like_pixels(table: Table) -> frozenset[str]:
    from tunekit.data.columns import Fault, numbers
    from tunekit.data.pixel_range import Range

    batch = next(table.batches(), None)
    found = set()
    for name, column in zip(batch.schema.names, batch.columns, strict=True) if batch is not None else ():
        values, seen = numbers(column.slice(0, MOST_ROWS)), Range()
        if not isinstance(values, Fault):
            seen.see(values, name, table, 0)
            if seen.fits:
                found.add(name)
    return frozenset(found)


def _square(count: int) -> tuple[int, int] | None:
    side = math.isqrt(max(0, count))
    return (side, side) if side * side == count and side >= SMALLEST_SIDE else None
