"""The sources of data that a space file can name, and the options of each."""

from __future__ import annotations

import re
from collections.abc import Mapping

SOURCE_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "digits": (),
    "tfds": (),
    "npz": (),
    "images": ("size", "channels"),
    "csv": ("label", "shape", "test"),
    "parquet": ("label", "shape", "test"),
    "python": (),
}
WITHOUT_PLACE = ("digits",)
"""Sources that are there at once, and are named alone."""
COMMON_OPTIONS = ("validation", "class_weights")
BALANCED = "balanced"
EXPECTED = (
    "digits, {tfds: NAME}, {npz: FILE}, {images: FOLDER}, {csv: FILE, label: COLUMN}, "
    "{parquet: FILE, label: COLUMN} or {python: package.module:function}"
)
TFDS_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99})?(:[0-9*]+(\.[0-9*]+)*)?")
