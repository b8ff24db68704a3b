"""What it costs that a trial comes out the same to the bit: epochs with and without, in turn, in one run.

    python benchmarks/determinism.py [REPEATS]

Made-up images of CIFAR-10's and MNIST's sizes are enough: their content does not change the time of a step.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from training import made_up, train_all, train_job

from tunekit.data.prepared import Prepared
from tunekit.trial.jobs import Split
from tunekit.workers.local import LocalWorkers

IMAGES = 2500
EPOCHS = 3
MODELS = {
    "lenet5": ((32, 32, 3), {"hidden_units": 1024, "dropout": 0.5, "batch_norm": True}),
    "recurrent": ((28, 28, 1), {"cell": "gru", "hidden_units": 128}),
}


def epoch_seconds(model: str, prepared: Prepared, folder: Path, deterministic: bool) -> float:
    """The quickest epoch after the first, which includes tracing."""
    workers = LocalWorkers(1, 1, folder / "logs", deterministic)
    try:
        job = train_job("1", model, MODELS[model][1], Split(prepared, 0.1, None, 0), EPOCHS, folder)
        return min(train_all(workers, [job])["1"][1][1:])
    finally:
        workers.close()


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for model, (shape, _) in MODELS.items():
        ratios, with_it, without = [], [], []
        with tempfile.TemporaryDirectory() as scratch:
            prepared = made_up(Path(scratch), shape, IMAGES)
            for repeat in range(repeats):
                one = epoch_seconds(model, prepared, Path(scratch) / f"{repeat}a", True)
                other = epoch_seconds(model, prepared, Path(scratch) / f"{repeat}b", False)
                with_it.append(one)
                without.append(other)
                ratios.append(one / other)
        print(
            f"{model}: epoch of {IMAGES} images {statistics.median(with_it):.2f} s repeatable, "
            f"{statistics.median(without):.2f} s with --fast; ratio {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f}, {repeats} pairs)",
            flush=True,
        )


if __name__ == "__main__":
    main()
