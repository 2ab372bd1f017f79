"""Retention trends and the riskiest subscription months: panels of the page at /cohorts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_retention import CohortPoint, Trend, retention
from staycurve.insights.cohorts.leavers import leavers
from staycurve.insights.cohorts.riskiest_months import riskiest_months
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.answered import sentences, tables
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.cohort_figures import AGE_LABELS
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
    gap_of,
    month,
    nothing,
    percent,
    share_of,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import parse_period


def cell_at(ask: Ask, cohort: dt.date | None, age: int) -> str:
    """The address of the accounts of a cohort that pay so many months on."""
    options = {
        "cohort_value": "customers", "cohort_month": str(cohort)[:7], "age": str(age),
        "as_of": ask.options.get("as_of"),
    }
    return link("/accounts", options, ask.filters)


def risk_at(ask: Ask, own_month: int) -> str:
    """The address of who left in a subscription month."""
    return ask.url(leavers.page, month=str(own_month))


def _retention(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = answer_of(ask, retention)
    if not found.rows:
        return nothing(ask, told(found.why))
    by_place = {(row.cohort, row.age): row for row in found.rows}
    cohorts = list(dict.fromkeys(row.cohort for row in found.rows))
    colours = {1: "#56B4E9", 12: charts.ACCENT}
    series = [charts.Series(str(age), _(AGE_LABELS[age]), colours[age]) for age in found.ages]
    drawn, ends, rows = [], {}, []
    for row in found.rows:
        href = cell_at(ask, row.cohort, row.age)
        rows.append({**row.as_dict(), "rows_at": href})
        if row.value is None or row.low is None or row.high is None:
            continue
        ends[str(row.cohort), str(row.age)] = row.low, row.high
        about = _("%(what)s of %(cohort)s: %(share)s (%(ends)s)") % {
            "what": _(AGE_LABELS[row.age]), "cohort": month(ask, str(row.cohort)),
            "share": percent(row.value), "ends": between(row.low, row.high),
        }
        drawn.append(
            charts.Point(str(row.cohort), str(row.age), row.value, about, href)
        )
    periods = [parse_period(str(cohort)[:7]) for cohort in cohorts]
    drawing = picture_by(
        # A phone shows every cohort too: the later ones have no annual retention yet.
        ask, "retention", drawn, whiskers("line", series, ends), unit=Unit.PERCENT,
        label=_("Retention by activation month, with 95% intervals"), series=series,
        legend=series, wide=naming.axis(periods, ROOM[WIDE], ask.fiscal),
        narrow=naming.axis(periods, ROOM[NARROW], ask.fiscal),
    )
    lines = [
        Line(
            words(month(ask, str(cohort))),
            [
                count(_size(by_place, cohort, found.ages), cell_at(ask, cohort, 0)),
                *(_kept(ask, by_place.get((cohort, age))) for age in found.ages),
            ],
            any((cohort, age) in by_place and by_place[cohort, age].is_small
                for age in found.ages),
        )
        for cohort in reversed(cohorts)
    ]
    heads = [
        Head(_("Cohort")), Head(_("Size")), *(Head(_(AGE_LABELS[age])) for age in found.ages),
    ]
    return shown(
        rows,
        Reading(
            said=[_told(ask, trend) for trend in found.trends],
            picture=drawing,
            unit=_("share of the cohort that pays"),
            tables=[
                _halves(ask, found.trends),
                Table(_("Retention by cohort"), heads, lines, is_folded=True),
            ],
            notes=[_("Paying at the close of the month after the activation month, and of the "
                     "month twelve months after it. The upright lines are 95% intervals. Cohorts "
                     "marked with * are small: one account moves them far.")],
        ),
        {"trends": [one.as_dict() for one in found.trends]},
    )


def _size(
    by_place: Mapping[tuple[dt.date | None, int], CohortPoint], cohort: dt.date | None,
    ages: Sequence[int],
) -> int | None:
    return next((by_place[cohort, a].size for a in ages if (cohort, a) in by_place), None)


def _kept(ask: Ask, row: CohortPoint | None) -> Cell:
    if row is None:
        # That month has not closed: it stays blank.
        return Cell("")
    return share_of(row.value, row.low, row.high, cell_at(ask, row.cohort, row.age))


def _told(ask: Ask, trend: Trend) -> str:
    what = _(AGE_LABELS[trend.age])
    changed = trend.changepoint
    if not changed:
        return f"{what}: {trend.why or _('no statistically significant change')}."
    return _("%(what)s changed between the cohorts of %(first)s and %(then)s: from %(before)s "
             "(%(before_ends)s) to %(after)s (%(after_ends)s), statistically significant at "
             "1%%.") % {
        "what": what, "first": month(ask, str(changed.between[0])),
        "then": month(ask, str(changed.between[1])),
        "before": percent(changed.before.value),
        "before_ends": between(changed.before.low, changed.before.high),
        "after": percent(changed.after.value),
        "after_ends": between(changed.after.low, changed.after.high),
    }


def _halves(ask: Ask, trends: Sequence[Trend]) -> Table:
    lines = []
    for trend in trends:
        older, newer = trend.older, trend.newer
        cells = [share_of(trend.value, trend.low, trend.high, why=trend.why)]
        for half in (older, newer):
            cells.append(
                share_of(half.value, half.low, half.high) if half
                else Cell("", about=told(trend.why))
            )
        if trend.difference is not None:
            low, high = trend.difference_low or 0.0, trend.difference_high or 0.0
            gap = trend.difference
            cells.append(gap_of(gap, low, high, is_named=low > 0 or high < 0))
        else:
            cells.append(Cell(""))
        beneath = ""
        if older and newer:
            beneath = _("older: %(a)s to %(b)s; newer: %(c)s to %(d)s") % {
                "a": month(ask, str(older.start)), "b": month(ask, str(older.to)),
                "c": month(ask, str(newer.start)), "d": month(ask, str(newer.to)),
            }
        head = words(_(AGE_LABELS[trend.age]), beneath=beneath)
        lines.append(Line(head, cells))
    heads = [
        Head(_("Retention")), Head(_("All cohorts")), Head(_("Older half")), Head(_("Newer half")),
        Head(_("Difference, points")),
    ]
    return Table(_("Newer cohorts against older ones"), heads, lines)


def _risk(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    found = answer_of(ask, riskiest_months)
    if not found.rows:
        return nothing(ask, told(found.why))
    series = [
        charts.Series("usual", _("Not significantly different from the other months"), "#8A9099"),
        charts.Series("named", _("Significantly above the other months"), "#C44E00",
                      is_hatched=True),
    ]
    drawn, ends = [], {}
    for row in found.rows:
        name, own = str(row.month), "named" if row.is_named else "usual"
        if row.hazard is None or row.low is None or row.high is None:
            continue
        ends[name, own] = row.low, row.high
        about = _("Month %(month)s: %(share)s (%(ends)s) of %(count)s accounts left") % {
            "month": name, "share": percent(row.hazard),
            "ends": between(row.low, row.high), "count": whole(row.at_risk),
        }
        drawn.append(
            charts.Point(name, own, row.hazard, about, risk_at(ask, row.month))
        )
    known = {p.period for p in drawn}
    months = [str(row.month) for row in found.rows if str(row.month) in known]
    drawing = picture_by(
        ask, "risk", drawn, whiskers("bars", series, ends), unit=Unit.PERCENT,
        label=_("Share of those at risk that leave, by subscription month"), series=series,
        legend=series, wide=_thinned(months, 24), narrow=_thinned(months, 8),
    )
    return shown(
        [{**row.as_dict(), "rows_at": risk_at(ask, row.month)} for row in found.rows],
        Reading(
            said=sentences(found), picture=drawing, unit=_("share of those at risk"),
            tables=tables(ask, found, "rows", is_folded=True),
            notes=[_("Months are counted from the first paid day until an account first churns. "
                     "The vertical lines are 95% confidence intervals; they widen as fewer "
                     "accounts are left. A month is flagged if its churn rate is significantly "
                     "higher than that of the other months (1% level, Holm correction over all "
                     "months).")],
        ),
        {"named": [one.as_dict() for one in found.named], "returned": found.returned},
    )


def _thinned(names: Sequence[str], room: int) -> dict[str, list[str]]:
    """Names under an axis, thinned so that at most `room` stand side by side."""
    step = -(-len(names) // room)
    return {name: [name] if not place % step else [] for place, name in enumerate(names)}


RETENTION = Panel(
    "retention", N_("Retention, cohort by cohort"),
    N_("Do newer cohorts stay longer than older ones?"), "reading.html", _retention,
)
RISK = Panel(
    "risk", N_("Riskiest months"), N_("In which month of their subscription do customers churn?"),
    "reading.html", _risk,
)
