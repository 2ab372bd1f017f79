"""Leads: whose are read, how far each came within a horizon, and the leads of a cohort.

A lead younger than the horizon is in neither part of a share: it could still get there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    Beside,
    Hidden,
    Key,
    Kind,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.asked import Asked, segs_of
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.shared.ranges import range_of
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import filters_of
from staycurve.period import Period, parse_period
from staycurve.tables.engine import quoted, timestamp

CHANNEL = "channel"
NO_CHANNEL = N_("no channel")

STEPS: Mapping[str, str] = {
    "qualified": N_("found worth pursuing"),
    "demo": N_("asked for a demo"),
    "trial": N_("began a trial"),
    "tried": N_("asked for a demo or began a trial"),
    "won": N_("agreed to buy"),
    "paying": N_("first paid since"),
}
"""What a lead may reach; a lead may leave one out, so each is counted by itself."""

MATURE = "mature"
PARTS: Mapping[str, str] = {MATURE: N_("old enough to tell"), **STEPS}
"""Which leads open: those whose horizon has passed, and those of them that reached a step."""

PREVIOUS: Mapping[str, str] = {
    "demo": "qualified", "trial": "qualified", "tried": "qualified", "won": "tried",
    "paying": "won",
}
"""The step before, for the share of those that reached it; before `qualified` is the lead."""

HORIZON = 90
"""Days that a lead is given. A longer horizon sees later sales and fewer cohorts."""

Horizon = Annotated[
    int, Param(N_("Days that a lead is given."), metavar="DAYS", least=1, most=3660)
]


@dataclass(frozen=True)
class LeadQuestion(Asked):
    """Whose leads are read: the dimensions are `channel` and attributes of leads."""


def question_of(
    company: Reader,
    by: str | Sequence[str],
    where: str | Sequence[Filter],
    as_of: str | None,
) -> LeadQuestion:
    """Whose leads are read, once their dimensions are known to be there."""
    asked = LeadQuestion(
        company.config, company.as_of(as_of), dims_of(by), filters_of(where)
    )
    if any(dim != CHANNEL for dim in asked.dims):
        with company.reading() as engine:
            keys = engine.json_keys("leads", "attributes")
        check(asked, keys)
    return asked


def check(question: LeadQuestion, attributes: Sequence[str]) -> None:
    """Raise for a dimension that leads do not have.

    Parameters
    ----------
    attributes : sequence of str
        Names of what leads carry beside the declared columns.
    """
    known = (CHANNEL, *attributes)
    for dim in question.dims:
        if dim not in known:
            raise UnknownNameError(
                "dimension", dim, known, hint=f"Leads can be cut by: {', '.join(known)}"
            )


def _dim_sql(dim: str) -> str:
    if dim == CHANNEL:
        return "l.channel"
    return f"json_extract_string(l.attributes, {quoted(f'$.{chr(34)}{dim}{chr(34)}')})"


def seen_sql(question: LeadQuestion) -> str:
    """SQL of the leads that count, what happened after the as-of left empty."""
    at = timestamp(question.as_of.at)
    steps = ", ".join(
        f"CASE WHEN l.{name}_at < {at} THEN l.{name}_on END AS {name}_on"
        for name in ("qualified", "demo", "trial", "won", "lost")
    )
    segments = "".join(f", {_dim_sql(dim)} AS seg{n}" for n, dim in enumerate(question.by))
    tests = "".join(f" AND {f.sql(_dim_sql(f.dim))}" for f in question.filters)
    return f"""SELECT l.lead_id, l.created_on, {steps}, r.root_id AS account_id{segments}
    FROM leads l
    LEFT JOIN account_roots r ON r.account_id = l.account_id
    WHERE l.created_at < {at} AND coalesce(r.is_excluded, FALSE) = FALSE{tests}"""


def periods_sql(question: LeadQuestion, periods: Sequence[Period]) -> str:
    rows = ", ".join(
        f"(DATE '{p.start}', "
        f"DATE '{min(p.end - dt.timedelta(days=1), question.as_of.last_day)}')"
        for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, close_on)"


@dataclass(frozen=True)
class Lead(AccountRow):
    """One lead: the days of its steps, those after the as-of left empty."""

    lead_id: Annotated[str, col(N_("Lead"), is_personal=True, stands_in=True)]
    account_id: AccountOrNoneField
    created_on: Annotated[dt.date, col(N_("Created"), Kind.DAY)]
    qualified_on: Annotated[dt.date | None, col(N_("Qualified"), Kind.DAY)]
    demo_on: Annotated[dt.date | None, col(N_("Demo"), Kind.DAY)]
    trial_on: Annotated[dt.date | None, col(N_("Trial"), Kind.DAY)]
    won_on: Annotated[dt.date | None, col(N_("Won"), Kind.DAY)]
    paying_on: Annotated[dt.date | None, col(N_("First paid"), Kind.DAY)]
    lost_on: Annotated[dt.date | None, col(N_("Lost"), Kind.DAY)]
    is_mature: Annotated[
        bool, col(N_("Old enough"), Kind.FLAG, N_("Whether its horizon has passed."))
    ]


@dataclass(frozen=True, kw_only=True)
class Leads(Answer):
    """The leads of a cohort, in the order in which they were created."""

    as_of: AsOfField
    cohort: Annotated[str | None, Key(N_("When they were created, as it was asked for."))]
    horizon_days: Annotated[int, Key(N_("Days that a lead is given."))]
    rows: Annotated[tuple[Lead, ...], Table(N_("Leads"), is_list=True)]
    step: Annotated[str | None, Hidden()] = None
    first: Annotated[dt.date, Hidden()]
    last: Annotated[dt.date, Hidden()]

    def beside(self) -> tuple[Beside, ...]:
        if self.step not in STEPS:
            return ()
        return (Beside(Said(N_("leads that are old enough to tell")), {"step": MATURE}),)

    def title(self) -> Said:
        span = Said(
            N_("%(first)s to %(last)s"),
            {"first": (self.first, Kind.DAY), "last": (self.last, Kind.DAY)},
        )
        values: dict[str, str | Value | Said] = {
            "cohort": (self.cohort, Kind.TEXT) if self.cohort else span,
            "days": (self.horizon_days, Unit.COUNT), "as_of": self.as_of,
            "step": Said(PARTS[self.step]) if self.step else Said(""),
        }
        if self.step:
            text = N_("Leads of %(cohort)s, %(step)s within %(days)s days, as of %(as_of)s")
            return Said(text, values)
        return Said(N_("Leads of %(cohort)s, as of %(as_of)s"), values)


@insight("acquisition leads", comes_from="/acquisition#funnel", needs="leads")
def leads(
    company: Reader, *,
    cohort: Annotated[
        str | None,
        Param(N_("When they were created; without it from and to say so."), metavar="P",
              examples="2024-01, 2024-Q1"),
    ] = None,
    step: Annotated[
        str | None,
        Param(N_("Those old enough to tell ('mature'), or those of them that reached a step in "
                 "time; all without it."), choices=tuple(PARTS)),
    ] = None,
    horizon: Horizon = HORIZON, start: From = None, end: To = None, where: Where = "",
    as_of: AsOfText = None,
) -> Leads:
    """Which leads are in a cohort, and on which day did each reach each step?"""
    asked = question_of(company, (), where, as_of)
    if cohort:
        span = parse_period(cohort, asked.config.company.fiscal_year_start)
    else:
        periods = range_of(asked, "month", start, end)
        span = Period("range", periods[0].start, periods[-1].end)
    sql = leads_statement(asked, span, horizon=horizon, step=step or None)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    return Leads(
        as_of=asked.as_of.at.isoformat(),
        cohort=cohort or None,
        horizon_days=horizon,
        rows=tuple(Lead(*(*row[:-1], bool(row[-1]))) for row in answer),
        step=step or None,
        first=span.start,
        last=span.end - dt.timedelta(days=1),
        sql=sql,
    )


def reached_sql(question: LeadQuestion, horizon: int) -> str:
    """The relations `seen` and `reached`, to follow WITH: one row a lead, steps as 1 or 0."""
    segs = segs_of(question)
    within = f"CAST(created_on + INTERVAL {horizon} DAY AS DATE)"
    unseen = question.last_whole_day + dt.timedelta(days=1)
    tests = {
        name: f"({name}_on >= created_on AND {name}_on < {within})"
        for name in STEPS
        if name != "tried"
    }
    tests["tried"] = f"({tests['demo']} OR {tests['trial']})"
    steps = ",\n           ".join(
        f"CASE WHEN {tests[name]} THEN 1 ELSE 0 END AS {name}" for name in STEPS
    )
    return f"""seen AS ({seen_sql(question)}),
paid AS (
    SELECT s.lead_id, MIN(v.day) AS paying_on
    FROM seen s
    JOIN mrr_movements v ON v.account_id = s.account_id AND v.day >= s.created_on
    WHERE v.movement IN ('new', 'reactivation') AND v.day <= DATE '{question.as_of.last_day}'
    GROUP BY s.lead_id
),
dated AS (
    SELECT s.*, d.paying_on FROM seen s LEFT JOIN paid d ON d.lead_id = s.lead_id
),
reached AS (
    SELECT lead_id, account_id, created_on, qualified_on, demo_on, trial_on, won_on, paying_on,
           lost_on{segs},
           CASE WHEN {within} <= DATE '{unseen}' THEN 1 ELSE 0 END AS is_mature,
           {steps}
    FROM dated
)"""


def leads_statement(
    question: LeadQuestion, period: Period, *, horizon: int, step: str | None
) -> str:
    """SQL of the leads of a cohort; with `step`, a key of PARTS, those of the mature alone."""
    kept = "AND l.is_mature = 1" if step else ""
    if step in STEPS:
        kept += f" AND l.{step} = 1"
    return f"""WITH periods AS ({periods_sql(question, [period])}),
{reached_sql(question, horizon)}
SELECT l.lead_id, l.account_id, l.created_on, l.qualified_on, l.demo_on, l.trial_on, l.won_on,
       l.paying_on, l.lost_on, l.is_mature
FROM reached l
JOIN periods p ON l.created_on >= p.start_on AND l.created_on <= p.close_on {kept}
ORDER BY l.created_on, l.lead_id"""
