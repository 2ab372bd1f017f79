"""Why a metric changed between two periods: each driver's part, and each segment's.

The drivers are the sums that the metric's formula is made of. Each one's part is its Shapley value:
the mean, over every order in which the drivers could have changed, of what its own change adds. For
MRR, ARR and customers, whose formula is one sum, the drivers are the movements between the two
closes; for net revenue retention what was added to the opening MRR and what was lost.

Parts are exact fractions; what is printed has 6 decimal places for money and 12 for anything else,
shared out so that the printed digits sum to the printed change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.shapley import shared_out, units_of
from staycurve.insights.value.explaining import (
    Asking,
    Part,
    SegmentPart,
    drivers,
    segment_parts,
    values_of,
)
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import filters_of
from staycurve.period import GRAINS, Period, align, parse_period

MONEY_PLACES, OTHER_PLACES = 6, 12
"""Decimal places that are printed: micro-units of money, and what a double holds of the rest."""

TOLD = 3
"""Drivers that the sentence names."""

_ASKED = {"metric": "metric", "start": "period_from", "end": "period_to", "grain": "grain"}
OF_DRIVER = Opens("value accounts", {**_ASKED, "part": "driver"})
OF_SEGMENT = Opens("value accounts", _ASKED)

MetricName = Annotated[
    str, Param(N_("A metric, such as nrr."), metavar="METRIC", is_argument=True)
]


@dataclass(frozen=True, kw_only=True)
class Driver(Row):
    """What one driver added to the change."""

    driver: Annotated[str, Key(N_("Its name: a metric's where it is one."))]
    label: Annotated[str, col(N_("Driver"))]
    value_from: Annotated[
        float | None,
        col(N_("Before"), Unit.RATIO, unit_from="unit", why="", opens=OF_DRIVER,
            about=N_("The driver itself; empty for a movement between the two closes.")),
    ]
    value_to: Annotated[
        float | None, col(N_("After"), Unit.RATIO, unit_from="unit", why="", opens=OF_DRIVER)
    ]
    contribution: Annotated[
        float | None,
        col(N_("Contribution"), Unit.RATIO, unit_from="changes_in", is_summed=True,
            about=N_("To the change of the metric.")),
    ]
    unit: Annotated[str, Key(N_("Of the driver."))]
    changes_in: Annotated[str, Hidden()]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class SegmentEffect(Row):
    """What one segment added to the change."""

    segment: Segment
    value_from: Annotated[
        float | None, col(N_("Before"), Unit.RATIO, unit_from="unit", why="", opens=OF_SEGMENT)
    ]
    value_to: Annotated[
        float | None, col(N_("After"), Unit.RATIO, unit_from="unit", why="", opens=OF_SEGMENT)
    ]
    size_effect: Annotated[
        float,
        col(N_("Size"), Unit.RATIO, unit_from="changes_in", is_summed=True,
            about=N_("By becoming a larger or smaller part.")),
    ]
    rate_effect: Annotated[
        float,
        col(N_("Rate"), Unit.RATIO, unit_from="changes_in", is_summed=True,
            about=N_("By its own rate, or mean, having changed.")),
    ]
    contribution: Annotated[
        float,
        col(N_("Contribution"), Unit.RATIO, unit_from="changes_in", is_summed=True,
            about=N_("Size and rate together.")),
    ]
    unit: Annotated[str, Hidden()]
    changes_in: Annotated[str, Hidden()]


@dataclass(frozen=True, kw_only=True)
class Change(Answer):
    """Why a metric changed."""

    as_of: AsOfField
    currency: CurrencyField
    metric: Annotated[str, Key(N_("Its name."))]
    unit: Annotated[str, Key(N_("Of the metric."))]
    period_from: Annotated[str, Key(N_("The earlier period, by its first day."), name="from")]
    period_to: Annotated[str, Key(N_("The later period, by its first day."), name="to")]
    grain: Annotated[str, Key(N_("How long the periods are."))]
    value_from: Annotated[float | None, Key(N_("The value in the earlier period."))]
    value_to: Annotated[float | None, Key(N_("The value in the later period."))]
    change: Annotated[float | None, Key(N_("The later value less the earlier one."))]
    why: WhyField = None
    rows: Annotated[tuple[Driver, ...], Table(N_("What changed it"))]
    segments: Annotated[tuple[SegmentEffect, ...], Table(N_("By segment"))]
    segments_why: WhyField = None
    names: Annotated[tuple[str, str], Hidden()]

    def title(self) -> Said:
        return Said(N_("%(metric)s, %(from)s to %(to)s, %(currency)s"), {
            "metric": Said(METRICS[self.metric].label), "from": self.names[0],
            "to": self.names[1], "currency": self.currency,
        })

    def said(self) -> tuple[Said, ...]:
        return (_sentence(self),)


def _sentence(found: Change) -> Said:
    return told_change(
        found.metric, found.change, found.names, found.why,
        [(row.label, row.contribution) for row in found.rows],
    )


def told_change(
    metric: str, change: float | None, names: tuple[str, str], why: str | None,
    parts: Sequence[tuple[str, float | None]],
) -> Said:
    """How a metric changed from one period to another, and what moved it most.

    Parameters
    ----------
    names : (str, str)
        Of the periods.
    parts : sequence of (label, contribution)
    """
    unit = difference_unit(METRICS[metric].unit)
    values: dict[str, str | Value | Said] = {
        "metric": Said(METRICS[metric].label), "from": names[0], "to": names[1],
        "why": why or "",
        # Points print their own sign.
        "change": (change if unit is Kind.POINTS else abs(change or 0), unit),
    }
    if change is None:
        return Said(N_("Nothing can be said about %(metric)s from %(from)s to %(to)s: %(why)s."),
                    values)
    if change == 0:
        return Said(N_("%(metric)s did not change from %(from)s to %(to)s."), values)
    known = [(label, own) for label, own in parts if own]
    largest = sorted(known, key=lambda one: -abs(one[1]))[:TOLD]
    values["parts"] = _parts(largest, unit)
    if not largest:
        text = N_("%(metric)s rose by %(change)s from %(from)s to %(to)s.")
        fell = N_("%(metric)s fell by %(change)s from %(from)s to %(to)s.")
    else:
        text = N_("%(metric)s rose by %(change)s from %(from)s to %(to)s: %(parts)s.")
        fell = N_("%(metric)s fell by %(change)s from %(from)s to %(to)s: %(parts)s.")
    return Said(text if change > 0 else fell, values)


def _parts(parts: Sequence[tuple[str, float]], unit: Unit | Kind) -> Said:
    if not parts:
        return Said("")
    label, amount = parts[0]
    signed: Value = (amount, unit) if unit is Kind.POINTS else (abs(amount), unit)
    text = N_("%(driver)s %(amount)s")
    if unit is not Kind.POINTS:
        text = N_("%(driver)s +%(amount)s") if amount > 0 else N_("%(driver)s −%(amount)s")
    part = Said(text, {"driver": Said(label), "amount": signed})
    if len(parts) == 1:
        return part
    return Said(N_("%(first)s, %(rest)s"), {"first": part, "rest": _parts(parts[1:], unit)})


@insight("value change", needs="")
def change(
    company: Reader, *,
    metric: MetricName,
    start: Annotated[str, Param(N_("The earlier period, such as 2024-06."), name="from",
                                metavar="P", formerly=("start",))],
    end: Annotated[str, Param(N_("The later period, such as 2024-07."), name="to", metavar="P",
                              formerly=("end",))],
    grain: Annotated[str | None, Param(N_("The length of the periods; as they are written "
                                          "without it."), choices=GRAINS)] = None,
    by: By = "", where: Where = "", as_of: AsOfText = None,
) -> Change:
    """Why did a metric change between two periods?

    Each driver's contribution by its Shapley value over the metric's formula, and each segment's
    as size and rate effects; both sum to the change to the last digit.
    """
    unit = METRICS[metric].unit
    first, last = periods_of(company, start, end, grain)
    asked = Asking(
        company, company.as_of(as_of), first, last, dims_of(by), filters_of(where), metric
    )
    # Names are checked whether or not there is anything to split.
    asked.plan()
    values, why, sql = values_of(asked)
    places = places_of(unit)
    before, after = (None if one is None else units_of(one, places) for one in values)
    gap = None if before is None or after is None else after - before
    found: list[Part] = []
    parts: list[SegmentPart] = []
    segments_why = None
    if gap is not None:
        found = drivers(asked)
        if asked.by:
            parts, segments_why = segment_parts(asked)
    fiscal = company.config.company.fiscal_year_start
    return Change(
        as_of=asked.as_of.at.isoformat(),
        currency=company.config.company.currency,
        metric=metric,
        unit=unit.value,
        period_from=str(first.start),
        period_to=str(last.start),
        grain=first.grain,
        value_from=as_float(before, places),
        value_to=as_float(after, places),
        change=as_float(gap, places),
        why=why,
        rows=_rows(found, gap, places, unit),
        segments=_segments(asked, parts, gap, places, unit),
        segments_why=segments_why,
        names=(first.name(fiscal), last.name(fiscal)),
        sql=sql,
    )


def places_of(unit: Unit) -> int:
    """How many decimal places of a value are printed."""
    return MONEY_PLACES if unit is Unit.MONEY else OTHER_PLACES


def as_float(units: int | None, places: int) -> float | None:
    """Units of the last decimal place that is printed, as the number that prints them."""
    # True division of integers rounds once: the nearest double prints these digits again.
    return None if units is None else units / 10**places


def difference_unit(unit: Unit) -> Unit | Kind:
    """What a difference of two values is counted in: of rates it is points."""
    return Kind.POINTS if unit is Unit.PERCENT else unit


def _rows(
    found: Sequence[Part], gap: int | None, places: int, unit: Unit
) -> tuple[Driver, ...]:
    known = [one.contribution for one in found]
    digits: list[int | None] = [None for _ in found]
    if gap is not None and all(one is not None for one in known):
        digits = list(shared_out([one for one in known if one is not None], gap, places))
    return tuple(
        Driver(
            driver=one.name, label=one.label, unit=one.unit.value,
            value_from=None if one.before is None else float(one.before),
            value_to=None if one.after is None else float(one.after),
            contribution=as_float(own, places), why=one.why,
            changes_in=difference_unit(unit).value,
        )
        for one, own in zip(found, digits, strict=True)
    )


def _segments(
    asked: Asking, found: Sequence[SegmentPart], gap: int | None, places: int, unit: Unit
) -> tuple[SegmentEffect, ...]:
    if gap is None:
        return ()
    wholes = shared_out([one.effect.whole for one in found], gap, places)
    rows = []
    for one, whole in zip(found, wholes, strict=True):
        size = units_of(one.effect.size, places)
        if not one.effect.rate:
            size = whole
        rows.append(SegmentEffect(
            segment=dict(zip(asked.by, one.segment, strict=True)),
            value_from=None if one.before is None else float(one.before),
            value_to=None if one.after is None else float(one.after),
            size_effect=size / 10**places,
            rate_effect=(whole - size) / 10**places,
            contribution=whole / 10**places,
            unit=unit.value,
            changes_in=difference_unit(unit).value,
        ))
    return tuple(rows)


def periods_of(company: Reader, start: str, end: str, grain: str | None) -> tuple[Period, Period]:
    """The two periods that are named; an error for two of different lengths, or out of order."""
    fiscal = company.config.company.fiscal_year_start
    named = parse_period(start, fiscal), parse_period(end, fiscal)
    if grain is None and named[0].grain != named[1].grain:
        raise UsageError(
            f"'{start}' is a {named[0].grain} and '{end}' a {named[1].grain}.",
            hint="Name two of one length, or give --grain.", parameter="to",
        )
    length = grain or named[0].grain
    first = align(start, length, is_last=False, fiscal_start=fiscal)
    last = align(end, length, is_last=True, fiscal_start=fiscal)
    if first.start > last.start:
        raise NotAnsweredError(
            f"The range from {first.start} to {last.start} is empty.",
            hint="--from must not lie after --to.",
        )
    return first, last


