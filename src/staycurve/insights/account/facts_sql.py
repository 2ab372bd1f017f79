"""Statements about one account: each names it, so that little more than its rows is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from staycurve.insights.account.asked import Whose
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.insights.shared.renewing import join_sql, renews_sql, requested_sql
from staycurve.tables.engine import FAR, quoted
from staycurve.tables.mrr_movements import rate_join, value_sql

TRAILING = 28
"""Days of usage that are looked at: four of each weekday."""


def identity(of: Whose) -> str:
    """SQL of one row: what is known of the account itself."""
    return f"""SELECT name, owner, created_on, industry, country, employees, channel, referred_by,
       currency, attributes
FROM accounts WHERE account_id = {quoted(of.account_id)}"""


def items(of: Whose) -> str:
    """SQL of the subscription items in force, each with its MRR in the company's currency.

    Rows of (subscription_id, item_id, plan, product, kind, status, interval, currency, quantity,
    starts_on, ends_on, renews_on, term_months, is_requested, requested_on, mrr).
    """
    day = f"DATE '{of.last_day}'"
    return f"""SELECT i.subscription_id, i.item_id, i.plan, i.product, i.kind, i.status,
       i.interval, i.currency, CAST(s.quantity AS DOUBLE) AS quantity, i.starts_on, i.ends_on,
       {renews_sql("i", "k", day)} AS renews_on, s.term_months,
       {requested_sql("i", day)} AS is_requested,
       CASE WHEN i.requested_on <= {day} THEN i.requested_on ELSE i.own_requested_on END
           AS requested_on,
       CAST({value_sql(of.config, item="i", rate="x")} AS BIGINT) AS mrr
FROM mrr_items i
{rate_join(item="i", day=day, rate="x")}
LEFT JOIN (SELECT * FROM subscriptions WHERE account_id IN ({of.listed})) s
  ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
 AND coalesce(s.item_id, '') = coalesce(i.item_id, '')
{join_sql("i", "k", f"i.account_id = {of.customer}")}
WHERE i.account_id = {of.customer} AND i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}
ORDER BY mrr DESC, i.subscription_id, coalesce(i.item_id, ''), i.starts_at"""


def last_plan(of: Whose) -> str:
    """SQL of the plan of the item that ended last, the largest of several; no row without any."""
    return f"""SELECT plan
FROM mrr_items
WHERE account_id = {of.customer} AND starts_on <= DATE '{of.last_day}'
ORDER BY coalesce(ends_on, {FAR}) DESC, amount DESC, subscription_id, coalesce(item_id, ''),
         starts_at DESC
LIMIT 1"""


def largest_plan(of: Whose) -> str:
    """SQL of the plan of its largest item in force; no row without any."""
    return f"""SELECT plan
FROM mrr_items
WHERE account_id = {of.customer} AND starts_on <= DATE '{of.last_day}'
  AND coalesce(ends_on, {FAR}) > DATE '{of.last_day}'
ORDER BY amount DESC, subscription_id, coalesce(item_id, ''), starts_at
LIMIT 1"""


def movements(of: Whose) -> str:
    """SQL of every change of its MRR: (day, movement, before, after, amount, end_class,
    first_paid_on), oldest first; money in micro-units."""
    return f"""SELECT day, movement, before, after, amount, end_class, first_paid_on
FROM mrr_movements
WHERE account_id = {of.customer} AND day <= DATE '{of.last_day}'
ORDER BY day, last_mark"""


def visits(of: Whose) -> str:
    """SQL of every stage it was in: (stage, starts_on, ends_on, visit, rule), oldest first."""
    return f"""SELECT stage, starts_on, ends_on, visit, rule
FROM {SPANS}
WHERE account_id = {of.customer} AND starts_on <= DATE '{of.last_day}'
ORDER BY starts_on"""


def scores(of: Whose) -> str:
    """SQL of the last answer of each kind that has a score: (kind, survey, score, scale_max,
    answered_on, touchpoint, user_id, comment, answers)."""
    return f"""SELECT kind, survey, CAST(score AS DOUBLE) AS score,
       CAST(scale_max AS BIGINT) AS scale_max, answered_on, touchpoint, user_id, comment,
       CAST(answers AS BIGINT) AS answers
FROM (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY answered_at DESC, answer_id) AS place,
           COUNT(*) OVER (PARTITION BY kind) AS answers
    FROM answers
    WHERE account_id IN ({of.listed}) AND score IS NOT NULL AND answered_at < {of.at}
) own
WHERE place = 1
ORDER BY kind DESC"""


def tickets(of: Whose) -> str:
    """SQL of one row: how many tickets it opened, and how many of them are open."""
    return f"""SELECT COUNT(*), coalesce(SUM(CASE WHEN {open_sql(of.at)} THEN 1 ELSE 0 END), 0)
FROM tickets WHERE account_id IN ({of.listed}) AND opened_at < {of.at}"""


def invoice_lines(of: Whose) -> str:
    """SQL of how many lines its invoices have, of periods that have begun."""
    return f"""SELECT COUNT(*) FROM invoice_lines
WHERE account_id IN ({of.listed}) AND period_start < {of.at}"""


def open_sql(at: str) -> str:
    """SQL over `tickets`: whether a ticket is open at an instant."""
    return (
        f"(solved_at IS NULL OR solved_at >= {at} "
        f"OR (reopened_at < {at} AND reopened_at > solved_at))"
    )


def active_months(of: Whose) -> str:
    """SQL of the months in which anybody used the product: (month_on, days), newest first."""
    return f"""SELECT month_on, days
FROM account_months
WHERE account_id = {of.customer} AND month_on <= DATE '{of.last_day}'
ORDER BY month_on DESC"""


def limit_uses(of: Whose, features: Sequence[str]) -> str:
    """SQL of uses by feature in the month of the last day seen: (feature, uses)."""
    month = of.last_day.replace(day=1)
    named = ", ".join(quoted(one) for one in features)
    return f"""SELECT feature, CAST(SUM(uses) AS BIGINT) AS uses
FROM usage_days
WHERE account_id = {of.customer} AND day >= DATE '{month}' AND day <= DATE '{of.last_day}'
  AND feature IN ({named})
GROUP BY feature ORDER BY feature"""


def last_active_on(months: Sequence[Sequence[Any]], last: dt.date) -> dt.date | None:
    """The last day of use up to `last`, from months as rows of (first day, days as bits)."""
    days = [
        month + dt.timedelta(days=own.bit_length() - 1)
        for month, bits in months
        if (own := bits & seen_bits(month, dt.date.min, last))
    ]
    return max(days, default=None)


def active_days(months: Sequence[Sequence[Any]], last: dt.date) -> int:
    """How many of the TRAILING days that end with `last` saw use."""
    first = last - dt.timedelta(days=TRAILING - 1)
    return sum((bits & seen_bits(month, first, last)).bit_count() for month, bits in months)


def seen_bits(month: dt.date, first: dt.date, last: dt.date) -> int:
    """The bits of a month's days from `first` to `last`; bit 0 is its first day."""
    low = max(0, (first - month).days) if first > month else 0
    high = min(31, (last - month).days + 1)
    return (1 << high) - (1 << low) if high > low else 0
