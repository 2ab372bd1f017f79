"""rejects: every row that was not loaded, with the reason, and what may still join."""

from __future__ import annotations

REJECTS_TABLE = "rejects"

SET_ASIDE = "set aside"
"""The row breaks a rule: only the file that brought it can mend it."""
WAITING = "waiting"
"""The row is good, but its account or its exchange rate is not known yet; it joins by itself."""
OVERLAP = "overlap"
"""The span overlaps an earlier one of its item; it joins by itself when that one makes room."""

REJECTS_COLUMNS = (
    ("load", "BIGINT"),
    ("table", "VARCHAR"),
    ("file", "VARCHAR"),
    ("line", "BIGINT"),
    ("column", "VARCHAR"),
    ("value", "VARCHAR"),
    ("rule", "VARCHAR"),
    ("state", "VARCHAR"),
    ("account_id", "VARCHAR"),
    ("payload", "VARCHAR"),
    ("path", "VARCHAR"),
    ("row_key", "VARCHAR"),
)
"""`payload` is the row as JSON: as the file had it when set aside, as it would be stored when it
may still join. `path` tells files of one name apart, `row_key` is the row's key as text."""


def complaint(file: str, line: int, column: str, value: str, rule: str) -> str:
    """One line that says what is wrong and where: `subscriptions.csv:812 ends_at 2026-01-03 is …`."""
    said = " ".join(part for part in (column, value, rule) if part)
    return f"{file}:{line} {said}"
