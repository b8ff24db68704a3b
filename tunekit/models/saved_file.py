"""A saved model's file, as far as it can be told without Keras: is it one, and is it still the same."""

from __future__ import annotations

import hashlib
import zipfile
from functools import lru_cache
from pathlib import Path

from tunekit.errors import ModelError
from tunekit.space.model_names import KerasFile

PARTS = frozenset({"config.json", "metadata.json"})
BLOCK = 1 << 20


def check_saved(file: KerasFile) -> KerasFile:
    """The file with its content's digest; ModelError where it is missing, none of Keras', or another than it was."""
    path = Path(file.path)
    try:
        found = path.stat()
        sha256 = _digest(file.path, found.st_size, found.st_mtime_ns)
        names = _names(path)
    except FileNotFoundError:
        raise ModelError(
            f"model {path}: there is no such file. Check the path; it starts from the space file."
        ) from None
    except OSError as error:
        raise ModelError(f"model {path}: it could not be read: {error.strerror}.") from error
    if not names >= PARTS:
        missing = ", ".join(sorted(PARTS - names))
        raise ModelError(
            f"model {path}: expected a file that Keras 3 has saved, got one without {missing}. "
            "Save the model with model.save('model.keras')."
        )
    if file.sha256 not in (None, sha256):
        raise ModelError(
            f"model {path}: expected the file with the sha256 {str(file.sha256)[:12]}..., got {sha256[:12]}...: "
            "it changed. Put the old file back, or begin a new search with the new one, without `sha256`."
        )
    return KerasFile(file.path, sha256)


@lru_cache(maxsize=8)
def _digest(path: str, size: int, changed: int) -> str:
    """Computed anew where size or time of the file change."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as content:
        while block := content.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _names(path: Path) -> frozenset[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return frozenset()
