"""The ten customer-success metrics, side by side: where each stands, and where it has been.

NPS, CLV, net revenue retention over twelve months, CRC, churn (voluntary and not), CSAT, FCR, MRR,
ARR, and what customers say in their own words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    OpenField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.account_facts import picked_sql, shared_sql
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import Query
from staycurve.metrics.result import Result
from staycurve.period import COMPARISONS, GRAINS, Period, align, day_start, parse_period, period_of
from staycurve.tables.engine import timestamp

TEN: Mapping[str, tuple[str, ...]] = {
    "nps": (), "clv_margin": (), "nrr_12m": (), "crc": (),
    "customer_churn_rate": ("voluntary_churned_mrr", "involuntary_churned_mrr"),
    "csat": (), "fcr": (), "mrr": (), "arr": (),
}
"""Nine of the ten → what each is shown with. The tenth is what customers wrote."""

LOOKED_BACK = 12
"""Periods before, among which the lowest and the highest value are looked for."""
MOST_SAID = 20


@dataclass(frozen=True, kw_only=True)
class Standing(Row):
    """How one metric stands."""

    metric: Annotated[str, Key(N_("Its name."))]
    label: Annotated[str, col(N_("Metric"))]
    unit: Annotated[str, Key(N_("Of the metric."))]
    part_of: Annotated[
        str | None, Key(N_("The metric of the ten that it is a part of; empty for one of them."))
    ]
    value: Annotated[float | None, col(N_("Now"), Unit.RATIO, unit_from="unit", why="")]
    before: Annotated[float | None, col(N_("Before"), Unit.RATIO, unit_from="unit", why="")]
    change: Annotated[
        float | None,
        col(N_("Change"), Unit.RATIO, unit_from="changes_in", why="",
            about=N_("Now less before.")),
    ]
    low: Annotated[
        float | None,
        col(N_("Lowest"), Unit.RATIO, N_("Of the period and the twelve before it."),
            unit_from="unit", why=""),
    ]
    high: Annotated[
        float | None,
        col(N_("Highest"), Unit.RATIO, N_("Of the period and the twelve before it."),
            unit_from="unit", why=""),
    ]
    changes_in: Annotated[str, Hidden()]
    history: Annotated[
        tuple[float | None, ...],
        Key(N_("Its values up to the period, oldest first."), is_in_csv=False),
    ]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Comment(AccountRow):
    """What a customer wrote."""

    account_id: AccountOrNoneField
    answered_on: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    kind: Annotated[str, col(N_("Survey"), Kind.NAME)]
    score: Annotated[float | None, col(N_("Score"), Unit.COUNT, why="")]
    scale_max: Annotated[int | None, Key(N_("The highest score of its scale."))]
    comment: Annotated[str, col(N_("Comment"), is_personal=True)]


@dataclass(frozen=True, kw_only=True)
class Ten(Answer):
    """Where the ten metrics stand."""

    as_of: AsOfField
    currency: CurrencyField
    grain: Annotated[str, Key(N_("How long the period is."))]
    period: Annotated[str, Key(N_("The period, by its first day."))]
    compared_with: Annotated[str, Key(N_("The period before, by its first day."))]
    open: OpenField
    rows: Annotated[tuple[Standing, ...], Table(N_("Ten customer-success metrics"), is_main=True)]
    comments: Annotated[int, Key(N_("Answers with a comment in the period."))]
    comments_before: Annotated[int, Key(N_("The same in the period before."))]
    feedback: Annotated[tuple[Comment, ...], Table(N_("What customers wrote"))]
    feedback_why: WhyField = None
    names: Annotated[tuple[str, str], Hidden()]

    def title(self) -> Said:
        return Said(N_("Ten customer-success metrics, %(period)s against %(before)s, %(currency)s"),
                    {"period": self.names[0], "before": self.names[1], "currency": self.currency})

    def said(self) -> tuple[Said, ...]:
        if self.feedback_why:
            return ()
        return (Said(
            N_("%(now)s answers with a comment in %(period)s, %(then)s in %(before)s."),
            {"now": (self.comments, Unit.COUNT), "then": (self.comments_before, Unit.COUNT),
             "period": self.names[0], "before": self.names[1]},
        ),)


@insight("overview ten", needs="")
def ten(
    company: Reader, *,
    period: Annotated[
        str | None,
        Param(N_("A period, such as 2024-07; the last that has closed without it."), metavar="P"),
    ] = None,
    grain: Annotated[
        str | None, Param(N_("The length of the period; as it is written without it."),
                          choices=GRAINS)
    ] = None,
    compare: Annotated[
        str, Param(N_("What it is compared with: the period before it or the same a year ago."),
                   choices=COMPARISONS)
    ] = COMPARISONS[0],
    where: Where = "", as_of: AsOfText = None,
) -> Ten:
    """Where do the ten customer-success metrics stand?

    Each with the period before or a year ago, its lowest and highest value of a year, and what
    customers wrote in the period, the latest first.
    """
    asked = question_on_day(company, (), where, as_of)
    fiscal = company.config.company.fiscal_year_start
    now = _period(company, asked, period, grain)
    before = now.before(compare, fiscal)
    periods = [now]
    while len(periods) <= LOOKED_BACK:
        periods.append(periods[-1].previous(fiscal))
    every = tuple(sorted({*periods, before}, key=lambda one: one.start))
    names = tuple(one for main, parts in TEN.items() for one in (main, *parts))
    values, sql = _values(company, asked, names, every)
    told = _feedback(company, asked, now, before)
    return Ten(
        as_of=asked.as_of.at.isoformat(), currency=company.config.company.currency,
        grain=now.grain, period=str(now.start), compared_with=str(before.start),
        open=asked.as_of.is_open(now),
        rows=tuple(
            _standing(name, part_of, values, now, before, periods[::-1])
            for main, parts in TEN.items()
            for name, part_of in ((main, None), *((part, main) for part in parts))
        ),
        comments=told.count, comments_before=told.count_before, feedback=told.rows,
        feedback_why=told.why, names=(now.name(fiscal), before.name(fiscal)), sql=sql,
    )


def _period(
    company: Reader, asked: Question, text: str | None, grain: str | None
) -> Period:
    own = company.config.company
    if text:
        named = parse_period(text, own.fiscal_year_start)
        return align(
            text, grain or named.grain, is_last=True, fiscal_start=own.fiscal_year_start
        )
    last = period_of(
        asked.as_of.last_day, grain or "month", own.fiscal_year_start, week_start=own.week_start
    )
    return last.previous(own.fiscal_year_start) if asked.as_of.is_open(last) else last


Values = Mapping[tuple[str, str], Mapping[str, Any]]


def _values(
    company: Reader, asked: Question, names: Sequence[str], periods: Sequence[Period]
) -> tuple[Values, str]:
    """(metric, first day) → its row, and the statement; a metric that no filter cuts says so."""

    def answered(*metrics: str) -> Result:
        grain = periods[0].grain
        return company.answer(
            Query(metrics, grain, tuple(periods), asked.as_of, (), asked.filters)
        )

    try:
        found = [answered(*names)]
    except NotAnsweredError:
        found = []
    values: dict[tuple[str, str], Mapping[str, Any]] = {}
    sql = []
    for name in () if found else names:
        try:
            found.append(answered(name))
        except NotAnsweredError as error:
            why = error.message.rstrip(".")
            values |= {(name, str(one.start)): {"value": None, "why": why} for one in periods}
    for one in found:
        values |= {(row["metric"], row["period"]): row for row in one.rows}
        sql.append(one.sql)
    return values, "\n\n".join(sql)


def _standing(
    name: str, part_of: str | None, values: Values,
    now: Period, before: Period, periods: Sequence[Period],
) -> Standing:
    metric = METRICS[name]
    row = values[name, str(now.start)]
    then = values[name, str(before.start)]["value"]
    history = tuple(values[name, str(one.start)]["value"] for one in periods)
    known = [one for one in history if one is not None]
    value = row["value"]
    is_share = metric.unit is Unit.PERCENT
    return Standing(
        metric=name, label=metric.label, unit=metric.unit.value, part_of=part_of, value=value,
        before=then, change=None if value is None or then is None else value - then,
        low=min(known, default=None), high=max(known, default=None),
        changes_in=Kind.POINTS.value if is_share else metric.unit.value, history=history,
        why=row.get("why"),
    )


@dataclass(frozen=True)
class _Told:
    """What customers wrote in two periods."""

    count: int = 0
    count_before: int = 0
    rows: tuple[Comment, ...] = ()
    why: str | None = None


NOBODY_WROTE = N_("no answer with a comment is loaded")


def _feedback(company: Reader, asked: Question, now: Period, before: Period) -> _Told:
    if not company.lake.rows(company.snapshot, "answers"):
        return _Told(why=NOBODY_WROTE)
    zone = company.config.company.zone

    def within(period: Period) -> str:
        until = min(day_start(period.end, zone), asked.as_of.at)
        return (f"answered_at >= {timestamp(day_start(period.start, zone))} "
                f"AND answered_at < {timestamp(until)}")

    # Without filters an answer without an account counts too.
    picked, only = "", ""
    if asked.filters:
        last = asked.as_of.last_day
        picked = f"{shared_sql(asked)}{picked_sql(asked, {last: last})},\n"
        only = "AND r.root_id IN (SELECT account_id FROM picked)"
    said = f"""WITH {picked}said AS (
    SELECT n.answer_id, coalesce(r.root_id, n.account_id) AS account_id, n.answered_at,
           n.answered_on, n.kind, CAST(n.score AS DOUBLE) AS score,
           CAST(n.scale_max AS BIGINT) AS scale_max, n.comment
    FROM answers n
    LEFT JOIN account_roots r ON r.account_id = n.account_id
    WHERE n.comment IS NOT NULL AND trim(n.comment) <> ''
      AND coalesce(r.is_excluded, FALSE) = FALSE {only}
)"""
    with company.seeing(asked.as_of) as engine:
        ((here, then, every),) = engine.rows(
            f"{said}\nSELECT CAST(coalesce(SUM(CASE WHEN {within(now)} THEN 1 ELSE 0 END), 0) AS "
            f"BIGINT), CAST(coalesce(SUM(CASE WHEN {within(before)} THEN 1 ELSE 0 END), 0) AS "
            "BIGINT), CAST(COUNT(*) AS BIGINT) FROM said"
        )
        latest = engine.rows(
            f"{said}\nSELECT account_id, answered_on, kind, score, scale_max, comment FROM said "
            f"WHERE {within(now)} ORDER BY answered_at DESC, answer_id LIMIT {MOST_SAID}"
        )
    return _Told(
        here, then,
        tuple(
            Comment(account_id=account, answered_on=day, kind=kind, score=score,
                    scale_max=scale, comment=comment)
            for account, day, kind, score, scale, comment in latest
        ),
        None if every else NOBODY_WROTE,
    )
