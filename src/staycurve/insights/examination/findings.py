"""Findings: what a check of doctor sees, and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine
from staycurve.tables.lake import Lake
from staycurve.tables.pointer import Snapshot

MARKS = {"ok": "✓", "note": "·", "warning": "!", "problem": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that doctor saw.

    Attributes
    ----------
    level : str
        'ok', 'note', 'warning' or 'problem'.
    check : str
        A stable name.
    text, hint : str
        What was seen, and what to do about it.
    count : int
        How many rows or accounts it concerns.
    """

    level: str
    check: str
    text: str
    hint: str = ""
    count: int = 0

    @property
    def mark(self) -> str:
        """One sign for the level."""
        return MARKS[self.level]

    def as_dict(self) -> dict[str, Any]:
        """The finding as `doctor --format json` lists it."""
        return {
            "level": self.level,
            "check": self.check,
            "text": self.text,
            "hint": self.hint,
            "count": self.count,
        }


@dataclass(frozen=True)
class Patient:
    """What the checks look at."""

    config: Config
    lake: Lake
    snapshot: Snapshot
    engine: AnyEngine
    seen: AsOf

    def count(self, sql: str) -> int:
        """The number that a statement answers."""
        return int(self.engine.value(sql) or 0)
