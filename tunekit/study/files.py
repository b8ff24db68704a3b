"""Text files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tunekit.errors import StoreError
from tunekit.failpoints import reach


def write_text(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    beside = path.with_name(f".{path.name}")
    reach(f"file.{path.name}.before")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: the file could not be written: {error.strerror or error}. "
            "Free space there or make it writable, then start the command again."
        ) from error
    reach(f"file.{path.name}.after")
