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
from tunekit.trial.feeding import Examples, as_they_are, ordered
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


def epoch(count: int, weights: np.ndarray | None = None) -> Examples:
    """In another order than they have."""
    return ordered(*images(count), np.arange(count)[::-1], lambda some, part: some, weights)


def compiled(model: str, optimizer: str = "adam") -> keras.Model:
    values = {"optimizer": optimizer, "learning_rate": 0.01, **MODELS[model]}
    built = build(model, values, SHAPE, seed=1)
    compile_model(built, complete(model, values), steps_per_epoch=3, max_epochs=2)
    return built


def trained(
    model: str, plain: bool, weights: np.ndarray | None
) -> tuple[list[dict[str, float]], list[np.ndarray]]:
    """What two epochs with a last batch that is not whole measured, and all variables after them."""
    built = compiled(model)
    loop: Loop = FitLoop(built, BATCH) if plain else make_loop(built, BATCH)
    measured = []
    for _ in range(2):
        measured.append(loop.train(epoch(43, weights), StepWatch(), lambda share: None))
        measured.append(loop.score(as_they_are(*images(300))))
    return measured, [np.asarray(variable) for variable in checkpoint.all_variables(built)]


@on_tensorflow
@pytest.mark.parametrize("weights", [None, np.array([0.5, 1.0, 3.0], np.float32)])
@pytest.mark.parametrize("model", MODELS)
def test_the_graphs_loop_comes_to_what_keras_own_does(model: str, weights: np.ndarray | None) -> None:
    measured, variables = trained(model, plain=False, weights=weights)
    expected, others = trained(model, plain=True, weights=weights)
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
    loop.train(epoch(50), watch, shares.append)
    assert (watch.before, watch.after) == ([], [])
    iterations = []

    class Watch(StepWatch):
        def begins(self, model: keras.Model) -> None:
            iterations.append(int(model.optimizer.iterations))

        def ends(self, model: keras.Model, gradients: object = None, squares: object = None) -> None:
            iterations.append(int(model.optimizer.iterations))

    watched = Watch()
    watched.step = 2
    loop.train(epoch(50), watched, shares.append)
    assert iterations == [7, 8]
    # Each pass tells a growing share up to the whole.
    assert shares.count(1.0) == 2
    middle = shares.index(1.0) + 1
    assert shares == sorted(shares[:middle]) + sorted(shares[middle:])


@pytest.mark.parametrize("plain", [False, True])
def test_segments_are_one_epoch(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps on the same examples, whether memory holds them at once or 20 at a time."""

    def after(segment_bytes: int) -> tuple[list[float], list[np.ndarray], list[int]]:
        monkeypatch.setattr("tunekit.trial.feeding.SEGMENT_BYTES", segment_bytes)
        built = compiled("lenet5", "sgd")
        loop: Loop = FitLoop(built, BATCH) if plain else make_loop(built, BATCH)
        watch, seen = StepWatch(), list[int]()
        watch.step = 3
        monkeypatch.setattr(watch, "begins", lambda model: seen.append(int(model.optimizer.iterations)))
        measured = [*loop.train(epoch(43), watch, lambda share: None).values()]
        measured += loop.score(as_they_are(*images(600))).values()
        return measured, [np.asarray(variable) for variable in checkpoint.all_variables(built)], seen

    whole, cut = after(2**30), after(20 * 64)
    assert cut[0] == pytest.approx(whole[0], rel=1e-6)
    assert cut[2] == whole[2] == [3]
    for one, other in zip(cut[1], whole[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


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
        loop.train(epoch(count), StepWatch(), lambda share: None)
    began = time.process_time()
    loop.train(epoch(58), StepWatch(), lambda share: None)
    quick = time.process_time() - began
    began = time.process_time()
    make_loop(compiled("lenet5"), BATCH).train(epoch(58), StepWatch(), lambda share: None)
    assert quick < (time.process_time() - began) / 4
