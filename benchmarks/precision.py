"""What bfloat16 gains and what it costs: LeNet5 on CIFAR-10 in both precisions, in turn, over several seeds.

    python benchmarks/precision.py [--images 5000] [--epochs 4] [--seeds 5]

Each pair of trainings differs in nothing but the precision. Prints the time of an epoch in float32 over that in
bfloat16, and the validation scores of both.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from training import train_all, train_job

from tunekit.data.prepared import prepare
from tunekit.space.space import DataSpec
from tunekit.trial.jobs import Split
from tunekit.workers.local import LocalWorkers

VALUES = {
    "optimizer": "nesterov",
    "learning_rate": 0.02,
    "schedule": "cosine",
    "warmup": 0.1,
    "batch_norm": True,
    "dropout": 0.5,
    "l2": 5e-4,
    "l2_dense": 5e-4,
}


def train(
    workers: LocalWorkers, split: Split, precision: str, seed: int, epochs: int, folder: Path
) -> tuple[float, float]:
    """The best score, and the seconds of the quickest epoch."""
    values = VALUES | {"precision": precision}
    job = train_job(str(seed), "lenet5", values, split, epochs, folder / precision)
    outcome, seconds = train_all(workers, [job])[job.id]
    return outcome.score, min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    scores: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    ratios = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        split = Split(prepare(DataSpec("tfds", "cifar10"), folder / "data"), 0.1, options.images, 0)
        workers = LocalWorkers(1, 1, folder / "logs")
        try:
            for seed in range(1, options.seeds + 1):
                seconds = {}
                for precision in scores if seed % 2 else reversed(scores):
                    score, seconds[precision] = train(workers, split, precision, seed, options.epochs, folder)
                    scores[precision].append(score)
                ratios.append(seconds["float32"] / seconds["bfloat16"])
                print(
                    f"seed {seed}: float32 {scores['float32'][-1]:.4f}, bfloat16 {scores['bfloat16'][-1]:.4f}; "
                    f"an epoch {seconds['float32']:.1f} s and {seconds['bfloat16']:.1f} s",
                    flush=True,
                )
        finally:
            workers.close()
    means = {name: statistics.mean(values) for name, values in scores.items()}
    spread = statistics.stdev([b - f for f, b in zip(scores["float32"], scores["bfloat16"], strict=True)])
    print(
        f"bfloat16 is {statistics.median(ratios):.2f} times as fast (median of {len(ratios)} pairs); mean score "
        f"{means['bfloat16']:.4f} against {means['float32']:.4f}, difference "
        f"{means['bfloat16'] - means['float32']:+.4f} with a deviation of {spread:.4f} from pair to pair"
    )


if __name__ == "__main__":
    main()
