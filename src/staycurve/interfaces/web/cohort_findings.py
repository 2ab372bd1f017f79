"""Retention trends and the riskiest subscription months: panels of the page at /cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.cohort_figures import AGE_LABELS, retention_of, risk_of
from staycurve.interfaces.web.drawing import NARROW, ROOM, WIDE, picture_by
from staycurve.interfaces.web.intervals import whiskers
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    between,
    count,
    difference,
    month,
    nothing,
    percent,
    rate,
    reason,
    shown,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period

Row = Mapping[str, Any]

CLASSES = {
    "voluntary": N_("Voluntary"), "involuntary": N_("Involuntary"), "paused": N_("Paused"),
    "unknown": N_("Unknown"),
}


def cell_at(ask: Ask, cohort: str, age: int) -> str:
    """The address of the accounts of a cohort that pay so many months on."""
    options = {
        "cohort_value": "customers", "cohort_month": cohort[:7], "age": str(age),
        "as_of": ask.options.get("as_of"),
    }
    return link("/accounts", options, ask.filters)


def risk_at(ask: Ask, own_month: int, **which: str) -> str:
    """The address of who left in a subscription month, or was at risk in it."""
    return ask.url("/cohorts/months", month=str(own_month), **which)


def _retention(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = retention_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found))
    by_place = {(row["cohort"], row["age"]): row for row in found["rows"]}
    cohorts = list(dict.fromkeys(row["cohort"] for row in found["rows"]))
    colours = {1: "#56B4E9", 12: charts.ACCENT}
    series = [charts.Series(str(age), _(AGE_LABELS[age]), colours[age]) for age in found["ages"]]
    drawn, ends, rows = [], {}, []
    for row in found["rows"]:
        href = cell_at(ask, row["cohort"], row["age"])
        rows.append({**row, "rows_at": href})
        if row["value"] is None:
            continue
        ends[row["cohort"], str(row["age"])] = row["low"], row["high"]
        about = _("%(what)s of %(cohort)s: %(share)s (%(ends)s)") % {
            "what": _(AGE_LABELS[row["age"]]), "cohort": month(ask, row["cohort"]),
            "share": percent(row["value"]), "ends": between(row["low"], row["high"]),
        }
        drawn.append(
            charts.Point(row["cohort"], str(row["age"]), row["value"], about, href)
        )
    periods = [parse_period(cohort[:7]) for cohort in cohorts]
    drawing = picture_by(
        # A phone shows every cohort too: the later ones have no annual retention yet.
        ask, "retention", drawn, whiskers("line", series, ends), unit=Unit.PERCENT,
        label=_("Retention by activation month, with 95% intervals"), series=series,
        legend=series, wide=naming.axis(periods, ROOM[WIDE], ask.fiscal),
        narrow=naming.axis(periods, ROOM[NARROW], ask.fiscal),
    )
    lines = [
        Line(
            words(month(ask, cohort)),
            [
                count(_size(by_place, cohort, found["ages"]), cell_at(ask, cohort, 0)),
                *(_kept(ask, by_place.get((cohort, age)), age) for age in found["ages"]),
            ],
            any((cohort, age) in by_place and by_place[cohort, age]["is_small"]
                for age in found["ages"]),
        )
        for cohort in reversed(cohorts)
    ]
    heads = [
        Head(_("Cohort")), Head(_("Size")), *(Head(_(AGE_LABELS[age])) for age in found["ages"]),
    ]
    return shown(
        rows,
        Reading(
            said=[_told(ask, trend) for trend in found["trends"]],
            picture=drawing,
            unit=_("share of the cohort that pays"),
            tables=[
                _halves(ask, found["trends"]),
                Table(_("Retention by cohort"), heads, lines, is_folded=True),
            ],
            notes=[_("Paying at the close of the month after the activation month, and of the "
                     "month twelve months after it. The upright lines are 95% intervals. Cohorts "
                     "marked with * are small: one account moves them far.")],
        ),
        {"trends": found["trends"]},
    )


def _size(
    by_place: Mapping[tuple[str, int], Row], cohort: str, ages: Sequence[int]
) -> int | None:
    return next((by_place[cohort, a]["size"] for a in ages if (cohort, a) in by_place), None)


def _kept(ask: Ask, row: Row | None, age: int) -> Cell:
    if row is None:
        # That month has not closed: it stays blank.
        return Cell("")
    return rate(row, cell_at(ask, row["cohort"], age))


def _told(ask: Ask, trend: Row) -> str:
    what = _(AGE_LABELS[trend["age"]])
    changed = trend.get("changepoint")
    if not changed:
        return f"{what}: {trend.get('why') or _('no change beyond chance')}."
    return _("%(what)s changed between the cohorts of %(first)s and %(then)s: from %(before)s "
             "(%(before_ends)s) to %(after)s (%(after_ends)s), beyond chance.") % {
        "what": what, "first": month(ask, changed["between"][0]),
        "then": month(ask, changed["between"][1]),
        "before": percent(changed["before"]["value"]),
        "before_ends": between(changed["before"]["low"], changed["before"]["high"]),
        "after": percent(changed["after"]["value"]),
        "after_ends": between(changed["after"]["low"], changed["after"]["high"]),
    }


def _halves(ask: Ask, trends: Sequence[Row]) -> Table:
    lines = []
    for trend in trends:
        older, newer = trend.get("older"), trend.get("newer")
        cells = [rate(trend)]
        for half in (older, newer):
            cells.append(rate(half) if half else Cell("", about=reason(trend)))
        if trend.get("difference") is not None:
            ends = trend["difference_low"], trend["difference_high"]
            cells.append(difference(trend, is_named=ends[0] > 0 or ends[1] < 0))
        else:
            cells.append(Cell(""))
        beneath = ""
        if older and newer:
            beneath = _("older: %(a)s to %(b)s; newer: %(c)s to %(d)s") % {
                "a": month(ask, older["from"]), "b": month(ask, older["to"]),
                "c": month(ask, newer["from"]), "d": month(ask, newer["to"]),
            }
        head = words(_(AGE_LABELS[trend["age"]]), beneath=beneath)
        lines.append(Line(head, cells))
    heads = [
        Head(""), Head(_("All cohorts")), Head(_("Older half")), Head(_("Newer half")),
        Head(_("Difference, points")),
    ]
    return Table(_("Newer cohorts against older ones"), heads, lines)


def _risk(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = risk_of(ask)
    if not found["rows"]:
        return nothing(ask, reason(found))
    series = [
        charts.Series("usual", _("Within chance of the other months"), "#8A9099"),
        charts.Series("named", _("Above the other months beyond chance"), "#C44E00",
                      is_hatched=True),
    ]
    drawn, ends, lines = [], {}, []
    for row in found["rows"]:
        name, own = str(row["month"]), "named" if row["is_named"] else "usual"
        lines.append(_risk_line(ask, row))
        if row["hazard"] is None:
            continue
        ends[name, own] = row["low"], row["high"]
        about = _("Month %(month)s: %(share)s (%(ends)s) of %(count)s accounts left") % {
            "month": name, "share": percent(row["hazard"]),
            "ends": between(row["low"], row["high"]), "count": whole(row["at_risk"]),
        }
        drawn.append(
            charts.Point(name, own, row["hazard"], about, risk_at(ask, row["month"]))
        )
    known = {p.period for p in drawn}
    months = [str(row["month"]) for row in found["rows"] if str(row["month"]) in known]
    drawing = picture_by(
        ask, "risk", drawn, whiskers("bars", series, ends), unit=Unit.PERCENT,
        label=_("Share of those at risk that leave, by subscription month"), series=series,
        legend=series, wide=_thinned(months, 24), narrow=_thinned(months, 8),
    )
    heads = [
        Head(_("Month")), Head(_("At risk")), Head(_("Left")),
        Head(_("Hazard"), _("Left in the month, of those at risk when it began")),
        Head(_("Other months"), _("The hazard of all other months together")),
        *(Head(_(label)) for label in CLASSES.values()),
    ]
    table = Table(_("Hazard by subscription month"), heads, lines, is_folded=True)
    return shown(
        [{**row, "rows_at": risk_at(ask, row["month"])} for row in found["rows"]],
        Reading(
            said=_risky(found), picture=drawing, unit=_("share of those at risk"), tables=[table],
            notes=[_("Months counted from the first paid day, until an account first ceased to "
                     "pay; %(count)s of those who left came back later. The upright lines are "
                     "95%% intervals; they widen as fewer accounts are left to look at. A month "
                     "is named where its hazard lies above that of the other months beyond "
                     "chance, all months being tested at once.")
                   % {"count": whole(found["returned"])}],
        ),
        {"named": found["named"], "returned": found["returned"]},
    )


def _risk_line(ask: Ask, row: Row) -> Line:
    share, own = {**row, "value": row["hazard"]}, row["month"]
    left_at = risk_at(ask, own)
    return Line(
        words(str(own)),
        [
            count(row["at_risk"], risk_at(ask, own, at_risk="1")), count(row["left"], left_at),
            rate(share, left_at, is_named=row["is_named"]),
            Cell(percent(row["base_rate"]), about=reason(row)),
            *(
                count(number, risk_at(ask, own, end_class=name) if number else "")
                for name, number in ((name, row["classes"][name]) for name in CLASSES)
            ),
        ],
    )


def _risky(found: Row) -> list[str]:
    by_month = {row["month"]: row for row in found["rows"]}
    told = [
        _("Month %(month)s: %(share)s leave (%(ends)s), against %(base)s in the other months; "
          "%(count)s accounts were at risk.") % {
            "month": one["month"], "share": percent(by_month[one["month"]]["hazard"]),
            "ends": between(by_month[one["month"]]["low"], by_month[one["month"]]["high"]),
            "base": percent(by_month[one["month"]]["base_rate"]),
            "count": whole(by_month[one["month"]]["at_risk"]),
        }
        for one in found["named"]
    ]
    return told or [_("No month stands above the others beyond chance.")]


def _thinned(names: Sequence[str], room: int) -> dict[str, list[str]]:
    """Names under an axis, thinned so that at most `room` stand side by side."""
    step = -(-len(names) // room)
    return {name: [name] if not place % step else [] for place, name in enumerate(names)}


RETENTION = Panel(
    "retention", N_("Retention, cohort by cohort"),
    N_("Do newer cohorts stay longer than older ones?"), "reading.html", _retention,
)
RISK = Panel(
    "risk", N_("Riskiest months"), N_("In which month of a subscription do customers leave?"),
    "reading.html", _risk,
)
