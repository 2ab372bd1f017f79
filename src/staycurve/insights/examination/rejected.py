"""Rejected rows by the rule that they break, whatever stands in the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from staycurve.insights.examination.findings import Patient
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.rejects import REJECTS_COLUMNS, REJECTS_TABLE, STATE_LABELS

ELLIPSIS = "…"

_VALUE = re.compile(r"(\w+) \{\1\}|\{\w+\}")
_SPECIFIC = "[0-9][0-9T:.Z+-]*"
"""Dates, instants and numbers: what a rule says of one row alone."""


@dataclass(frozen=True)
class Rejected:
    """Rows of a table that break one rule.

    Attributes
    ----------
    rule : str
        The rule in words, after the column that it is about; without values of single rows.
    example : str
        Where the first of them stands: file and line.
    """

    table: str
    state: str
    rule: str
    count: int
    example: str


def by_rule(patient: Patient) -> list[Rejected]:
    """Every rule that rejected rows break, those of most rows first."""
    scan = patient.lake.scan(patient.snapshot, REJECTS_TABLE, REJECTS_COLUMNS)
    rule = f"regexp_replace(rule, '{_SPECIFIC}', '{ELLIPSIS}', 'g')"
    rows = patient.engine.rows(
        f"""SELECT "table", state, "column", rule, file, COUNT(*) AS found, MIN(line) AS line
FROM (SELECT "table", state, "column", {rule} AS rule, file, line FROM ({scan}) r) plain
GROUP BY "table", state, "column", rule, file
ORDER BY file, line, "table", state, "column", rule"""
    )
    found: dict[tuple[str, str, str], Rejected] = {}
    for table, state, column, text, file, count, line in rows:
        words = " ".join(part for part in (column, plain_rule(table, text)) if part)
        key = (table, state, words)
        before = found.get(key)
        found[key] = Rejected(
            table, str(STATE_LABELS.get(state, state)), words,
            int(count) + (before.count if before else 0),
            before.example if before else f"{file}:{line}",
        )
    return sorted(found.values(), key=lambda one: (-one.count, one.table, one.state, one.rule))


def plain_rule(table: str, text: str) -> str:
    """A rule as its table declares it, from what a rejected row says: without the row's values.

    'is before starts_at 2026-02-01' is 'is before starts_at'.
    """
    for check in CONFORMED[table].checks if table in CONFORMED else ():
        if "{" not in check.rule:
            continue
        parts = [re.escape(part) for part in re.split(r"\{\w+\}", check.rule)]
        if re.fullmatch(".*".join(parts), text, re.DOTALL):
            return _VALUE.sub(lambda found: found[1] or ELLIPSIS, check.rule)
    return text
