"""Conform: SQL that turns text columns into a table's stored columns, and says what is wrong.

Nothing is guessed: a text that is not plainly a value of its column's kind breaks a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from staycurve.i18n import N_
from staycurve.period import FIRST_YEAR, LAST_YEAR
from staycurve.tables.base import (
    MOST_MONEY,
    MOST_WHOLE,
    Check,
    Column,
    Table,
    local_day_name,
)
from staycurve.tables.engine import name, quoted
from staycurve.tables.spelling import (
    INSTANT,
    INTEGER,
    MANGLED,
    MOST_DECIMAL,
    MOST_RATE,
    NUMBER,
    Writing,
    after,
    currency_codes,
    date_text,
    date_texts,
    from_minor,
    instant,
    instant_of,
    is_never,
    is_odd,
    money,
    number,
)
from staycurve.tables.staging import LINE, ROW

BROKEN = "_broken"
"""Number of the first rule that a row breaks, from 1; NULL when it keeps all."""

ENDS = ("ends_at", "period_end")
"""Instants that a file may give as the last that belongs to it: `ends = "inclusive"`."""

_KINDS = {
    "integer": N_("is not a whole number"),
    "decimal": N_("is not a number"),
    "money": N_("is not an amount of money"),
    "rate": N_("is not a number"),
    "boolean": N_("is neither true nor false"),
    "instant": N_("is not an instant; write ISO 8601, such as 2024-03-01 or 2024-03-01T12:00:00Z"),
    "day": N_("is not a day; write it as 2024-03-01"),
    "month": N_("is not a month; write it as 2024-03"),
    "json": N_("is not a JSON object"),
}

_BEYOND = {
    # kind → what its texts look like, and the words for one that is well written and too large
    "integer": (INTEGER, f"is beyond {MOST_WHOLE:,}, the most that is taken"),
    "decimal": (NUMBER, f"is beyond {MOST_DECIMAL:,}, the most that is taken"),
    "money": (NUMBER, f"is beyond {MOST_MONEY:,}, the most that is taken"),
    "rate": (NUMBER, f"is beyond {MOST_RATE:,}, the most that is taken"),
}
_FAR = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(frozen=True)
class Conforming:
    """Everything that decides how the rows of one file become rows of one table.

    Attributes
    ----------
    raw : str
        SQL of the staged file.
    texts : mapping
        Column → SQL over `raw` for its text, NULL where empty. Columns not named are empty.
    originals : mapping
        Column → SQL for what the file itself has there, for complaints.
    extras : mapping
        Attribute → SQL over `raw` for its text, `trimmed`.
    row_text : str, optional
        SQL over `raw` for the text that the derived key is a hash of.
    checks : tuple of Check
        Rules over the text columns beside the table's own (a lookup that finds nothing).
    payload : str
        SQL over `raw` for the whole row as JSON, as the file has it.
    where : str
        SQL over `raw`: which of its rows are meant at all.
    zones : mapping
        Column → the time zone of its instants without an offset, where its header says it.
    orders : mapping
        Column → how its dates are written, where its rows say it (`dates = "auto"`).
    signs : mapping
        Column of money → the one currency sign that its rows have.
    is_partial : bool
        Whether the rows tell only what changes: but for the key, nothing is required.
    attributes : str, optional
        SQL over `raw` for the attributes of such a row, as a JSON object.
    """

    table: Table
    raw: str
    texts: Mapping[str, str]
    originals: Mapping[str, str]
    currency: str
    timezone: str
    extras: Mapping[str, str] = field(default_factory=dict)
    row_text: str | None = None
    payload: str = "NULL"
    checks: tuple[Check, ...] = ()
    where: str = "TRUE"
    writing: Writing = field(default_factory=Writing)
    zones: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    is_partial: bool = False
    attributes: str | None = None

    def way(self, column: str) -> Writing:
        """How the values of one column are written."""
        return replace(
            self.writing, timezone=self.zones.get(column, self.writing.timezone),
            dates=self.orders.get(column, self.writing.dates), sign=self.signs.get(column, ""),
        )


def text(expression: str) -> str:
    """SQL for a text without blanks around it; NULL when nothing is left."""
    return f"nullif({trimmed(expression)}, '')"


def trimmed(expression: str) -> str:
    """SQL for a text without blanks around it; it may be empty."""
    return f"trim({expression}, ' \t\r\n\u00a0')"


def _choice(column: Column, text_sql: str) -> str:
    plain = f"replace(replace(lower({text_sql}), ' ', '_'), '-', '_')"
    pairs = [*((choice, choice) for choice in column.choices), *column.spellings]
    cases = " ".join(f"WHEN {quoted(theirs)} THEN {quoted(ours)}" for theirs, ours in pairs)
    return f"CASE {plain} {cases} END"


def value_sql(column: Column, source: str, writing: Writing) -> str:
    """SQL for the value of `column` in text column `source`; NULL where it is not one.

    An instant, a day or a month comes as TIMESTAMPTZ.
    """
    if column.name == "currency":
        listed = ", ".join(quoted(code) for code in currency_codes())
        return f"CASE WHEN upper({source}) IN ({listed}) THEN upper({source}) END"
    if column.choices:
        return _choice(column, source)
    if column.kind in ("instant", "day"):
        return instant(source, writing)
    if column.kind == "month":
        return f"date_trunc('month', {instant(_first_day(source), writing)})"
    if column.kind in ("integer", "decimal", "money", "rate"):
        source = number(source, writing)
    if column.kind == "integer":
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(INTEGER)}) "
            f"AND abs(TRY_CAST({source} AS DOUBLE)) <= {MOST_WHOLE} "
            f"THEN TRY_CAST(split_part({source}, '.', 1) AS BIGINT) END"
        )
    if column.kind == "decimal":
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(NUMBER)}) "
            f"THEN TRY_CAST({source} AS DECIMAL(18,6)) END"
        )
    if column.kind == "money":
        return from_minor(money(source)) if writing.amounts == "minor" else money(source)
    if column.kind == "rate":
        # The text of a decimal with twelve places is, without its point, the scaled integer.
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(NUMBER)}) "
            f"AND abs(TRY_CAST({source} AS DOUBLE)) <= {MOST_RATE} THEN TRY_CAST(replace("
            f"CAST(TRY_CAST({source} AS DECIMAL(30,12)) AS VARCHAR), '.', '') AS BIGINT) END"
        )
    if column.kind == "boolean":
        return (
            f"CASE WHEN lower({source}) IN ('true', 't', 'yes', 'y', '1', 'on') THEN TRUE "
            f"WHEN lower({source}) IN ('false', 'f', 'no', 'n', '0', 'off') THEN FALSE END"
        )
    if column.kind == "json":
        return (
            f"CASE WHEN json_valid({source}) AND json_type({source}) = 'OBJECT' THEN {source} END"
        )
    return source


def _first_day(month: str) -> str:
    return f"(CASE WHEN length({month}) <= 7 THEN {month} || '-01' ELSE {month} END)"


def rules(job: Conforming) -> list[Check]:
    """Every rule of the file, in the order in which they are tried, over the last layer."""
    table = job.table
    found = [
        Check(column.name, f"t_{column.name} IS NULL", N_("is missing"))
        for column in table.columns
        if column.is_required and column.name != _derived(job)
        and not (job.is_partial and column.name not in table.key)
    ]
    found += job.checks
    for column in table.columns:
        if column.name not in job.texts:
            continue
        words = _KINDS.get(column.kind)
        if is_id(column):
            source = f"t_{column.name}"
            mangled = f"contains(upper({source}), 'E+') AND regexp_full_match({source}, " \
                      f"{quoted(MANGLED)})"
            found.append(Check(column.name, mangled, N_(
                "was shortened by a spreadsheet, and its digits are lost; export it as text"
            )))
        if column.choices:
            words = f"is not one of {', '.join(column.choices)}"
        elif column.name == "currency":
            words = N_("is not an ISO 4217 currency code")
        if words:
            bad = f"t_{column.name} IS NOT NULL AND v_{column.name} IS NULL"
            looks, beyond = _well_written(column, job.way(column.name))
            if looks:
                found.append(Check(column.name, f"{bad} AND {looks}", beyond))
            found.append(Check(column.name, bad, words))
    return [*found, *table.checks]


def is_id(column: Column) -> bool:
    """Whether it names a thing: the same text has to be the same thing everywhere."""
    return column.kind == "text" and (
        column.name.endswith("_id") or column.name in ("referred_by", "alias")
    )


def _well_written(column: Column, writing: Writing) -> tuple[str, str]:
    """SQL that is true for a text of the column's form, whatever its size, and words for size."""
    source = f"t_{column.name}"
    if column.choices:
        return "", ""
    if column.kind in _BEYOND:
        form, words = _BEYOND[column.kind]
        return f"regexp_full_match({number(source, writing)}, {quoted(form)})", words
    if column.kind in ("instant", "day"):
        read = f"d_{column.name}"
        return (
            f"(regexp_full_match({read}, {quoted(INSTANT)}) "
            f"AND left({read}, 4) NOT BETWEEN '{FIRST_YEAR}' AND '{LAST_YEAR}')", _FAR,
        )
    return "", ""


def _derived(job: Conforming) -> str | None:
    return job.table.derived_key if job.row_text is not None else None


def texts_sql(job: Conforming) -> str:
    """SQL: ROW, LINE, `t_` texts, `o_` original texts, the extras, the row's hash and payload."""
    listed = [ROW, LINE, f"{job.payload} AS x_payload"]
    for column in job.table.columns:
        expression = job.texts.get(column.name, "NULL")
        if column.name == "ends_at" and column.name in job.texts:
            never = is_never(expression, job.way(column.name))
            expression = f"CASE WHEN NOT ({never}) THEN {expression} END"
        if column.default is not None:
            expression = f"coalesce({expression}, {quoted(column.default)})"
        elif column.name == "currency" and job.table.has_currency:
            expression = f"coalesce({expression}, {quoted(job.currency)})"
        listed.append(f"CAST({expression} AS VARCHAR) AS t_{column.name}")
        original = job.originals.get(column.name, "NULL")
        listed.append(f"CAST({original} AS VARCHAR) AS o_{column.name}")
    if job.extras:
        names = ", ".join(quoted(key) for key in job.extras)
        reads = ", ".join(job.extras.values())
        # Empty ones are dropped in the list: a CASE for each of thousands of columns takes the
        # engine's optimizer time that grows with their square.
        kept = f"list_filter(map_entries(map([{names}], [{reads}])), lambda e: e.value <> '')"
        listed.append(f"to_json(map_from_entries({kept})) AS x_extras")
    if job.attributes is not None:
        listed.append(f"{job.attributes} AS x_attributes")
    if job.row_text is not None:
        listed.append(f"md5({job.row_text}) AS x_hash")
    return f"SELECT {', '.join(listed)} FROM ({job.raw}) r WHERE {job.where}"


def typed_sql(job: Conforming) -> str:
    """SQL: ROW, LINE, BROKEN and every stored column but provenance.

    A derived key comes as the hash of its row; the occurrence is not in it yet. The session's
    time zone must be the company's.
    """
    table = job.table
    dated, layer = _dated_sql(job)
    values = []
    for column in table.columns:
        writing = job.way(column.name)
        if column.name in dated:
            read = instant_of(f"d_{column.name}", writing)
            if column.kind == "month":
                read = f"date_trunc('month', {read})"
            if column.name in ENDS and writing.ends == "inclusive":
                read = after(read, f"d_{column.name}")
        elif column.name in job.texts or column.default is not None or column.kind == "text":
            read = value_sql(column, f"t_{column.name}", writing)
        else:
            read = "CAST(NULL AS TIMESTAMPTZ)" if _is_day(column) else "NULL"
        values.append(f"{read} AS v_{column.name}")
    layer = f"SELECT *, {', '.join(values)} FROM ({layer})"
    own = [piece for column in table.columns for piece in _stored_sql(column, job)]
    if table.has_attributes:
        own.append(
            "nullif(CAST(x_extras AS VARCHAR), '{}') AS attributes"
            if job.extras
            else f"CAST({'x_attributes' if job.attributes else 'NULL'} AS VARCHAR) AS attributes"
        )
    layer = f"SELECT *, {', '.join(own)} FROM ({layer})"
    filled = [
        f"coalesce({column.name}, {column.fallback}) AS {name(column.name)}"
        for column in table.columns
        if column.fallback
    ]
    if filled:
        layer = f"SELECT * REPLACE ({', '.join(filled)}) FROM ({layer})"
    cases = " ".join(
        f"WHEN {check.broken} THEN {place}" for place, check in enumerate(rules(job), 1)
    )
    stored = ", ".join(name(c) for c, _ in table.stored if not c.startswith("_"))
    broken = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
    return f"SELECT {ROW}, {LINE}, {stored}, {broken} AS {BROKEN} FROM ({layer})"


def _dated_sql(job: Conforming) -> tuple[list[str], str]:
    """The columns that hold days and instants, and SQL: `texts_sql`, and `d_`, each as ISO 8601.

    What is named in several rules and in the value is read once; see `date_texts`.
    """
    layer = texts_sql(job)
    dated = {
        column.name: _first_day(f"t_{column.name}") if column.kind == "month"
        else f"t_{column.name}"
        for column in job.table.columns
        if _is_day(column) and (column.name in job.texts or column.default is not None)
    }
    reads = {
        column: date_text(source, job.way(column)) for column, source in dated.items()
        if job.way(column).dates != "iso"
    }
    iso = {column: source for column, source in dated.items() if column not in reads}
    if iso:
        layer = f"SELECT *, {date_texts([*iso.values()])} AS x_days FROM ({layer})"
        reads |= {
            column: f"CASE WHEN {is_odd(source)} THEN x_days[{place}] ELSE {source} END"
            for place, (column, source) in enumerate(iso.items(), 1)
        }
    if reads:
        listed = ", ".join(f"{read} AS d_{column}" for column, read in reads.items())
        layer = f"SELECT *, {listed} FROM ({layer})"
    return [*dated], layer


def _is_day(column: Column) -> bool:
    return column.kind in ("instant", "day", "month")


def _stored_sql(column: Column, job: Conforming) -> list[str]:
    value = f"v_{column.name}"
    if column.name == _derived(job):
        return [f"x_hash AS {name(column.name)}"]
    if column.kind == "instant":
        local = value if job.timezone != "UTC" else f"({value} AT TIME ZONE 'UTC')"
        return [
            f"{value} AT TIME ZONE 'UTC' AS {name(column.name)}",
            f"CAST({local} AS DATE) AS {name(local_day_name(column.name))}",
        ]
    if _is_day(column):
        return [f"CAST({value} AS DATE) AS {name(column.name)}"]
    if column.kind == "json":
        if not job.extras:
            return [f"{value} AS {name(column.name)}"]
        merged = f"json_merge_patch(coalesce({value}, '{{}}'), x_extras)"
        return [f"nullif(CAST({merged} AS VARCHAR), '{{}}') AS {name(column.name)}"]
    stored = dict(column.stored)[column.name]
    return [f"CAST({value} AS {stored}) AS {name(column.name)}"]
