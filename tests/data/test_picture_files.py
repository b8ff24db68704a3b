"""Single image files: kinds, colours, transparency, orientation, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tunekit.data.picture_files import Header, Unreadable, bombs_refused, read_header, read_pixels

GREY = np.array([[0, 50, 100], [150, 200, 255]], np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)


def saved(path: Path, image: Any, **options: Any) -> Path:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "webp"])
def test_kinds_that_lose_nothing(tmp_path: Path, suffix: str) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", COLOUR, **options)
    assert read_header(path) == Header((2, 3), False)
    assert np.array_equal(read_pixels(path, 3, (2, 3)), COLOUR)


def test_jpeg(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", np.full((8, 16, 3), (250, 10, 10), np.uint8))
    assert read_header(path) == Header((8, 16), False)
    assert np.abs(read_pixels(path, 3, (8, 16)).astype(int) - (250, 10, 10)).max() < 6


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif"])
def test_grey_stays_grey(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}", GREY)
    assert read_header(path) == Header((2, 3), True)
    assert np.array_equal(read_pixels(path, 1, (2, 3))[..., 0], GREY)
    assert np.array_equal(read_pixels(path, 3, (2, 3)), np.repeat(GREY[..., None], 3, axis=-1))


def test_a_palette_of_colours_and_one_of_greys(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 2]], np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    path = saved(tmp_path / "a.png", image)
    assert not read_header(path).grey
    assert read_pixels(path, 3, (2, 2))[0, 0].tolist() == [255, 0, 0]
    image.putpalette([9, 9, 9, 80, 80, 80, 200, 200, 200])
    path = saved(tmp_path / "b.png", image)
    assert read_header(path).grey
    assert read_pixels(path, 1, (2, 2))[..., 0].tolist() == [[9, 80], [80, 200]]


def test_grey_of_16_bits_and_of_one(tmp_path: Path) -> None:
    deep = saved(tmp_path / "a.png", GREY.astype(np.uint16) * 257)
    assert read_header(deep).grey
    assert np.array_equal(read_pixels(deep, 1, (2, 3))[..., 0], GREY)
    flat = saved(tmp_path / "b.png", Image.fromarray(GREY > 128))
    assert read_pixels(flat, 1, (2, 3))[..., 0].tolist() == [[0, 0, 0], [255, 255, 255]]


def test_what_is_transparent_is_laid_on_white(tmp_path: Path) -> None:
    seen = np.array([[255, 0], [128, 255]], np.uint8)[..., None]
    path = saved(tmp_path / "a.png", np.concatenate([np.zeros((2, 2, 3), np.uint8), seen], axis=-1))
    assert read_pixels(path, 3, (2, 2))[..., 0].tolist() == [[0, 255], [127, 0]]


def test_only_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    path = saved(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert np.array_equal(read_pixels(path, 3, (2, 3)), COLOUR)


def test_a_photograph_is_turned_as_one_sees_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera upright
    path = saved(tmp_path / "a.webp", COLOUR, exif=exif, lossless=True)
    assert read_header(path).size == (3, 2)
    assert np.array_equal(read_pixels(path, 3, (3, 2)), np.rot90(COLOUR, -1))


def test_another_size(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.repeat(np.repeat(GREY, 4, axis=0), 4, axis=1))
    small = read_pixels(path, 1, (2, 3))[..., 0].astype(int)
    assert small.shape == (2, 3)
    assert np.abs(small - GREY).max() < 40


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.6])
def test_files_that_are_cut_off(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    path = saved(tmp_path / f"a.{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(Unreadable) as caught:
        read_pixels(path, 3, (40, 40))
    assert "\n" not in str(caught.value)
    assert ("empty" in str(caught.value)) == (kept == 0)


def test_a_bomb_and_a_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)  # the file has 6, of which Pillow only warns
    with bombs_refused(), pytest.raises(Unreadable, match="too many pixels"):
        read_header(path)
    with pytest.raises(Unreadable, match="No such file"):
        read_pixels(tmp_path / "none.png", 3, (2, 2))


def test_another_kind_of_file_under_the_name_of_an_image(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tiff", COLOUR)
    with pytest.raises(Unreadable, match="no image of a kind that is read"):
        read_header(path.rename(tmp_path / "a.png"))
