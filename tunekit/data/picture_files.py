"""Reading image files: what they hold is known from their first bytes, and decoded when it is needed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP")
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "F")
DEEP = ("I", "I;16", "I;16B")
"""Grey of 16 bits."""
ORIENTATION = 0x0112
"""EXIF's number for how a camera was held."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)
"""Orientations whose height and width are exchanged."""


class Unreadable(Exception):
    """A file that is no whole image; the text says why."""


@dataclass(frozen=True)
class Header:
    """What is known of an image without decoding it."""

    size: tuple[int, int]
    """Height and width."""
    grey: bool


@contextmanager
def bombs_refused() -> Iterator[None]:
    """What Pillow only warns of, from 90 million pixels on, is an error as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def read_header(path: str | Path) -> Header:
    """Size and colour, as one sees the image: turned as its EXIF orientation says."""
    with _opened(path) as image:
        width, height = image.size
        if _orientation(image) in SIDEWAYS:
            width, height = height, width
        return Header((height, width), _is_grey(image))


def read_pixels(path: str | Path, channels: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The image, or the first frame of several, as (height, width, channels) of 0 to 255.

    What is transparent is laid on white; another size is brought to this one, whatever its proportions.
    """
    with _opened(path) as image:
        turn = TURNS.get(_orientation(image))
        plain = _plain(image, "L" if channels == 1 else "RGB")
        if turn is not None:
            plain = plain.transpose(turn)
        if (plain.height, plain.width) != size:
            plain = plain.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        return np.asarray(plain, np.uint8).reshape(*size, channels)


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    """Whatever goes wrong with it is told as Unreadable."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"too many pixels: {str(error).partition(',')[0]}") from None
    except UnidentifiedImageError:
        empty = Path(path).stat().st_size == 0
        raise Unreadable("an empty file" if empty else "no image of a kind that is read") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    except MemoryError:
        raise
    except Exception as error:
        # Decoders of damaged files raise whatever they stumble over: struct.error, SyntaxError, ValueError.
        raise Unreadable(f"damaged ({str(error) or type(error).__name__})") from None


def _orientation(image: Image.Image) -> int:
    """As known before decoding: to ask for EXIF that is not there yet would decode a PNG."""
    return int(image.getexif().get(ORIENTATION, 1)) if "exif" in image.info else 1


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA") and image.palette is not None:
        order, stored = image.palette.getdata()  # order: RGB, BGR, RGBA, BGRX, ...
        colours = np.frombuffer(bytes(stored), np.uint8)
        colours = colours[: len(colours) // len(order) * len(order)].reshape(-1, len(order))[:, :3]
        return bool((colours == colours[:, :1]).all())
    return image.mode in GREY


def _plain(image: Image.Image, mode: str) -> Image.Image:
    """Grey or colour of 8 bits, without transparency."""
    if image.mode in DEEP:
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    return image.convert(mode)


def is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def shown_kinds() -> str:
    return ", ".join(suffix.removeprefix(".") for suffix in SUFFIXES)
