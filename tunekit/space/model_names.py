"""What a space calls its model.

`lenet5`, `recurrent`: built in. `package.module:function`: a function of the user's own. `hypermodel:module:name`: a
HyperModel of Keras Tuner's. `keras:PATH` and, once its content is known, `keras:PATH#sha256=...`: a saved model.
"""

from __future__ import annotations

from dataclasses import dataclass

HYPERMODEL = "hypermodel:"
KERAS = "keras:"
_DIGEST = "#sha256="


@dataclass(frozen=True)
class KerasFile:
    """A saved model that trials begin with."""

    path: str
    sha256: str | None = None
    """Of the file's content; None where nobody has looked yet."""

    def __str__(self) -> str:
        return f"{KERAS}{self.path}" + (f"{_DIGEST}{self.sha256}" if self.sha256 else "")


def hypermodel_in(model: str) -> str | None:
    """Where the HyperModel is, as module:name; None where the model is none."""
    return model.removeprefix(HYPERMODEL) if model.startswith(HYPERMODEL) else None


def keras_file_in(model: str) -> KerasFile | None:
    """The saved model; None where the model is none."""
    if not model.startswith(KERAS):
        return None
    path, found, sha256 = model.removeprefix(KERAS).partition(_DIGEST)
    return KerasFile(path, sha256 if found else None)


def location_in(model: str) -> str | None:
    """The module:name of what is the user's own, function or HyperModel; None of other models."""
    if keras_file_in(model) is not None or ":" not in model:
        return None
    return hypermodel_in(model) or model


def is_location(text: str) -> bool:
    """Whether a text has the form package.module:name."""
    module, colon, name = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), name))
