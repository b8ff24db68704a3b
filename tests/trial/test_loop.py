"""Passes over images: every loop comes to the same, to the bit."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

from tunekit.models.build import build
from tunekit.models.shape import ImageShape
from tunekit.results import Values
from tunekit.space.vocabulary import complete
from tunekit.trial import checkpoint
from tunekit.trial.health import StepWatch
from tunekit.trial.loop import FitLoop, Loop, make_loop
from tunekit.trial.training import compile_model

SHAPE = ImageShape((8, 8, 1), 3, (0.5,), (0.25,))
BATCH = 10
MODELS: dict[str, Values] = {
    "lenet5": {"filters": 2, "hidden_units": 4, "batch_norm": True, "dropout": 0.5, "l2": 1e-3},
    "recurrent": {"cell": "gru", "hidden_units": 4, "dropout": 0.2, "clip_norm": 1.0},
}
on_tensorflow = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="is of TensorFlow alone")


def images(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    return random.integers(0, 256, (count, *SHAPE.shape), dtype=np.uint8), random.integers(0, 3, count)


def compiled(model: str) -> keras.Model:
    values = {"optimizer": "adam", "learning_rate": 0.01, **MODELS[model]}
    built = build(model, values, SHAPE, seed=1)
    compile_model(built, complete(model, values), steps_per_epoch=3, max_epochs=2)
    return built


def trained(model: str, plain: bool) -> tuple[list[dict[str, float]], list[np.ndarray]]:
    """What two epochs with a last batch that is not whole measured, and all variables after them."""
    built = compiled(model)
    loop: Loop = FitLoop(built, BATCH) if plain else make_loop(built, BATCH)
    measured = []
    for _ in range(2):
        measured.append(loop.train(*images(43), StepWatch(), lambda share: None))
        measured.append(loop.score(*images(300)))
    return measured, [np.asarray(variable) for variable in checkpoint.all_variables(built)]


@on_tensorflow
@pytest.mark.parametrize("model", MODELS)
def test_the_graphs_loop_comes_to_what_keras_own_does(model: str) -> None:
    measured, variables = trained(model, plain=False)
    expected, others = trained(model, plain=True)
    assert measured == expected
    assert list(measured[0]) == list(expected[0]) == ["accuracy", "loss"]
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("plain", [False, True])
def test_one_step_is_watched_and_the_share_is_told(plain: bool) -> None:
    """Weights before and after the third step of five, and nothing of the others."""
    built = compiled("lenet5")
    loop: Loop = FitLoop(built, BATCH) if plain else make_loop(built, BATCH)
    watch, shares = StepWatch(), list[float]()
    loop.train(*images(50), watch, shares.append)
    assert (watch.before, watch.after) == ([], [])
    iterations = []

    class Watch(StepWatch):
        def begins(self, model: keras.Model) -> None:
            iterations.append(int(model.optimizer.iterations))

        def ends(self, model: keras.Model) -> None:
            iterations.append(int(model.optimizer.iterations))

    watched = Watch()
    watched.step = 2
    loop.train(*images(50), watched, shares.append)
    assert iterations == [7, 8]
    # Each pass tells a growing share up to the whole.
    assert shares.count(1.0) == 2
    middle = shares.index(1.0) + 1
    assert shares == sorted(shares[:middle]) + sorted(shares[middle:])


@on_tensorflow
def test_a_call_takes_about_as_many_steps_as_a_second_holds() -> None:
    from tunekit.trial.graph_loop import _next_portion

    portion = 1
    for _ in range(20):
        portion = _next_portion(portion, seconds=portion * 0.01)
    assert 0.25 <= portion * 0.01 <= 1.0
    assert _next_portion(64, seconds=5.0) == 32
    assert _next_portion(1, seconds=5.0) == 1


@on_tensorflow
def test_a_step_is_traced_once_whatever_the_number_of_images() -> None:
    loop = make_loop(compiled("lenet5"), BATCH)
    for count in (10, 43, 200, 77):
        loop.train(*images(count), StepWatch(), lambda share: None)
    began = time.process_time()
    loop.train(*images(58), StepWatch(), lambda share: None)
    quick = time.process_time() - began
    began = time.process_time()
    make_loop(compiled("lenet5"), BATCH).train(*images(58), StepWatch(), lambda share: None)
    assert quick < (time.process_time() - began) / 4
