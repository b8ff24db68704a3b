"""How much memory it takes to prepare a data set and to train an epoch on it, and to do so with one 4 times as large.

    python benchmarks/memory.py [KIND ...] [--mebibytes 400] [--folder FOLDER]

Each figure is the height of a process of its own, as Linux keeps it (VmHWM), and of the processes that it starts. The
size is that of the decoded examples, so that training takes more than one segment of them. Needs 10 times that in
FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from tunekit.data.prepared import prepare
from tunekit.space.space import DataSpec

SIDE = 128
FEATURES = 64
CLASSES = 10
BLOCK = 256
OWN_MODEL = """
import keras


def build(values, data):
    inputs = keras.Input(data.shape, dtype=data.dtype)
    x = inputs
    if len(data.shape) == 3:
        x = keras.layers.Flatten()(keras.layers.AveragePooling2D(16)(keras.layers.Rescaling(1 / 255)(x)))
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""
OWN_DATA = """
import numpy as np


def mapped():
    return np.load("x.npy", mmap_mode="r"), np.load("y.npy")


def batches():
    x, y = mapped()
    for start in range(0, len(y), 100):
        yield x[start : start + 100], y[start : start + 100]
"""


def image_blocks(count: int) -> Iterator[np.ndarray]:
    """Images that a file holds in a third of their bytes, as photographs are."""
    random = np.random.default_rng(0)
    for start in range(0, count, BLOCK):
        coarse = random.integers(0, 256, (min(BLOCK, count - start), SIDE, SIDE // 4, 3), np.uint8)
        yield coarse.repeat(4, axis=2)


def images_of(mebibytes: int) -> int:
    return mebibytes * 2**20 // (SIDE * SIDE * 3)


def save_blocks(file: object, shape: tuple[int, ...], blocks: Iterator[np.ndarray]) -> None:
    np.lib.format.write_array_header_1_0(
        file,
        {"descr": "|u1", "fortran_order": False, "shape": shape},  # type: ignore[arg-type]
    )
    for block in blocks:
        file.write(block.tobytes())  # type: ignore[attr-defined]


def make_npz(folder: Path, mebibytes: int) -> DataSpec:
    count = images_of(mebibytes)
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as file:
            save_blocks(file, (count, SIDE, SIDE, 3), image_blocks(count))
        with archive.open("y.npy", "w") as file:
            np.lib.format.write_array(file, np.arange(count) % CLASSES)
    return DataSpec("npz", str(folder / "a.npz"))


def make_tfds(folder: Path, mebibytes: int) -> DataSpec:
    import tensorflow_datasets as tfds

    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(num_classes=CLASSES),
        }
    )

    def rows() -> Iterator[tuple[int, dict[str, object]]]:
        number = 0
        for block in image_blocks(images_of(mebibytes)):
            for image in block:
                yield number, {"image": image, "label": number % CLASSES}
                number += 1

    tfds.dataset_builders.store_as_tfds_dataset(
        name="memory", version="1.0.0", data_dir=folder, features=features, split_datasets={"train": rows()}
    )
    return DataSpec("tfds", "memory")


def make_images(folder: Path, mebibytes: int) -> DataSpec:
    """Few files with many names."""
    from PIL import Image

    for number, image in enumerate(next(image_blocks(100))):
        Image.fromarray(image).save(folder / f"{number}.jpg")
    for number in range(images_of(mebibytes)):
        place = folder / "set" / str(number % CLASSES)
        place.mkdir(parents=True, exist_ok=True)
        os.link(folder / f"{number % 100}.jpg", place / f"{number:06}.jpg")
    return DataSpec("images", str(folder / "set"))


def make_csv(folder: Path, mebibytes: int) -> DataSpec:
    count = mebibytes * 2**20 // (FEATURES * 4)
    values = np.random.default_rng(0).integers(0, 1000, (1000, FEATURES))
    block = "".join(f"{n % CLASSES},{','.join(map(str, row))}\n" for n, row in enumerate(values.tolist()))
    with (folder / "a.csv").open("w") as file:
        file.write(",".join(["label", *(f"f{number}" for number in range(FEATURES))]) + "\n")
        for _ in range(count // 1000):
            file.write(block)
    return replace(DataSpec("csv", str(folder / "a.csv")), label="label")


def make_parquet(folder: Path, mebibytes: int) -> DataSpec:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = mebibytes * 2**20 // (FEATURES * 4)
    random = np.random.default_rng(0)
    names = [f"f{number}" for number in range(FEATURES)]
    schema = pa.schema([("label", pa.int64()), *((name, pa.float32()) for name in names)])
    with pq.ParquetWriter(folder / "a.parquet", schema) as writer:
        for start in range(0, rows, 2**20):  # as long as PyArrow makes its row groups
            count = min(2**20, rows - start)
            columns = {name: random.random(count, np.float32) for name in names}
            writer.write_table(pa.table({"label": np.arange(count) % CLASSES} | columns), 2**20)
    return replace(DataSpec("parquet", str(folder / "a.parquet")), label="label")


def make_mapped(folder: Path, mebibytes: int) -> DataSpec:
    count = images_of(mebibytes)
    with (folder / "x.npy").open("wb") as file:
        save_blocks(file, (count, SIDE, SIDE, 3), image_blocks(count))
    np.save(folder / "y.npy", np.arange(count) % CLASSES)
    return DataSpec("python", "own_data:mapped")


def make_batches(folder: Path, mebibytes: int) -> DataSpec:
    return replace(make_mapped(folder, mebibytes), location="own_data:batches")


KINDS: dict[str, Callable[[Path, int], DataSpec]] = {
    "images": make_images,
    "npz": make_npz,
    "csv": make_csv,
    "parquet": make_parquet,
    "python-mapped": make_mapped,
    "python-batches": make_batches,
    "tfds": make_tfds,
}


def height(process: int | str) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def step(name: str, spec: DataSpec) -> None:
    """What a process of its own does in the folder of the data."""
    prepared = prepare(spec, Path("cache"))
    if name == "train":
        from training import train_job

        from tunekit.trial.jobs import Split
        from tunekit.trial.train import train

        part = Split(prepared, 0.1, None, 0)
        train(
            train_job("1", "own_model:build", {"batch_size": 100}, part, 1, Path("trial")), lambda event: None
        )


def measured(folder: Path, name: str, spec: DataSpec) -> int:
    """Mebibytes at the highest, of the process and of what it starts together."""
    environment = {**os.environ, "TFDS_DATA_DIR": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--step", name, json.dumps(vars(spec))]
    heights: dict[int, int] = {}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        while process.poll() is None:
            for child in [process.pid, *(one.pid for one in children(process.pid))]:
                try:
                    heights[child] = height(child) or heights.get(child, 0)
                except OSError:
                    continue
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{name} of {spec.source}: {(folder / 'log').read_text()}")
    return sum(heights.values())


def children(process: int) -> list[psutil.Process]:
    try:
        return psutil.Process(process).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", choices=[*KINDS, []], help=", ".join(KINDS))
    parser.add_argument("--mebibytes", type=int, default=400)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, spec = options.step
        step(name, DataSpec(**json.loads(spec)))
        return
    sizes = (options.mebibytes, 4 * options.mebibytes)
    print(
        "| source | "
        + " | ".join(f"{name} {size} MiB" for name in ("prepare", "train") for size in sizes)
        + " |"
    )
    print("|---|" + "---|" * 4, flush=True)
    for kind in options.kinds or KINDS:
        found = {}
        for size in sizes:
            folder = Path(tempfile.mkdtemp(dir=options.folder))
            try:
                (folder / "own_model.py").write_text(OWN_MODEL)
                (folder / "own_data.py").write_text(OWN_DATA)
                spec = KINDS[kind](folder, size)
                for name in ("prepare", "train"):
                    found[name, size] = measured(folder, name, spec)
            finally:
                shutil.rmtree(folder)
        cells = [f"{found[name, size]} MiB" for name in ("prepare", "train") for size in sizes]
        print(f"| {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
