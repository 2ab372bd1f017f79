"""Rows of a list without what every list says of its accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def unlabelled(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows without name, plan and owner."""
    return [
        {key: value for key, value in row.items() if key not in ("name", "plan", "owner")}
        for row in rows
    ]
