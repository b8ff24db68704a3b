"""Contrast as WCAG 2 measures it: 4.5 for text, 3 for what a chart is made of."""

from __future__ import annotations

import itertools

import pytest

from tunekit.report.palette import DAY, NIGHT, PLACEHOLDERS, VARIABLES, Palette


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(over: str, under: str, share: float) -> str:
    parts = [(int(over[n : n + 2], 16), int(under[n : n + 2], 16)) for n in (1, 3, 5)]
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in parts)


@pytest.mark.parametrize("palette", [DAY, NIGHT], ids=["day", "night"])
def test_contrasts(palette: Palette) -> None:
    assert contrast(palette.ink, palette.paper) >= 7
    assert contrast(palette.muted, palette.paper) >= 4.5
    assert all(contrast(colour, palette.paper) >= 3 for colour in palette.series)
    # The deepest colour of a heat map's cell is half of the first series' colour.
    assert contrast(palette.ink, mixed(palette.series[0], palette.paper, 0.5)) >= 4.5
    # The worst scores may be faint, the better half may not.
    assert all(contrast(colour, palette.paper) >= 3 for colour in palette.ramp[3:])


@pytest.mark.parametrize("palette", [DAY, NIGHT], ids=["day", "night"])
def test_the_scale_of_scores_goes_one_way_from_faint_to_strong(palette: Palette) -> None:
    strength = [contrast(colour, palette.paper) for colour in palette.ramp]
    assert strength == sorted(strength)
    assert palette.of_standing(0) == palette.ramp[0]
    assert palette.of_standing(1) == palette.ramp[-1]


def test_every_placeholder_has_a_variable_of_its_own() -> None:
    assert len(VARIABLES) == len(DAY.named()) == len(set(PLACEHOLDERS.named().values()))
    names = [value.removeprefix("var(--").removesuffix(")") for value in VARIABLES.values()]
    assert names == list(DAY.named()) == list(NIGHT.named())
    assert all(a != b for a, b in itertools.combinations(PLACEHOLDERS.named().values(), 2))
