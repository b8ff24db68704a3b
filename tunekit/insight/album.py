"""All pictures of a trial: what they show, kept until they are drawn."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from tunekit.insight.convolutions import Filters
from tunekit.insight.draw import Drawing, drawings
from tunekit.insight.look import Look
from tunekit.insight.stages import draw_stages
from tunekit.results import Epoch


@dataclass(frozen=True)
class Album:
    look: Look
    curve: tuple[Epoch, ...]
    borders: tuple[int, ...]
    """Last epochs of the rungs before."""
    title: str
    stages: Mapping[int, Sequence[Filters]]
    """The convolutions' kernels by epoch."""
    missing: tuple[str, ...] | None = None
    """The pictures that are still to be drawn; None for all."""

    def drawings(self, folder: Path, by_epoch: Path) -> list[Drawing]:
        """Those that are still to be drawn, into these folders; into the second what shows one epoch."""
        found = drawings(self.look, self.curve, self.borders, self.title, folder)
        if self.stages:
            found.append(Drawing("filters_by_epoch", partial(draw_stages, self.stages, by_epoch)))
        return [drawing for drawing in found if self.missing is None or drawing.name in self.missing]

    def draw(self, folder: Path, by_epoch: Path) -> None:
        # A diverged model is drawn as it is, magenta where it is not finite: numpy need not warn of it.
        with np.errstate(all="ignore"):
            for drawing in self.drawings(folder, by_epoch):
                drawing.draw()

    def save(self, path: Path, missing: Sequence[str]) -> None:
        """The file is a pickle, for it stays within a search."""
        path.write_bytes(pickle.dumps(replace(self, missing=tuple(missing)), protocol=5))

    @staticmethod
    def load(path: Path) -> Album:
        album = pickle.loads(path.read_bytes())
        assert isinstance(album, Album)
        return album


def draw_later(path: Path, folder: Path, by_epoch: Path) -> None:
    """What an album on disk lacks, into these folders; a fault is kept beside the pictures and costs nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        Album.load(path).draw(folder, by_epoch)
    except OSError:
        raise  # a disk that is full
    except Exception:
        (folder / "fault.txt").write_text(traceback.format_exc(), encoding="utf-8")
