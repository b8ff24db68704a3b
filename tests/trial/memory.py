"""Prepares and trains on a folder of images in a process of its own, and says how high its memory rose.

    python -m tests.trial.memory FOLDER MEBIBYTES SEGMENT_MEBIBYTES

Of anonymous memory only: pages of mapped files count as resident too, and leave as soon as others need the room.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 64
EXAMPLE = SIDE * SIDE * 3
OWN_MODEL = """
import keras


def build(values, data):
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""


def make_folder(folder: Path, mebibytes: int) -> None:
    """So many decoded bytes of images in two classes; few files with many names."""
    count = mebibytes * 2**20 // EXAMPLE
    random = np.random.default_rng(0)
    for number, name in enumerate(("dark", "light")):
        (folder / name).mkdir(parents=True)
        for place in range(count // 2):
            path = folder / name / f"{place:06}.bmp"
            if place < 10:
                pixels = random.integers(100 * number, 100 * number + 156, (SIDE, SIDE, 3), np.uint8)
                Image.fromarray(pixels).save(path)
            else:
                os.link(folder / name / f"{place % 10:06}.bmp", path)


def anonymous() -> int:
    return int(re.findall(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) // 1024


def height(work: Callable[[], object]) -> int:
    """Mebibytes of anonymous memory at the highest while this works."""
    highest, done = [anonymous()], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            highest[0] = max(highest[0], anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        work()
    finally:
        done.set()
        thread.join()
    return highest[0]


def main() -> None:
    folder, mebibytes, segment = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    from tunekit.data.prepared import prepare
    from tunekit.space.space import DataSpec

    make_folder(folder / "images", mebibytes)
    spec = DataSpec("images", str(folder / "images"), 0.5)
    heights = {"before": anonymous(), "preparing": height(lambda: prepare(spec, folder / "cache"))}

    from tests.trial.helpers import train_job
    from tunekit.trial import feeding
    from tunekit.trial.evaluate import evaluate
    from tunekit.trial.explain import explain
    from tunekit.trial.jobs import EvaluateJob, ExplainJob, Split
    from tunekit.trial.train import train

    feeding.SEGMENT_BYTES = segment * 2**20
    (folder / "mine.py").write_text(OWN_MODEL)
    sys.path.insert(0, str(folder))
    part = Split(prepare(spec, folder / "cache"), 0.5, None, 0, "balanced")
    values = {"batch_size": 100, "flip": True, "shift": 1}
    job = train_job(
        part, folder / "trial", 2, model="mine:build", values=values, pictures=folder / "pictures"
    )
    heights["training"] = height(lambda: train(job, lambda event: None))
    last = EvaluateJob("evaluate", spec, job.trial, job.model, part, job.folder, folder / "winner")
    heights["evaluating"] = height(lambda: evaluate(last, lambda event: None))
    why = ExplainJob("explain", job.trial, job.model, part, job.folder, folder / "why")
    heights["explaining"] = height(lambda: explain(why, lambda event: None))
    print(json.dumps(heights))


if __name__ == "__main__":
    main()
