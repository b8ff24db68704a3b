"""A folder of prepared examples: what it holds, and whether it still does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.images import digest

FILES = ("x.npy", "y.npy", "info.json")
ASIDE = "aside-"
"""Begins the names of files that a source put aside for the test."""
KINDS = {("uint8", 4), ("float32", 2)}
"""Type and dimensions of examples: images and vectors."""


@dataclass(frozen=True)
class Prepared:
    """Decoded training examples on disk: all that a worker needs to map them."""

    folder: Path
    """Holds x.npy (uint8 N,H,W,C or float32 N,features), y.npy (int64), info.json and what a source put aside."""
    name: str
    """`digits`, `tfds:mnist`, `npz:FILE`."""
    count: int
    shape: tuple[int, ...]
    """Height, width and channels of images; the length of vectors."""
    class_names: tuple[str, ...]
    sha256: str
    """Of the decoded training examples and labels, shapes and dtypes included."""
    mean: tuple[float, ...]
    """For each channel, of x/255 over the training images; for each feature of vectors."""
    std: tuple[float, ...]
    """Likewise; 1.0 for what never varies."""

    @property
    def dtype(self) -> str:
        """uint8 for images, float32 for vectors."""
        return "uint8" if len(self.shape) == 3 else "float32"


def map_arrays(folder: Path) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Examples and labels, mapped and read-only; ValueError or OSError where they are damaged."""
    x = np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
    y = np.load(folder / "y.npy", mmap_mode="r", allow_pickle=False)
    if (x.dtype.name, x.ndim) not in KINDS or y.dtype != np.int64 or y.shape != x.shape[:1]:
        raise ValueError(f"unexpected arrays in {folder}")
    # Plain arrays: slices of numpy.memmap carry needless weight. They stay read-only.
    return x.view(np.ndarray), y.view(np.ndarray)


def read_folder(folder: Path) -> Prepared | None:
    """What the folder holds, or None if it is missing or damaged in any way."""
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        x, y = map_arrays(folder)
        found = Prepared(
            folder=folder,
            name=str(info["name"]),
            count=len(y),
            shape=x.shape[1:],
            class_names=tuple(str(name) for name in info["class_names"]),
            sha256=str(info["sha256"]),
            mean=tuple(float(value) for value in info["mean"]),
            std=tuple(float(value) for value in info["std"]),
        )
        good = info["check"] == check_of(info) and aside_digest(folder) == info.get("aside")
        if good and digest(x, y) == found.sha256:
            return found
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        pass
    return None


def check_of(info: dict[str, Any]) -> str:
    """A digest of everything else in info.json, which the digest of the arrays does not cover."""
    rest = {key: value for key, value in info.items() if key != "check"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def aside_digest(folder: Path) -> str | None:
    """SHA-256 of the files that were put aside, without a look at what is in them; None where there are none."""
    paths = sorted(folder.glob(f"{ASIDE}*.npy"))
    if not paths:
        return None
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}".encode())
    return total.hexdigest()
