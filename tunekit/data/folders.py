"""Which files of a folder are images of which class, in which part of the data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunekit.data.images import unfit
from tunekit.data.picture_files import SUFFIXES, is_image, shown_kinds
from tunekit.errors import DataError

TRAIN, TEST = "train", "test"
VALIDATION = ("val", "valid", "validation")
LAYOUT = "a folder per class, or train/ and test/ with a folder per class each"
OTHER_IMAGES = (".avif", ".heic", ".heif", ".jp2", ".jxl", ".pgm", ".ppm", ".svg", ".tif", ".tiff")
"""Kinds of images that are not read, and not passed over in silence either."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of a data set are."""

    train: Path
    test: Path | None
    """None where a part of `train` is to be held out."""


def layout_of(folder: Path) -> Layout:
    """The parts of a folder; a part for validation is the test part where there is none.

    A folder `train` counts as a class where there are images right in it, as of a set of vehicles.
    """
    names = {path.name.lower(): path for path in _subfolders(folder)}
    known = {TRAIN, TEST, *VALIDATION} & names.keys()
    if TRAIN not in known or not _subfolders(names[TRAIN]):
        if known and known == names.keys():
            got = ", ".join(sorted(f"{names[name].name}/" for name in known))
            remedy = "Put the images in train/ into a folder for each class."
            raise unfit(folder, LAYOUT, f"{got} without folders of classes in train/", remedy)
        return Layout(folder, None)
    others = sorted(names[name].name for name in names.keys() - known)
    if others:
        got = f"{', '.join(others[:5])} beside train/"
        raise unfit(folder, "train/ and test/ only", got, "Move what does not belong to the data elsewhere.")
    held = sorted(known & set(VALIDATION))
    if len(held) > 1 or (held and TEST in known):
        got = " and ".join(f"{names[name].name}/" for name in held)
        remedy = (
            f"Move the images of {got} into train/: tunekit holds its own validation images out of it, the share "
            "`validation` of the data section."
        )
        raise unfit(folder, "train/ and test/ only", f"{got} beside them", remedy)
    test = next((names[name] for name in (TEST, *held) if name in known), None)
    return Layout(names[TRAIN], test)


def classes_of(part: Path) -> dict[str, list[str]]:
    """The image files of each class, both sorted by name; DataError where a class has none."""
    folders = {path.name: path for path in _subfolders(part)}
    if not folders:
        loose = any(is_image(path) for path in _entries(part))
        got = "images without a folder for their class" if loose else "no folder in it"
        raise unfit(part, LAYOUT, got, "Put the images of each class into a folder with the class's name.")
    return {name: _image_files(folders[name]) for name in sorted(folders)}


def _image_files(folder: Path) -> list[str]:
    """All images below the folder. Each folder is entered once, so that links in a ring come to an end."""
    found: list[str] = []  # text: a million paths take half a gigabyte
    others: Counter[str] = Counter()
    waiting, seen = [folder], set()
    while waiting:
        current = waiting.pop()
        stat = current.stat()
        if (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for path in _entries(current):
            if path.is_dir():
                waiting.append(path)
            elif is_image(path):
                found.append(str(path))
            else:
                others[path.suffix.lower()] += 1
    refused = [suffix for suffix in others if suffix in OTHER_IMAGES]
    if refused or not found:
        what = ", ".join(f"{others[suffix]} {suffix or 'without a suffix'}" for suffix in refused or others)
        remedy = f"Convert them to one of {shown_kinds()}, or remove the class's folder if it is empty."
        raise unfit(folder, f"images ({shown_kinds()})", f"other files: {what}" if what else "none", remedy)
    return sorted(found)


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, hidden files left out."""
    try:
        return [Path(entry) for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise _no_folder(folder, error) from None
    except ValueError:
        raise unfit(folder, LAYOUT, "a path with a null character", "Check the path.") from None


def _no_folder(folder: Path, error: OSError) -> DataError:
    reason = "no such folder" if isinstance(error, FileNotFoundError) else str(error.strerror).lower()
    remedy = "Check the path and its permissions; one in a space file is relative to that file."
    return unfit(folder, LAYOUT, reason, remedy)


def describe(paths: Sequence[str]) -> list[str]:
    """Name, size and time of each file, which change with it."""
    stats = ((path, Path(path).stat()) for path in paths)
    return [f"{path}/{stat.st_size}/{stat.st_mtime_ns}" for path, stat in stats]


assert all(suffix not in SUFFIXES for suffix in OTHER_IMAGES)
