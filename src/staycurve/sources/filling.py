"""Filling: rows of accounts that keep what other sources know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.sources.base import Pull, Row, Unreadable
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.engine import quoted

_TABLE = CONFORMED["accounts"]
_AT_ONCE = 500


def filled(pull: Pull[Any], rows: Sequence[Row | Unreadable]) -> list[Row | Unreadable]:
    """The rows, with what is known of the same accounts where they say nothing themselves.

    A row replaces the one before it as a whole: without this, a CRM would take away what billing
    knows, and billing what the CRM does.
    """
    import orjson

    wanted = sorted({str(row["account_id"]) for row in rows
                     if not isinstance(row, Unreadable) and row.get("account_id")})
    names = [column.name for column in _TABLE.columns]
    listed = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in names)
    known: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = ", ".join(quoted(one) for one in wanted[start : start + _AT_ONCE])
        for line in pull.kept.rows(
            f"SELECT {listed}, attributes FROM accounts WHERE account_id IN ({part})"
        ):
            found = {
                name: _utc(name, value) for name, value in zip(names, line, strict=False)
                if value is not None
            }
            traits = orjson.loads(line[-1]) if line[-1] else {}
            known[str(found["account_id"])] = {**traits, **found}
    return [
        row if isinstance(row, Unreadable) else {**known.get(str(row.get("account_id")), {}), **row}
        for row in rows
    ]


def _utc(name: str, value: str) -> str:
    """A stored value as a row says it; stored instants are in UTC and do not say so."""
    return f"{value}+00:00" if _TABLE.column(name).kind == "instant" else value
