"""The images that a run has in MLflow's grid, read from the names of their files."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "images"
"""Where MLflow keeps them."""
NAME = re.compile(
    r"(?P<key>.+)[+%]step[+%](?P<step>\d+)[+%]timestamp[+%]\d+[+%][0-9a-f-]+"
    r"(?P<small>[+%]compressed)?\.(png|webp)"
)
"""The two files of an image; between the parts MLflow wrote % once and writes + now."""


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
