"""A search that begins with a saved model knows which: the file's digest is a part of what defines it."""

from __future__ import annotations

from dataclasses import replace

from tunekit.models.saved_file import check_saved
from tunekit.space.model_names import keras_file_in
from tunekit.space.space import Space


def pinned(space: Space) -> Space:
    """The space with the digest of its saved model, if it has one; ModelError where the file is not what it was."""
    file = keras_file_in(space.model)
    return space if file is None else replace(space, model=str(check_saved(file)))
