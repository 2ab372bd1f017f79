"""What a panel of findings shows: figures, sentences, a chart, and tables whose numbers open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.insights.statistics.association import Association
from staycurve.insights.statistics.proportions import Share
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.drawing import Picture
from staycurve.interfaces.web.page import Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period
from staycurve.tables import views


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text, href, about : str
        What is printed, the address of its rows, and why it is empty or what it means.
    beneath, beneath_href : str
        A smaller line under it, such as the interval, and where it leads.
    meter : tuple of float, optional
        Value, low and high from 0 to 1, drawn as a bar with its interval.
    is_text : bool
        Whether it is read, not compared: aligned to the left.
    step : int
        Its shade of ten; 0 is none.
    is_named : bool
        Whether it stands out beyond chance.
    spark : str
        Points of a small line beside it.
    """

    text: str
    href: str = ""
    about: str = ""
    beneath: str = ""
    meter: tuple[float, float, float] | None = None
    is_text: bool = False
    step: int = 0
    is_named: bool = False
    spark: str = ""
    beneath_href: str = ""


@dataclass(frozen=True)
class Line:
    """One row of a table; a small sample is marked."""

    head: Cell
    cells: Sequence[Cell]
    is_small: bool = False


@dataclass(frozen=True)
class Head:
    """The heading of a column, and what it means."""

    text: str
    about: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class Table:
    """A table; behind a click where it stands under its own chart.

    Attributes
    ----------
    heads : sequence of Head
        The first is that of the rows' own headings.
    foot : Line, optional
        What the rows come to.
    """

    label: str
    heads: Sequence[Head]
    lines: Sequence[Line]
    foot: Line | None = None
    is_folded: bool = False
    kind: str = "listed"
    title: str = ""


@dataclass(frozen=True)
class Card:
    """One figure on top of a page."""

    name: str
    label: str
    value: str
    full: str = ""
    href: str = ""
    why: str = ""
    note: str = ""
    delta: numbers.Delta | None = None
    before: str = ""
    before_label: str = ""
    defined_at: str = ""


@dataclass(frozen=True)
class Option:
    """One of several ways to show a panel."""

    name: str
    label: str
    href: str
    is_on: bool
    count: str = ""


@dataclass(frozen=True)
class Switch:
    """Ways to show a panel of which one is on."""

    label: str
    options: Sequence[Option]


@dataclass(frozen=True)
class Reading:
    """A panel, from general to specific.

    Attributes
    ----------
    said : sequence of str
        What was found, in sentences.
    unit : str
        Of the chart.
    notes : sequence of str
        How it is counted; under the tables.
    why : str
        Why there is nothing to show, where there is nothing.
    empty : str
        Which of the empty states that is.
    """

    cards: Sequence[Card] = ()
    when: str = ""
    switches: Sequence[Switch] = ()
    said: Sequence[str] = ()
    picture: Picture | None = None
    unit: str = ""
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    why: str = ""
    empty: str = ""
    hint: str = ""
    sql: str = ""


def shown(
    rows: Sequence[Mapping[str, Any]], reading: Reading, extra: Mapping[str, Any] | None = None
) -> Shown:
    """A panel of findings, with its rows for the twins."""
    return Shown(rows, {"reading": reading}, extra or {})


def nothing(ask: Ask, why: str, table: str = "subscriptions") -> Shown:
    """A panel without findings, with the reason and the way out.

    Parameters
    ----------
    table : str
        The table that the findings rest on; an empty one is the reason.
    """
    company = ask.company
    if table in views.empty_tables(company.lake, company.snapshot):
        reading = Reading(
            why=why, empty="nothing_connected", hint=f"staycurve load {table}.csv"
        )
    elif ask.filters:
        reading = Reading(why=why, empty="nothing_matches", hint=ask.cleared())
    else:
        reading = Reading(why=why, empty="nothing_matches")
    return Shown((), {"reading": reading}, {"why": why, "empty": reading.empty})


def words(text: str, href: str = "", *, about: str = "", beneath: str = "") -> Cell:
    """A cell that is read."""
    return Cell(text, href, about, beneath, is_text=True)


def count(value: float | None, href: str = "", *, why: str = "") -> Cell:
    """A cell with a number of accounts, users or acts."""
    return Cell(numbers.full(value, Unit.COUNT), href if value is not None else "", why)


def money(ask: Ask, value: float | None, href: str = "", *, why: str = "") -> Cell:
    """A cell with an amount in the company's currency."""
    return Cell(numbers.full(value, Unit.MONEY, ask.currency), href, why)


def share_of(
    value: float | None, low: float | None, high: float | None, href: str = "", *,
    why: str | None = None, is_drawn: bool = True, is_named: bool = False,
) -> Cell:
    """A cell with a share and its interval, or why it is empty."""
    if value is None:
        return Cell(numbers.UNKNOWN, about=told(why))
    meter = (value, low, high) if is_drawn and low is not None and high is not None else None
    return Cell(percent(value), href, beneath=between(low, high), meter=meter, is_named=is_named)


def gap_of(
    value: float | None, low: float | None, high: float | None, *, why: str | None = None,
    is_named: bool = False,
) -> Cell:
    """A cell with a difference of shares in points and its interval, or why it is empty."""
    if value is None:
        return Cell(numbers.UNKNOWN, about=told(why))
    beneath = _("%(low)s to %(high)s") % {"low": points(low), "high": points(high)}
    return Cell(points(value), beneath=beneath, is_named=is_named)


def told(why: str | None) -> str:
    """A reason in the reader's language; nothing for none."""
    return _(why) if why else ""


def measure(
    found: Share, href: str = "", *, is_drawn: bool = True, is_named: bool = False
) -> Cell:
    """A cell with a share of accounts and its interval, or why it is empty."""
    return share_of(
        found.value, found.low, found.high, href, why=found.why, is_drawn=is_drawn,
        is_named=is_named,
    )


def compared(found: Association) -> list[Cell]:
    """Three cells: a difference, that among comparable accounts, and what can be said."""
    among = found.among_comparable
    return [
        gap_of(
            found.difference, found.difference_low, found.difference_high, why=found.why,
            is_named=found.verdict == "holds",
        ),
        gap_of(among.difference, among.difference_low, among.difference_high)
        if among else Cell(""),
        words(_(found.verdict_label), about=told(found.why)),
    ]


def reason(found: Mapping[str, Any], key: str = "why") -> str:
    """Why a value is empty, in the reader's language; nothing where it is not."""
    why = found.get(key)
    return _(str(why)) if why else ""


def whole(value: float | None) -> str:
    """A number of things, such as 1,082."""
    return numbers.full(value, Unit.COUNT)


def percent(value: float | None) -> str:
    """A share, with one decimal."""
    return numbers.compact(value, Unit.PERCENT)


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    if value is None:
        return numbers.UNKNOWN
    text = numbers.compact(value, Unit.PERCENT).removesuffix("%")
    # What rounds to nothing has no direction.
    return f"+{text}" if value > 0 and text.strip("0.") else text


def between(low: float | None, high: float | None) -> str:
    """The ends of an interval of a share; nothing where it is not known."""
    if low is None or high is None:
        return ""
    return _("%(low)s to %(high)s") % {"low": percent(low), "high": percent(high)}


def about_95(low: float | None, high: float | None) -> str:
    """The 95% interval in words, for a figure on a card."""
    text = between(low, high)
    return _("95% interval: {ends}").format(ends=text) if text else ""


def change(
    value: float | None, before: float | None, unit: Unit, better: str, before_label: str
) -> dict[str, Any]:
    """What a card says of the value it is compared with."""
    found = numbers.delta(value, before, unit, better)
    if found is None:
        return {}
    return {
        "delta": found, "before": numbers.compact(before, unit, like=value),
        "before_label": before_label,
    }


def month(ask: Ask, first_day: str | dt.date | None) -> str:
    """A month as people read it, from its first day."""
    return ask.label(parse_period(str(first_day)[:7])) if first_day else numbers.UNKNOWN


def named(text: str) -> str:
    """An event's or feature's name as people read it."""
    return text.replace("_", " ")
