"""The colours of charts: as they are on paper, and as names that the page fills in for day and night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SERIES = 6
STEPS = 9
"""Colours of the scale from the worst to the best score."""


@dataclass(frozen=True)
class Palette:
    """What a chart is drawn with."""

    paper: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]
    """Told apart by colour-blind readers too (after Okabe and Ito)."""
    ramp: tuple[str, ...]
    """From the worst to the best."""

    def of_rung(self, number: int) -> str:
        return self.series[min(number, SERIES - 1)]

    def of_standing(self, standing: float) -> str:
        """0 is the worst, 1 the best."""
        return self.ramp[min(STEPS - 1, int(standing * STEPS))]

    def named(self) -> dict[str, str]:
        """Each colour by the name that style sheets know it by."""
        return {
            "paper": self.paper,
            "ink": self.ink,
            "muted": self.muted,
            "grid": self.grid,
            **{f"series-{number}": colour for number, colour in enumerate(self.series)},
            **{f"ramp-{number}": colour for number, colour in enumerate(self.ramp)},
        }


DAY = Palette(
    paper="#ffffff",
    ink="#1b1f24",
    muted="#59636e",
    grid="#d8dee4",
    series=("#0072b2", "#d55e00", "#00805d", "#a6447e", "#8a6d00", "#59636e"),
    # Viridis without its palest end, which white paper swallows; the best is the darkest.
    ramp=(
        "#a5cf3a", "#73c556", "#3fb573", "#24a084", "#26888e",
        "#2f708e", "#3a568b", "#453682", "#440f5c",
    ),
)  # fmt: skip
NIGHT = Palette(
    paper="#12161b",
    ink="#e6edf3",
    muted="#9aa6b2",
    grid="#343b44",
    series=("#56b4e9", "#f0883e", "#35c79b", "#e39ac8", "#d9bb3c", "#9aa6b2"),
    # The other way round: the best is the brightest.
    ramp=(
        "#5b3f9b", "#4a5fa5", "#3a76a3", "#2f8a9f", "#27a092",
        "#3fb97c", "#74cf5c", "#b4de3c", "#fde725",
    ),
)  # fmt: skip


def _placeholders() -> Palette:
    """Colours that occur nowhere else, to be found again in what matplotlib has written."""
    names = list(DAY.named())
    colours = [f"#0a{number:02x}f5" for number in range(len(names))]
    paper, ink, muted, grid, *rest = colours
    return Palette(paper, ink, muted, grid, tuple(rest[:SERIES]), tuple(rest[SERIES:]))


PLACEHOLDERS = _placeholders()
VARIABLES: Mapping[str, str] = {colour: f"var(--{name})" for name, colour in PLACEHOLDERS.named().items()}
"""Placeholder → the style sheet's variable."""
