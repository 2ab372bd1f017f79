"""What every question about the lifecycle rests on: whose accounts, when, and what is known.

Every statement here names the relation `lifecycle_spans`, whose rows are every visit of every
account (`staycurve.insights.lifecycle.lifecycle_spans`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    Kind,
    Said,
    col,
)
from staycurve.insights.base import Param
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import ITEM_TRAITS, dims_of
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, parse_period, period_of
from staycurve.tables.engine import AnyEngine

SMALL = 30
"""Shares of fewer accounts than this are marked: one account moves them by over three points."""

NEW = "new"
"""The stage before the first: who came from it became known."""

NOBODY = N_("no account is known yet, as of this instant")
UNTRACKED = N_(
    "No events are loaded: what rests on use is not known, and stages come from leads, trials and "
    "payments alone."
)
TRACKED_LATE = N_("Usage is known from {day} on; before that, stages come only from payments.")

_OWN = ("lifecycle", "lifecycle_now")
"""Dimensions that are what is read here."""

Stage = Annotated[
    str | None, Param(N_("One of the eight stages; any without it."), choices=STAGES)
]
StageLabel = Annotated[str, col(N_("Stage"), Kind.NAME, N_("The stage in words."))]


@dataclass(frozen=True)
class Known:
    """How far the lifecycle is known: notes for the reader, and why nothing is."""

    notes: tuple[str, ...]
    why: str | None


def question_of(
    company: Reader,
    by: str | Sequence[str],
    where: str | Sequence[Filter],
    as_of: str | None,
) -> Question:
    """Whose lifecycle is read, and as of when."""
    asked = Question(company.config, company.as_of(as_of), dims_of(by), filters_of(where))
    check(asked, company.attributes())
    return asked


def check(question: Question, attributes: Sequence[str]) -> None:
    """Raise where a dimension is not known, or is not an account's own."""
    known = [d for d in known_dims(RELATIONS["closing"], attributes) if d not in ITEM_TRAITS]
    known = [dim for dim in known if dim not in _OWN]
    for dim in question.dims:
        if dim in (*ITEM_TRAITS, *_OWN):
            raise NotAnsweredError(
                f"The lifecycle cannot be cut by {dim}: it is not one of an account at a time.",
                hint=f"Cut it by: {', '.join(known)}",
                dimension=dim,
            )
        if dim not in known:
            raise UnknownNameError("dimension", dim, known)


def check_stage(stage: str | None) -> None:
    """Raise for a stage that is not known."""
    if stage and stage not in STAGES:
        raise UnknownNameError("stage", stage, STAGES)


def today(asked: Question) -> Period:
    """The last day that is seen."""
    return period_of(asked.as_of.last_day, "day")


def day_of(asked: Question, period: str | None) -> Period:
    """The period that a text names, or the last day that is seen."""
    if not period:
        return today(asked)
    found = parse_period(period, asked.config.company.fiscal_year_start)
    if found.start > asked.as_of.last_day:
        raise NotAnsweredError(
            f"{period} begins after the as-of.", hint="Ask for an earlier period."
        )
    return found


def of_stage(stage: str | None) -> Said:
    """A stage in a heading."""
    return Said(LABELS[stage] if stage else N_("all stages"))


def known_of(engine: AnyEngine, config: Config) -> Known:
    """What a reader must know of how far use is known, and why there may be no rows."""
    first_use: dt.date | None = engine.value("SELECT MIN(first_day) FROM account_months")
    is_empty = engine.value(f"SELECT COUNT(*) FROM {SPANS}") == 0
    why = NOBODY if is_empty else None
    if first_use is None:
        return Known((UNTRACKED,), why)
    known = first_use + dt.timedelta(days=config.lifecycle.trailing_days - 1)
    return Known((TRACKED_LATE.format(day=known),), why)


def mrr_sql(question: Question, period: Period) -> str:
    """SQL of rows (account_id, start_on, mrr) at the close of the relation `periods`."""
    # The same rows that `mrr` sums, whatever the accounts are cut by.
    context = replace(
        question.context, dims=(), by_count=0, filters=(), periods=(period,), grain=period.grain
    )
    return (
        "SELECT account_id, start_on, CAST(SUM(value) AS HUGEINT) AS mrr "
        f"FROM ({RELATIONS['closing'].rows(context)}) closing GROUP BY account_id, start_on"
    )


def points_sql(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, open_on, close_on), the close no later than what is seen."""
    rows = ", ".join(
        f"(DATE '{p.start}', DATE '{p.start - dt.timedelta(days=1)}', "
        f"DATE '{min(p.end - dt.timedelta(days=1), question.as_of.last_day)}')"
        for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, open_on, close_on)"
