"""Diagnosis: what of a staged file keeps the rules of its table, and which option fixes the rest.

Nothing is loaded: the same statement that a load runs is run, and its answer is counted. What only
the lake knows (accounts that are not there yet, spans that overlap) is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from staycurve.config import Config
from staycurve.errors import LoadError, StaycurveError
from staycurve.sources.fitting import fit
from staycurve.sources.mapping import Feed
from staycurve.sources.options import ReadOptions
from staycurve.tables.base import Check, Column, Table
from staycurve.tables.conform import BROKEN, Conforming, rules, texts_sql, typed_sql, value_sql
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.engine import quoted
from staycurve.tables.looking import look
from staycurve.tables.spelling import Writing
from staycurve.tables.staging import LINE, ROW, Staged

EXAMPLES = 3
LOOKED_AT = 5_000
"""Rows by which options are chosen, before the best are counted on all."""
TRIED, RULES = 3, 8
_ORDERS = tuple({"dates": order} for order in ("dmy", "mdy", "spreadsheet", "epoch"))
_SIGNS = (
    {"decimal": ","}, {"thousands": ","}, {"decimal": ",", "thousands": "."},
    {"decimal": ",", "thousands": " "}, {"thousands": "'"},
)
NOTHING = (
    "NULL", "null", "N/A", "n/a", "NA", "None", "none", "-", "--", "\\N", "NaT", "nan", "#N/A",
)
"""Texts that files write for no value; which of them a file has is seen in it."""
_DAYS, _NUMBERS = ("instant", "day", "month"), ("money", "decimal", "integer", "rate")


@dataclass(frozen=True)
class Example:
    """One row that breaks a rule: the line of the file, and what it has there."""

    line: int
    value: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"line": self.line, "value": self.value}


@dataclass(frozen=True)
class BrokenRule:
    """A rule, how many rows break it first, and some of them."""

    column: str
    rule: str
    rows: int
    examples: tuple[Example, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "column": self.column, "rule": self.rule, "rows": self.rows,
            "examples": [one.as_dict() for one in self.examples],
        }


@dataclass(frozen=True)
class Fix:
    """Options, and how many more rows would be accepted under them.

    Attributes
    ----------
    pairs : mapping
        Option → value.
    options : ReadOptions
        All options of the file with these.
    """

    pairs: Dict[str, Any]
    rows: int
    options: ReadOptions

    @property
    def toml(self) -> str:
        """As a mapping states them."""
        return ", ".join(f"{key} = {_toml(value)}" for key, value in self.pairs.items())

    @property
    def flag(self) -> str:
        """As the command line takes them; empty where it does not take them all."""
        if "empty" in self.pairs:
            return ""
        return " ".join(f"--{key} {_shell(value)}" for key, value in self.pairs.items())

    @property
    def said(self) -> str:
        """How people are told."""
        return self.flag or f"{self.toml} (in a mapping, below [options])"

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "option": self.said, "toml": self.toml, "flag": self.flag or None, "rows": self.rows
        }


@dataclass(frozen=True)
class Diagnosis:
    """What a file comes to in one table.

    Attributes
    ----------
    rows, accepted : int
        The rows that are meant for the table, and those that keep its rules.
    broken : tuple of BrokenRule
        The largest first.
    fixes : tuple of Fix
        Options that would fix rows, the best first.
    refusal : StaycurveError, optional
        Why not a single row could be looked at.
    """

    table: str
    rows: int
    accepted: int
    broken: tuple[BrokenRule, ...] = ()
    fixes: tuple[Fix, ...] = ()
    refusal: StaycurveError | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """How people are told, a line each."""
        said = []
        for one in self.broken:
            such = ", ".join(f"line {e.line}: {e.value or '(nothing)'}" for e in one.examples)
            said.append(f"{one.rows:,} × {one.column} {one.rule}   ({such})")
        said += [f"{fix.said} would fix {fix.rows:,} of {self.rows:,} rows" for fix in self.fixes]
        return tuple(said)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "table": self.table, "rows": self.rows, "accepted": self.accepted,
            "rejected": self.rows - self.accepted,
            "rules": [one.as_dict() for one in self.broken],
            "options": [one.as_dict() for one in self.fixes],
        }


@dataclass(frozen=True)
class Subject:
    """A staged file and what it is to feed."""

    engine: Engine
    table: Table
    staged: Staged
    feed: Feed
    config: Config
    file: str
    mapping: str

    def job(self, options: ReadOptions) -> Conforming:
        """The statement's parts under some options; errors as for `fit` and `look`."""
        if options.status == "current" and options.exported_at is None:
            options = replace(options, exported_at="2000-01-01")
        job, _unused = fit(
            self.table, self.staged, self.feed, config=self.config, options=options,
            file=self.file, mapping=self.mapping,
        )
        return look(self.engine, job, self.file)


def diagnose(subject: Subject, options: ReadOptions) -> Diagnosis:
    """Count what keeps the rules, what breaks which, and what would fix how many rows."""
    try:
        job = subject.job(options)
    except StaycurveError as error:
        return Diagnosis(subject.table.name, subject.staged.rows, 0, refusal=error)
    total, accepted, broken = _counted(subject.engine, job)
    fixes = _fixes(subject, job, options, accepted) if accepted < total else []
    return Diagnosis(subject.table.name, total, accepted, tuple(broken), tuple(fixes))


def taught(error: LoadError, subject: Subject, options: ReadOptions) -> LoadError:
    """The error of a file of which no row could be loaded, with what would fix how many."""
    found = diagnose(subject, options)
    best = found.fixes[0] if found.fixes else None
    hint = error.hint if best is None else (
        f"{best.said} would fix {best.rows:,} of {found.rows:,} rows."
    )
    return LoadError(error.message, hint=hint, **{**error.fields, "details": found.lines})


def _fixes(
    subject: Subject, job: Conforming, options: ReadOptions, accepted: int
) -> list[Fix]:
    """The options that the file needs, counted on every row; several where several would do."""
    families = _families(subject, job, options)
    if not families:
        return []
    fixes = []
    for chosen in list(product(*families))[:TRIED]:
        pairs = {key: value for one in chosen for key, value in one.items()}
        try:
            other = replace(options, **pairs)
            rows = _accepted(subject.engine, subject.job(other)) - accepted
        except StaycurveError:
            # An option under which the file cannot be read fixes nothing.
            continue
        if rows > 0:
            fixes.append(Fix(pairs, rows, other))
    return sorted(fixes, key=lambda fix: (-fix.rows, fix.toml))


def _families(
    subject: Subject, job: Conforming, options: ReadOptions
) -> list[list[dict[str, Any]]]:
    """The best options of each kind, those that read more values than now; ties side by side.

    They are chosen by the columns of their kind in the first rows alone: the whole statement under
    every combination would take minutes.
    """
    fed = [column for column in subject.table.columns if column.name in job.texts]
    empty = _nothing(subject, fed, job)
    found: list[list[dict[str, Any]]] = []
    for kinds, choices in ((_DAYS, _ORDERS), (_NUMBERS, _SIGNS)):
        columns = [column for column in fed if column.kind in kinds]
        if columns:
            best = _best(subject, job, columns, choices, empty)
            if best:
                found.append(best)
    if empty:
        listed = dict.fromkeys((*(options.empty or ()), *empty))
        found.append([{"empty": tuple(listed)}])
    return found


def _best(
    subject: Subject, job: Conforming, columns: Sequence[Column],
    choices: Sequence[dict[str, Any]], empty: Sequence[str],
) -> list[dict[str, Any]]:
    now = job.writing
    asked = []
    for pairs in ({}, *choices):
        way = now
        if "dates" in pairs:
            way = replace(now, dates=pairs["dates"])
        elif pairs:
            way = replace(
                now, decimal=pairs.get("decimal", "."), thousands=pairs.get("thousands", "")
            )
        goods = [
            _reads(column, replace(way, sign=job.signs.get(column.name, "")))
            for column in columns
        ]
        asked.append(f"COUNT(*) FILTER (WHERE {' AND '.join(goods)})")
    texts = ", ".join(
        f"{_without(job.texts[column.name], empty)} AS t_{column.name}" for column in columns
    )
    source = (
        f"SELECT {texts}, 'USD' AS t_currency FROM ({job.raw}) r "
        f"WHERE ({job.where}) AND r.{ROW} < {LOOKED_AT}"
    )
    before, *counts = _typed(
        subject.engine, job, f"SELECT {', '.join(asked)} FROM ({source})"
    )[0]
    most = max(counts, default=0)
    return [
        pairs for pairs, count in zip(choices, counts, strict=True)
        if count == most and count > before
    ]


def _without(sql: str, empty: Sequence[str]) -> str:
    if not empty:
        return sql
    return f"CASE WHEN {sql} NOT IN ({', '.join(map(quoted, empty))}) THEN {sql} END"


def _reads(column: Column, way: Writing) -> str:
    """SQL: the text is empty, or a value of the column, with its signs where they belong."""
    source = f"t_{column.name}"
    read = f"{value_sql(column, source, way)} IS NOT NULL"
    if column.kind in _NUMBERS:
        # Read as thousands, 99,00 would be 9900: a sign of thousands has three digits behind it.
        group = re.escape(way.thousands) if way.thousands else ""
        whole = f"[0-9]{{1,3}}({group}[0-9]{{3}})+|[0-9]+" if group else "[0-9]+"
        form = f"[^0-9]*({whole})({re.escape(way.decimal)}[0-9]*)?([eE][+-]?[0-9]+)?[^0-9]*"
        read += f" AND regexp_full_match({source}, {quoted(form)})"
    return f"({source} IS NULL OR ({read}))"


def _typed(engine: Engine, job: Conforming, asked: str) -> list[tuple[Any, ...]]:
    engine.execute(f"SET TimeZone = {quoted(job.timezone)}")
    try:
        if asked.startswith("CREATE"):
            engine.execute(asked)
            return []
        return engine.rows(asked)
    finally:
        engine.execute("SET TimeZone = 'UTC'")


def _accepted(engine: Engine, job: Conforming) -> int:
    sql = f"SELECT COUNT(*) FROM ({typed_sql(job)}) WHERE {BROKEN} IS NULL"
    return int(_typed(engine, job, sql)[0][0])


def _counted(engine: Engine, job: Conforming) -> tuple[int, int, list[BrokenRule]]:
    _typed(
        engine, job,
        f"CREATE OR REPLACE TEMP TABLE looked_at AS SELECT {ROW}, {LINE}, {BROKEN} "
        f"FROM ({typed_sql(job)})",
    )
    counts: dict[int, int] = dict(
        engine.rows(f"SELECT coalesce({BROKEN}, 0), COUNT(*) FROM looked_at GROUP BY 1")
    )
    total, accepted = sum(counts.values()), counts.get(0, 0)
    every = rules(job)
    broken = []
    for place in sorted((p for p in counts if p), key=lambda p: (-counts[p], p))[:RULES]:
        check = every[place - 1]
        broken.append(
            BrokenRule(
                check.column, _words(check), counts[place],
                tuple(_examples(engine, job, check, place)),
            )
        )
    engine.execute("DROP TABLE looked_at")
    return total, accepted, broken


def _words(check: Check) -> str:
    """A rule without the values that its words would repeat."""
    return re.sub(r" ?\{[^}]*\}", "", check.rule)


def _examples(
    engine: Engine, job: Conforming, check: Check, place: int
) -> list[Example]:
    own = {column.name for column in job.table.columns}
    value = f"x.o_{check.column}" if check.column in own else "NULL"
    found = engine.rows(
        f"SELECT t.{LINE}, {value} FROM looked_at t JOIN ({texts_sql(job)}) x "
        f"ON x.{ROW} = t.{ROW} WHERE t.{BROKEN} = {place} ORDER BY t.{ROW} LIMIT {EXAMPLES}"
    )
    return [Example(int(line), str(value or "")[:80]) for line, value in found]


def _nothing(subject: Subject, fed: Sequence[Column], job: Conforming) -> list[str]:
    """Those of the usual texts for no value that stand where a value of another kind should."""
    columns = [c.name for c in fed if (c.kind != "text" or c.choices) and c.name in job.originals]
    if not columns:
        return []
    listed = ", ".join(quoted(text) for text in NOTHING)
    asked = " UNION ".join(
        f"SELECT DISTINCT {job.originals[column]} AS v FROM ({job.raw}) r "
        f"WHERE {job.originals[column]} IN ({listed})"
        for column in columns
    )
    return sorted(row[0] for row in subject.engine.rows(asked))


def _shell(value: str) -> str:
    return value if value.isalnum() or value in (",", ".") else f'"{value}"'


def _toml(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
