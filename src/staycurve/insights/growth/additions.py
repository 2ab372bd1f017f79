"""Additions: what accounts took for the first time, counted by kind of account.

At look days one horizon apart, of the accounts that pay and have not got a thing yet: how many get
it within the horizon. An account gets a thing for the first time once, so no addition counts twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from staycurve.i18n import N_
from staycurve.insights.growth.upgrades import steps_sql
from staycurve.insights.risk.kept_table import rows_sql
from staycurve.insights.shared.account_facts import size_sql
from staycurve.insights.shared.reader import Reader
from staycurve.tables.engine import AnyEngine

KINDS = {"plan": N_("Plan"), "product": N_("Product"), "feature": N_("Feature")}
MOST_FEATURES = 15
"""Features that are looked at, those that most accounts use: each more is a test more for all."""

SEGMENTS = ("size", "industry", "country", "channel")
"""What makes accounts similar, beside the plan."""

Group = tuple[str, str | None]
"""Plan, and value of the segment; None is any."""
Thing = tuple[str, str]
"""Kind and name."""


@dataclass
class Counts:
    """Of one thing: accounts and look days without it, and those that got it, by group.

    Attributes
    ----------
    at_risk, added : mapping
        Group of plan and segment → number.
    """

    at_risk: dict[Group, int] = field(default_factory=dict)
    added: dict[Group, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Additions:
    """What was added in the past, and what each account is and has now.

    Attributes
    ----------
    counts : mapping
        Thing → its counts.
    groups : mapping
        Account that pays now → its group.
    has : mapping
        Account → the things that it has or had.
    is_seen : set
        Accounts of which usage is known.
    """

    counts: Mapping[Thing, Counts]
    groups: Mapping[str, Group]
    has: Mapping[str, set[Thing]]
    is_seen: frozenset[str]


def additions_of(
    company: Reader, engine: AnyEngine, looks: Sequence[dt.date], day: dt.date, horizon: int,
    segment: str,
) -> Additions:
    """What accounts added after the look days, and what those that pay on a day have.

    Parameters
    ----------
    looks : sequence of date
        At least a horizon apart, each with its horizon behind it by `day`.
    segment : str
        One of SEGMENTS.
    """
    placed, things = "growth_placed", "growth_things"
    engine.keep(placed, placed_sql(company, [*looks, day], segment))
    try:
        engine.keep(things, things_sql(day))
        counts = _counted(engine, placed, things, day, horizon)
        groups: dict[str, Group] = {
            account: (plan, value) for account, plan, value in engine.rows(
                f"SELECT account_id, plan, segment FROM {placed} WHERE day = DATE '{day}'"
            )
        }
        has: dict[str, set[Thing]] = {}
        for account, kind, thing in engine.rows(
            f"SELECT t.account_id, t.kind, t.thing FROM {things} t JOIN {placed} p "
            f"ON p.account_id = t.account_id AND p.day = DATE '{day}' WHERE t.first_on <= p.day"
        ):
            has.setdefault(account, set()).add((kind, thing))
        seen = frozenset(row[0] for row in engine.rows(
            f"SELECT account_id FROM {placed} WHERE day = DATE '{day}' AND is_seen"
        ))
    finally:
        engine.drop(placed)
        engine.drop(things)
    return Additions(counts, groups, has, seen)


def placed_sql(company: Reader, days: Sequence[dt.date], segment: str) -> str:
    """SQL of paying accounts on days: (account_id, day, plan, segment, is_seen).

    Plan and MRR are those of the features that are kept, employees and traits today's.
    """
    own = size_sql("a.employees", "f.mrr") if segment == "size" else f"a.{segment}"
    return f"""SELECT f.account_id, f.day, coalesce(f.plan, '') AS plan,
       coalesce(CAST({own} AS VARCHAR), '') AS segment,
       coalesce(s.seen_on <= f.day, FALSE) AS is_seen
FROM ({rows_sql(company, days)}) f
LEFT JOIN accounts a ON a.account_id = f.account_id
LEFT JOIN (
    SELECT account_id, MIN(first_day) AS seen_on FROM account_months GROUP BY account_id
) s ON s.account_id = f.account_id
WHERE f.is_requested = 0"""


def things_sql(day: dt.date) -> str:
    """SQL of what accounts have had by a day: (account_id, kind, thing, first_on, is_added).

    Plans and products are added by an upgrade: a plan that an account came down to, or began with,
    is one that it has. A plan that is called as its product is that product.
    """
    items = f"""SELECT account_id, plan, product, starts_on FROM mrr_items
        WHERE amount > 0 AND starts_on <= DATE '{day}'"""
    return f"""WITH steps AS (SELECT account_id, day, plan, product FROM ({steps_sql(day)}) s),
had AS (
    SELECT account_id, 'plan' AS kind, plan AS thing, MIN(starts_on) AS first_on
    FROM ({items}) i WHERE plan IS NOT NULL AND plan IS DISTINCT FROM product
    GROUP BY account_id, plan
    UNION ALL
    SELECT account_id, 'product' AS kind, product AS thing, MIN(starts_on) AS first_on
    FROM ({items}) i WHERE product IS NOT NULL GROUP BY account_id, product
),
bought AS (
    SELECT DISTINCT account_id, 'plan' AS kind, plan AS thing, day FROM steps
    UNION SELECT DISTINCT account_id, 'product' AS kind, product AS thing, day FROM steps
),
used AS (
    SELECT feature FROM feature_months WHERE feature IS NOT NULL AND first_day <= DATE '{day}'
    GROUP BY feature ORDER BY COUNT(DISTINCT account_id) DESC, feature LIMIT {MOST_FEATURES}
)
SELECT h.account_id, h.kind, h.thing, h.first_on, b.day IS NOT NULL AS is_added
FROM had h
LEFT JOIN bought b ON b.account_id = h.account_id AND b.kind = h.kind AND b.thing = h.thing
 AND b.day = h.first_on
UNION ALL
SELECT m.account_id, 'feature' AS kind, m.feature AS thing, MIN(m.first_day) AS first_on,
       TRUE AS is_added
FROM feature_months m
JOIN used u ON u.feature = m.feature
WHERE m.first_day <= DATE '{day}'
GROUP BY m.account_id, m.feature"""


def _counted(
    engine: AnyEngine, placed: str, things: str, day: dt.date, horizon: int
) -> dict[Thing, Counts]:
    """Counts of every thing over the look days."""
    every: dict[Group, tuple[int, int]] = {
        (plan, value): (rows, seen) for plan, value, rows, seen in engine.rows(f"""
SELECT plan, segment, COUNT(*), CAST(SUM(CASE WHEN is_seen THEN 1 ELSE 0 END) AS BIGINT)
FROM {placed} WHERE day < DATE '{day}' GROUP BY plan, segment""")
    }
    found: dict[Thing, Counts] = {}
    for kind, thing, plan, value, had, added in engine.rows(f"""
SELECT t.kind, t.thing, p.plan, p.segment,
       CAST(SUM(CASE WHEN t.first_on <= p.day THEN 1 ELSE 0 END) AS BIGINT) AS had,
       CAST(SUM(CASE WHEN t.is_added AND t.first_on > p.day
           AND t.first_on <= CAST(p.day + INTERVAL {horizon} DAY AS DATE) THEN 1 ELSE 0 END)
           AS BIGINT) AS added
FROM {placed} p
JOIN {things} t ON t.account_id = p.account_id
WHERE p.day < DATE '{day}' AND (p.is_seen OR t.kind <> 'feature')
GROUP BY t.kind, t.thing, p.plan, p.segment
ORDER BY t.kind, t.thing, p.plan, p.segment"""):
        counts = found.setdefault((kind, thing), Counts())
        rows = every[plan, value][1 if kind == "feature" else 0]
        counts.at_risk[plan, value] = rows - had
        counts.added[plan, value] = added
    for (kind, _thing), counts in found.items():
        for group, sizes in every.items():
            # Of groups in which nobody ever had it, all are without it.
            counts.at_risk.setdefault(group, sizes[1 if kind == "feature" else 0])
    return found
