"""What a planted cause is, as truth.json states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One planted cause.

    `where` says whom it concerns, `parameter` how strongly it was planted, `realised` what
    happened. Hazards are chances (0-1) per decision to stay, voluntary endings only; a ratio
    of realised hazards is raw, so it mixes in whatever else differs between the two groups.
    """

    name: str
    about: str
    where: Mapping[str, Any]
    parameter: Mapping[str, Any]
    realised: Mapping[str, Any]


def iso(at: int) -> str:
    """An instant as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()
