"""What the lifecycle of use is asked for, and its SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_acts import (
    Stretch,
    day_places_sql,
    days_sql,
    is_same,
    month_places_sql,
    month_table,
    months_between_sql,
    own_sql,
    owned,
    stretches,
)
from staycurve.insights.usage.usage_question import Doing, UseQuestion
from staycurve.insights.usage.usage_segments import Cut, cut, listed_sql, order_of
from staycurve.period import Period
from staycurve.tables.engine import quoted

KINDS = {
    "new": N_("active for the first time ever"),
    "returning": N_("active, and in the period before"),
    "resurrecting": N_("active again, but not in the period before"),
    "dormant": N_("active in the period before, not in this one"),
}
ACTIVE = "active"
PARTS = {**KINDS, ACTIVE: N_("active in the period")}
"""What opens: the kinds, and the three together that are active."""


@dataclass(frozen=True)
class LifecycleQuestion:
    """What is asked: whose activity, of what kind, in which periods.

    Attributes
    ----------
    periods : tuple of Period
        Without gaps.
    fiscal_start : int
        The month in which the fiscal year begins.
    """

    use: UseQuestion
    doing: Doing
    periods: tuple[Period, ...]
    fiscal_start: int = 1

    @property
    def before(self) -> Period:
        """The period before the first."""
        return self.periods[0].previous(self.fiscal_start)


def check(asked: LifecycleQuestion) -> None:
    """Raise where there is no period."""
    if not asked.periods:
        raise NotAnsweredError(
            "The range is empty.", hint="--from must not lie after --to (or after the as-of)."
        )


def check_kind(kind: str) -> None:
    """Raise for a kind that is not known."""
    if kind not in PARTS:
        raise UnknownNameError("kind", kind, PARTS)


def statement(asked: LifecycleQuestion) -> str:
    """SQL of rows (start_on, seg…, new, returning, resurrecting, dormant)."""
    if not asked.use.dims:
        return f"""WITH {_joined(_masks(asked))},
patterns AS (
    SELECT run, active, fresh, COUNT(*) AS number FROM masks GROUP BY run, active, fresh
)
SELECT c.start_on{_sums("b.number")}
FROM patterns b
JOIN spots c ON c.run = b.run AND (b.active & (c.bit | c.bit_before)) <> 0
GROUP BY c.start_on
ORDER BY start_on"""
    cutting = _cut(asked)
    sums = "".join(
        f", CAST(SUM(CASE WHEN kind = '{kind}' THEN 1 ELSE 0 END) AS BIGINT) AS n_{kind}"
        for kind in KINDS
    )
    return f"""WITH {_joined((*_masks(asked), _spread(asked), *cutting.ctes))}
SELECT start_on{cutting.segs}{sums}
FROM {cutting.name}
GROUP BY start_on{cutting.segs}
ORDER BY {order_of(asked.use, "start_on")}"""


def members_statement(asked: LifecycleQuestion, place: int, kind: str) -> str:
    """SQL of rows (entity, customer) of one part in one period; `asked` without `by`."""
    test = "kind <> 'dormant'" if kind == ACTIVE else f"kind = {quoted(kind)}"
    cutting = _cut(asked)
    named = f"""named AS (
    SELECT DISTINCT entity, account_id FROM {cutting.name}
    WHERE start_on = DATE '{asked.periods[place].start}' AND {test}
)"""
    ctes = _joined((*_masks(asked), _spread(asked), *cutting.ctes, named))
    return f"WITH {ctes}\n{listed_sql(asked.use, 'named', '')}"


def _cut(asked: LifecycleQuestion) -> Cut:
    return cut(
        asked.use.by_account(), "spread", ("entity", "account_id", "start_on", "kind"),
        day="b.start_on", fallback_day="b.close_on", own=own_sql(asked.use),
    )


def _joined(parts: Iterable[str]) -> str:
    return ",\n".join(parts)


def _kind() -> str:
    return """CASE WHEN (b.active & c.bit) = 0 THEN 'dormant'
            WHEN (b.fresh & c.bit) <> 0 THEN 'new'
            WHEN (b.active & c.bit_before) <> 0 THEN 'returning'
            ELSE 'resurrecting' END"""


def _sums(number: str) -> str:
    return "".join(
        f",\n       CAST(SUM(CASE WHEN {_kind()} = '{kind}' THEN {number} ELSE 0 END) AS BIGINT) "
        f"AS n_{kind}"
        for kind in KINDS
    )


def _spread(asked: LifecycleQuestion) -> str:
    """The relation spread: one row a period of everybody who was active in it or before it."""
    return f"""spread AS (
    SELECT b.entity{owned(asked.use, "b")}, b.account_id, c.start_on, c.close_on,
           {_kind()} AS kind
    FROM masks b
    JOIN spots c ON c.run = b.run AND (b.active & (c.bit | c.bit_before)) <> 0
)"""


def _masks(asked: LifecycleQuestion) -> list[str]:
    """Up to `masks`: (entity, own…, account_id, run, active, fresh), periods as bits; and `spots`.
    """
    own = owned(asked.use)
    every = (asked.before, *asked.periods)
    runs = stretches(every, len(asked.periods), 1)
    return [*_acts(asked, runs), f"""masks AS (
    SELECT entity{own}, MIN(account_id) AS account_id, run, CAST(bit_or(bit) AS BIGINT) AS active,
           CAST(bit_or(CASE WHEN is_new = 1 THEN bit ELSE 0 END) AS BIGINT) AS fresh
    FROM acts GROUP BY entity{own}, run
)""", _spots(asked, runs)]


def _spots(asked: LifecycleQuestion, runs: Sequence[Stretch]) -> str:
    rows = ", ".join(
        f"({run.number}, CAST({1 << own + 1} AS BIGINT), CAST({1 << own} AS BIGINT), "
        f"DATE '{run.periods[own + 1].start}', "
        f"DATE '{run.periods[own + 1].end - dt.timedelta(days=1)}')"
        for run in runs
        for own in range(run.own)
        if run.periods[own + 1].start <= asked.use.as_of.last_day
    )
    return (
        f"spots AS (SELECT * FROM (VALUES {rows}) AS v(run, bit, bit_before, start_on, close_on))"
    )


def _acts(asked: LifecycleQuestion, runs: Sequence[Stretch]) -> list[str]:
    """Up to `acts`: (entity, own…, account_id, run, bit, is_new)."""
    use, first = asked.use, asked.before.start
    last = min(asked.periods[-1].end - dt.timedelta(days=1), use.as_of.last_day)
    is_new = "CASE WHEN {0}.first_on >= p.start_on AND {0}.first_on < p.end_on THEN 1 ELSE 0 END"
    if asked.doing.is_any and not use.told:
        return [f"places AS ({month_places_sql(use, runs)})", f"""acts AS (
    SELECT m.{use.who} AS entity, m.account_id, p.run, p.bit, {is_new.format("m")} AS is_new
    FROM {month_table(use)} m
    JOIN places p ON p.month_on = m.month_on AND (m.days & p.mask) <> 0
    WHERE {months_between_sql(first, last)}
)"""]
    return [f"places AS ({day_places_sql(use, runs)})", f"""beginnings AS (
    SELECT entity{owned(use)}, MIN(day) AS first_on FROM ({days_sql(use, asked.doing)}) f
    GROUP BY entity{owned(use)}
)""", f"""acts AS (
    SELECT d.entity{owned(use, "d")}, d.account_id, p.run, p.bit, {is_new.format("f")} AS is_new
    FROM ({days_sql(use, asked.doing, first=first, last=last)}) d
    JOIN places p ON p.day = d.day
    JOIN beginnings f ON {is_same(use, "f", "d")}
)"""]
