"""Folders of images: layouts, sizes, faults, and the sealed test part."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.refusal import fails
from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.sealed import check_test, open_test
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Writes some images into a folder for each class; a class' number is its images' brightness."""

    def write(
        part: str = "",
        classes: str = "ant bee",
        count: int = 10,
        size: tuple[int, int] = (5, 4),
        grey: bool = False,
    ) -> Path:
        root = tmp_path / "set"
        for number, name in enumerate(classes.split()):
            folder = root / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for place in range(count):
                image = np.full((*size, 3), 100 * number + place, np.uint8)
                image[0, 0] = image[0, 0] if grey else (200, 30, place)
                Image.fromarray(image[..., 0] if grey else image).save(folder / f"{place:02}.png")
        return root

    return write


def spec_of(root: Path, **options: object) -> DataSpec:
    return replace(DataSpec("images", str(root)), **options)


def test_a_folder_per_class_is_divided_for_good(fill: Fill, cache: Path) -> None:
    spec = spec_of(fill(classes="cat ant bee"))
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    assert (prepared.name, prepared.class_names) == ("images:set", ("ant", "bee", "cat"))
    assert (x.shape, x.dtype, prepared.dtype) == ((24, 5, 4, 3), np.uint8, "uint8")
    test = open_test(spec, prepared)
    assert np.bincount(y).tolist() == [8] * 3
    assert np.bincount(test.y).tolist() == [2] * 3
    brightness = {"cat": 0, "ant": 100, "bee": 200}
    for images, labels in ((x, y), (test.x, test.y)):
        for image, label in zip(images, labels, strict=True):
            first = brightness[prepared.class_names[label]]
            assert first <= image[2, 2, 0] < first + 10
    together = {image.tobytes() for image in [*x, *test.x]}
    assert len(together) == 30
    assert open_test(spec, prepared).sha256 == test.sha256


@pytest.mark.parametrize("test", ["test", "Test", "val", "validation"])
def test_parts_of_their_own(fill: Fill, cache: Path, test: str) -> None:
    root = fill("train")
    fill(test, count=3)
    spec = spec_of(root)
    prepared = prepare(spec, cache)
    assert prepared.count == 20
    assert open_test(spec, prepared).y.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_part_for_validation_beside_a_test_part_is_refused(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("test")
    fill("valid")
    fails(spec_of(root), cache, "valid/ beside them", "Move the images of valid/ into train/")


def test_a_class_named_train(fill: Fill, cache: Path) -> None:
    assert prepare(spec_of(fill(classes="bus train")), cache).class_names == ("bus", "train")


def test_other_folders_beside_train(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("extra")
    fails(spec_of(root), cache, "extra beside train/", "elsewhere")


def test_grey_images_stay_grey_and_mixed_ones_become_coloured(fill: Fill, cache: Path) -> None:
    root = fill(grey=True)
    assert prepare(spec_of(root), cache).shape == (5, 4, 1)
    Image.new("RGB", (4, 5), "red").save(root / "ant" / "red.png")
    assert prepare(spec_of(root), cache).shape == (5, 4, 3)
    assert prepare(spec_of(root, channels=1), cache).shape == (5, 4, 1)


def test_sizes_that_differ(fill: Fill, cache: Path) -> None:
    root = fill()
    Image.new("RGB", (9, 7)).save(root / "bee" / "large.png")
    fails(
        spec_of(root),
        cache,
        "2 sizes (height x width): 5 x 4 of 20 images, 7 x 9 of",
        "bee/large.png",
        "Add `size: [5, 4]`",
    )
    assert prepare(spec_of(root, size=(6, 6)), cache).shape == (6, 6, 3)


def test_test_images_of_another_size(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("test", size=(3, 3))
    prepared = prepare(spec_of(root), cache)
    with pytest.raises(DataError, match=r"test examples of shape \(5, 4, 3\) .* got \(3, 3, 3\)"):
        open_test(spec_of(root), prepared)
    resized = spec_of(root, size=(5, 4))
    assert open_test(resized, prepare(resized, cache)).x.shape == (20, 5, 4, 3)


@pytest.mark.parametrize("options", [{}, {"size": (5, 4), "channels": 3}])
def test_files_that_cannot_be_read_are_named_at_once(
    fill: Fill, cache: Path, options: dict[str, object]
) -> None:
    root = fill()
    (root / "ant" / "00.png").write_bytes(b"")
    (root / "ant" / "01.png").write_text("no image")
    whole = (root / "bee" / "09.png").read_bytes()
    (root / "bee" / "09.png").write_bytes(whole[:-30])
    (root / "bee" / "gone.png").symlink_to(root / "nowhere")
    if not options:
        fails(spec_of(root), cache, "gone.png: No such file")
    (root / "bee" / "gone.png").unlink()
    text = fails(spec_of(root, **options), cache, "got 3 that cannot be read", "Replace or remove them")
    assert text.count("\n  ") == 3
    assert "ant/00.png: an empty file" in text
    assert "ant/01.png: no image" in text
    assert "bee/09.png: " in text


def test_no_more_than_ten_files_are_named(fill: Fill, cache: Path) -> None:
    root = fill(count=20)
    for path in (root / "bee").iterdir():
        path.write_bytes(b"")
    assert fails(spec_of(root), cache, "at least 10 that").count("empty file") == 10


def test_hidden_and_other_files_are_passed_over(fill: Fill, cache: Path) -> None:
    root = fill()
    (root / ".git").mkdir()
    (root / "ant" / ".DS_Store").write_text("")
    (root / "ant" / "._00.png").write_text("")
    (root / "ant" / "notes.txt").write_text("")
    (root / "README.md").write_text("")
    prepared = prepare(spec_of(root), cache)
    assert (prepared.count, prepared.class_names) == (16, ("ant", "bee"))


def test_folders_below_a_class_and_links_in_a_ring(fill: Fill, cache: Path) -> None:
    root = fill()
    below = root / "ant" / "more" / "still more"
    below.mkdir(parents=True)
    (root / "ant" / "00.png").rename(below / "00.png")
    (below / "up").symlink_to(root / "ant")
    (below / "self").symlink_to(below / "self")
    assert prepare(spec_of(root), cache).count == 16


def test_folders_that_are_no_data_set(tmp_path: Path, fill: Fill, cache: Path) -> None:
    fails(spec_of(tmp_path / "none"), cache, "no such folder")
    file = tmp_path / "file"
    file.write_text("")
    fails(spec_of(file), cache, "not a directory")
    (tmp_path / "empty").mkdir()
    fails(spec_of(tmp_path / "empty"), cache, "no folder in it")
    root = fill(classes="ant")
    fails(spec_of(root), cache, "two classes")
    (root / "bee").mkdir()
    fails(spec_of(root), cache, "set/bee", "got none")
    (root / "bee" / "a.tif").write_text("")
    fails(spec_of(root), cache, "1 .tif", "Convert them")
    flat = fill(classes=".")
    for path in [*flat.glob("*/*"), *flat.glob("*/")]:
        path.unlink() if path.is_file() else path.rmdir()
    fails(spec_of(flat), cache, "images without a folder for their class")


def test_a_class_of_one_image(fill: Fill, cache: Path) -> None:
    root = fill()
    fill(classes="bee owl", count=1)
    fails(spec_of(root), cache, "at least 2 images of every class", "class owl has 1")


def test_training_opens_no_test_image_but_knows_their_folders(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("test", classes="ant", count=2)
    for path in (root / "test" / "ant").iterdir():
        path.write_bytes(b"damaged")
    spec = spec_of(root)
    prepared = prepare(spec, cache)
    with pytest.raises(DataError, match="2 that cannot be read"):
        open_test(spec, prepared)
    fill("test", classes="wasp")
    cache.rename(cache.with_name("away"))
    fails(spec, cache, "wasp in", "alike")


def test_a_changed_file_is_decoded_anew_and_a_test_file_is_not(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("test", count=2)
    one = prepare(spec_of(root), cache)
    Image.new("RGB", (4, 5), "red").save(root / "test" / "ant" / "00.png")
    assert prepare(spec_of(root), cache) == one
    Image.new("RGB", (4, 5), "red").save(root / "train" / "ant" / "00.png")
    other = prepare(spec_of(root), cache)
    assert other.sha256 != one.sha256
    assert other.folder != one.folder


def test_a_file_that_changes_while_it_is_read(
    fill: Fill, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunekit.data import image_folder

    root = fill()

    def shorter(self: object, paths: list[Path], *rest: object) -> object:
        return iter([np.zeros((3, 5, 4, 3), np.uint8)])

    monkeypatch.setattr(image_folder.ImageFolder, "_blocks", shorter)
    with pytest.raises(DataError, match="stay as they are while they are read"):
        prepare(spec_of(root), cache)
    assert list(cache.iterdir()) == []


def test_a_broken_test_image_is_found_before_a_search(fill: Fill, cache: Path) -> None:
    """Also one that came when the training images had long been decoded; and each state is looked through once."""
    root = fill("train")
    fill("test", count=3)
    spec = spec_of(root)
    prepared = prepare(spec, cache)
    check_test(spec, prepared)
    whole = root / "test" / "ant" / "01.png"
    content, times = whole.read_bytes(), whole.stat()
    whole.write_bytes(content[:40] + bytes(len(content) - 40))
    os.utime(whole, ns=(times.st_atime_ns, times.st_mtime_ns))
    check_test(spec, prepared)
    whole.write_bytes(content[:40])
    assert prepare(spec, cache) == prepared
    for look in (check_test, open_test):
        with pytest.raises(DataError, match="1 that cannot be read") as caught:
            look(spec, prepared)
        assert str(whole) in str(caught.value)


def test_a_test_class_that_came_later_is_found(fill: Fill, cache: Path) -> None:
    root = fill("train")
    fill("test")
    prepare(spec_of(root), cache)
    fill("test", "ant bee cow")
    prepared = prepare(spec_of(root), cache)
    with pytest.raises(DataError, match=r"cow in .*test alone"):
        check_test(spec_of(root), prepared)
