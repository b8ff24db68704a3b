"""The process that decodes a TFDS data set, run as a module by `tunekit.data.tfds`."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from tunekit.data.blocks import rows_at_once
from tunekit.data.split import split
from tunekit.data.tfds_builder import find_builder, last_words
from tunekit.errors import DataError

BATCH = 1024


class _UnfitError(Exception):
    """Data that cannot be used: what was expected, what came, and what to do."""


def main() -> None:
    # Only frames may go to standard output; whatever TFDS prints goes where the parent looks for reasons.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        _be_quiet()
        answer(json.loads(sys.argv[1]), out)


def answer(task: dict[str, Any], out: IO[bytes]) -> None:
    """Do what the task says and write frames."""
    try:
        if task["action"] == "download":
            _download(task["name"])
        else:
            _send_all(task, out)
    except _UnfitError as error:
        expected, got, remedy = error.args
        _send(out, {"expected": expected, "got": got, "remedy": remedy})
    else:
        _send(out, {"done": True})


def _be_quiet() -> None:
    import tensorflow_datasets as tfds

    logging.disable(logging.WARNING)
    tfds.disable_progress_bar()


def _send(out: IO[bytes], frame: dict[str, Any], *arrays: np.ndarray[Any, Any]) -> None:
    out.write(json.dumps(frame).encode() + b"\n")
    for array in arrays:
        out.write(np.ascontiguousarray(array).data)
    out.flush()


def _download(name: str) -> None:
    from tensorflow_datasets.core.download import downloader

    # Ten attempts for each file take minutes; the parent has seen the server answer.
    downloader.MAX_RETRIES = 1
    try:
        find_builder(name).download_and_prepare()
    except Exception as error:
        # Builders are other people's code that talks to other people's servers: anything can come.
        raise _UnfitError("a download", f"the download failed: {last_words(error)}", "") from error


def _send_all(task: dict[str, Any], out: IO[bytes]) -> None:
    import tensorflow as tf

    builder = find_builder(task["name"])
    folder = builder.data_path
    info = builder.info.splits[task["part"]]
    again = f"Delete {folder} and prepare the data set again."
    try:
        keep = _side(builder, task) if task["side"] else None
        count = info.num_examples if keep is None else int(keep.sum())
        sent = 0
        for x, y in _batches(_rows(builder, task, keep), task):
            if not sent:
                _send(out, {"count": count, "shape": x.shape[1:]})
            sent += len(x)
            if sent > count:
                break
            _send(out, {"images": len(x)}, x, y.astype(np.int64))
    except (tf.errors.OpError, OSError) as error:
        expected = f"whole files of the part {task['part']} in {folder}"
        raise _UnfitError(expected, f"missing or damaged ones ({last_words(error)})", again) from error
    if sent != count:
        raise _UnfitError(f"{count} images in {folder}", "another number of images", again)


def _options() -> Any:
    import tensorflow_datasets as tfds

    # One file after the other, so that the order depends on no default; no copy of the set in memory.
    return tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)


def _dataset(builder: Any, part: str, *features: str) -> Any:
    import tensorflow_datasets as tfds

    return builder.as_dataset(
        split=part,
        shuffle_files=False,
        decoders=tfds.decode.PartialDecoding(dict.fromkeys(features, True)),
        read_config=_options(),
    )


def _side(builder: Any, task: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Which images belong to the side asked for; the labels alone are decoded to know it."""
    import tensorflow_datasets as tfds

    label = task["label"]
    read = tfds.as_numpy(_dataset(builder, task["part"], label).batch(BATCH))
    labels = np.concatenate([np.empty(0, np.int64), *(batch[label] for batch in read)])
    try:
        parts = split(labels, task["share"], None, task["seed"])
    except DataError as error:
        raise _UnfitError(
            "a set that has its own test part or enough images to hold some out", str(error), ""
        ) from error
    keep = np.zeros(len(labels), bool)
    keep[parts.train if task["side"] == "train" else parts.validation] = True
    return keep


def _rows(builder: Any, task: dict[str, Any], keep: np.ndarray[Any, Any] | None) -> Any:
    """The part as a dataset, of one side only if `keep` marks one."""
    import tensorflow as tf

    rows = _dataset(builder, task["part"], task["image"], task["label"])
    if keep is None:
        return rows
    marked = tf.constant(keep)
    numbered = rows.enumerate().filter(lambda index, row: marked[index])
    return numbered.map(lambda index, row: row)


def _batches(rows: Any, task: dict[str, Any]) -> Iterator[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    import tensorflow_datasets as tfds

    name_x, name_y = task["image"], task["label"]
    declared = rows.element_spec[name_x].shape
    if declared.is_fully_defined():
        step = _at_once(math.prod(declared))
        # Two ahead, and not as many as TensorFlow likes: each holds decoded images.
        for batch in tfds.as_numpy(rows.batch(step).prefetch(2)):
            yield batch[name_x], batch[name_y]
        return
    size: tuple[int, ...] | None = None
    images: list[np.ndarray[Any, Any]] = []
    labels: list[int] = []
    for row in tfds.as_numpy(rows):
        image, label = row[name_x], row[name_y]
        size = size or image.shape
        if image.shape != size:
            remedy = "Resize the images to one size and save them with their labels as an .npz file."
            raise _UnfitError("images of one size", f"sizes {size} and {image.shape} among others", remedy)
        images.append(image)
        labels.append(int(label))
        if len(images) == _at_once(image.nbytes):
            yield np.stack(images), np.array(labels)
            images, labels = [], []
    if images:
        yield np.stack(images), np.array(labels)


def _at_once(image_bytes: int) -> int:
    return min(BATCH, rows_at_once(image_bytes))


if __name__ == "__main__":
    main()
