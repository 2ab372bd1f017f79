"""Spelling: SQL that reads numbers, amounts, days and instants as a file writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from staycurve.period import FIRST_YEAR, LAST_YEAR
from staycurve.tables.base import MOST_MONEY
from staycurve.tables.engine import quoted

NUMBER = "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?"
_PLAIN_MONEY = "[+-]?[0-9]{1,11}([.][0-9]{0,6})?"
INTEGER = "[+-]?[0-9]+([.]0*)?"
MOST_DECIMAL = 10**12
MOST_RATE = 9_000_000
"""Of an exchange rate, which is kept × 10¹² in 64 bits."""
INSTANT = (
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
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WEEKDAY = "(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +)?"
_YEAR_AND_REST = "([0-9]{4}|[0-9]{2})((?:,? +| *t)[0-9].*)?"
_DAY_FIRST = (
    f"(?i){_WEEKDAY}([0-9]{{1,2}})(?:st|nd|rd|th)?[ ./-]+({_MONTHS})[ ,./-]+{_YEAR_AND_REST}"
)
_MONTH_FIRST = (
    f"(?i){_WEEKDAY}({_MONTHS})[ ./-]+([0-9]{{1,2}})(?:st|nd|rd|th)?[ ,./-]+{_YEAR_AND_REST}"
)
MANGLED = "[0-9]([.,][0-9]+)?[eE][+][0-9]{2,3}"
"""What a spreadsheet makes of a long number: the digits that it leaves out are lost."""
SIGNS = {
    # sign → the currencies that write it; none: any that has no sign of its own here
    "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₩": ("KRW",), "₹": ("INR",),
    "₽": ("RUB",), "₺": ("TRY",), "₪": ("ILS",), "₴": ("UAH",), "₫": ("VND",), "฿": ("THB",),
    "$": (),
}
"""The signs that may stand before or after an amount."""
_EPOCH_MILLIS = 100_000_000_000
_NEVER_EPOCH = 253_402_214_400
NEVER_YEAR = "9999"
"""Year that databases write for an end that is not known: read as no end."""
NEVER = ("infinity", "+infinity")
"""What PostgreSQL writes for the same."""
NEVER_SERIAL = 2_958_465
"""9999-12-31 as a spreadsheet counts days."""


@dataclass(frozen=True)
class Writing:
    """How a source writes its values.

    Attributes
    ----------
    decimal, thousands : str
        The signs in its numbers; no thousands sign unless stated.
    dates : str
        iso, dmy, mdy, spreadsheet (days since 1899-12-30), epoch (seconds since 1970-01-01;
        milliseconds by their size), or auto: as `Conforming.orders` says of each column.
    ends : str
        exclusive, or inclusive: `ends_at` is the last day or second that belongs to it.
    amounts : str
        major, or minor: as many to a major unit as the row's currency has.
    timezone : str
        What instants without an offset are in; the company's where empty. A day alone is always
        the company's.
    sign : str
        The currency sign that stands before or after amounts; none where empty.
    """

    decimal: str = "."
    thousands: str = ""
    dates: str = "iso"
    ends: str = "exclusive"
    amounts: str = "major"
    timezone: str = ""
    sign: str = ""


@lru_cache(maxsize=1)
def currency_codes() -> tuple[str, ...]:
    """Every ISO 4217 code, past ones too."""
    from babel.numbers import list_currencies

    return tuple(sorted(list_currencies()))


def number(column: str, writing: Writing) -> str:
    """SQL for a number's text with a point for its decimals and no thousands sign."""
    plain = column
    if writing.sign:
        plain = f"trim(replace({plain}, {quoted(writing.sign)}, ''))"
    if writing.thousands:
        # Only between groups of digits, the last of three: 99,00 is no 9900. Lakhs have two before.
        sign, point = (f"[{re.escape(mark)}]" for mark in (writing.thousands, writing.decimal))
        grouped = f"[+-]?[0-9]{{1,3}}({sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}({point}[0-9]*)?"
        plain = (
            f"CASE WHEN regexp_full_match({plain}, {quoted(grouped)}) "
            f"THEN replace({plain}, {quoted(writing.thousands)}, '') ELSE {plain} END"
        )
    if writing.decimal == ",":
        # Swapped, not replaced: a point then is a sign that no number has.
        plain = f"translate({plain}, ',.', '.,')"
    return plain


def date_text(column: str, writing: Writing) -> str:
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
        return _day_in_one(_once(found, _named_month))
    if writing.dates == "spreadsheet":
        serial = f"TRY_CAST({number(column, writing)} AS DOUBLE)"
        # Serial days carry fractions of a day; seconds are all that a spreadsheet means by them.
        return (
            f"CASE WHEN {serial} BETWEEN 1 AND 110000 THEN strftime(TIMESTAMP '1899-12-30' + "
            f"to_seconds(CAST(round({serial} * 86400) AS BIGINT)), '%Y-%m-%d %H:%M:%S') "
            f"ELSE {column} END"
        )
    if writing.dates == "epoch":
        return _epoch_text(column)
    return f"CASE WHEN {is_odd(column)} THEN {_closer(column)} ELSE {column} END"


def date_texts(columns: Sequence[str]) -> str:
    """SQL for the `date_text` of each of these columns, as a list; NULL where none is odd.

    One statement for them all: the engine plans longer over what reads a text that is odd than it
    takes over the rows of a small file. Where `is_odd` is false, the column is its own text.
    """
    odd = " OR ".join(f"({is_odd(column)})" for column in columns)
    read = f"CASE WHEN {is_odd('v')} THEN {_closer('v')} ELSE v END"
    listed = f"list_transform([{', '.join(columns)}], lambda v: {read})"
    return f"CASE WHEN {odd} THEN {listed} END"


def is_odd(column: str) -> str:
    """SQL that is false for nearly every text: ISO 8601 as it stands."""
    return f"substr({column}, 5, 1) <> '-' OR right({column}, 1) IN ('M', 'm')"


def _closer(column: str) -> str:
    """SQL for the text as ISO 8601 has it, of one that is odd."""
    read = _day_in_one(_once(f"replace({column}, '/', '-')", _named_month))
    whole = (
        f"substr({column}, 1, 4) || '-' || substr({column}, 5, 2) || '-' || substr({column}, 7)"
    )
    return f"CASE WHEN regexp_full_match({column}, '[0-9]{{8}}') THEN {whole} ELSE {read} END"


def _once(expression: str, use: Callable[[str], str]) -> str:
    """SQL for what `use` makes of an expression that it names many times: computed once.

    Written out each time, what is read this way within another doubles with every layer, and the
    engine plans for seconds over three rows.
    """
    return f"list_transform([{expression}], lambda v: {use('v')})[1]"


def _named_month(column: str) -> str:
    """SQL for the text with its day as ISO 8601 has it where a word names its month."""
    # Most texts have no word in them, and the forms are looked for in the others alone.
    return f"CASE WHEN regexp_matches({column}, '[A-Za-z]{{3}}') " \
           f"THEN {_once(column, _month_by_name)} ELSE {column} END"


def _month_by_name(column: str) -> str:
    cases = ""
    for form, day, month in ((_DAY_FIRST, 1, 2), (_MONTH_FIRST, 2, 1)):
        part = {
            place: f"regexp_extract({column}, {quoted(form)}, {place})" for place in range(1, 5)
        }
        known = "janfebmaraprmayjunjulaugsepoctnovdec"
        counted = f"CAST((strpos('{known}', left(lower({part[month]}), 3)) + 2) // 3 AS VARCHAR)"
        # A year of two digits begins where POSIX lets it begin.
        century = (
            f"CASE WHEN length({part[3]}) = 4 THEN '' WHEN {part[3]} >= '69' THEN '19' "
            "ELSE '20' END"
        )
        rest = f"replace(ltrim({part[4]}, ','), 'GMT', 'UTC')"
        cases += (
            f" WHEN regexp_full_match({column}, {quoted(form)}) THEN {century} || {part[3]} || "
            f"'-' || {counted} || '-' || {part[day]} || {rest}"
        )
    return f"CASE{cases} ELSE {column} END"


def _day_in_one(column: str) -> str:
    """SQL for the text with its hour counted to 24 where it says AM or PM."""
    return _once(column, _hour_in_one)


def _hour_in_one(column: str) -> str:
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
    counted = f"TRY_CAST({column} AS DECIMAL(25,6))"
    # Seconds do not reach 10¹¹ before the year 5138, milliseconds have done so since 1973; the last
    # day of the year 9999, in seconds, is how databases write "never".
    micros = (
        f"CASE WHEN abs({counted}) < {_EPOCH_MILLIS} OR {counted} BETWEEN {_NEVER_EPOCH} "
        f"AND {_NEVER_EPOCH + 86_399} THEN {counted} * 1000000 ELSE {counted} * 1000 END"
    )
    written = f"strftime(make_timestamp(CAST({micros} AS BIGINT)), '%Y-%m-%d %H:%M:%S.%f')"
    plain = f"regexp_full_match({column}, '-?[0-9]{{1,15}}([.][0-9]{{0,6}})?')"
    return f"CASE WHEN {plain} THEN {written} || 'Z' ELSE {column} END"


def instant(column: str, writing: Writing) -> str:
    """SQL for the TIMESTAMPTZ that a text names; NULL where it names none that is taken."""
    if writing.dates == "iso":
        closer = _once(_closer(column), lambda read: instant_of(read, writing))
        return (
            f"CASE WHEN {is_odd(column)} THEN {closer} ELSE {instant_of(column, writing)} END"
        )
    return _once(date_text(column, writing), lambda read: instant_of(read, writing))


def instant_of(read: str, writing: Writing) -> str:
    """SQL for the TIMESTAMPTZ of a column that holds a `date_text`; see `instant`."""
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
        f"CASE WHEN regexp_full_match({read}, {quoted(INSTANT)}) "
        f"AND left({read}, 4) BETWEEN '{FIRST_YEAR}' AND '{LAST_YEAR}' "
        f"THEN {found} END"
    )


def after(value: str, read: str) -> str:
    """SQL for the first instant after the last day or second that the `date_text` `read` names."""
    is_day = f"regexp_full_match({read}, {quoted(_DAY_ALONE)})"
    return (
        f"CASE WHEN {is_day} THEN {value} + INTERVAL 1 DAY "
        f"ELSE date_trunc('second', {value}) + INTERVAL 1 SECOND END"
    )


def money(column: str) -> str:
    """SQL for an amount's micro-units, half-even; NULL for a text that is none that is taken."""
    exact, rounded = f"TRY_CAST({column} AS DECIMAL(38,18))", f"TRY_CAST({column} AS DECIMAL(18,6))"
    plain = f"CAST(CAST({rounded} AS DECIMAL(25,6)) * 1000000 AS BIGINT)"
    # The engine rounds halves away from zero: one too much where the even one lies below.
    excess = (
        f"CASE WHEN CAST({rounded} AS DECIMAL(38,18)) - {exact} = 0.0000005 "
        f"AND {plain} % 2 = 1 THEN 1 ELSE 0 END"
    )
    return (
        f"CASE WHEN regexp_full_match({column}, {quoted(_PLAIN_MONEY)}) THEN {plain} "
        f"WHEN regexp_full_match({column}, {quoted(NUMBER)}) "
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


def from_minor(value: str) -> str:
    """SQL for micro-units of the major unit, of micro-units of the minor one; half-even."""
    units = _minor_units()
    whole, rest = f"(abs({value}) // {units})", f"(2 * (abs({value}) % {units}))"
    up = f"CASE WHEN {rest} > {units} OR ({rest} = {units} AND {whole} % 2 = 1) THEN 1 ELSE 0 END"
    return f"CAST(sign({value}) * ({whole} + {up}) AS BIGINT)"


def is_never(source: str, writing: Writing) -> str:
    """SQL that is true for a text with which databases say that something has no end."""
    listed = ", ".join(quoted(word) for word in NEVER)
    year = f"left({date_text(source, writing)}, 4)"
    found = f"{year} = '{NEVER_YEAR}' OR lower({source}) IN ({listed})"
    if writing.dates == "spreadsheet":
        serial = f"TRY_CAST({number(source, writing)} AS DOUBLE)"
        found += f" OR floor({serial}) = {NEVER_SERIAL}"
    return found
