"""Images that are not small squares, and data that are no images."""

from __future__ import annotations

import numpy as np
import pytest

from tunekit.errors import ModelError
from tunekit.models.build import build
from tunekit.models.shape import ImageShape


def shape(*sides: int) -> ImageShape:
    count = sides[-1]
    return ImageShape(sides, 3, (0.5,) * count, (0.2,) * count)


@pytest.mark.parametrize("model", ["lenet5", "recurrent"])
@pytest.mark.parametrize("sides", [(64, 48, 3), (100, 20, 1), (4, 5, 1)])
def test_images_of_other_sizes(model: str, sides: tuple[int, ...]) -> None:
    built = build(model, {"hidden_units": 4}, shape(*sides), seed=0)
    answers = np.asarray(built(np.zeros((2, *sides), np.uint8), training=False))
    assert answers.shape == (2, 3)
    assert np.allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("sides", [(3, 28, 1), (28, 3, 1), (1, 1, 3)])
def test_images_too_small_to_be_pooled_twice(sides: tuple[int, ...]) -> None:
    with pytest.raises(
        ModelError, match=rf"at least 4 x 4 pixels, .* got {sides[0]} x {sides[1]}\. Use larger"
    ):
        build("lenet5", {}, shape(*sides), seed=0)


@pytest.mark.parametrize("model", ["lenet5", "recurrent"])
def test_built_in_models_refuse_vectors(model: str) -> None:
    with pytest.raises(ModelError, match=r"expected images, got vectors of 7 features.* `shape: \[28, 28\]`"):
        build(model, {}, shape(7), seed=0)
