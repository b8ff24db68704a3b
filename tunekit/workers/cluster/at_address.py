"""A storage at an address of fsspec's: an object store, a server's folders, whatever there is a package for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunekit.address import shown, without_password
from tunekit.errors import UserError
from tunekit.workers.cluster.storage import Kept, StorageAway, insist

TOKEN = "token"
"""Name of what the coordinator leaves for nodes to find."""


@dataclass(frozen=True)
class AtAddress:
    """Files below an address, each under a name of its own."""

    address: str = field(repr=False)
    """It may hold a password."""
    folder: str
    """Of this search, below the address."""

    def open(self) -> None:
        """Make it ready for nodes; UserError where it cannot be used from here."""
        problem = ""
        try:
            self._write_token()
        except UserError:
            raise
        except FileNotFoundError as error:
            problem = f"there is no such place: {error}"
        except Exception as error:  # packages of fsspec's have errors of their own
            problem = f"{type(error).__name__}: {error}"
        if problem:
            raise UserError(
                f"--storage {shown(self.address)}: nothing can be written there: {self._safe(problem)}. "
                "Name a place that this machine and all nodes reach, with the credentials that each needs."
            )

    def trouble(self) -> str:
        place = f"{self.folder}/{TOKEN}"
        try:
            insist(lambda: self._files.cat_file(self._path(place)), place, tries=3)
        except (StorageAway, UserError) as error:
            return self._safe(f"it does not reach {shown(self.address)}: {error}")
        return ""

    def put(self, source: Path) -> str:
        key = f"{self.folder}/{uuid.uuid4().hex}{source.suffix}"
        self._insist(lambda: self._files.put_file(str(source), self._path(key)))
        return key

    def get(self, kept: Kept, target: Path) -> None:
        assert isinstance(kept, str)
        # What it has listed before may lack a file of another node's.
        self._files.invalidate_cache()
        self._insist(lambda: self._files.get_file(self._path(kept), str(target)), FileNotFoundError)

    def remove(self, kept: Sequence[Kept]) -> None:
        for key in kept:
            with suppress(Exception):
                self._files.rm_file(self._path(str(key)))

    def remove_all_but(self, kept: set[str]) -> None:
        with suppress(Exception):
            self._files.invalidate_cache()
            keys = {f"{self.folder}/{Path(path).name}" for path in self._files.find(self._path(self.folder))}
            self.remove(sorted(keys - kept))

    @property
    def _files(self) -> Any:
        return _opened(self.address)[0]

    def _path(self, key: str) -> str:
        return f"{_opened(self.address)[1].rstrip('/')}/{key}"

    def _write_token(self) -> None:
        token = self._path(f"{self.folder}/{TOKEN}")
        try:
            self._files.pipe_file(token, b"tunekit")
        except FileNotFoundError:
            # A place with folders; in an object store it is the bucket that is missing, which nobody asked to be made.
            if not self._files.exists(token.split("/")[0] or "/"):
                raise
            self._files.makedirs(self._path(self.folder), exist_ok=True)
            self._files.pipe_file(token, b"tunekit")

    def _insist(self, action: Callable[[], object], *at_once: type[Exception]) -> None:
        try:
            insist(action, f"--storage {shown(self.address)} on {os.uname().nodename}", *at_once)
        except StorageAway as error:
            # Not from it: the cause would travel as well, and may repeat a password.
            raise StorageAway(self._safe(str(error))) from None

    def _safe(self, text: str) -> str:
        return without_password(text, self.address)


@lru_cache
def _opened(address: str) -> tuple[Any, str]:
    """The file system and the path in it; UserError where there is none."""
    protocol = address.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(address)
    except ImportError as error:
        raise UserError(
            f"--storage {shown(address)}: expected the package that reads {protocol}:// to be installed on "
            f"{os.uname().nodename}, and it is not: {error}. Install it on this machine and on all nodes."
        ) from error
    except ValueError as error:
        raise UserError(
            f"--storage {shown(address)}: expected an address that fsspec knows, such as s3://BUCKET/FOLDER or "
            f"file:///FOLDER, got {without_password(str(error), address)}."
        ) from error
    return found
