"""PNG files written without Pillow: it reads back what went in."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tunekit.insight.png import png


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 700, 3), (333, 1, 3), (120, 97, 3)])
def test_another_reader_finds_the_same_pixels(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (shape[1], shape[0]))
        assert np.array_equal(np.asarray(image), pixels)


def test_checksums_hold() -> None:
    written = png(np.zeros((20, 30, 3), np.uint8))
    with Image.open(io.BytesIO(written)) as image:
        image.verify()
    broken = written.replace(b"IDAT", b"IDAT", 1)[:-20] + b"\x00" * 20
    with Image.open(io.BytesIO(broken)) as image, pytest.raises((OSError, SyntaxError, ValueError)):
        image.verify()


def test_enlarged_pixels_take_little_room() -> None:
    small = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    enlarged = small.repeat(10, axis=0).repeat(10, axis=1)
    ours, pillows = len(png(enlarged)), io.BytesIO()
    Image.fromarray(enlarged).save(pillows, "PNG", compress_level=1)
    assert ours < 1.1 * pillows.tell()
