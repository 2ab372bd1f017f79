"""invoice_spans: spans out of invoice lines, for subscriptions that no subscriptions row describes.

Of an item's periods, in order of their starts, each sets the price until the next begins; a
prorated one changes the price inside the period that it lies in; a cancellation ends it. What is
derived here is read beside the rows of subscriptions.
"""

from __future__ import annotations

from functools import lru_cache

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.money import MICRO, half_even_sql
from staycurve.tables.derived import Derived
from staycurve.tables.engine import quoted
from staycurve.tables.invoice_periods import (
    DAY,
    ITEM,
    TIMES,
    days_between,
    lines_sql,
    periods_sql,
    seconds,
)

_INTERVAL = """CASE WHEN months % 12 = 0 THEN 'year' WHEN months % 3 = 0 THEN 'quarter'
                WHEN months IS NOT NULL THEN 'month' WHEN days = 7 THEN 'week' ELSE 'day' END"""
_COUNT = """CASE WHEN months % 12 = 0 THEN months // 12 WHEN months % 3 = 0 THEN months // 3
                WHEN months IS NOT NULL THEN months WHEN days = 7 THEN 1 ELSE days END"""


def _same(left: str, right: str) -> str:
    return " AND ".join(f"{left}.{key} = {right}.{key}" for key in ITEM.split(", "))


@lru_cache(maxsize=1)
def _minor_unit() -> str:
    """SQL for the smallest amount that a bill in the row's currency names, in micro-units."""
    from babel.numbers import get_currency_precision, list_currencies

    cases: dict[int, list[str]] = {}
    for code in sorted(list_currencies()):
        cases.setdefault(get_currency_precision(code), []).append(quoted(code))
    cases.pop(2, None)
    listed = " ".join(
        f"WHEN currency IN ({', '.join(codes)}) THEN {MICRO // 10 ** digits}"
        for digits, codes in sorted(cases.items())
    )
    return f"CASE {listed} ELSE {MICRO // 100} END"


def _backwards() -> str:
    """SQL for the seconds of the interval of `f` that ends when `p` does, by the calendar."""
    cases = " ".join(
        f"WHEN {months} THEN "
        f"{days_between(f'CAST(p.ends_on - INTERVAL {months} MONTH AS DATE)', 'p.ends_on')}"
        for months in (1, 2, 3, 4, 6, 12, 24, 36)
    )
    return f"(CASE f.months {cases} ELSE f.days END) * {DAY}"


def _scaled(column: str) -> str:
    """SQL for an amount of the prorated period `w`, scaled to the whole one."""
    scaled = half_even_sql(f"(CAST({column} AS HUGEINT) * whole)", "seconds")
    return f"CASE WHEN seconds < {DAY // 2} THEN 0 ELSE {scaled} END"


def _snapped(scaled: str, column: str) -> str:
    """SQL for a scaled amount, or what a full period of the plan bills if rounding explains it."""
    cases = " ".join(
        f"WHEN {near}_fits AND abs(CAST({scaled} AS HUGEINT) - {near}_{column}) * seconds "
        f"<= CAST(minor_unit AS HUGEINT) * whole THEN {near}_{column}"
        for near in ("next", "now", "before")
    )
    return f"CASE {cases} ELSE {scaled} END"


def _beside() -> str:
    """SQL for the columns of the full periods near a prorated one."""
    found = []
    for alias, near in (("c", "now"), ("n", "next"), ("b", "before")):
        found += [
            f"{alias}.{column} AS {near}_{column}"
            for column in ("charged", "taken_off", "taken_off_once", "interval", "interval_count",
                           "currency", "plan")
        ]
    return ", ".join(found)


def prices_sql() -> str:
    """SQL: relation `prices` over `periods`, what holds from each start of an item on.

    `ends_at` is where it ends unless another follows within a day.
    """
    fits = ", ".join(
        f"coalesce({near}_interval = interval AND {near}_interval_count = interval_count "
        f"AND {near}_currency = currency AND coalesce({near}_plan, '') = coalesce(plan, ''), "
        f"FALSE) AS {near}_fits"
        for near in ("now", "next", "before")
    )
    near = "LEFT JOIN beside {0} ON {1} AND {0}.starts_at = p.starts_at AND {0}.side = '{2}' " \
           "AND {0}.rank = 1"
    joins = "\n    ".join(
        near.format(alias, _same(alias, "p"), side)
        for alias, side in (("c", "now"), ("n", "next"), ("b", "before"))
    )
    return f"""fulls AS (
    SELECT *, {_INTERVAL} AS interval, {_COUNT} AS interval_count
    FROM periods WHERE NOT is_proration AND place = 1
),
parts AS (
    SELECT *, {_INTERVAL} AS interval, {_COUNT} AS interval_count, {_minor_unit()} AS minor_unit
    FROM periods WHERE is_proration AND place = 1
),
sides AS (
    SELECT p.account_id, p.subscription_id, p.item, p.starts_at, f.starts_at AS full_starts_at,
           f.ends_at AS full_ends_at, f.ends_on AS full_ends_on, f.seconds, f.interval,
           f.interval_count, f.charged, f.taken_off, f.taken_off_once, f.billed, f.currency,
           f.plan, {_backwards()} AS backwards,
           CASE WHEN f.starts_at > p.starts_at THEN 'next' WHEN f.ends_at > p.starts_at THEN 'now'
                ELSE 'before' END AS side,
           abs({seconds("p.ends_at", "f.ends_at")}) <= {DAY} AS ends_alike,
           abs({seconds("p.ends_at", "f.starts_at")}) <= {DAY} AS is_touching
    FROM parts p JOIN fulls f ON {_same("f", "p")}
),
beside AS (
    SELECT *, row_number() OVER (PARTITION BY {ITEM}, starts_at, side
                  ORDER BY CASE WHEN side = 'next' THEN full_starts_at END, full_starts_at DESC)
                  AS rank
    FROM sides
),
placed AS (
    SELECT p.*, {_beside()}, c.full_ends_at AS now_ends_at, c.full_ends_on AS now_ends_on,
           coalesce(c.billed = 0, FALSE) AS is_in_free_time,
           CASE WHEN c.ends_alike THEN 'now' WHEN n.is_touching THEN 'next'
                WHEN c.side IS NOT NULL THEN 'now' WHEN n.side IS NOT NULL THEN 'next'
                WHEN b.side IS NOT NULL THEN 'before' ELSE 'own' END AS goes_by,
           c.seconds AS now_seconds, n.backwards AS next_seconds, b.backwards AS before_seconds
    FROM parts p
    {joins}
),
whole_periods AS (
    SELECT account_id, subscription_id, item, {TIMES}, currency, plan, product, kind, parts,
           priced_parts, billed, taken_off, taken_off_once, unpriced, priced, least_priced,
           most_priced, seconds, minor_unit, is_in_free_time, now_ends_at, now_ends_on,
           {", ".join(
               f"{near}_{column}" for near in ("now", "next", "before")
               for column in ("charged", "taken_off", "taken_off_once", "interval",
                              "interval_count", "currency", "plan")
           )},
           CASE goes_by WHEN 'now' THEN now_seconds WHEN 'next' THEN next_seconds
                WHEN 'before' THEN before_seconds ELSE seconds END AS whole,
           CASE goes_by WHEN 'now' THEN now_interval WHEN 'next' THEN next_interval
                WHEN 'before' THEN before_interval ELSE interval END AS interval,
           CASE goes_by WHEN 'now' THEN now_interval_count WHEN 'next' THEN next_interval_count
                WHEN 'before' THEN before_interval_count ELSE interval_count END AS interval_count
    FROM placed
),
scaled AS (
    SELECT *, {fits},
           {_scaled("billed")} AS scaled_billed, {_scaled("unpriced")} AS scaled_unpriced,
           {_scaled("taken_off")} AS scaled_off, {_scaled("taken_off_once")} AS scaled_once
    FROM whole_periods
),
snapped AS (
    SELECT *, {_snapped("scaled_billed", "charged")} AS whole_billed,
           {_snapped("scaled_off", "taken_off")} AS whole_off,
           {_snapped("scaled_once", "taken_off_once")} AS whole_once,
           abs(CAST(scaled_billed AS HUGEINT) - most_priced) * seconds
               <= CAST(minor_unit AS HUGEINT) * whole AS is_billed_once
    FROM scaled
),
prices AS (
    SELECT {ITEM}, {TIMES}, currency, plan, product, kind, interval, interval_count, billed,
           charged, taken_off, taken_off_once, coalesce(priced, 0) > 0 AS has_price, 0 AS is_part
    FROM fulls f
    WHERE NOT EXISTS (SELECT 1 FROM parts p WHERE {_same("p", "f")} AND p.starts_at = f.starts_at)
    UNION ALL
    SELECT {ITEM}, starts_at, starts_on,
           CASE WHEN now_ends_at > ends_at THEN now_ends_at ELSE ends_at END AS ends_at,
           CASE WHEN now_ends_at > ends_at THEN now_ends_on ELSE ends_on END AS ends_on,
           currency, plan, product, kind, interval, interval_count, billed,
           CASE WHEN billed = 0 AND is_in_free_time THEN 0
                WHEN priced_parts = 0 THEN whole_billed
                WHEN parts > 1 AND priced_parts = parts AND least_priced = most_priced
                     AND is_billed_once THEN most_priced
                ELSE priced + scaled_unpriced END AS charged,
           whole_off AS taken_off, whole_once AS taken_off_once,
           coalesce(priced, 0) > 0 AS has_price, 1 AS is_part
    FROM snapped
)"""


def pieces_sql() -> str:
    """SQL: relation `pieces` over `prices`; pieces of one `run` are one span.

    What was canceled inside its period ends there; the interval is that of the whole period.
    """
    item = f"PARTITION BY {ITEM} ORDER BY starts_at"
    kept = ("plan", "product", "kind", "currency", "interval")
    amounts = ("interval_count", "charged", "taken_off", "taken_off_once", "is_trial")
    same = " AND ".join(
        [f"coalesce(lag({c}) OVER ({item}), '') = coalesce({c}, '')" for c in kept]
        + [f"lag({c}) OVER ({item}) = {c}" for c in amounts]
    )
    return f"""canceled AS (
    SELECT p.account_id, p.subscription_id, p.item, p.starts_at,
           MIN(l.canceled_at) AS canceled_at, MIN(l.canceled_on) AS canceled_on
    FROM prices p
    JOIN lines l ON {_same("l", "p")} AND l.canceled_at > p.starts_at AND l.canceled_at < p.ends_at
    GROUP BY p.account_id, p.subscription_id, p.item, p.starts_at
),
held AS (
    SELECT p.account_id, p.subscription_id, p.item, p.starts_at, p.starts_on,
           coalesce(c.canceled_at, p.ends_at) AS ends_at,
           coalesce(c.canceled_on, p.ends_on) AS ends_on, p.ends_at AS covers_until, p.currency,
           p.plan, p.product, p.kind, p.interval, p.interval_count, p.billed, p.charged,
           p.taken_off, p.taken_off_once, p.has_price, p.is_part
    FROM prices p
    LEFT JOIN canceled c ON {_same("c", "p")} AND c.starts_at = p.starts_at
),
followed AS (
    SELECT *, lead(starts_at) OVER ({item}) AS next_starts_at,
           lead(starts_on) OVER ({item}) AS next_starts_on,
           -- A bill of nothing for something that has a price, before anything was charged.
           CASE WHEN billed = 0 AND charged = 0 AND has_price AND coalesce(MAX(charged) OVER (
                    {item} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) = 0
                THEN 1 ELSE 0 END AS is_trial
    FROM held
),
linked AS (
    SELECT *, coalesce({seconds("ends_at", "next_starts_at")} <= {DAY}
               OR ({days_between("ends_on", "next_starts_on")} <= 1
                   AND {seconds("ends_at", "next_starts_at")} <= {DAY} + 3600), FALSE) AS is_linked
    FROM followed
),
turned AS (
    SELECT *, CASE WHEN lag(is_linked) OVER ({item}) AND {same} THEN 0 ELSE 1 END AS turns
    FROM linked
),
pieces AS (
    SELECT {ITEM}, starts_at, starts_on, covers_until, billed, is_part,
           CASE WHEN is_linked THEN next_starts_at ELSE ends_at END AS ends_at,
           CASE WHEN is_linked THEN next_starts_on ELSE ends_on END AS ends_on,
           currency, plan, product, kind, interval, interval_count, charged, taken_off,
           taken_off_once, is_trial,
           SUM(turns) OVER ({item} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM turned
)"""


def _statement(config: Config) -> str:
    del config
    return f"""
WITH {lines_sql()},
{periods_sql()},
{prices_sql()},
{pieces_sql()}
SELECT account_id, subscription_id, nullif(item, '') AS item_id, MIN(plan) AS plan,
       MIN(product) AS product, MIN(kind) AS kind, MIN(interval) AS interval,
       MIN(interval_count) AS interval_count, MIN(charged) AS amount,
       MIN(taken_off) AS discount_amount, MIN(taken_off_once) AS discount_once,
       MIN(currency) AS currency,
       CASE WHEN MIN(is_trial) = 1 THEN 'trialing' ELSE 'active' END AS status,
       MIN(starts_at) AS starts_at, MIN(starts_on) AS starts_on,
       MAX(ends_at) AS ends_at, MAX(ends_on) AS ends_on
FROM pieces GROUP BY {ITEM}, run
"""


INVOICE_SPANS = Derived(
    name="invoice_spans",
    about=N_("Spans that are derived from invoice lines, for subscriptions that no subscriptions "
        "row describes."),
    grain=N_("one span of one subscription item of a billing account"),
    columns=(
        ("account_id", "VARCHAR"),
        ("subscription_id", "VARCHAR"),
        ("item_id", "VARCHAR"),
        ("plan", "VARCHAR"),
        ("product", "VARCHAR"),
        ("kind", "VARCHAR"),
        ("interval", "VARCHAR"),
        ("interval_count", "BIGINT"),
        ("amount", "BIGINT"),
        ("discount_amount", "BIGINT"),
        ("discount_once", "BIGINT"),
        ("currency", "VARCHAR"),
        ("status", "VARCHAR"),
        ("starts_at", "TIMESTAMP"),
        ("starts_on", "DATE"),
        ("ends_at", "TIMESTAMP"),
        ("ends_on", "DATE"),
    ),
    reads=("invoice_lines", "subscriptions"),
    statement=_statement,
)
