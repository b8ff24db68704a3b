"""A run's pictures: in MLflow's grid of images, whose files' names say what it has already, and beside it."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from tunekit.record.calls import Calls, milliseconds
from tunekit.trial.jobs import IMAGES, LATER

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "images"
"""Where MLflow keeps them."""
NAME = re.compile(
    r"(?P<key>.+)[+%]step[+%](?P<step>\d+)[+%]timestamp[+%]\d+[+%][0-9a-f-]+"
    r"(?P<small>[+%]compressed)?\.(png|webp)"
)
"""The two files of an image; between the parts MLflow wrote % once and writes + now."""


WAITING = ".later"
"""Ending of the file, beside a trial's folder of pictures, of those to be drawn when the trial has ended."""


def set_aside(pictures: Path) -> None:
    """What is to be drawn later stays when the folder is logged and removed."""
    if (pictures / LATER).exists():
        (pictures / LATER).replace(pictures.with_name(pictures.name + WAITING))


def log_folder(calls: Calls, run_id: str, folder: Path, when: float) -> None:
    """All of it: the pictures of one epoch each into the grid, the other files beside."""
    log_grid(calls, run_id, folder / IMAGES, when)
    if folder.is_dir():
        shutil.rmtree(folder / IMAGES, ignore_errors=True)
        calls.write("log_artifacts", run_id, str(folder))


def log_grid(calls: Calls, run_id: str, folder: Path, when: float) -> None:
    """Those that the run does not have yet: MLflow would show one that is logged again twice."""
    pictures = sorted(folder.glob("*.png"))
    there = logged(calls.client, run_id) if pictures else frozenset()
    for path in pictures:
        key, _, step = path.stem.rpartition(".")
        if (key, int(step)) not in there:
            with Image.open(path) as image:
                options = {"key": key, "step": int(step), "timestamp": milliseconds(when)}
                calls.write("log_image", run_id, image, **options, synchronous=True)


def logged(client: MlflowClient, run_id: str) -> frozenset[tuple[str, int]]:
    """Key and step of each image; one that a kill left without its small copy is removed and counts as not logged."""
    parts: dict[tuple[str, int], dict[bool, list[str]]] = defaultdict(lambda: {False: [], True: []})
    for file in client.list_artifacts(run_id, FOLDER):
        named = NAME.fullmatch(file.path.removeprefix(f"{FOLDER}/"))
        if named:
            parts[named["key"], int(named["step"])][bool(named["small"])].append(file.path)
    whole = {image for image, files in parts.items() if files[False] and files[True]}
    broken = [path for image in parts.keys() - whole for paths in parts[image].values() for path in paths]
    if broken:
        repository = _artifacts(client, run_id)
        for path in broken:
            repository.delete_artifacts(path)
    return frozenset(whole)


def _artifacts(client: MlflowClient, run_id: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(client.get_run(run_id).info.artifact_uri)
