"""How a model is trained: optimizer, schedule, loss, and the images of one epoch in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import optimizers

from tunekit.errors import ModelError
from tunekit.results import Scalar
from tunekit.space.space import ClassWeights


def compile_model(
    model: keras.Model, values: Mapping[str, Scalar], steps_per_epoch: int, max_epochs: int
) -> None:
    """Give the model its optimizer, loss and metric; the optimizer's state exists from here on."""
    optimizer = make_optimizer(values, steps_per_epoch * max_epochs)
    _quicken(optimizer)
    model.compile(
        optimizer=optimizer,
        loss=SmoothedCrossentropy(float(values["label_smoothing"])),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        # The automatic choice compiles with XLA where it can, which is two to three times slower on a CPU.
        jit_compile="auto" if keras.config.backend() != "tensorflow" else False,
    )
    # A checkpoint is loaded into the state, which must exist by then. Not the optimizer from above: with
    # mixed_float16 Keras puts one around it that has a state of its own.
    model.optimizer.build(model.trainable_variables)


def _quicken(optimizer: optimizers.Optimizer) -> None:
    if keras.config.backend() == "tensorflow":
        # Not from above: it imports TensorFlow, which other backends need not have.
        from tunekit.trial.updates import fuse

        fuse(optimizer)


def make_optimizer(values: Mapping[str, Scalar], total_steps: int) -> optimizers.Optimizer:
    name = str(values["optimizer"])
    momentum = float(values["momentum"])
    common = {
        "learning_rate": _rate(values, total_steps),
        "weight_decay": float(values["weight_decay"]) or None,
        "global_clipnorm": float(values["clip_norm"]) or None,
    }
    match name:
        case "sgd":
            return optimizers.SGD(**common)
        case "momentum":
            return optimizers.SGD(momentum=momentum, **common)
        case "nesterov":
            return optimizers.SGD(momentum=momentum, nesterov=True, **common)
        case "rmsprop":
            return optimizers.RMSprop(**common)
        case "adamw":
            return optimizers.AdamW(**common | {"weight_decay": common["weight_decay"] or 0.0})
        case _:
            kinds = {
                "adam": optimizers.Adam,
                "nadam": optimizers.Nadam,
                "adagrad": optimizers.Adagrad,
                "lion": optimizers.Lion,
            }
            return kinds[name](**common)


def _rate(
    values: Mapping[str, Scalar], total_steps: int
) -> float | optimizers.schedules.LearningRateSchedule:
    """The learning rate; a schedule spans max_epochs, whatever rung a trial ends on, so that rungs continue it."""
    peak = float(values["learning_rate"])
    if values["schedule"] == "constant":
        return peak
    warmup = round(float(values["warmup"]) * total_steps)
    if not warmup:
        return optimizers.schedules.CosineDecay(peak, decay_steps=max(1, total_steps))
    return optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, total_steps - warmup), warmup_target=peak, warmup_steps=warmup
    )


@keras.saving.register_keras_serializable(package="tunekit")
class SmoothedCrossentropy(keras.losses.Loss):  # type: ignore[misc]
    """Cross entropy of whole-number labels, a share of each label spread over all classes."""

    def __init__(self, smoothing: float = 0.0, name: str = "crossentropy", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        if not self.smoothing:
            return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
        labels = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(labels, y_pred, label_smoothing=self.smoothing)

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "smoothing": self.smoothing}


def class_weights(wanted: ClassWeights, labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The weight of each class: 1 on the average of the examples where they are to be balanced, else as given.

    A class that is not named weighs 1.
    """
    if wanted == "balanced":
        counts = np.bincount(labels, minlength=len(names))
        return (len(labels) / (len(names) * np.maximum(counts, 1))).astype(np.float32)
    given = dict(wanted)
    return np.array([given.get(name, 1.0) for name in names], np.float32)


def epoch_order(indices: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The training images' order in one epoch: a function of seed and epoch, so that a resumed trial has it too."""
    return np.random.default_rng([seed, epoch, 0]).permutation(indices)


def augment(
    images: np.ndarray,
    values: Mapping[str, Scalar],
    seed: int,
    epoch: int,
    part: slice | None = None,
    count: int | None = None,
) -> np.ndarray:
    """Mirror and move the images of one epoch, again as a function of seed and epoch; or a `part` of its `count`.

    Done here and not in a layer: the exported model is free of it, and no random state needs to be kept.
    """
    if images.ndim != 4 and (values["flip"] or values["shift"]):
        raise ModelError(
            "flip and shift: expected images, got vectors of features. Leave both parameters out."
        )
    random = np.random.default_rng([seed, epoch, 1])
    part, count = part or slice(None), len(images) if count is None else count
    if values["flip"]:
        mirrored = (random.random(count) < 0.5)[part]
        images[mirrored] = images[mirrored, :, ::-1]
    shift = int(values["shift"])
    return _shifted(images, random.integers(-shift, shift + 1, (2, count))[:, part]) if shift else images


def _shifted(images: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Each image moved by its offset down and to the right; what moves in is black."""
    moved = np.zeros_like(images)
    height, width = images.shape[1:3]
    for down, right in {(int(d), int(r)) for d, r in offsets.T}:
        chosen = np.flatnonzero((offsets[0] == down) & (offsets[1] == right))
        to_rows, from_rows = _overlap(down, height)
        to_columns, from_columns = _overlap(right, width)
        moved[np.ix_(chosen, to_rows, to_columns)] = images[np.ix_(chosen, from_rows, from_columns)]
    return moved


def _overlap(offset: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels go and where they come from along one side."""
    target = np.arange(max(0, offset), min(size, size + offset))
    return target, target - offset
