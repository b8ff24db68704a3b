"""The images that excite filters most, where they do, and how filters came to be."""

from __future__ import annotations

import numpy as np
import pytest

from tests.insight.explain.helpers import LAYERS, pictures, sequential
from tunekit.insight.explain.deconvnet import routes
from tunekit.insight.explain.evolution import evolve
from tunekit.insight.explain.features import Peaks, all_peaks, layer_features, strongest_filters


def bright_spots() -> np.ndarray:
    """Image n is black but for one pixel of height 10 * (n + 1)."""
    images = np.zeros((11, 6, 6, 1), np.uint8)
    for number in range(11):
        images[number, number // 2, 5 - number // 3] = 10 * (number + 1)
    return images


def spotter() -> object:
    """Filter 0 is a pixel's brightness, filter 1 its negative, filter 2 twice the brightness."""
    model = sequential(LAYERS.Conv2D(3, 1, activation="relu", name="spots"), shape=(6, 6, 1))
    model.layers[0].set_weights([np.array([1.0, -1.0, 2.0]).reshape(1, 1, 1, 3), np.zeros(3)])
    return model


def test_the_strongest_images_and_where_they_are_strong() -> None:
    model, images = spotter(), bright_spots()
    (layer,) = layer_features(model, routes(model)[0], images)

    assert (layer.layer, layer.filters, layer.silent, layer.fixed) == ("spots", 3, 1, True)
    twice, once = layer.features  # most excited first, and the one that never rises above 0 is left out
    assert (twice.filter, once.filter) == (2, 0)
    np.testing.assert_array_equal(once.images, np.arange(10, 1, -1))
    np.testing.assert_allclose(twice.heights, 20.0 * np.arange(11, 2, -1))
    np.testing.assert_array_equal(once.patches.reshape(-1), 10 * np.arange(11, 2, -1))
    np.testing.assert_array_equal(twice.projections.reshape(-1), np.full(9, 2.0))
    assert once.inside.all()


def test_images_that_do_not_excite_a_filter_are_left_out() -> None:
    model, images = spotter(), bright_spots()
    images[3:] = 0
    (layer,) = layer_features(model, routes(model)[0], images)
    assert layer.features[0].images.tolist() == [2, 1, 0]


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = sequential(LAYERS.Conv2D(4, 3), LAYERS.MaxPooling2D(), LAYERS.Conv2D(2, 2))
    ways, images = routes(model)[0], pictures(7)
    whole = all_peaks(model, ways, images)
    monkeypatch.setattr("tunekit.insight.explain.features.VALUES", 1000)  # two images at once
    for one, other in zip(whole, all_peaks(model, ways, images), strict=True):
        np.testing.assert_allclose(one.heights, other.heights, rtol=1e-5)
        np.testing.assert_array_equal(one.rows, other.rows)
        np.testing.assert_array_equal(one.columns, other.columns)


def test_filters_by_what_their_strongest_images_do() -> None:
    heights = np.zeros((20, 4))
    heights[0, 0] = 100  # one image alone
    heights[:9, 1] = 20
    heights[:, 2] = -1
    found = strongest_filters(Peaks(heights, heights, heights), 3)
    assert found == [1, 0]


def test_a_patch_that_reaches_beyond_the_border() -> None:
    model = sequential(LAYERS.Conv2D(1, 3, padding="same", name="c"), shape=(4, 4, 1))
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1] = 1
    model.layers[0].set_weights([kernel, np.zeros(1)])
    image = np.zeros((1, 4, 4, 1), np.uint8)
    image[0, 0, 3], image[0, 1, 2] = 9, 5
    (layer,) = layer_features(model, routes(model)[0], image)
    (feature,) = layer.features
    np.testing.assert_array_equal(feature.patches[0, ..., 0], [[0, 0, 0], [0, 9, 0], [5, 0, 0]])
    np.testing.assert_array_equal(feature.inside[0], [[0, 0, 0], [1, 1, 0], [1, 1, 0]])
    np.testing.assert_array_equal(feature.projections[0, ..., 0], [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_evolution_takes_the_strongest_image_of_each_epoch() -> None:
    model = spotter()
    kernels = {
        1: np.array([0.0, 0.0, -1.0]),
        2: np.array([0.5, 0.0, 1.0]),
        3: np.array([1.0, 0.0, 2.0]),
    }
    gone: list[int] = []

    def go_to(epoch: int) -> None:
        gone.append(epoch)
        model.layers[0].set_weights([kernels[epoch].reshape(1, 1, 1, 3), np.zeros(3)])  # type: ignore[attr-defined]

    images = bright_spots()
    (found,) = evolve(model, ["spots"], [1, 2, 3], go_to, images)
    assert gone == [3, 2, 1]
    assert (found.layer, found.epochs, found.filters) == ("spots", (1, 2, 3), (2, 0))
    np.testing.assert_allclose(found.heights, [[0, 110, 220], [0, 55, 110]])
    assert found.images[:, 1:].tolist() == [[10, 10], [10, 10]]
    np.testing.assert_allclose(found.projections.reshape(2, 3), [[0, 1, 2], [0, 0.5, 1]])
