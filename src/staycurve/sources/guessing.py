"""Guessing: which of a file's columns may feed which of a table's.

A header has to mean the column, and the values have to fit it: a column of prices is no id however
its header reads, and a column whose values a table could not read is proposed for nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycurve.sources.fitting import NEAR, plain
from staycurve.sources.other_names import NAMES, NOUNS
from staycurve.tables.base import Column, Table
from staycurve.tables.conform import text, value_sql
from staycurve.tables.conformed import CONFORMED
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.spelling import SIGNS, Writing
from staycurve.tables.staging import Staged

SAMPLES = 3
LEAST_FIT = 0.9
"""Share of a column's values that have to be values of the kind that it is proposed for."""
KEY = 0.7
"""How well `id` alone means a table's own key."""

@dataclass(frozen=True)
class Guess:
    """A column of the file, the one of ours that it may feed, and values of it.

    Attributes
    ----------
    ours : str, optional
        None where it is proposed for nothing.
    fits : float
        The share of its values, empty ones left out, that are values of that column.
    """

    theirs: str
    ours: str | None
    samples: tuple[str, ...]
    fits: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "column": self.theirs, "feeds": self.ours, "samples": list(self.samples),
            "fits": round(self.fits, 4),
        }


def by_header(column: Column, header: str, nouns: Sequence[str] = ()) -> float:
    """How well a header means a column of ours: 1 for its own name, 0 for anything else's.

    Parameters
    ----------
    nouns : sequence of str
        What a row is called, with which its columns may begin.
    """
    own = plain(header)
    if own == column.name:
        return 1.0
    names = NAMES.get(column.name, ())
    if own in names:
        return 0.9 - 0.01 * names.index(own)
    if column.kind == "money" and currency_of(header):
        return by_header(column, own[:-4], nouns) * 0.95
    for noun in nouns:
        short = own.removeprefix(f"{noun}_")
        # What is left may be one of the names; that it is like one is not enough.
        if short != own and short != "id" and (short == column.name or short in names):
            return by_header(column, short) * 0.95
    alike = difflib.SequenceMatcher(None, own, column.name).ratio()
    return alike * 0.8 if alike >= NEAR else 0.0


def currency_of(header: str) -> str:
    """The currency in which a header says that its amounts are: `amount_usd`; or nothing."""
    from babel.numbers import list_currencies

    own = plain(header)
    code = own[-3:].upper()
    return code if own[-4:-3] == "_" and code in list_currencies() else ""


def is_monthly(header: str) -> bool:
    """Whether a header says that its amounts are those of a month, however often is billed."""
    words = plain(header).split("_")
    return "mrr" in words or "monthly" in words


def samples_of(engine: Engine, staged: Staged) -> dict[str, tuple[str, ...]]:
    """Up to three different values of each column, the first that the file has."""
    found = {}
    for column in staged.columns:
        read = text(staged.read(column))
        rows = engine.rows(
            f"SELECT v FROM (SELECT {read} AS v, min(r._row) AS place FROM ({staged.sql}) r "
            f"WHERE r._row < 1000 AND {read} IS NOT NULL GROUP BY 1) ORDER BY place LIMIT {SAMPLES}"
        )
        found[column] = tuple(str(row[0])[:60] for row in rows)
    return found


def guessed(
    engine: Engine, table: Table, staged: Staged, writings: Sequence[Writing]
) -> dict[str, tuple[str, float]]:
    """Their column → (ours, share that fits), the best of each; no column of theirs or ours twice.

    Parameters
    ----------
    writings : sequence of Writing
        Ways in which the file's values may be written; a column has to fit under one of them.
    """
    ranked = []
    nouns = NOUNS.get(table.name, ())
    for place, theirs in enumerate(staged.columns):
        for own in table.columns:
            score = by_header(own, theirs, nouns)
            if not score and own.name == table.key[0] and plain(theirs) == "id":
                score = KEY
            if score:
                ranked.append((-score, place, theirs, own))
    ranked.sort(key=lambda one: (one[0], one[1], one[3].name))
    found: dict[str, tuple[str, float]] = {}
    taken: set[str] = set()
    for _score, _place, theirs, own in ranked:
        if theirs in found or own.name in taken:
            continue
        fits = _fits(engine, own, staged, theirs, writings)
        if fits >= LEAST_FIT:
            found[theirs] = (own.name, fits)
            taken.add(own.name)
    if table.name == "plans":
        found = _as_subscriptions_name_them(engine, staged, found)
    return found | _only_id(engine, table, staged, found, writings)


def interval_in_values(
    engine: Engine, table: Table, staged: Staged, columns: Sequence[str],
    writings: Sequence[Writing],
) -> str | None:
    """The column whose every value says how often is billed, whatever its header: `Monthly`."""
    interval = table.column("interval")
    for theirs in columns:
        read = text(staged.read(theirs))
        says = engine.value(f"SELECT COUNT({read}) FROM ({staged.sql}) r")
        if says and _fits(engine, interval, staged, theirs, writings) == 1.0:
            return theirs
    return None


def _as_subscriptions_name_them(
    engine: Engine, staged: Staged, found: dict[str, tuple[str, float]]
) -> dict[str, tuple[str, float]]:
    """Plans by that column, of ids and names, which loaded subscriptions have; else by their id."""
    names = [one for one in staged.columns if plain(one) in ("id", "plan", *NAMES["plan"])]
    names = [one for one in names if one not in found or found[one][0] == "plan"]
    if len(names) < 2:
        return found

    def rank(theirs: str) -> tuple[int, bool]:
        read = text(staged.read(theirs))
        used = engine.value(
            f"SELECT COUNT(*) FROM subscriptions WHERE plan IN "
            f"(SELECT {read} FROM ({staged.sql}) r)"
        )
        return int(used), plain(theirs).endswith("id")

    best = max(names, key=rank)
    return {one: told for one, told in found.items() if told[0] != "plan"} | {best: ("plan", 1.0)}


def _only_id(
    engine: Engine, table: Table, staged: Staged, found: dict[str, tuple[str, float]],
    writings: Sequence[Writing],
) -> dict[str, tuple[str, float]]:
    """Whose the rows are, by the one id that nothing else is fed from: `school_id`."""
    account = next((c for c in table.columns if c.name == "account_id" and c.is_required), None)
    if account is None or "account_id" in {ours for ours, _ in found.values()}:
        return {}
    left = [one for one in staged.columns if one not in found and plain(one).endswith("_id")]
    if len(left) != 1:
        return {}
    fits = _fits(engine, account, staged, left[0], writings)
    return {left[0]: ("account_id", fits)} if fits >= LEAST_FIT else {}


def is_unique(engine: Engine, staged: Staged, theirs: str) -> bool:
    """Whether every row has a value of the column, and no two have the same."""
    read = text(staged.read(theirs))
    rows, values = engine.rows(
        f"SELECT COUNT(*), COUNT(DISTINCT {read}) FROM ({staged.sql}) r"
    )[0]
    return bool(rows) and rows == values


def _fits(
    engine: Engine, column: Column, staged: Staged, theirs: str, writings: Sequence[Writing]
) -> float:
    """The share of values that the column can hold, under the writing that suits it best."""
    read = text(staged.read(theirs))
    if column.kind == "text" and not column.choices and column.name != "currency":
        if not (column.name.endswith("_id") or column.name in ("plan", "event", "survey")):
            return 1.0
        # An id is no amount, no day and no sentence.
        bad = (
            f"regexp_full_match(v, '[-+]?[0-9]*[.,][0-9]{{1,4}}') OR length(v) > 120 "
            f"OR regexp_full_match(v, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}.*') "
            f"OR regexp_matches(v, '[{''.join(SIGNS)}]')"
        )
        goods = [f"NOT ({bad})"]
    else:
        # Of a day the signs of numbers do not matter, and the other way round.
        plain_ways = [
            replace(way, decimal=".", thousands="") if column.kind in ("instant", "day", "month")
            else replace(way, dates="iso") for way in writings
        ]
        goods = list(dict.fromkeys(
            f"{value_sql(column, 'v', way)} IS NOT NULL" for way in plain_ways
        ))
    asked = ", ".join(f"COUNT(*) FILTER (WHERE {good})" for good in goods)
    # Amounts in minor units ask for the row's currency.
    source = (
        f"SELECT {read} AS v, 'USD' AS t_currency FROM ({staged.sql}) r WHERE r._row < 5000 "
        f"AND {read} IS NOT NULL AND upper({read}) NOT IN ({_nothing()})"
    )
    total, *counts = engine.rows(f"SELECT COUNT(*), {asked} FROM ({source})")[0]
    return max(counts) / total if total else 1.0


def _nothing() -> str:
    from staycurve.sources.diagnosis import NOTHING

    return ", ".join(sorted({quoted(text.upper()) for text in NOTHING}))


def likely_table(columns: Sequence[str]) -> Table | None:
    """The table whose required columns the headers mean best; None where they mean none's."""
    best: tuple[float, str] | None = None
    for table in CONFORMED.values():
        needed = [
            column for column in table.columns
            if column.is_required and column.name != table.derived_key
        ]
        nouns = NOUNS.get(table.name, ())
        scores = [
            max((by_header(column, one, nouns) for one in columns), default=0) for column in needed
        ]
        if needed and all(scores):
            rest = sum(
                max((by_header(column, one, nouns) for one in columns), default=0) >= 0.8
                for column in table.columns if not column.is_required
            )
            rank = sum(scores) + 0.2 * rest
            if best is None or rank > best[0]:
                best = (rank, table.name)
    return None if best is None else CONFORMED[best[1]]
