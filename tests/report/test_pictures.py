"""Pictures inside the page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from tunekit.report.material import Picture
from tunekit.report.pictures import inlined


def picture(folder: Path, name: str, pixels: np.ndarray) -> Picture:
    Image.fromarray(pixels).save(folder / name, compress_level=1)
    return Picture(folder / name, name, "", name)


def test_a_picture_comes_back_pixel_for_pixel(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    few = random.integers(0, 5, (40, 60, 3), dtype=np.uint8) * 50
    many = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    given = [picture(tmp_path, "few.png", few), picture(tmp_path, "many.png", many)]
    taken, left = inlined(given)
    assert left == []
    for each, pixels in zip(taken, (few, many), strict=True):
        prefix, packed = each.source.split(",")
        assert prefix == "data:image/png;base64"
        read = Image.open(io.BytesIO(base64.b64decode(packed)))
        assert np.array_equal(np.asarray(read.convert("RGB")), pixels)
        assert (each.width, each.height) == (60, 40)


def test_what_is_too_large_or_no_picture_is_left_out(tmp_path: Path) -> None:
    plain = np.zeros((4, 4, 3), np.uint8)
    noisy = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    given = [
        picture(tmp_path, "noisy.png", noisy),
        Picture(broken, "broken", "", ""),
        Picture(tmp_path / "gone.png", "gone", "", ""),
        picture(tmp_path, "plain.png", plain),
    ]
    taken, left = inlined(given, most=5000)
    assert [each.picture.title for each in taken] == ["plain.png"]
    assert [each.title for each in left] == ["noisy.png", "broken", "gone"]
