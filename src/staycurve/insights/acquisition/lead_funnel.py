"""How far leads come: cohorts of leads, each step within a horizon, and the leads behind it.

A lead younger than the horizon is in neither part of a share: it could still get there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.acquisition.reading import Reading, Row
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.context import Filter
from staycurve.period import AsOf, Period
from staycurve.tables.engine import quoted

CHANNEL = "channel"

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

NO_LEADS = N_("no leads lie in the range and filters")
TOO_YOUNG = N_("no lead of this cohort is {days} days old yet")


@dataclass(frozen=True)
class LeadFunnel(Reading):
    """How far the leads of a period came within a horizon.

    Attributes
    ----------
    rows : list of dict
        cohort (None for all), segment, leads, mature (those whose horizon has passed), step,
        label, reached, value (share of the mature) with low and high, previous, from_previous
        (share of those that reached the step before) with its low and high, is_small, why.
    horizon_days : int
    """

    horizon_days: int = HORIZON

    def as_dict(self) -> Row:
        return {**super().as_dict(), "horizon_days": self.horizon_days}


@dataclass(frozen=True)
class LeadQuestion:
    """Whose leads are read: the dimensions are `channel` and attributes of leads."""

    config: Config
    as_of: AsOf
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()

    @property
    def at(self) -> str:
        """The as-of as an SQL timestamp."""
        return f"TIMESTAMP '{self.as_of.at:%Y-%m-%d %H:%M:%S.%f}'"

    @property
    def last_whole_day(self) -> dt.date:
        """The last local day of which everything is seen."""
        last = self.as_of.last_day
        return last if self.as_of.is_whole else last - dt.timedelta(days=1)


def check(question: LeadQuestion, attributes: Sequence[str]) -> None:
    """Raise for a dimension that leads do not have.

    Parameters
    ----------
    attributes : sequence of str
        Names of what leads carry beside the declared columns.
    """
    known = (CHANNEL, *attributes)
    for dim in (*question.by, *(f.dim for f in question.filters)):
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
    at = question.at
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


def segs_of(question: LeadQuestion) -> str:
    return "".join(f", seg{n}" for n in range(len(question.by)))


def periods_sql(question: LeadQuestion, periods: Sequence[Period]) -> str:
    rows = ", ".join(
        f"(DATE '{p.start}', "
        f"DATE '{min(p.end - dt.timedelta(days=1), question.as_of.last_day)}')"
        for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, close_on)"


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
{_reached_sql(question, horizon)}
SELECT p.start_on{segs}, CAST(COUNT(*) AS BIGINT) AS leads,
       CAST(SUM(is_mature) AS BIGINT) AS mature,
       {", ".join(sums)}
FROM reached l
JOIN periods p ON l.created_on >= p.start_on AND l.created_on <= p.close_on
GROUP BY p.start_on{segs}
ORDER BY p.start_on{segs}"""


def _reached_sql(question: LeadQuestion, horizon: int) -> str:
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


def funnel_rows(
    question: LeadQuestion, answer: Iterable[Sequence[Any]], *, horizon: int, is_whole: bool
) -> list[Row]:
    """The rows of LeadFunnel; with `is_whole` all cohorts are taken together."""
    places, names = len(question.by), list(STEPS)
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
        for name in names:
            part = share(reached[name], mature)
            previous = PREVIOUS.get(name)
            step = share(both[name], reached[previous]) if previous else part
            rows.append({
                "cohort": None if key[0] is None else str(key[0]),
                "segment": dict(zip(question.by, key[1:], strict=True)),
                "leads": leads, "mature": mature, "step": name, "label": STEPS[name],
                "reached": reached[name], "value": part.value, "low": part.low, "high": part.high,
                "previous": previous, "from_previous": step.value,
                "from_previous_low": step.low, "from_previous_high": step.high,
                "is_small": mature < SMALL,
                **({} if mature else {"why": TOO_YOUNG.format(days=horizon)}),
            })
    return rows


def leads_statement(
    question: LeadQuestion, period: Period, *, horizon: int, step: str | None
) -> str:
    """SQL of the leads of a cohort; with `step`, a key of PARTS, those of the mature alone."""
    kept = "AND l.is_mature = 1" if step else ""
    if step in STEPS:
        kept += f" AND l.{step} = 1"
    return f"""WITH periods AS ({periods_sql(question, [period])}),
{_reached_sql(question, horizon)}
SELECT l.lead_id, l.account_id, l.created_on, l.qualified_on, l.demo_on, l.trial_on, l.won_on,
       l.paying_on, l.lost_on, l.is_mature
FROM reached l
JOIN periods p ON l.created_on >= p.start_on AND l.created_on <= p.close_on {kept}
ORDER BY l.created_on, l.lead_id"""


def lead_shown(row: Sequence[Any]) -> Row:
    """One lead: the days of its steps, those after the as-of left empty."""
    lead, account, *days, is_mature = row
    names = ("created_on", "qualified_on", "demo_on", "trial_on", "won_on", "paying_on", "lost_on")
    return {
        "lead_id": lead, "account_id": account,
        **{name: day and str(day) for name, day in zip(names, days, strict=True)},
        "is_mature": bool(is_mature),
    }


def check_step(step: str | None) -> None:
    """Raise for a step that is not known."""
    if step is not None and step not in PARTS:
        raise UnknownNameError("step", step, PARTS)
