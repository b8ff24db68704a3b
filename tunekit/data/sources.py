"""What a source of examples must offer, and which sources there are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tunekit.data.cached import Prepared
from tunekit.data.digits import Digits
from tunekit.data.image_folder import ImageFolder
from tunekit.data.images import Part
from tunekit.data.npz import Npz
from tunekit.data.python import Python
from tunekit.data.tfds import Tfds
from tunekit.space.space import DataSpec


class Source(Protocol):
    """Where examples come from. Only `test` may read the test part."""

    @property
    def name(self) -> str:
        """For people: `digits`, `tfds:mnist`, `npz:FILE`."""
        ...

    def identity(self) -> tuple[str, ...]:
        """What tells this data from any other, read quickly and without decoding an image."""
        ...

    def train(self) -> Part:
        """The training part."""
        ...

    def test(self, prepared: Prepared) -> Part:
        """The test part, in the shape and with the classes of the prepared training part."""
        ...


def source_of(spec: DataSpec, scratch: Path) -> Source:
    """The source that a space file names; what it must put on disk to read it goes into the folder `scratch`."""
    match spec.source:
        case "digits":
            return Digits()
        case "tfds":
            return Tfds(spec.location)
        case "npz":
            return Npz(spec.location, scratch)
        case "images":
            return ImageFolder(spec)
        case "csv" | "parquet":
            from tunekit.data.tabular import Tabular  # PyArrow takes a third of a second to import

            return Tabular(spec)
        case "python":
            return Python(spec.location, scratch)
