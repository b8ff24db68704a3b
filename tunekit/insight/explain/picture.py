"""What is said of a picture beside the picture itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One PNG file of an explanation."""

    file: str
    """Its name in the explanation's folder."""
    title: str
    caption: str
    """What it shows and how to read it, in a sentence or two."""
    alt: str
    """What a reader who cannot see it should know."""
