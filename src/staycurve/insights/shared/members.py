"""The accounts of activation cohorts, and what each paid from day to day: SQL that readings share.

An account belongs to the cohort of the month of its first paid day, and stays there. What changes
with time, such as the plan, is taken as it was on that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.shared.asked import Asked, segs_of
from staycurve.insights.shared.first_month import (
    ACTIVE_DAYS,
    USED,
    TraitContext,
    feature_of,
    is_first_month,
    order_of,
)
from staycurve.metrics.dimensions import FIRSTS_SQL, ITEM_TRAITS
from staycurve.metrics.lifetimes import whole_months as whole_months
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.period import Period, period_of
from staycurve.tables.engine import FAR

NOBODY = N_("nobody has paid yet, as of this instant")
NO_CLOSED_MONTH = N_("no month has closed since the first account paid")

Segment = tuple[str | None, ...]


@dataclass(frozen=True)
class Question(Asked):
    """Whose cohorts are read, and as of when."""

    @property
    def context(self) -> TraitContext:
        """The same as relations see it."""
        return TraitContext(
            self.config, "month", (), self.as_of, self.dims, len(self.by), self.filters
        )

    @property
    def is_additive(self) -> bool:
        """Whether segments sum to the whole: not where an account starts in several."""
        return not any(dim in ITEM_TRAITS for dim in self.by)

    @property
    def last_month(self) -> Period:
        """The last month that has closed."""
        month = period_of(self.as_of.last_day, "month")
        return month.previous() if self.as_of.is_open(month) else month

    def undivided(self) -> Question:
        """The same accounts, not split."""
        return replace(self, by=())

    def order(self, values: Segment) -> tuple[tuple[int, str], ...]:
        """Where a segment stands among the others."""
        return tuple(order_of(dim, value) for dim, value in zip(self.by, values, strict=True))


def check(
    question: Question, attributes: Sequence[str], features: Sequence[str], *,
    has_events: bool = True,
) -> None:
    """Raise where a dimension is not known, or nothing is loaded to compute it from.

    Parameters
    ----------
    attributes : sequence of str
        Names of account attributes beside the declared columns.
    features : sequence of str
        Every feature that is in use; read only where a first-month trait is asked for.
    """
    known = [*known_dims(RELATIONS["closing"], attributes), ACTIVE_DAYS, f"{USED}FEATURE"]
    for dim in question.dims:
        if not is_first_month(dim):
            if dim not in known:
                raise UnknownNameError("dimension", dim, known)
            continue
        feature = feature_of(dim)
        if not has_events:
            raise NotAnsweredError(
                f"{dim} is not known: no events are loaded.",
                hint="Load what accounts do in the product: staycurve load events.csv",
                dimension=dim,
            )
        if feature is not None and feature not in features:
            raise UnknownNameError("feature", feature, features)


def members_sql(question: Question) -> str:
    """The relations `firsts`, `members` and what they need, to follow WITH.

    `members` has rows (account_id, first_paid_on, cohort_on, seg…): one an account, or several
    where it starts in several segments.
    """
    context = question.context
    segments, joins = context.segments(
        account="f.account_id",
        own={trait: f'i."{trait}"' for trait in ITEM_TRAITS},
        day="f.first_paid_on",
    )
    if context.traits:
        joins = f"""JOIN mrr_items i ON i.account_id = f.account_id AND i.amount > 0
             AND i.starts_on <= f.first_paid_on
             AND coalesce(i.ends_on, {FAR}) > f.first_paid_on
        {joins}"""
    return f"""firsts AS ({FIRSTS_SQL}),
{question.context.segment_ctes}{context.shared()}members AS (
    SELECT DISTINCT account_id, first_paid_on, cohort_on{segs_of(question)}
    FROM (
        SELECT f.account_id, f.first_paid_on,
               CAST(date_trunc('month', f.first_paid_on) AS DATE) AS cohort_on{segments}
        FROM firsts f
        {joins}
        WHERE f.first_paid_on <= DATE '{question.as_of.last_day}'
    ) listed
    WHERE {context.where()}
)"""


def spells_sql(question: Question) -> str:
    """The relation `spells`: what each account is from day to day, as far as is seen.

    Rows of (account_id, starts_on, ends_on, mrr, is_paying, end_class), without gaps from an
    account's first change on; money in micro-units. `end_class` says why an account that ceased
    to pay on `starts_on` did so.
    """
    is_free = ""
    if question.config.convention("free_plan") == "active":
        is_free = " OR (items_after > 0 AND first_paid_on <= day)"
    return f"""spells AS (
    SELECT account_id, starts_on, ends_on, mrr, is_paying, end_class
    FROM (
        SELECT account_id, day AS starts_on, after AS mrr,
               CASE WHEN after > 0{is_free} THEN 1 ELSE 0 END AS is_paying,
               coalesce(end_class, 'unknown') AS end_class,
               coalesce(lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark),
                        {FAR}) AS ends_on
        FROM mrr_movements
        WHERE day <= DATE '{question.as_of.last_day}'
    ) changes
    -- Of several changes on one day the last is what the day closes with.
    WHERE ends_on > starts_on
)"""
