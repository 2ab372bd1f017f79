"""How far leads come: cohorts of leads, and each step within a horizon.

A lead younger than the horizon is in neither part of a share: it could still get there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.acquisition.leads import (
    HORIZON,
    MATURE,
    PREVIOUS,
    STEPS,
    Horizon,
    LeadQuestion,
    periods_sql,
    question_of,
    reached_sql,
)
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.params import AsOfText, By, From, Grain, To, Where
from staycurve.insights.shared.ranges import range_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit
from staycurve.period import Period

NO_LEADS = N_("no leads in the range match the filters")
TOO_YOUNG = N_("no lead of this cohort is {days} days old yet")

COHORT = {"cohort": "cohort_name", "start": "start", "end": "end", "horizon": "horizon_days"}
REACHED = Opens("acquisition leads", {**COHORT, "step": "step"})


@dataclass(frozen=True)
class LeadStep(Row):
    """How far the leads of a cohort came."""

    cohort: Annotated[
        dt.date | None,
        col(N_("Cohort"), Kind.DAY, N_("The first day of its period; empty for all together."),
            named_by={"": N_("all")}),
    ]
    segment: Segment
    leads: Annotated[int, col(N_("Leads"), Unit.COUNT, opens=Opens("acquisition leads", COHORT))]
    mature: Annotated[
        int,
        col(N_("Old enough"), Unit.COUNT, N_("Those whose horizon has passed."), is_size=True,
            opens=Opens("acquisition leads", COHORT, {"step": MATURE})),
    ]
    step: Annotated[str, Key()]
    label: Annotated[str, col(N_("Step"), Kind.NAME)]
    reached: Annotated[int, col(N_("Reached"), Unit.COUNT, opens=REACHED)]
    value: Annotated[
        float | None,
        col(N_("Share"), Unit.PERCENT, N_("Of those old enough."), ends=("low", "high"),
            opens=REACHED),
    ]
    low: LowField
    high: HighField
    previous: Annotated[str | None, Key(N_("The step before."))]
    from_previous: Annotated[
        float | None,
        col(N_("Of the step before"), Unit.PERCENT, N_("Of those that reached the step before."),
            ends=("from_previous_low", "from_previous_high"), is_folded=True, why=""),
    ]
    from_previous_low: LowField
    from_previous_high: HighField
    is_small: Annotated[bool, Key(N_("Whether few are old enough."))]
    why: WhyField = None
    cohort_name: Annotated[str, Hidden()] = ""
    start: Annotated[str, Hidden()] = ""
    end: Annotated[str, Hidden()] = ""


@dataclass(frozen=True, kw_only=True)
class LeadFunnel(Answer):
    """How far the leads of a period came within a horizon."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[LeadStep, ...], Table(N_("Leads by step"))]
    horizon_days: Annotated[int, Key(N_("Days that a lead is given."))]

    def title(self) -> Said:
        return Said(
            N_("Leads by their first %(days)s days, as of %(as_of)s"),
            {"days": (self.horizon_days, Unit.COUNT), "as_of": self.as_of},
        )


@insight("acquisition funnel", comes_from="/acquisition#funnel", needs="leads")
def funnel(
    company: Reader, *, grain: Grain = "month", start: From = None, end: To = None, by: By = "",
    where: Where = "", horizon: Horizon = HORIZON,
    is_together: Annotated[
        bool, Param(N_("All cohorts of the range as one."), formerly=("together",))
    ] = False,
    as_of: AsOfText = None,
) -> LeadFunnel:
    """How far do the leads of each period get within a horizon?

    Younger leads do not count. They are cut by their channel, or by what leads carry beside the
    declared columns. Without a range the last twelve periods.
    """
    asked = question_of(company, by, where, as_of)
    periods = range_of(asked, grain, start, end)
    sql = funnel_statement(asked, months=periods, horizon=horizon)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    rows = tuple(
        funnel_rows(asked, answer, periods, horizon=horizon, is_whole=is_together)
    )
    return LeadFunnel(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=None if rows else NO_LEADS,
        rows=rows,
        horizon_days=horizon,
        sql=sql,
    )


def funnel_statement(
    question: LeadQuestion, *, months: Sequence[Period], horizon: int
) -> str:
    """SQL of one row a cohort and segment: leads, mature, and those that reached each step.

    Columns: start_on, seg…, leads, mature, one a step, and `and_` + one a step: those that reached
    it and the step before. Every step counts within `horizon` days of the lead's creation.
    """
    segs = segs_of(question)
    sums = [
        f"CAST(SUM(is_mature * {name}) AS BIGINT) AS {name}" for name in STEPS
    ] + [
        f"CAST(SUM(is_mature * {name} * {before}) AS BIGINT) AS and_{name}"
        for name, before in PREVIOUS.items()
    ]
    return f"""WITH periods AS ({periods_sql(question, months)}),
{reached_sql(question, horizon)}
SELECT p.start_on{segs}, CAST(COUNT(*) AS BIGINT) AS leads,
       CAST(SUM(is_mature) AS BIGINT) AS mature,
       {", ".join(sums)}
FROM reached l
JOIN periods p ON l.created_on >= p.start_on AND l.created_on <= p.close_on
GROUP BY p.start_on{segs}
ORDER BY p.start_on{segs}"""


def funnel_rows(
    question: LeadQuestion, answer: Iterable[Sequence[Any]], periods: Sequence[Period], *,
    horizon: int, is_whole: bool,
) -> list[LeadStep]:
    """Each step of each cohort; with `is_whole` all cohorts are taken together."""
    places, names = len(question.by), list(STEPS)
    fiscal = question.config.company.fiscal_year_start
    by_start = {period.start: period.name(fiscal) for period in periods}
    ends = (periods[0].name(fiscal), periods[-1].name(fiscal))
    sums: dict[tuple[Any, ...], list[int]] = {}
    for start, *rest in answer:
        key = (None if is_whole else start, *rest[:places])
        numbers = rest[places:]
        before = sums.get(key, [0] * len(numbers))
        sums[key] = [a + b for a, b in zip(before, numbers, strict=True)]
    rows = []
    for key in sorted(sums, key=lambda key: (str(key[0]), *(str(v or "") for v in key[1:]))):
        leads, mature, *counts = sums[key]
        reached = dict(zip(names, counts, strict=False))
        both = dict(zip(PREVIOUS, counts[len(names):], strict=True))
        first, last = ends if key[0] is None else ("", "")
        for name in names:
            part = share(reached[name], mature)
            previous = PREVIOUS.get(name)
            step = share(both[name], reached[previous]) if previous else part
            rows.append(LeadStep(
                cohort=key[0], segment=question.segment(key[1:]),
                leads=leads, mature=mature, step=name, label=STEPS[name],
                reached=reached[name], value=part.value, low=part.low, high=part.high,
                previous=previous, from_previous=step.value, from_previous_low=step.low,
                from_previous_high=step.high, is_small=mature < SMALL,
                why=None if mature else TOO_YOUNG.format(days=horizon),
                cohort_name=by_start.get(key[0], ""), start=first, end=last,
            ))
    return rows
