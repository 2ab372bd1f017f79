"""Conform: SQL that turns text columns into a table's stored columns, and says what is wrong.

Nothing is guessed: a text that is not plainly a value of its column's kind breaks a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

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
from staycurve.tables.staging import LINE, ROW

BROKEN = "_broken"
"""Number of the first rule that a row breaks, from 1; NULL when it keeps all."""

_NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?"
_PLAIN_MONEY = "[+-]?[0-9]{1,11}([.][0-9]{0,6})?"
_INTEGER = "[+-]?[0-9]+([.]0*)?"
MOST_DECIMAL = 10**12
MOST_RATE = 9_000_000
"""Of an exchange rate, which is kept × 10¹² in 64 bits."""
_INSTANT = (
    "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    "([T ] *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)? *"
    "(Z|UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?)?"
)
_DAY_ALONE = (
    "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    "([T ] *0?0:00(:00([.]0+)?)? *(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)?)?"
)
"""A day, or its midnight, as programs write one that know instants alone."""
_NO_OFFSET = (
    "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ] *[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)? *"
)
_HALF_DAY = "(.*[T ] *)(0?[1-9]|1[0-2])(:[0-9]{2}(:[0-9]{2})?) *([AaPp])[Mm]"
_EPOCH_MILLIS = 100_000_000_000
_NEVER_EPOCH = 253_402_214_400
NEVER_YEAR = "9999"
"""Year that databases write for an end that is not known: read as no end."""
NEVER = ("infinity", "+infinity")
"""What PostgreSQL writes for the same."""
NEVER_SERIAL = 2_958_465
"""9999-12-31 as a spreadsheet counts days."""

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
    "integer": (_INTEGER, f"is beyond {MOST_WHOLE:,}, the most that is taken"),
    "decimal": (_NUMBER, f"is beyond {MOST_DECIMAL:,}, the most that is taken"),
    "money": (_NUMBER, f"is beyond {MOST_MONEY:,}, the most that is taken"),
    "rate": (_NUMBER, f"is beyond {MOST_RATE:,}, the most that is taken"),
}
_FAR = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"


@dataclass(frozen=True)
class Writing:
    """How a source writes its values.

    Attributes
    ----------
    decimal, thousands : str
        The signs in its numbers; no thousands sign unless stated.
    dates : str
        iso, dmy, mdy, spreadsheet (days since 1899-12-30), or epoch (seconds since 1970-01-01;
        milliseconds by their size).
    ends : str
        exclusive, or inclusive: `ends_at` is the last day or second that belongs to it.
    amounts : str
        major, or minor: as many to a major unit as the row's currency has.
    timezone : str
        What instants without an offset are in; the company's where empty. A day alone is always
        the company's.
    """

    decimal: str = "."
    thousands: str = ""
    dates: str = "iso"
    ends: str = "exclusive"
    amounts: str = "major"
    timezone: str = ""


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


def text(expression: str) -> str:
    """SQL for a text without blanks around it; NULL when nothing is left."""
    return f"nullif({trimmed(expression)}, '')"


def trimmed(expression: str) -> str:
    """SQL for a text without blanks around it; it may be empty."""
    return f"trim({expression}, ' \t\r\n\u00a0')"


@lru_cache(maxsize=1)
def currency_codes() -> tuple[str, ...]:
    """Every ISO 4217 code, past ones too."""
    from babel.numbers import list_currencies

    return tuple(sorted(list_currencies()))


def _number(column: str, writing: Writing) -> str:
    plain = column
    if writing.thousands:
        plain = f"replace({plain}, {quoted(writing.thousands)}, '')"
    if writing.decimal == ",":
        # Swapped, not replaced: a point then is a sign that no number has.
        plain = f"translate({plain}, ',.', '.,')"
    return plain


def _date_text(column: str, writing: Writing) -> str:
    """SQL for a date and time as ISO 8601 has it; what is none stays as it is."""
    if writing.dates in ("dmy", "mdy"):
        order = r"\3-\2-\1" if writing.dates == "dmy" else r"\3-\1-\2"
        found = column
        # A year of two digits begins where POSIX lets it begin.
        for century, years in (("", "[0-9]{4}"), ("19", "69|[789][0-9]"), ("20", "[0-9]{2}")):
            found = (
                rf"regexp_replace({found}, '^([0-9]{{1,2}})[./-]([0-9]{{1,2}})[./-]({years})"
                rf"($|[ T].*$)', '{century}{order}\4')"
            )
        return _day_in_one(found)
    if writing.dates == "spreadsheet":
        number = f"TRY_CAST({_number(column, writing)} AS DOUBLE)"
        # Serial days carry fractions of a day; seconds are all that a spreadsheet means by them.
        return (
            f"CASE WHEN {number} BETWEEN 1 AND 110000 THEN strftime(TIMESTAMP '1899-12-30' + "
            f"to_seconds(CAST(round({number} * 86400) AS BIGINT)), '%Y-%m-%d %H:%M:%S') "
            f"ELSE {column} END"
        )
    if writing.dates == "epoch":
        return _epoch_text(column)
    # Nearly every text is ISO 8601 as it stands: the others alone are looked at closer.
    odd = f"contains({column}, '/') OR right({column}, 1) IN ('M', 'm')"
    read = _day_in_one(f"replace({column}, '/', '-')")
    return f"CASE WHEN {odd} THEN {read} ELSE {column} END"


def _day_in_one(column: str) -> str:
    """SQL for the text with its hour counted to 24 where it says AM or PM."""
    form = quoted(_HALF_DAY)
    half = f"CASE WHEN upper(regexp_extract({column}, {form}, 5)) = 'P' THEN 12 ELSE 0 END"
    hour = f"CAST(regexp_extract({column}, {form}, 2) AS INTEGER) % 12 + {half}"
    day, rest = (f"regexp_extract({column}, {form}, {place})" for place in (1, 3))
    # Nearly no text ends so, and the form is looked for in those alone.
    return (
        f"CASE WHEN right({column}, 1) IN ('M', 'm') AND regexp_full_match({column}, {form}) "
        f"THEN {day} || CAST({hour} AS VARCHAR) || {rest} ELSE {column} END"
    )


def _epoch_text(column: str) -> str:
    number = f"TRY_CAST({column} AS DECIMAL(25,6))"
    # Seconds do not reach 10¹¹ before the year 5138, milliseconds have done so since 1973; the last
    # day of the year 9999, in seconds, is how databases write "never".
    micros = (
        f"CASE WHEN abs({number}) < {_EPOCH_MILLIS} OR {number} BETWEEN {_NEVER_EPOCH} "
        f"AND {_NEVER_EPOCH + 86_399} THEN {number} * 1000000 ELSE {number} * 1000 END"
    )
    written = f"strftime(make_timestamp(CAST({micros} AS BIGINT)), '%Y-%m-%d %H:%M:%S.%f')"
    plain = f"regexp_full_match({column}, '-?[0-9]{{1,15}}([.][0-9]{{0,6}})?')"
    return f"CASE WHEN {plain} THEN {written} || 'Z' ELSE {column} END"


def _instant(column: str, writing: Writing) -> str:
    read = _date_text(column, writing)
    # The engine takes an offset only without a blank before it.
    plain = f"replace(replace({read}, ' +', '+'), ' -', '-')"
    found = f"TRY_CAST({plain} AS TIMESTAMPTZ)"
    if writing.timezone:
        found = (
            f"CASE WHEN regexp_full_match({read}, {quoted(_NO_OFFSET)}) "
            f"THEN TRY_CAST({plain} AS TIMESTAMP) AT TIME ZONE {quoted(writing.timezone)} "
            f"ELSE {found} END"
        )
    return (
        f"CASE WHEN regexp_full_match({read}, {quoted(_INSTANT)}) "
        f"AND left({read}, 4) BETWEEN '{FIRST_YEAR}' AND '{LAST_YEAR}' "
        f"THEN {found} END"
    )


def _after(value: str, source: str, writing: Writing) -> str:
    """SQL for the first instant after the last day or second that `source` names."""
    is_day = f"regexp_full_match({_date_text(source, writing)}, {quoted(_DAY_ALONE)})"
    return (
        f"CASE WHEN {is_day} THEN {value} + INTERVAL 1 DAY "
        f"ELSE date_trunc('second', {value}) + INTERVAL 1 SECOND END"
    )


def _money(column: str) -> str:
    exact, rounded = f"TRY_CAST({column} AS DECIMAL(38,18))", f"TRY_CAST({column} AS DECIMAL(18,6))"
    plain = f"CAST(CAST({rounded} AS DECIMAL(25,6)) * 1000000 AS BIGINT)"
    # The engine rounds halves away from zero: one too much where the even one lies below.
    excess = (
        f"CASE WHEN CAST({rounded} AS DECIMAL(38,18)) - {exact} = 0.0000005 "
        f"AND {plain} % 2 = 1 THEN 1 ELSE 0 END"
    )
    return (
        f"CASE WHEN regexp_full_match({column}, {quoted(_PLAIN_MONEY)}) THEN {plain} "
        f"WHEN regexp_full_match({column}, {quoted(_NUMBER)}) "
        f"AND abs(TRY_CAST({column} AS DOUBLE)) <= {MOST_MONEY} THEN {plain} - {excess} END"
    )


@lru_cache(maxsize=1)
def _minor_units() -> str:
    """SQL for how many minor units the row's currency has to a major one."""
    from babel.numbers import get_currency_precision

    cases: dict[int, list[str]] = {}
    for code in currency_codes():
        cases.setdefault(get_currency_precision(code), []).append(quoted(code))
    cases.pop(2, None)
    listed = " ".join(
        f"WHEN upper(t_currency) IN ({', '.join(codes)}) THEN {10 ** digits}"
        for digits, codes in sorted(cases.items())
    )
    return f"CASE {listed} ELSE 100 END"


def _from_minor(value: str) -> str:
    """SQL for micro-units of the major unit, of micro-units of the minor one; half-even."""
    units = _minor_units()
    whole, rest = f"(abs({value}) // {units})", f"(2 * (abs({value}) % {units}))"
    up = f"CASE WHEN {rest} > {units} OR ({rest} = {units} AND {whole} % 2 = 1) THEN 1 ELSE 0 END"
    return f"CAST(sign({value}) * ({whole} + {up}) AS BIGINT)"


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
        return _instant(source, writing)
    if column.kind == "month":
        month = f"CASE WHEN length({source}) <= 7 THEN {source} || '-01' ELSE {source} END"
        return f"date_trunc('month', {_instant(f'({month})', writing)})"
    if column.kind in ("integer", "decimal", "money", "rate"):
        source = _number(source, writing)
    if column.kind == "integer":
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(_INTEGER)}) "
            f"AND abs(TRY_CAST({source} AS DOUBLE)) <= {MOST_WHOLE} "
            f"THEN TRY_CAST(split_part({source}, '.', 1) AS BIGINT) END"
        )
    if column.kind == "decimal":
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(_NUMBER)}) "
            f"THEN TRY_CAST({source} AS DECIMAL(18,6)) END"
        )
    if column.kind == "money":
        return _from_minor(_money(source)) if writing.amounts == "minor" else _money(source)
    if column.kind == "rate":
        # The text of a decimal with twelve places is, without its point, the scaled integer.
        return (
            f"CASE WHEN regexp_full_match({source}, {quoted(_NUMBER)}) "
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


def rules(job: Conforming) -> list[Check]:
    """Every rule of the file, in the order in which they are tried."""
    table = job.table
    found = [
        Check(column.name, f"t_{column.name} IS NULL", N_("is missing"))
        for column in table.columns
        if column.is_required and column.name != _derived(job)
    ]
    found += job.checks
    for column in table.columns:
        if column.name not in job.texts:
            continue
        words = _KINDS.get(column.kind)
        if column.choices:
            words = f"is not one of {', '.join(column.choices)}"
        elif column.name == "currency":
            words = N_("is not an ISO 4217 currency code")
        if words:
            bad = f"t_{column.name} IS NOT NULL AND v_{column.name} IS NULL"
            looks, beyond = _well_written(column, job.writing)
            if looks:
                found.append(Check(column.name, f"{bad} AND {looks}", beyond))
            found.append(Check(column.name, bad, words))
    return [*found, *table.checks]


def _well_written(column: Column, writing: Writing) -> tuple[str, str]:
    """SQL that is true for a text of the column's form, whatever its size, and words for size."""
    source = f"t_{column.name}"
    if column.choices:
        return "", ""
    if column.kind in _BEYOND:
        form, words = _BEYOND[column.kind]
        return f"regexp_full_match({_number(source, writing)}, {quoted(form)})", words
    if column.kind in ("instant", "day"):
        read = _date_text(source, writing)
        return (
            f"(regexp_full_match({read}, {quoted(_INSTANT)}) "
            f"AND left({read}, 4) NOT BETWEEN '{FIRST_YEAR}' AND '{LAST_YEAR}')", _FAR,
        )
    return "", ""


def _is_never(source: str, writing: Writing) -> str:
    """SQL that is true for a text with which databases say that something has no end."""
    listed = ", ".join(quoted(word) for word in NEVER)
    year = f"left({_date_text(source, writing)}, 4)"
    found = f"{year} = '{NEVER_YEAR}' OR lower({source}) IN ({listed})"
    if writing.dates == "spreadsheet":
        number = f"TRY_CAST({_number(source, writing)} AS DOUBLE)"
        found += f" OR floor({number}) = {NEVER_SERIAL}"
    return found


def _derived(job: Conforming) -> str | None:
    return job.table.derived_key if job.row_text is not None else None


def texts_sql(job: Conforming) -> str:
    """SQL: ROW, LINE, `t_` texts, `o_` original texts, the extras, the row's hash and payload."""
    listed = [ROW, LINE, f"{job.payload} AS x_payload"]
    for column in job.table.columns:
        expression = job.texts.get(column.name, "NULL")
        if column.name == "ends_at" and column.name in job.texts:
            never = _is_never(expression, job.writing)
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
    if job.row_text is not None:
        listed.append(f"md5({job.row_text}) AS x_hash")
    return f"SELECT {', '.join(listed)} FROM ({job.raw}) r WHERE {job.where}"


def typed_sql(job: Conforming) -> str:
    """SQL: ROW, LINE, BROKEN and every stored column but provenance.

    A derived key comes as the hash of its row; the occurrence is not in it yet. The session's
    time zone must be the company's.
    """
    table = job.table
    values = []
    for column in table.columns:
        source = f"t_{column.name}"
        writing = replace(
            job.writing, timezone=job.zones.get(column.name, job.writing.timezone)
        )
        read = value_sql(column, source, writing)
        if column.name == "ends_at" and writing.ends == "inclusive":
            read = _after(read, source, writing)
        if column.name not in job.texts and column.default is None and column.kind != "text":
            read = "CAST(NULL AS TIMESTAMPTZ)" if _is_day(column) else "NULL"
        values.append(f"{read} AS v_{column.name}")
    layer = f"SELECT *, {', '.join(values)} FROM ({texts_sql(job)})"
    own = [piece for column in table.columns for piece in _stored_sql(column, job)]
    if table.has_attributes:
        own.append(
            "nullif(CAST(x_extras AS VARCHAR), '{}') AS attributes"
            if job.extras
            else "CAST(NULL AS VARCHAR) AS attributes"
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
        f"WHEN {check.broken} THEN {number}" for number, check in enumerate(rules(job), 1)
    )
    stored = ", ".join(name(c) for c, _ in table.stored if not c.startswith("_"))
    broken = f"CASE {cases} END" if cases else "CAST(NULL AS INTEGER)"
    return f"SELECT {ROW}, {LINE}, {stored}, {broken} AS {BROKEN} FROM ({layer})"


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
