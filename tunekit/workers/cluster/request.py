"""What a user asks of a cluster. Imports no Ray: a search on one machine reads this as well."""

from __future__ import annotations

from dataclasses import dataclass

from tunekit.errors import UserError


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

    @property
    def option(self) -> str:
        """As it is written on the command line."""
        if self.address is None:
            return "ray"
        return self.address if "://" in self.address else f"ray:{self.address}"


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
