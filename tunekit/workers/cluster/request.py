"""What a user asks of a cluster. Imports no Ray: a search on one machine reads this as well."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tunekit.address import shown
from tunekit.errors import SearchError, UserError

STORAGE_VARIABLE = "TUNEKIT_STORAGE"
"""Of the environment: instead of --storage."""
STORAGE = "storage.json"
"""Name of a search's file that says at which address its checkpoints are."""
STORED = "stored.json"
"""Name of the note in a trial's folder that says which files there are its checkpoints."""


@dataclass(frozen=True)
class OnRay:
    """Which cluster, and what Ray is to keep for each trial."""

    address: str | None = None
    """As Ray takes it: HOST:PORT or ray://HOST:PORT; None for the one that Ray finds, or a new one."""
    cpus: float | None = None
    """None for as many as a trial has threads."""
    gpus: float = 0.0
    memory: int | None = None
    """Bytes."""
    storage: str | None = field(default=None, repr=False)
    """Address for the checkpoints, which may hold a password; None for the search's folder."""

    @property
    def option(self) -> str:
        """As it is written on the command line."""
        if self.address is None:
            return "ray"
        return self.address if "://" in self.address else f"ray:{self.address}"


def parse_storage(text: str) -> str:
    """An address of fsspec's; whether anything is there is seen when it is used."""
    protocol, _, place = text.partition("://")
    if not protocol or not place:
        raise UserError(
            f"--storage: expected an address such as s3://BUCKET/FOLDER or file:///FOLDER, got {shown(text)!r}."
        )
    return text


def check_storage(search: Path, on: OnRay | None) -> None:
    """Refuse to go on without the storage that has the search's checkpoints."""
    try:
        address = json.loads((search / STORAGE).read_text(encoding="utf-8"))["address"]
    except (OSError, ValueError, KeyError):
        return
    given = shown(on.storage) if on is not None and on.storage else None
    if given != address and any((search / "checkpoints").glob(f"*/{STORED}")):
        raise SearchError(
            f"{search.name}: its checkpoints are at {address}, and --storage says "
            f"{given or 'nothing'}. Go on with --on ray --storage {address}."
        )


def parse_place(text: str) -> str | None:
    """The address in `ray`, `ray:ADDRESS` or `ray://HOST:PORT`."""
    if text == "ray":
        return None
    if text.startswith("ray://") and len(text) > len("ray://"):
        return text
    address = text.removeprefix("ray:")
    if address in ("", text) or "/" in address:
        raise UserError(f"--on: expected ray, ray:HOST:PORT or ray://HOST:PORT, got {text!r}.")
    return address
