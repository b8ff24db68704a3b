"""What an examination found: one line of `tunekit doctor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "attention", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and what to do where it is not as it should be."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Finding:
    return Finding(name, "ok", found)


def attention(name: str, found: str, remedy: str) -> Finding:
    """Something that works, but perhaps not as its owner expects."""
    return Finding(name, "attention", found, remedy)


def wrong(name: str, found: str, remedy: str) -> Finding:
    """Something that keeps a search from working."""
    return Finding(name, "wrong", found, remedy)


def guarded(name: str, check: Callable[[], Finding]) -> Finding:
    """The check's finding; an examination that breaks off is a finding too, and hides no other."""
    try:
        return check()
    except Exception as error:
        # Whatever is broken here is what the doctor was called for.
        words = " ".join(str(error).split()) or "no message"
        return wrong(
            name,
            f"could not be examined: {type(error).__name__}: {words[:300]}",
            "Mend what the message names; if it names nothing of yours, this is a bug to report.",
        )
