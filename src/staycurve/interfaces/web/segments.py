"""One metric cut by a dimension: a panel of the page at /metrics/{name}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.api.describe import dimensions
from staycurve.interfaces.web import choices, numbers
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choosing import switch_of
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    nothing,
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.cohorts import SMALL
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import COHORT, MOVING, now_of, own_order
from staycurve.metrics.result import Result
from staycurve.period import Period

PERIODS = 6
"""Columns; the line beside them shows every period that is asked for."""
SEGMENTS_SHOWN = 40
"""Rows; the panel's CSV has all."""
_ALONE = ("account_id", "name", "parent_id", "referred_by", "employees")
"""Dimensions with about as many values as there are accounts."""
_NAMES = {
    COHORT: N_("Activation cohort"), "tenure": N_("Time as a customer"),
    "mrr_band": N_("MRR band"), "lifecycle": N_("Lifecycle stage"),
    "tenure_now": N_("Time as a customer, now"), "mrr_band_now": N_("MRR band, now"),
    "lifecycle_now": N_("Lifecycle stage, now"),
}


def dims_of(ask: Ask, name: str) -> dict[str, str]:
    """The dimensions that are offered, and what people call them."""
    company = ask.company
    known = dimensions(METRICS[name], company.config, company.attributes())
    listed = {
        choice.name: choice.label for choice in choices.segments(ask) if choice.place == 1
    }
    found = {dim: label for dim, label in listed.items() if dim in known}
    for dim in known:
        if dim in _NAMES:
            found.setdefault(dim, _NAMES[dim])
        elif dim not in _ALONE and dim not in choices.FIRST and dim not in company.attributes():
            # A metric's own, such as the feature or the survey.
            found.setdefault(dim, dim.replace("_", " ").capitalize())
    return found


def _segments(ask: Ask) -> Shown:
    name = ask.name
    metric, dims = METRICS[name], dims_of(ask, name)
    if not dims:
        return nothing(ask, _("this metric does not belong to accounts, so it has no segments"))
    switch = switch_of(ask, "segments", "by", _("By"), dims, next(iter(dims)), is_late=True)
    by = ask.options.get("by", next(iter(dims)))
    found, whole = ask.answer(name, by=(by,)), ask.answer(name)
    values = _ordered(found, by)
    if not values:
        return shown((), Reading(switches=[switch], why=_("no segment has a value")))
    cells = {(row["segment"][by], row["period"]): row for row in found.rows}
    rows = [
        {**row, "rows_at": _opens(ask, name, by, row)} for row in found.rows
    ]
    columns = ask.periods[-PERIODS:]
    lines = [
        _line(ask, name, by, value, [cells[value, str(p.start)] for p in ask.periods],
              found.small)
        for value in values[:SEGMENTS_SHOWN]
    ]
    totals = {row["period"]: row for row in whole.rows}
    foot = Line(words(_("All")), [
        *(_cell(ask, name, totals[str(p.start)], p) for p in columns), Cell(""),
    ])
    heads = [
        Head(_(dims[by])), *(Head(ask.label(p)) for p in columns), Head(_("Over time")),
    ]
    return shown(
        rows,
        Reading(
            switches=[switch], tables=[Table(_(metric.label), heads, lines, foot)],
            notes=[*_notes(found, by, len(values)), *found.notes], sql=found.sql,
        ),
        {"by": by, "additive": found.is_additive,
         "small": [{by: value, "accounts": size} for (value,), size in found.small.items()]},
    )


def _line(
    ask: Ask, name: str, by: str, value: str | None, rows: Sequence[dict[str, Any]],
    small: Any,
) -> Line:
    shown_rows = list(zip(ask.periods, rows, strict=True))[-PERIODS:]
    size = small.get((value,))
    head = words(
        value or _("(none)"),
        about=_("a rate rests on %s accounts in one of the periods") % size if size else "",
    )
    return Line(
        head,
        [
            *(_cell(ask, name, row, period, Filter(by, (value,))) for period, row in shown_rows),
            Cell("", spark=numbers.sparkline([row["value"] for row in rows])),
        ],
        size is not None,
    )


def _cell(ask: Ask, name: str, row: dict[str, Any], period: Period, *cut: Filter) -> Cell:
    text = numbers.full(row["value"], METRICS[name].unit, ask.currency)
    if row["value"] is None:
        return Cell(text, about=reason(row))
    return Cell(text, ask.opens(name, period, *cut))


def _opens(ask: Ask, name: str, by: str, row: dict[str, Any]) -> str | None:
    if row["value"] is None:
        return None
    period = next(p for p in ask.periods if str(p.start) == row["period"])
    return ask.opens(name, period, Filter(by, (row["segment"][by],)))


def _ordered(found: Result, by: str) -> list[str | None]:
    """The segments: in their own order if they have one, else those with most of it first."""
    latest: dict[str | None, float] = {}
    # What belongs to no segment is listed where there is any of it.
    is_none_empty = not any(row["value"] for row in found.rows if row["segment"][by] is None)
    for row in found.rows:
        if is_none_empty and row["segment"][by] is None:
            continue
        if row["value"] is not None or row["segment"][by] not in latest:
            latest[row["segment"][by]] = row["value"] or 0.0
    own = own_order(by)
    if own:
        return sorted(latest, key=lambda v: own.index(v) if v in own else len(own))
    if by == COHORT:
        return sorted(latest, key=lambda value: value or "", reverse=True)
    is_size = next(iter(found.units.values())) in (Unit.MONEY, Unit.COUNT)
    if is_size:
        return sorted(latest, key=lambda value: (-abs(latest[value]), value or ""))
    return sorted(latest, key=lambda value: (value is None, (value or "").casefold()))


def _notes(found: Result, by: str, count: int) -> list[str]:
    told = []
    if by in MOVING:
        told.append(_(MOVING[by].about) + " " + _(
            "An account that changes it takes its MRR along: that is MRR leaving one segment and "
            "entering another, never churned or new."
        ))
    elif now_of(by):
        told.append(_("As of the as-of's day, followed back in time."))
    if found.small:
        told.append(_("A mark (*) flags rates of fewer than %s accounts.") % SMALL)
    if count > SEGMENTS_SHOWN:
        told.append(_("%(shown)s of %(count)s segments are shown; the CSV has all.") % {
            "shown": SEGMENTS_SHOWN, "count": count,
        })
    return told


SEGMENTS = Panel(
    "segments", N_("By segment"), N_("Where is it high, and where is it low?"), "reading.html",
    _segments, is_late=True,
)
