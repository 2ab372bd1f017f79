"""Reading one cell of a conformed row, where empty text and null are both missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from .periods import instant

Row = Mapping[str, Any]
MICRO = 10**6


def text(row: Row, column: str) -> str | None:
    """The cell's text without surrounding blanks, or None."""
    value = row.get(column)
    return (str(value).strip() or None) if value is not None else None


def number(row: Row, column: str) -> Fraction | None:
    """The cell as an exact fraction, or None."""
    value = text(row, column)
    return None if value is None else Fraction(value)


def moment(row: Row, column: str, zone: ZoneInfo) -> datetime | None:
    """The cell as an instant in UTC, or None."""
    value = row.get(column)
    if value is None or value == "":
        return None
    return instant(value, zone)


def is_false(row: Row, column: str) -> bool:
    """Whether the cell says no; an empty cell does not."""
    return (text(row, column) or "").lower() in {"false", "0", "no", "f", "n"}


def micro(amount: Fraction) -> int:
    """An amount in major units as micro-units, rounded half to even."""
    return round(amount * MICRO)
