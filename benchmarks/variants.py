"""What was tried to make a training step quicker, each beside the others in one run.

    python benchmarks/variants.py [--images 3000] [--repeats 5]

Each variant trains the same model on the same images in one process of one thread. Prints processor time, which a busy
machine changes less than it does the clock: of a step over that of Keras' own loop, and of what comes before the second
epoch (building, tracing, the first call of each kind) in seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
from training import made_up

from tunekit.models.build import build
from tunekit.results import Values
from tunekit.space.vocabulary import complete
from tunekit.trial.backend import configure, environment
from tunekit.trial.feeding import as_they_are
from tunekit.trial.health import StepWatch
from tunekit.trial.jobs import Split
from tunekit.trial.loop import FitLoop, Loop, make_loop
from tunekit.trial.train import arrays, image_shape
from tunekit.trial.training import compile_model

BATCH = 50
METHODS = ("inner_loop", "call", "update_step")
"""Those that tunekit puts in the place of Keras' own: in recurrent layers, batch normalisations and optimizers."""
MODELS: dict[str, tuple[str, tuple[int, int, int], Values]] = {
    "lenet5": ("lenet5", (32, 32, 3), {"hidden_units": 512, "batch_norm": True, "dropout": 0.5}),
    "rnn": ("recurrent", (28, 28, 1), {"cell": "rnn", "hidden_units": 128}),
    "lstm": ("recurrent", (28, 28, 1), {"cell": "lstm", "hidden_units": 128}),
    "gru": ("recurrent", (28, 28, 1), {"cell": "gru", "hidden_units": 128}),
}


def keras_alone(model: keras.Model, *kept: str) -> None:
    """Layers and optimizer compute as Keras has it, but for those methods of tunekit's that are kept."""
    for part in (*model.layers, model.optimizer):
        for method in {*METHODS} - {*kept}:
            vars(part).pop(method, None)


def keeping(method: str) -> Callable[[keras.Model], None]:
    return lambda model: keras_alone(model, method)


def keras_unrolled(model: keras.Model) -> None:
    keras_alone(model)
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN):
            layer.unroll = True


def xla(model: keras.Model) -> None:
    keras_alone(model)
    model.jit_compile = True


def several_steps(model: keras.Model) -> None:
    keras_alone(model)
    model.steps_per_execution = 12


@dataclass(frozen=True)
class Variant:
    """One way to train, and for which models it makes a difference."""

    change: Callable[[keras.Model], None] = lambda model: None
    loop: Callable[[keras.Model, int], Loop] = FitLoop
    values: Values = field(default_factory=dict)
    models: tuple[str, ...] = tuple(MODELS)


RECURRENT = ("rnn", "lstm", "gru")
VARIANTS: Mapping[str, Variant] = {
    "Keras' fit": Variant(keras_alone),
    "steps_per_execution=12": Variant(several_steps),
    "XLA": Variant(xla),
    "unroll=True": Variant(keras_unrolled, models=RECURRENT),
    "recurrent gradient by hand": Variant(keeping("inner_loop"), models=RECURRENT),
    "batch normalisation in one operation": Variant(keeping("call"), models=("lenet5",)),
    "update of Adam in one operation": Variant(keeping("update_step")),
    "one graph for many steps": Variant(keras_alone, make_loop),
    "as tunekit trains": Variant(loop=make_loop),
    "with bfloat16": Variant(loop=make_loop, values={"precision": "bfloat16"}),
    "with bfloat16, Keras' own layers": Variant(
        keras_alone, make_loop, values={"precision": "bfloat16"}, models=("lenet5",)
    ),
}


def timed(name: str, variant: Variant, split: Split) -> tuple[float, float]:
    """Seconds of a later epoch, and of all that comes before the second one over that."""
    kind, _, values = MODELS[name]
    values = {"optimizer": "adam", "learning_rate": 1e-3, **values, **variant.values}
    x, y, chosen, _ = arrays(split)
    images, labels = x[chosen], y[chosen]
    began = time.process_time()
    model = build(kind, values, image_shape(split.prepared), seed=1)
    compile_model(model, complete(kind, values), -(-len(images) // BATCH), max_epochs=3)
    variant.change(model)
    loop = variant.loop(model, BATCH)
    seconds: list[float] = []
    for _ in range(3):
        loop.train(as_they_are(images, labels), StepWatch(), lambda share: None)
        seconds.append(time.process_time() - began)
    later = (seconds[2] - seconds[0]) / 2
    return later, seconds[0] - later


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if "OMP_NUM_THREADS" not in os.environ:
        # Libraries read such settings when they are loaded, as they are by now. Not repeatable to the bit: XLA is not.
        settings = environment(threads=1, deterministic=False)
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | settings)
    configure(threads=1, deterministic=False)
    for model in options.models:
        found: dict[str, list[tuple[float, float]]] = {}
        with tempfile.TemporaryDirectory() as scratch:
            split = Split(made_up(Path(scratch), MODELS[model][1], options.images), 0.04, None, 0)
            for _ in range(options.repeats):
                for name, variant in VARIANTS.items():
                    if model in variant.models:
                        found.setdefault(name, []).append(timed(model, variant, split))
            steps = -(-round(options.images * 0.96) // BATCH)
        report(model, found, steps)


def report(model: str, found: Mapping[str, list[tuple[float, float]]], steps: int) -> None:
    plain = next(iter(found.values()))
    print(f"\n{model}: {'step':>40}{'of fit':>9}{'before':>9}")
    for name, pairs in found.items():
        step = statistics.median(later for later, _ in pairs) / steps
        share = statistics.median(one[0] / other[0] for one, other in zip(pairs, plain, strict=True))
        before = statistics.median(first for _, first in pairs)
        print(f"{name:40}{1000 * step:5.1f} ms{share:9.2f}{before:7.2f} s", flush=True)


if __name__ == "__main__":
    main()
