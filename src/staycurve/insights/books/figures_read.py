"""Figures of another tool, read from a CSV file: month, metric and value."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from staycurve.errors import UsageError
from staycurve.metrics.catalogue import METRICS
from staycurve.period import AsOf, Period, parse_period

COLUMNS = ("month", "metric", "value")
MOST_DIGITS = 30
"""A number with more before or after its point is a slip, not a figure."""
SHOWN = 5
"""How many wrong lines an error names."""


@dataclass(frozen=True)
class Figure:
    """One line of the file.

    Attributes
    ----------
    tolerance : Fraction
        Half a unit of the last digit given: what rounding alone may differ by.
    """

    line: int
    month: Period
    metric: str
    value: Fraction
    tolerance: Fraction


def read_figures(path: Path, seen: AsOf) -> list[Figure]:
    """The figures in a CSV file with the columns month, metric and value.

    A value may be written as 0.95 or 95%, and with commas between thousands.

    Raises
    ------
    UsageError
        Naming the file, and each line whose month, metric or value is not known.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return figures_in(file, path.name, seen)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", hint="Name a CSV file in UTF-8."
        ) from None


def figures_in(text: Iterable[str], name: str, seen: AsOf) -> list[Figure]:
    """The figures in the lines of a CSV file called `name`; see `read_figures`."""
    reader = csv.DictReader(text, strict=True)
    try:
        header = {(column or "").strip().lower(): column for column in reader.fieldnames or ()}
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise UsageError(
                f"{name} has no column {', '.join(missing)}.",
                hint="Its first line must be: month,metric,value",
            )
        lines = [
            (reader.line_num, {n: (row[header[n]] or "").strip() for n in COLUMNS})
            for row in reader
        ]
    except csv.Error as error:
        raise UsageError(
            f"{name}:{reader.line_num} is not CSV: {error}.", hint="Write: 2024-06,mrr,1234.50"
        ) from None
    wrong: list[str] = []
    found = [
        figure
        for number, cell in lines
        if (figure := _figure(f"{name}:{number}", number, cell, seen, wrong))
    ]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise UsageError(
            "; ".join(wrong[:SHOWN]) + more + ".",
            hint="Months are written 2024-06; names of metrics: staycurve metrics",
        )
    if not found:
        raise UsageError(f"{name} holds no figures.", hint="Write lines: 2024-06,mrr,1234.50")
    return found


def _figure(
    place: str, number: int, cell: Mapping[str, str], seen: AsOf, wrong: list[str]
) -> Figure | None:
    month, metric, value = (cell[name] for name in COLUMNS)
    reasons = []
    period = None
    try:
        period = parse_period(month[:7] if len(month) == 10 else month)
    except UsageError:
        reasons.append(f"'{month}' is not a month")
    if period and period.grain != "month":
        reasons.append(f"'{month}' is not a month")
    elif period and period.start > seen.last_day:
        reasons.append(f"month {month} begins after the as-of")
    if metric not in METRICS:
        reasons.append(f"unknown metric '{metric}'")
    number_given = _number(value)
    if number_given is None:
        reasons.append(f"'{value}' is not a number")
    if reasons or period is None or number_given is None:
        wrong.append(f"{place} {', '.join(reasons)}")
        return None
    return Figure(number, period, metric, *number_given)


def _number(text: str) -> tuple[Fraction, Fraction] | None:
    """The number that `text` states, and half a unit of its last digit."""
    is_percent = text.endswith("%")
    try:
        number = Decimal(text.rstrip("% ").replace(",", ""))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > MOST_DIGITS:
        return None
    scale = 100 if is_percent else 1
    digits = int(number.as_tuple().exponent)
    return Fraction(number) / scale, Fraction(10) ** min(digits, 0) / 2 / scale
