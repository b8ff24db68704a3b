"""The pictures: written, 700 pixels wide, not blank, described, and drawn for odd cases too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.insight.explain.helpers import LAYERS, pictures, sequential
from tunekit.insight.explain.deconvnet import routes
from tunekit.insight.explain.draw_curves import draw_invariance
from tunekit.insight.explain.draw_features import contrast, draw_evolution, draw_features
from tunekit.insight.explain.draw_mistakes import draw_mistakes, draw_pairs
from tunekit.insight.explain.draw_occlusion import draw_occlusion
from tunekit.insight.explain.evolution import evolve
from tunekit.insight.explain.features import layer_features
from tunekit.insight.explain.invariance import invariance
from tunekit.insight.explain.mistakes import mistakes
from tunekit.insight.explain.occlusion import occlude
from tunekit.insight.explain.picture import Picture
from tunekit.insight.graph import Array

NAMES = ("a class of a very long name", "$dollar_", "eel")


def pixels(picture: Picture, folder: Path) -> Array:
    drawn = np.asarray(Image.open(folder / picture.file))
    assert drawn.shape[1] == 700
    assert len(np.unique(drawn)) > 10
    assert all((picture.title, picture.caption, picture.alt))
    return drawn


def model(channels: int = 3) -> object:
    return sequential(
        LAYERS.Conv2D(5, 3, padding="same", activation="relu", name="one"),
        LAYERS.MaxPooling2D(),
        LAYERS.Conv2D(14, 3, activation="relu", name="two"),
        LAYERS.Flatten(),
        LAYERS.Dense(3, activation="softmax"),
        shape=(12, 12, channels),
    )


def test_features_and_evolution_in_colour_and_in_grey(tmp_path: Path) -> None:
    for channels in (1, 3):
        seen, images = model(channels), pictures(12, (12, 12, channels))
        for layer in layer_features(seen, routes(seen)[0], images):
            drawn = pixels(draw_features(layer, "trial 7", tmp_path), tmp_path)
            colourful = (drawn != drawn[..., :1]).any()
            assert colourful == (channels == 3)
        found = evolve(seen, ["one", "two"], [1, 2, 4, 5], lambda epoch: None, images)
        pixels(draw_evolution(found, "trial 7", tmp_path), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "features_one.png",
        "features_two.png",
        "evolution.png",
    }


def test_nothing_is_grey_and_the_largest_has_full_contrast() -> None:
    projections = np.zeros((3, 1, 2, 1))
    projections[0, 0] = [[2.0], [-1.0]]
    projections[1, 0] = [[0.0], [-5.0]]
    shown = contrast(projections)[..., 0, :, 0]
    np.testing.assert_array_equal(shown, [[255, 63], [127, 0], [127, 127]])


def test_occlusion_with_and_without_convolutions(tmp_path: Path) -> None:
    seen, images = model(), pictures(3)
    last = routes(seen)[0][-1]
    with_filter = [occlude(seen, image, 1, [120.0] * 3, last) for image in images]
    assert "two" in draw_occlusion(with_filter, "two", NAMES, "trial 7", tmp_path).caption
    without = draw_occlusion(
        [occlude(seen, images[0], 0, [120.0] * 3, None)], None, NAMES, "trial 7", tmp_path
    )
    assert "filter" not in without.caption
    pixels(without, tmp_path)


def test_invariance_with_two_images_and_without_a_hidden_layer(tmp_path: Path) -> None:
    images, labels = pictures(2), np.array([0, 1])
    whole = invariance(model(), images, labels)
    taller = pixels(draw_invariance(whole, images, NAMES[:2], "trial 7", tmp_path), tmp_path)
    flat = sequential(LAYERS.Flatten(), LAYERS.Dense(3, activation="softmax"))
    lower = draw_invariance(invariance(flat, images, labels), images, NAMES[:2], "trial 7", tmp_path)
    assert pixels(lower, tmp_path).shape[0] < taller.shape[0]


def test_mistakes_of_one_image_and_of_many(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for count in (1, 40):
        said = random.dirichlet(np.ones(3), count)
        found = mistakes(said, (said.argmax(axis=1) + 1) % 3)
        assert found.wrong == count
        pixels(draw_mistakes(found, pictures(count), NAMES, "trial 7", tmp_path), tmp_path)
        pairs = draw_pairs(found, NAMES, "trial 7", tmp_path)
        assert Image.open(tmp_path / pairs.file).width == 700
