"""Batches of examples and labels, put together on disk as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tunekit.data.blocks import Array, let_go, spooled
from tunekit.data.images import unfit

REMEDY = "Yield two arrays each time: images (n, H, W, C) or vectors (n, features), and one label for each."


def gathered(batches: Iterator[Any], name: str, scratch: Path) -> tuple[Array, Array]:
    """All examples, mapped from a file in the folder `scratch`, and all labels."""
    first = next(batches, None)
    if first is None:
        raise unfit(name, "batches of (x, y)", "none", REMEDY)
    x, y = _pair(first, f"{name}: batch 1")
    labels = [y]

    def examples() -> Iterator[Array]:
        yield x
        let_go(x)
        for number, batch in enumerate(batches, 2):
            where = f"{name}: batch {number}"
            more, their = _pair(batch, where)
            if (more.shape[1:], more.dtype) != (x.shape[1:], x.dtype):
                got = f"{more.dtype} of {more.shape[1:]}"
                remedy = "Bring all to one shape and type."
                raise unfit(where, f"examples like those before, {x.dtype} of {x.shape[1:]}", got, remedy)
            labels.append(their)
            yield more
            let_go(more)

    return spooled(examples(), x.shape[1:], x.dtype, scratch), np.concatenate(labels)


def _pair(batch: Any, where: str) -> tuple[Array, Array]:
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise unfit(where, "a batch (x, y)", type(batch).__name__, REMEDY)
    x, y = np.ascontiguousarray(batch[0]), np.asarray(batch[1])
    if x.dtype.hasobject or x.ndim < 2 or 0 in x.shape[1:]:
        raise unfit(where, "an array of examples", f"{x.dtype} of shape {x.shape}", REMEDY)
    if y.shape[:1] != x.shape[:1]:
        raise unfit(where, f"as many labels as examples, {len(x)}", f"labels of shape {y.shape}", REMEDY)
    return x, y
