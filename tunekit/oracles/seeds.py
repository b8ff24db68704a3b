"""Seeds that follow from one another."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: object) -> int:
    """A seed of 31 bits that follows from the parts and nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") >> 1
