"""The accounts behind a number of a metric, with what answers why: whose, what plan, what ended.

Rows keep what they sum to; what is added says something of the account in the period.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from staycurve.insights.account.facts_sql import last_active_on, open_sql
from staycurve.insights.shared.labels import NOBODY, labels_of, only
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.query import Query
from staycurve.metrics.result import AccountRows, Row
from staycurve.period import day_start
from staycurve.tables.engine import FAR, AnyEngine, quoted, timestamp

CHURN, CONTRACTION = "churned", "contraction"
LOSSES: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "churned_mrr": ((CHURN,), None),
    "voluntary_churned_mrr": ((CHURN,), "voluntary"),
    "involuntary_churned_mrr": ((CHURN,), "involuntary"),
    "paused_churned_mrr": ((CHURN,), "paused"),
    "unknown_churned_mrr": ((CHURN,), "unknown"),
    "contraction_mrr": ((CONTRACTION,), None),
    "churned_customers": ((CHURN,), None),
    "customer_churn_rate": ((CHURN,), None),
    "gross_revenue_churn": ((CHURN, CONTRACTION), None),
    "net_revenue_churn": ((CHURN, CONTRACTION), None),
}
"""Metrics whose accounts gave something up → the movements that say what, and their churn type."""

SEPARATOR = " | "
"""Between the reasons of an account that gave something up more than once in the period."""


@dataclass
class _Loss:
    """What one account gave up in the period."""

    lost_on: dt.date
    first_paid_on: dt.date | None
    plan_before: str | None = None
    movements: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)


def described(
    company: Reader, found: AccountRows, query: Query, *, has_losses: bool = True
) -> AccountRows:
    """The same rows with name, plan and owner, and why accounts behind churn and contraction left.

    Parameters
    ----------
    query : Query
        Of one metric and one period: the plan is that of its close.
    has_losses : bool
        Whether the company's own movements are those behind the number: not under the conventions
        of another tool.
    """
    metric, period = query.metrics[0], query.periods[0]
    close = min(period.end - dt.timedelta(days=1), query.as_of.last_day)
    accounts = {row["account_id"] for row in found.rows if row["account_id"]}
    loss = LOSSES.get(metric) if has_losses else None
    with company.reading() as engine:
        labels = labels_of(engine, accounts, close)
        told: Mapping[str, Row] = {}
        if loss is not None:
            at = min(query.as_of.at, day_start(period.end, company.config.company.zone))
            told = _told(
                engine, company, accounts, _losses(engine, query, *loss), close, timestamp(at)
            )
    rows = []
    for row in found.rows:
        label = labels.get(row["account_id"] or "", NOBODY)
        rows.append({
            **row, "name": label.name, "plan": label.plan, "owner": label.owner,
            **(told.get(row["account_id"] or "", _EMPTY) if loss is not None else {}),
        })
    reasons = by_reason(rows) if loss is not None else []
    return dataclasses.replace(found, rows=rows, reasons=reasons)


def named(company: Reader, found: AccountRows, close: dt.date) -> AccountRows:
    """The same rows with name, plan and owner as of the close of a day."""
    accounts = {row["account_id"] for row in found.rows if row["account_id"]}
    with company.reading() as engine:
        labels = labels_of(engine, accounts, close)
    rows = [
        {**row, "name": label.name, "plan": label.plan, "owner": label.owner}
        for row in found.rows
        for label in [labels.get(row["account_id"] or "", NOBODY)]
    ]
    return dataclasses.replace(found, rows=rows)


_EMPTY: Row = {
    "lost_on": None, "movement": None, "plan_before": None, "end_reason": None, "end_class": None,
    "tenure_days": None, "last_active_on": None, "open_tickets": None,
}


def _told(
    engine: AnyEngine, company: Reader, accounts: Collection[str], losses: Mapping[str, _Loss],
    close: dt.date, at: str,
) -> Mapping[str, Row]:
    lake, snapshot = company.lake, company.snapshot
    active = _last_active(engine, accounts, close) if lake.rows(snapshot, "events") else {}
    has_tickets = bool(lake.rows(snapshot, "tickets"))
    tickets: dict[str, int] = dict(engine.rows(tickets_sql(at, accounts))) if has_tickets else {}
    found: dict[str, Row] = {}
    for account in accounts:
        loss = losses.get(account)
        first = loss.first_paid_on if loss else None
        found[account] = {
            "lost_on": str(loss.lost_on) if loss else None,
            "movement": _joined(loss.movements) if loss else None,
            "plan_before": loss.plan_before if loss else None,
            "end_reason": _joined(loss.reasons) if loss else None,
            "end_class": _joined(loss.classes) if loss else None,
            "tenure_days": (loss.lost_on - first).days if loss and first else None,
            "last_active_on": str(active[account]) if account in active else None,
            "open_tickets": int(tickets.get(account, 0)) if has_tickets else None,
        }
    return found


def _joined(texts: Iterable[str]) -> str | None:
    return SEPARATOR.join(dict.fromkeys(texts)) or None


def _losses(
    engine: AnyEngine, query: Query, movements: Sequence[str], end_class: str | None
) -> dict[str, _Loss]:
    found: dict[str, _Loss] = {}
    for account, day, movement, own_class, reason, first, plan in engine.rows(
        losses_sql(query, movements, end_class)
    ):
        loss = found.setdefault(account, _Loss(day, first))
        loss.lost_on = day
        loss.plan_before = plan
        loss.movements.append(movement)
        if reason:
            loss.reasons.append(reason)
        if own_class:
            loss.classes.append(own_class)
    return found


def losses_sql(query: Query, movements: Sequence[str], end_class: str | None) -> str:
    """SQL of what accounts gave up in the period, oldest first: (account_id, day, movement,
    end_class, end_reason, first_paid_on, plan), the plan that of the largest item the day before.

    The reason is the source's own text on the item that ended that day; of several that of the
    churn type that was booked, then of the largest. A plan change ends an item without a reason.
    """
    period = query.periods[0]
    own = f"AND end_class = {quoted(end_class)}" if end_class else ""
    listed = ", ".join(quoted(one) for one in movements)
    return f"""WITH lost AS (
    SELECT account_id, first_day, day, last_mark, movement, end_class, first_paid_on
    FROM mrr_movements
    WHERE movement IN ({listed}) AND day >= DATE '{period.start}' AND day < DATE '{period.end}'
      AND day <= DATE '{query.as_of.last_day}' {own}
),
ended AS (
    SELECT l.account_id, l.day, l.last_mark, i.end_class, s.end_reason,
           row_number() OVER (PARTITION BY l.account_id, l.day, l.last_mark
               ORDER BY CASE WHEN i.end_class = l.end_class THEN 0 ELSE 1 END, i.ends_on DESC,
                        i.amount DESC, i.subscription_id, coalesce(i.item_id, ''),
                        i.starts_at DESC) AS place
    FROM lost l
    JOIN mrr_items i ON i.account_id = l.account_id AND i.ends_on >= l.first_day
         AND i.ends_on <= l.day AND (l.movement = '{CHURN}' OR i.followed_on IS NULL)
    LEFT JOIN subscriptions s ON s.subscription_id = i.subscription_id
         AND s.starts_at = i.starts_at AND coalesce(s.item_id, '') = coalesce(i.item_id, '')
),
held AS (
    SELECT l.account_id, l.day, l.last_mark, i.plan,
           row_number() OVER (PARTITION BY l.account_id, l.day, l.last_mark
               ORDER BY i.amount DESC, i.subscription_id, coalesce(i.item_id, ''),
                        i.starts_at DESC) AS place
    FROM lost l
    JOIN mrr_items i ON i.account_id = l.account_id AND i.starts_on < l.first_day
         AND coalesce(i.ends_on, {FAR}) >= l.first_day
)
SELECT l.account_id, l.day, l.movement, coalesce(l.end_class, e.end_class) AS end_class,
       e.end_reason, l.first_paid_on, h.plan
FROM lost l
LEFT JOIN ended e ON e.account_id = l.account_id AND e.day = l.day
     AND e.last_mark = l.last_mark AND e.place = 1
LEFT JOIN held h ON h.account_id = l.account_id AND h.day = l.day
     AND h.last_mark = l.last_mark AND h.place = 1
ORDER BY l.account_id, l.day, l.last_mark"""


def _last_active(
    engine: AnyEngine, accounts: Collection[str], close: dt.date
) -> dict[str, dt.date]:
    months: dict[str, list[tuple[dt.date, int]]] = {}
    # The newest month may have been active after the close alone: the one before it was before.
    for account, month, days in engine.rows(f"""SELECT account_id, month_on, days
FROM (
    SELECT account_id, month_on, days,
           row_number() OVER (PARTITION BY account_id ORDER BY month_on DESC) AS place
    FROM account_months
    WHERE month_on <= DATE '{close}' AND days <> 0 AND {only(accounts)}
) recent
WHERE place <= 2
ORDER BY account_id, month_on"""):
        months.setdefault(account, []).append((month, days))
    found = {account: last_active_on(own, close) for account, own in months.items()}
    return {account: day for account, day in found.items() if day is not None}


def tickets_sql(at: str, accounts: Collection[str]) -> str:
    """SQL of how many tickets of each customer are open at an instant: (account_id, tickets)."""
    return f"""SELECT r.root_id, CAST(COUNT(*) AS BIGINT) AS tickets
FROM tickets t
JOIN account_roots r ON r.account_id = t.account_id
WHERE t.opened_at < {at} AND {open_sql(at)} AND {only(accounts, "r.root_id")}
GROUP BY r.root_id ORDER BY r.root_id"""


def by_reason(rows: Sequence[Row]) -> list[Row]:
    """What the rows come to by reason and churn type, the most first; they sum to all of it.

    Of a ratio it is the numerator that is summed.
    """
    found: dict[tuple[str | None, str | None], Row] = {}
    for row in rows:
        value = row.get("value", row.get("numerator")) or 0.0
        if not value:
            continue
        key = (row["end_reason"], row["end_class"])
        own = found.setdefault(
            key, {"end_reason": key[0], "end_class": key[1], "accounts": 0, "value": 0.0}
        )
        own["accounts"] += 1
        # In whole millionths, so that the sums are exactly the total.
        own["value"] = round((own["value"] + value) * 1_000_000) / 1_000_000
    return sorted(
        found.values(),
        key=lambda one: (-one["value"], -one["accounts"], one["end_reason"] or "",
                         one["end_class"] or ""),
    )
