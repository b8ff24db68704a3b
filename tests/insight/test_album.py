"""Pictures kept until they are drawn."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.insight.album import Album, draw_later
from tunekit.insight.convolutions import kernels_of
from tunekit.insight.graph import named
from tunekit.insight.look import look
from tunekit.results import Epoch

CURVE = (Epoch(1, {"loss": 1.0, "val_loss": 1.2}, 0.5), Epoch(2, {"loss": 0.8, "val_loss": 1.1}, 0.5))
ALL = {"curves", "filters", "activations"}
BY_EPOCH = {"filters_conv.0.png", "filters_conv.2.png"}


@pytest.fixture(scope="module")
def album() -> Album:
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(3, 3, activation="relu", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="output")(keras.layers.Flatten()(x)))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 1)).astype(np.uint8)
    filters = kernels_of(named(model))
    seen = look(model, images, np.array([0, 1, 0, 1]), ("left", "right"))
    return Album(seen, CURVE, (), "trial 1", {0: filters, 2: filters})


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def test_what_is_drawn_later_is_what_would_have_been_drawn_at_once(album: Album, tmp_path: Path) -> None:
    album.draw(tmp_path / "now", tmp_path / "now-by-epoch")
    album.save(tmp_path / "album", [drawing.name for drawing in album.drawings(tmp_path, tmp_path)])
    draw_later(tmp_path / "album", tmp_path / "later", tmp_path / "later-by-epoch")

    assert files(tmp_path / "now").keys() == {f"{name}.png" for name in ALL}
    assert files(tmp_path / "now-by-epoch").keys() == BY_EPOCH
    assert files(tmp_path / "later") == files(tmp_path / "now")
    assert files(tmp_path / "later-by-epoch") == files(tmp_path / "now-by-epoch")


@pytest.mark.parametrize(
    ("missing", "pictures", "by_epoch"),
    [(["curves", "filters"], {"curves.png", "filters.png"}, set()), (["filters_by_epoch"], set(), BY_EPOCH)],
)
def test_only_what_is_missing_is_drawn(
    album: Album, tmp_path: Path, missing: list[str], pictures: set[str], by_epoch: set[str]
) -> None:
    album.save(tmp_path / "album", missing)
    draw_later(tmp_path / "album", tmp_path / "later", tmp_path / "by-epoch")
    assert files(tmp_path / "later").keys() == pictures
    assert files(tmp_path / "by-epoch").keys() == by_epoch


def test_a_damaged_album_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "album").write_bytes(b"cut off")
    draw_later(tmp_path / "album", tmp_path / "later", tmp_path / "by-epoch")
    assert files(tmp_path / "later").keys() == {"fault.txt"}
