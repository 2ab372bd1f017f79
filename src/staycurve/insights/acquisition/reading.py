"""What every answer about acquisition carries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import NotAnsweredError

Row = dict[str, Any]
Open = Callable[..., list[Row]]


@dataclass(frozen=True)
class Reading:
    """What every answer about the lifecycle carries.

    Attributes
    ----------
    rows : list of dict
        One row a number or a group of them.
    notes : tuple of str
        What a reader must know.
    why : str, optional
        Why there are no rows.
    """

    as_of: str
    currency: str
    rows: list[Row]
    notes: tuple[str, ...] = ()
    why: str | None = None
    sql: str = field(repr=False, default="")
    _open: Open | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"why": self.why} if self.why else {}),
            "rows": self.rows,
        }

    def to_json(self) -> str:
        """The same as one JSON text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, default=str)

    def accounts(self, **which: Any) -> list[Row]:
        """The accounts behind a number; see the answer's own words on what `which` takes."""
        if self._open is None:
            raise NotAnsweredError(
                "These numbers belong to no accounts.", hint="Ask `show` for their rows."
            )
        return self._open(**which)
