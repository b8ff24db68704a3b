"""TensorFlow Datasets: any of its sets for image classification.

A set is decoded by another process (`tfds_reader`), so that TensorFlow neither takes this one's GPU and memory nor
writes into its terminal; what it decoded comes back through a pipe, and is written on as it comes. A set without a
part `test` is tested on its part `validation`; one that has neither, on a fixed stratified 20% of `train`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import Blocks
from tunekit.data.cached import Prepared
from tunekit.data.digits import TEST_SEED, TEST_SHARE
from tunekit.data.images import Part, checked_labels, need_two_classes, unfit
from tunekit.data.tfds_builder import check_reachable, data_dir, find_builder, needs_download, not_prepared

Task = dict[str, Any]


@dataclass(frozen=True)
class Head:
    """What comes first of a part."""

    count: int
    shape: tuple[int, ...]
    """Of one image."""


Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
Frames = Iterator[Head | Batch]
"""The head, then batches of images and labels; nothing of a part without images and after a download."""


class Tfds:
    """The source `tfds`."""

    def __init__(self, location: str, run: Callable[[Task], Frames] | None = None) -> None:
        self.location = location
        self._run = run or in_another_process
        self.name = f"tfds:{location}"

    def identity(self) -> tuple[str, ...]:
        builder = find_builder(self.location)
        parts = ["tfds", self.location, str(builder.info.full_name), str(builder.data_path)]
        if not needs_download(builder):
            folder = Path(builder.data_path)
            # Names of test files hold "-test."; a change there concerns training in nothing.
            files = sorted(path for path in folder.iterdir() if "-test." not in path.name)
            stats = [(path.name, path.stat()) for path in files]
            parts += [f"{name}/{stat.st_size}/{stat.st_mtime_ns}" for name, stat in stats]
        return tuple(parts)

    def train(self) -> Part:
        builder = self._prepared_builder()
        own_test = any(part in builder.info.splits for part in ("test", "validation"))
        return self._read(builder, "train", None if own_test else "train")

    def test(self, prepared: Prepared) -> Part:
        builder = self._prepared_builder()
        for part in ("test", "validation"):
            if part in builder.info.splits:
                return self._read(builder, part, None)
        return self._read(builder, "train", "test")

    def _prepared_builder(self) -> Any:
        builder = find_builder(self.location)
        if needs_download(builder):
            check_reachable(builder, self.location)
            self._download()
            builder = find_builder(self.location)
        if "train" not in builder.info.splits:
            got = ", ".join(builder.info.splits) or "none"
            raise unfit(self.name, "a part named train", f"the parts {got}", "Choose another data set.")
        return builder

    def _download(self) -> None:
        try:
            deque(self._run({"action": "download", "name": self.location}))
        except _ReaderError as error:
            raise not_prepared(self.location, error.got) from None

    def _read(self, builder: Any, part: str, side: str | None) -> Part:
        """Decode one part; with `side`, only that side of the fixed division of a set without a test part."""
        image, label, names = self._features(builder)
        task = {
            "action": "read",
            "name": self.location,
            "image": image,
            "label": label,
            "part": part,
            "side": side,
            "share": TEST_SHARE,
            "seed": TEST_SEED,
        }
        where = f"{self.name}: {part}"
        frames = self._run(task)
        with _told(where):
            head = next(frames, None)
        if not isinstance(head, Head):
            raise unfit(where, "at least one image", "none", "Choose another data set.")
        y = np.empty(head.count, np.int64)

        def read() -> Iterator[NDArray[Any]]:
            """Once: what was read is gone."""
            filled = 0
            with _told(where):
                for images, labels in cast(Iterator[Batch], frames):
                    y[filled : filled + len(labels)] = labels
                    filled += len(labels)
                    yield images
            checked_labels(y, filled, where, len(names))
            if part == "train":
                need_two_classes(len(np.unique(y)), where)

        return Part(Blocks((head.count, *head.shape), np.dtype(np.uint8), read), y, names)

    def _features(self, builder: Any) -> tuple[str, str, tuple[str, ...]]:
        """The names of the features that hold image and label, and the classes."""
        features = builder.info.features
        image, label = builder.info.supervised_keys or ("image", "label")
        remedy = "Choose a data set for image classification, or save its images and labels as an .npz file."
        if not all(isinstance(key, str) and key in features for key in (image, label)):
            got = ", ".join(features) if hasattr(features, "keys") else "something else"
            raise unfit(self.name, "an image and its label", got, remedy)
        names = getattr(features[label], "names", None)
        if not names:
            raise unfit(self.name, f"{label} to be a class", f"{features[label]}", remedy)
        shape, dtype = features[image].shape, features[image].np_dtype
        if len(shape) != 3 or dtype != np.uint8:
            got = f"{dtype} of shape {shape}"
            raise unfit(self.name, f"{image} to be uint8 of shape (H, W, C)", got, remedy)
        return image, label, tuple(str(name) for name in names)


class _ReaderError(Exception):
    """A user's mistake that the other process found."""

    def __init__(self, frame: dict[str, str]) -> None:
        super().__init__(frame["got"])
        self.expected, self.got, self.remedy = frame["expected"], frame["got"], frame["remedy"]


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except _ReaderError as error:
        raise unfit(where, error.expected, error.got, error.remedy) from None


def in_another_process(task: Task) -> Frames:
    """Images and labels as `tfds_reader` decodes them.

    It writes frames: a line of JSON each, followed by raw bytes where the line says so.
    `{"count", "shape"}` comes first, `{"images"}` with the bytes of images and labels follows for each
    batch, `{"done"}` comes last; `{"expected", "got", "remedy"}` in place of any says what is wrong.
    """
    # The script's folder stays out of the path (-P): the user's may hold a tensorflow.py.
    command = [sys.executable, "-P", "-m", "tunekit.data.tfds_reader", json.dumps(task)]
    tail: deque[bytes] = deque(maxlen=30)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=_environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # Someone must empty stderr, or the child blocks once the pipe is full.
        drain = threading.Thread(target=tail.extend, args=(process.stderr,), daemon=True)
        drain.start()
        try:
            done = yield from receive(process.stdout)
        except BaseException:  # also where nobody reads on
            process.kill()
            raise
        finally:
            drain.join(10)
    if not done:
        raise _ended_early(process.returncode, b"".join(tail).decode(errors="replace"))


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "TFDS_DATA_DIR": str(data_dir()),
        "CUDA_VISIBLE_DEVICES": "-1",  # decoding needs no GPU, and opening one takes its memory
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": "1",  # spares TensorFlow the import of Keras, two seconds
    }


def _ended_early(code: int, stderr: str) -> Exception:
    if code < 0:
        return _ReaderError(
            {
                "expected": "its images to be decoded",
                "got": f"an end by signal {-code} (9 mostly means that memory ran out)",
                "remedy": "Free memory and start again.",
            }
        )
    return RuntimeError(f"the process that decodes TFDS ended with {code}:\n{stderr}")


def receive(stream: IO[bytes]) -> Generator[Head | Batch, None, bool]:
    """What the child sends; returns whether it was done when it ended."""
    shape: tuple[int, ...] = ()
    while line := stream.readline():
        frame = json.loads(line)
        if "expected" in frame:
            raise _ReaderError(frame)
        if "done" in frame:
            return True
        if "count" in frame:
            shape = tuple(frame["shape"])
            yield Head(frame["count"], shape)
        else:
            x, y = np.empty((frame["images"], *shape), np.uint8), np.empty(frame["images"], np.int64)
            if not (_fill(stream, x) and _fill(stream, y)):
                return False
            yield x, y
    return False


def _fill(stream: IO[bytes], array: Any) -> bool:
    view = memoryview(array).cast("B")
    while view:
        got = stream.readinto(view)  # type: ignore[attr-defined]  # IO lacks it, a pipe has it
        if not got:
            return False
        view = view[got:]
    return True
