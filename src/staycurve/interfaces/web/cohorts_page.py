"""Cohorts read for their meaning: the page at /cohorts."""

from __future__ import annotations

import datetime as dt

from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_churn import Churn, CohortChurn, churn
from staycurve.insights.cohorts.cohort_standing import GROUP_NAMES, GROUPS
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.answered import sentences
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.choosing import choice_of, chooser, chosen_of, switch_of
from staycurve.interfaces.web.cohort_figures import FIGURES, HISTORY
from staycurve.interfaces.web.cohort_findings import RETENTION, RISK
from staycurve.interfaces.web.cohort_grid import COHORTS as GRID
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Cell,
    Head,
    Line,
    Reading,
    Table,
    count,
    money,
    nothing,
    percent,
    share_of,
    shown,
    told,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import Period, period_of

OVER = {"activation": N_("since they first paid"), "12m": N_("in the last twelve months")}
PER = {"month": N_("months"), "quarter": N_("quarters"), "year": N_("years")}


def _per_choice(ask: Ask) -> Choice:
    return choice_of(ask, "per", _("Cohorts by"), PER, "quarter")


def _period(ask: Ask, first_day: dt.date | None, per: str) -> Period:
    return period_of(first_day or ask.seen.last_day, per, ask.fiscal)


def _opens(ask: Ask, over: str, cohort: Period | None = None, group: str | None = None) -> str:
    return ask.url(
        "/cohorts/accounts", over=over, group=group,
        cohort=naming.name(cohort, ask.fiscal) if cohort else None,
    )


def _fared(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    over = chosen_of(ask, "over", OVER, "activation")
    per = chosen_of(ask, "per", PER, "quarter")
    found = answer_of(ask, churn, over=over, per=per)
    if not found.rows:
        return nothing(ask, told(found.why))
    series = [
        charts.Series("customers", _("Customers who left"), charts.ACCENT),
        charts.Series("revenue", _("MRR lost"), "#E69F00"),
    ]
    drawn, rows, lines = [], [], []
    for row in found.rows:
        period = _period(ask, row.cohort, per)
        name, label = str(period.start), ask.label(period)
        left_at, all_at = _opens(ask, over, period, "left"), _opens(ask, over, period)
        rows.append({**row.as_dict(), "rows_at": all_at, "left_at": left_at})
        lines.append(_fared_line(ask, row, label, all_at, left_at))
        for key, value, href in (
            ("customers", row.customers_left, left_at), ("revenue", row.mrr_lost, all_at)
        ):
            own = next(one for one in series if one.name == key)
            about = f"{own.label}, {label}: {percent(value)}"
            drawn.append(charts.Point(name, key, value, about, href))
    drawing = picture(
        ask, "fared", drawn, lambda p, f: charts.line(p, series, f, reference=0),
        unit=Unit.PERCENT, label=_("Customers and MRR lost, by cohort"), series=series,
        periods=[_period(ask, row.cohort, per) for row in found.rows],
    )
    heads = [
        Head(_("Cohort")), Head(_("Size")), Head(_("Left")), Head(_("Customers lost")),
        Head(_("Usual"), _("The share that would have left if the cohort had fared as all "
                           "cohorts together")),
        Head(_("MRR then")), Head(_("MRR now")),
        Head(_("MRR lost"), _("Below 0 where the cohort grew")), Head(_("Case"), is_text=True),
    ]
    return shown(
        rows,
        Reading(
            switches=[switch_of(ask, "fared", "over", _("Since when"), OVER, "activation")],
            said=[*sentences(found)],
            picture=drawing,
            unit=_("share lost"),
            tables=[
                Table(_("Cohort by cohort"), heads, lines[::-1], is_folded=True),
                _groups(ask, found, over),
            ],
            notes=[_("Customers leave where more of a cohort left than is usual for its age; "
                     "revenue leaves where its MRR is below what it began with. Hence four cases. "
                     "Read up to the close of %s.") % found.close],
        ),
        {
            "groups": [one.as_dict() for one in found.groups], "over": over, "per": per,
            "close": str(found.close),
        },
    )


def _fared_line(ask: Ask, row: CohortChurn, label: str, all_at: str, left_at: str) -> Line:
    return Line(
        words(label),
        [
            count(row.size, all_at), count(row.left, left_at),
            share_of(row.customers_left, row.low, row.high, left_at),
            Cell(percent(row.usual_left)), money(ask, row.opening_mrr, all_at),
            money(ask, row.closing_mrr, all_at), Cell(percent(row.mrr_lost), all_at),
            words(_(row.label) if row.label else numbers.UNKNOWN,
                  about=told(row.why)),
        ],
        row.is_small,
    )


def _groups(ask: Ask, found: Churn, over: str) -> Table:
    rows = found.groups
    lines = [
        Line(
            words(_(GROUP_NAMES[row.group]), _opens(ask, over, group=row.group),
                  about=_(GROUPS[row.group])),
            [
                count(row.accounts, _opens(ask, over, group=row.group)),
                money(ask, row.opening_mrr), money(ask, row.closing_mrr),
                Cell(numbers.full(row.mean_tenure_months, Unit.MONTHS)),
            ],
        )
        for row in rows
    ]
    foot = Line(words(_("All")), [
        count(sum(row.accounts for row in rows), _opens(ask, over)),
        money(ask, sum(row.opening_mrr for row in rows)),
        money(ask, sum(row.closing_mrr for row in rows)), Cell(""),
    ])
    heads = [
        Head(_("Accounts that")), Head(_("Accounts")), Head(_("MRR then")), Head(_("MRR now")),
        Head(_("Months, on average")),
    ]
    return Table(_("How the accounts fared"), heads, lines, foot, title=_("How they fared"))


FARED = Panel(
    "fared", N_("Customers lost against revenue lost"),
    N_("Do cohorts lose customers, revenue, both or neither?"), "reading.html", _fared,
)

COHORTS = Page(
    address="/cohorts",
    place=20,
    title=N_("Cohorts"),
    question=N_("Do newer customers stay longer, and when do they churn?"),
    panels=(chooser(_per_choice), FIGURES, RETENTION, FARED, RISK, HISTORY, GRID),
    has_controls=False,
    group=Group.REVENUE,
    options=("over", "per"),
)
