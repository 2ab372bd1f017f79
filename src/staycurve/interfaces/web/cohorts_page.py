"""Cohorts read for their meaning: the page at /cohorts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_churn import CASES
from staycurve.insights.cohorts.cohort_standing import GROUPS
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.choices import Choice
from staycurve.interfaces.web.choosing import choice_of, chooser, chosen_of, switch_of
from staycurve.interfaces.web.cohort_figures import FIGURES, HISTORY, churn_of
from staycurve.interfaces.web.cohort_findings import CLASSES, RETENTION, RISK
from staycurve.interfaces.web.cohort_grid import COHORTS as GRID
from staycurve.interfaces.web.drawing import picture
from staycurve.interfaces.web.kept import asked_of
from staycurve.interfaces.web.opened import Kind, Listed, rows_page
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
    rate,
    reason,
    shown,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit
from staycurve.period import Period, parse_period, period_of

Row = Mapping[str, Any]

OVER = {"activation": N_("since they first paid"), "12m": N_("in the last twelve months")}
PER = {"month": N_("months"), "quarter": N_("quarters"), "year": N_("years")}
GROUP_LABELS = {
    "left": N_("Left"), "shrank": N_("Pays less"), "stayed": N_("Pays the same"),
    "grew": N_("Pays more"),
}


def _per_choice(ask: Ask) -> Choice:
    return choice_of(ask, "per", _("Cohorts by"), PER, "quarter")


def _period(ask: Ask, first_day: str, per: str) -> Period:
    return period_of(parse_period(first_day).start, per, ask.fiscal)


def _opens(ask: Ask, over: str, cohort: Period | None = None, group: str | None = None) -> str:
    return ask.url(
        "/cohorts/accounts", over=over, group=group,
        cohort=naming.name(cohort, ask.fiscal) if cohort else None,
    )


def _fared(ask: Ask) -> Shown:
    from staycurve.metrics import charts

    over = chosen_of(ask, "over", OVER, "activation")
    per = chosen_of(ask, "per", PER, "quarter")
    found = churn_of(ask, over, per)
    if not found["rows"]:
        return nothing(ask, reason(found))
    series = [
        charts.Series("customers", _("Customers who left"), charts.ACCENT),
        charts.Series("revenue", _("MRR lost"), "#E69F00"),
    ]
    drawn, rows, lines = [], [], []
    for row in found["rows"]:
        period = _period(ask, row["cohort"], per)
        name, label = str(period.start), ask.label(period)
        left_at, all_at = _opens(ask, over, period, "left"), _opens(ask, over, period)
        rows.append({**row, "rows_at": all_at, "left_at": left_at})
        lines.append(_fared_line(ask, row, label, all_at, left_at))
        for key, value, href in (
            ("customers", row["customers_left"], left_at), ("revenue", row["mrr_lost"], all_at)
        ):
            own = next(one for one in series if one.name == key)
            about = f"{own.label}, {label}: {percent(value)}"
            drawn.append(charts.Point(name, key, value, about, href))
    drawing = picture(
        ask, "fared", drawn, lambda p, f: charts.line(p, series, f, reference=0),
        unit=Unit.PERCENT, label=_("Customers and MRR lost, by cohort"), series=series,
        periods=[_period(ask, row["cohort"], per) for row in found["rows"]],
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
            said=[*_cases(found), *([str(found["note"])] if found.get("note") else [])],
            picture=drawing,
            unit=_("share lost"),
            tables=[
                Table(_("Cohort by cohort"), heads, lines[::-1], is_folded=True),
                _groups(ask, found, over),
            ],
            notes=[_("Customers leave where more of a cohort left than is usual for its age; "
                     "revenue leaves where its MRR is below what it began with. Hence four cases. "
                     "Read up to the close of %s.") % found["close"]],
        ),
        {"groups": found["groups"], "over": over, "per": per, "close": found["close"]},
    )


def _fared_line(ask: Ask, row: Row, label: str, all_at: str, left_at: str) -> Line:
    share = {"value": row["customers_left"], "low": row["low"], "high": row["high"]}
    return Line(
        words(label),
        [
            count(row["size"], all_at), count(row["left"], left_at), rate(share, left_at),
            Cell(percent(row["usual_left"])), money(ask, row["opening_mrr"], all_at),
            money(ask, row["closing_mrr"], all_at), Cell(percent(row["mrr_lost"]), all_at),
            words(_(row["label"]) if row["label"] else numbers.UNKNOWN,
                  about=reason(row)),
        ],
        row["is_small"],
    )


def _cases(found: Row) -> list[str]:
    counted = Counter(row["case"] for row in found["rows"])
    told = [
        _("%(label)s: %(count)s of %(all)s cohorts") % {
            "label": _(label)[:1].upper() + _(label)[1:], "count": counted[case],
            "all": len(found["rows"]),
        }
        for case, label in CASES.values()
        if counted[case]
    ]
    return ["; ".join(told) + "."] if told else []


def _groups(ask: Ask, found: Row, over: str) -> Table:
    rows = found["groups"]
    lines = [
        Line(
            words(_(GROUP_LABELS[row["group"]]), _opens(ask, over, group=row["group"]),
                  about=_(GROUPS[row["group"]])),
            [
                count(row["accounts"], _opens(ask, over, group=row["group"])),
                money(ask, row["opening_mrr"]), money(ask, row["closing_mrr"]),
                Cell(numbers.full(row["mean_tenure_months"], Unit.MONTHS)),
            ],
        )
        for row in rows
    ]
    foot = Line(words(_("All")), [
        count(sum(row["accounts"] for row in rows), _opens(ask, over)),
        money(ask, sum(row["opening_mrr"] for row in rows)),
        money(ask, sum(row["closing_mrr"] for row in rows)), Cell(""),
    ])
    heads = [
        Head(_("Accounts that")), Head(_("Accounts")), Head(_("MRR then")), Head(_("MRR now")),
        Head(_("Months, on average")),
    ]
    return Table(_("How the accounts fared"), heads, lines, foot, title=_("How they fared"))


def _accounts(ask: Ask) -> Listed:
    over = chosen_of(ask, "over", OVER, "activation")
    group, cohort = ask.options.get("group"), ask.options.get("cohort")
    found = ask.company.cohorts.churn_accounts(over=over, group=group, **asked_of(ask))
    rows = [one.as_dict() for one in found]
    about = _(GROUPS[group]) if group else _("accounts, however they fared")
    if cohort:
        period = parse_period(cohort, ask.fiscal)
        rows = [row for row in rows if str(period.start) <= row["cohort"] < str(period.end)]
        about = _("%(about)s, first paid in %(period)s") % {
            "about": about, "period": ask.label(period),
        }
    return Listed(
        f"{about}, {_(OVER[over])}", rows,
        {
            "group": (_("Fared"), Kind.TEXT), "first_paid_on": (_("First paid"), Kind.DAY),
            "plan": (_("Plan"), Kind.TEXT), "opening_mrr": (_("MRR then"), Unit.MONEY),
            "closing_mrr": (_("MRR now"), Unit.MONEY), "left_on": (_("Left"), Kind.DAY),
            "tenure_months": (_("Months"), Unit.COUNT),
        },
        ask.url("/cohorts", over=ask.options.get("over")) + "#fared",
        ("opening_mrr", "closing_mrr"),
    )


def _in_month(ask: Ask) -> Listed:
    text, own = ask.options.get("month", ""), ask.options.get("end_class")
    if not text.isdecimal() or len(text) > 4:
        raise UsageError(f"'{text}' is no subscription month.", hint="They are counted from 1.")
    is_leaver = "at_risk" not in ask.options
    found = ask.company.cohorts.riskiest_accounts(
        month=int(text), is_leaver=is_leaver, end_class=own, **asked_of(ask)
    )
    about = _("left in month %s of their subscription") if is_leaver else _(
        "at risk in month %s of their subscription"
    )
    about %= text
    if own:
        about = f"{about}, {_(CLASSES[own]).lower()}"
    return Listed(
        about,
        [{**one.as_dict(), "end_class": _(CLASSES[one.end_class]) if one.end_class else None}
         for one in found],
        {
            "first_paid_on": (_("First paid"), Kind.DAY), "mrr": (_("MRR"), Unit.MONEY),
            "left_month": (_("Left in month"), Unit.COUNT), "left_on": (_("Left"), Kind.DAY),
            "end_class": (_("Why"), Kind.TEXT), "has_returned": (_("Came back"), Kind.FLAG),
        },
        ask.url("/cohorts") + "#risk",
        ("mrr",),
    )


FARED = Panel(
    "fared", N_("Customers lost against revenue lost"),
    N_("Do cohorts lose customers, revenue, both or neither?"), "reading.html", _fared,
)

COHORTS = Page(
    address="/cohorts",
    title=N_("Cohorts"),
    question=N_("Do newer customers stay longer, and when do they leave?"),
    panels=(chooser(_per_choice), FIGURES, RETENTION, FARED, RISK, HISTORY, GRID),
    has_controls=False,
    group=Group.REVENUE,
    options=("over", "per"),
)
COHORT_ACCOUNTS = rows_page(
    "/cohorts/accounts", _accounts, title=N_("Accounts by how they fared"), group=Group.REVENUE,
    options=("over", "group", "cohort"),
)
COHORT_MONTHS = rows_page(
    "/cohorts/months", _in_month, title=N_("Accounts by the month in which they left"),
    group=Group.REVENUE, options=("month", "end_class", "at_risk"),
)
