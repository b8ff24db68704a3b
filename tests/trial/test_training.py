"""Optimizers, schedules, the loss, the order of examples and their augmentation, against cases worked by hand."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from tunekit.space.vocabulary import OPTIMIZERS, complete
from tunekit.trial.training import (
    SmoothedCrossentropy,
    _shifted,
    augment,
    class_weights,
    compile_model,
    epoch_order,
    make_optimizer,
)

CLASSES = {
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "Nadam",
    "sgd": "SGD",
    "momentum": "SGD",
    "nesterov": "SGD",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "lion": "Lion",
}


def values(**given: Any) -> dict[str, Any]:
    return complete("lenet5", given)


def step(optimizer: keras.optimizers.Optimizer, start: list[float], gradient: list[float]) -> np.ndarray:
    weights = keras.Variable(np.array(start, np.float32))
    optimizer.build([weights])
    optimizer.apply([keras.ops.convert_to_tensor(np.array(gradient, np.float32))])
    return keras.ops.convert_to_numpy(weights)


def rate_at(optimizer: keras.optimizers.Optimizer, steps: int) -> float:
    weights = keras.Variable(np.zeros(1, np.float32))
    optimizer.build([weights])
    optimizer.iterations.assign(steps)
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


def test_every_known_optimizer_has_a_class_here() -> None:
    assert set(CLASSES) == set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_down_its_gradient(name: str) -> None:
    optimizer = make_optimizer(values(optimizer=name, learning_rate=0.1), total_steps=10)

    after = step(optimizer, [1.0, 1.0], [2.0, -2.0])

    assert type(optimizer).__name__ == CLASSES[name]
    assert after[0] < 1 < after[1]


def test_momentum_is_that_of_momentum_and_nesterov_alone() -> None:
    given = {"momentum": 0.7, "learning_rate": 0.1}
    sgd, momentum, nesterov = (
        make_optimizer(values(optimizer=name, **given), 10) for name in ("sgd", "momentum", "nesterov")
    )

    assert (sgd.momentum, momentum.momentum, nesterov.momentum) == (0, 0.7, 0.7)
    assert (sgd.nesterov, momentum.nesterov, nesterov.nesterov) == (False, False, True)
    assert step(nesterov, [0.0], [1.0])[0] == pytest.approx(-0.1 * (1 + 0.7))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_apart_from_the_gradient(name: str) -> None:
    """With no gradient at all a weight shrinks by rate times decay, whatever the optimizer makes of gradients."""
    optimizer = make_optimizer(values(optimizer=name, learning_rate=0.1, weight_decay=0.5), 10)

    after = step(optimizer, [1.0, -2.0], [0.0, 0.0])

    np.testing.assert_allclose(after, [0.95, -1.9], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_weight_decay_is_none(name: str) -> None:
    optimizer = make_optimizer(values(optimizer=name), 10)

    np.testing.assert_array_equal(step(optimizer, [1.0], [0.0]), [1.0])


def test_all_gradients_are_clipped_together() -> None:
    optimizer = make_optimizer(values(optimizer="sgd", learning_rate=1.0, clip_norm=1.0), 10)
    one, other = keras.Variable(np.zeros(1, np.float32)), keras.Variable(np.zeros(1, np.float32))
    optimizer.build([one, other])

    optimizer.apply([keras.ops.convert_to_tensor([3.0]), keras.ops.convert_to_tensor([4.0])])

    np.testing.assert_allclose([float(one[0]), float(other[0])], [-0.6, -0.8], rtol=1e-6)


def test_small_gradients_are_not_clipped() -> None:
    optimizer = make_optimizer(values(optimizer="sgd", learning_rate=1.0, clip_norm=6.0), 10)

    np.testing.assert_allclose(step(optimizer, [0.0, 0.0], [3.0, 4.0]), [-3.0, -4.0], rtol=1e-6)


def test_a_constant_rate() -> None:
    optimizer = make_optimizer(values(learning_rate=0.25), 100)

    assert [rate_at(optimizer, step) for step in (0, 50, 500)] == [0.25] * 3


def test_a_cosine_falls_to_nothing_over_all_epochs() -> None:
    for step_number in (0, 25, 50, 100, 150):
        optimizer = make_optimizer(values(learning_rate=0.2, schedule="cosine"), 100)
        expected = 0.1 * (1 + math.cos(math.pi * min(1.0, step_number / 100)))
        assert rate_at(optimizer, step_number) == pytest.approx(expected, abs=1e-8)


def test_a_cosine_after_a_warm_up() -> None:
    # 20 of 100 steps upwards in a straight line, then the cosine over the 80 that are left.
    expected = {0: 0.0, 5: 0.05, 10: 0.1, 20: 0.2, 60: 0.1, 100: 0.0}
    for step_number, rate in expected.items():
        optimizer = make_optimizer(values(learning_rate=0.2, schedule="cosine", warmup=0.2), 100)
        assert rate_at(optimizer, step_number) == pytest.approx(rate, abs=1e-7)


def test_a_warm_up_of_less_than_half_a_step_is_none() -> None:
    optimizer = make_optimizer(values(learning_rate=0.2, schedule="cosine", warmup=0.1), 4)

    assert rate_at(optimizer, 0) == pytest.approx(0.2)


def test_a_warm_up_says_nothing_without_a_schedule() -> None:
    assert rate_at(make_optimizer(values(learning_rate=0.2, warmup=0.5), 100), 0) == pytest.approx(0.2)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_the_loss_is_that_of_keras_for_one_hot_labels(smoothing: float) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 16)
    probabilities = random.dirichlet(np.ones(4), 16).astype(np.float32)

    for shaped in (labels, labels[:, None]):
        mine = SmoothedCrossentropy(smoothing)(shaped, probabilities)
        keras_own = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)(
            np.eye(4, dtype=np.float32)[labels], probabilities
        )
        assert float(mine) == pytest.approx(float(keras_own), rel=1e-5)


def test_the_loss_by_hand() -> None:
    loss = SmoothedCrossentropy(0.2)(np.array([0]), np.array([[0.75, 0.25]], np.float32))

    assert float(loss) == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25), rel=1e-5)


def test_the_loss_is_rebuilt_from_its_configuration() -> None:
    again = SmoothedCrossentropy.from_config(SmoothedCrossentropy(0.3).get_config())

    assert again.smoothing == 0.3


def test_a_compiled_optimizer_has_its_state_at_once() -> None:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))

    compile_model(model, values(optimizer="adam"), steps_per_epoch=3, max_epochs=2)

    # Steps, rate, and two moments for kernel and bias.
    assert len(model.optimizer.variables) == 2 + 2 * 2


def test_the_state_that_sixteen_bits_need_is_there_at_once() -> None:
    inputs = keras.Input((3,))
    dense = keras.layers.Dense(2, activation="softmax", dtype="mixed_float16")
    model = keras.Model(inputs, dense(inputs))
    model.dtype_policy = keras.DTypePolicy("mixed_float16")

    compile_model(model, values(optimizer="sgd"), steps_per_epoch=3, max_epochs=2)
    before = [variable.path for variable in model.optimizer.variables]
    model.train_on_batch(np.zeros((2, 3)), np.zeros(2))

    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert [variable.path for variable in model.optimizer.variables] == before


def test_the_order_of_an_epoch_is_a_permutation() -> None:
    indices = np.arange(0, 300, 3)

    order = epoch_order(indices, seed=3, epoch=1)

    assert not np.array_equal(order, indices)
    np.testing.assert_array_equal(np.sort(order), indices)
    np.testing.assert_array_equal(indices, np.arange(0, 300, 3))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    indices = np.arange(50)
    first = epoch_order(indices, seed=3, epoch=1)
    np.random.default_rng().random()
    np.random.seed(1)
    keras.utils.set_random_seed(1)

    np.testing.assert_array_equal(epoch_order(indices, seed=3, epoch=1), first)
    assert not np.array_equal(epoch_order(indices, seed=3, epoch=2), first)
    assert not np.array_equal(epoch_order(indices, seed=4, epoch=1), first)


def test_the_order_is_the_same_on_every_machine() -> None:
    assert epoch_order(np.arange(8), seed=1, epoch=2).tolist() == [6, 0, 7, 5, 1, 4, 3, 2]


def corners(count: int) -> np.ndarray:
    """Images of 2 by 3 pixels numbered from 1."""
    return np.tile(np.arange(1, 7, dtype=np.uint8).reshape(1, 2, 3, 1), (count, 1, 1, 1))


def test_without_augmentation_images_stay() -> None:
    np.testing.assert_array_equal(augment(corners(4), values(), seed=0, epoch=1), corners(4))


def test_about_half_are_mirrored_left_to_right() -> None:
    mirrored = [[3, 2, 1], [6, 5, 4]]

    found = augment(corners(400), values(flip=True), seed=0, epoch=1)[..., 0].tolist()

    count = sum(image == mirrored for image in found)
    assert 160 < count < 240
    assert sum(image == [[1, 2, 3], [4, 5, 6]] for image in found) == 400 - count


def test_each_image_is_moved_by_its_own_offset() -> None:
    found = augment(corners(300), values(shift=1), seed=0, epoch=1)[..., 0]

    moved = {
        tuple(map(tuple, np.pad([[1, 2, 3], [4, 5, 6]], 1)[1 - down : 3 - down, 1 - right : 4 - right]))
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    assert len(moved) == 9
    # All nine offsets come up, and nothing else does.
    assert {tuple(map(tuple, image)) for image in found.tolist()} == moved


def test_an_image_moved_down_and_right_by_hand() -> None:
    moved = _shifted(corners(2), np.array([[1, 0], [2, -1]]))

    assert moved[0, ..., 0].tolist() == [[0, 0, 0], [0, 0, 1]]
    assert moved[1, ..., 0].tolist() == [[2, 3, 0], [5, 6, 0]]


def test_moved_further_than_the_image_is_large() -> None:
    found = augment(corners(200), values(shift=64), seed=0, epoch=1)

    assert found.shape == (200, 2, 3, 1)
    assert (found == 0).all(axis=(1, 2, 3)).mean() > 0.9


def test_augmentation_depends_on_seed_and_epoch_alone() -> None:
    asked = values(flip=True, shift=1)
    first = augment(corners(50), asked, seed=1, epoch=1)
    np.random.seed(3)

    np.testing.assert_array_equal(augment(corners(50), asked, seed=1, epoch=1), first)
    assert (augment(corners(50), asked, seed=1, epoch=2) != first).any()
    assert (augment(corners(50), asked, seed=2, epoch=1) != first).any()


def test_colours_stay_together() -> None:
    images = np.zeros((20, 3, 3, 3), np.uint8)
    images[:, 1, 1] = (1, 2, 3)

    found = augment(images, values(flip=True, shift=1), seed=0, epoch=1).reshape(-1, 3)

    assert {tuple(pixel) for pixel in found.tolist()} == {(0, 0, 0), (1, 2, 3)}


def test_balanced_weights_by_hand() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2] * 3)
    weights = class_weights("balanced", labels, "abc")
    assert weights.tolist() == pytest.approx([12 / 18, 12 / 9, 12 / 9])
    assert weights[labels].mean() == pytest.approx(1)


def test_weights_as_given() -> None:
    assert class_weights((("c", 2.5), ("a", 0.5)), np.array([0, 1, 2]), "abc").tolist() == [0.5, 1.0, 2.5]
