"""What a source of images must offer, and which sources there are."""

from __future__ import annotations

from typing import Protocol

from tunekit.data.digits import Digits
from tunekit.data.images import Images
from tunekit.data.npz import Npz
from tunekit.data.tfds import Tfds
from tunekit.space.space import DataSpec


class Source(Protocol):
    """Where images come from. Only `test` may read the test part."""

    @property
    def name(self) -> str:
        """For people: `digits`, `tfds:mnist`, `npz:FILE`."""
        ...

    def identity(self) -> tuple[str, ...]:
        """What tells this data from any other, read quickly and without decoding an image."""
        ...

    def train(self) -> Images:
        """The decoded training part."""
        ...

    def test(self, classes: int) -> Images:
        """The decoded test part, its labels below `classes`."""
        ...


def source_of(spec: DataSpec) -> Source:
    """The source that a space file names."""
    if spec.source == "digits":
        return Digits()
    if spec.source == "npz":
        return Npz(spec.location)
    return Tfds(spec.location)
