"""Halves and arms by hash: the same id falls on the same side wherever and whenever it is asked."""

from __future__ import annotations

import hashlib

_WHOLE = 1 << 64


def place_of(salt: str, identity: str) -> float:
    """Where an id stands in [0, 1), evenly spread and independent between salts."""
    # Python's own hash differs from process to process.
    digest = hashlib.blake2b(f"{salt}\0{identity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _WHOLE


def is_held_out(salt: str, identity: str, *, share: float = 0.5) -> bool:
    """Whether an id is in the holdout, which has `share` (0-1) of all ids."""
    return place_of(salt, identity) < share
