"""Facts of what accounts pay: MRR, plan, renewal, payments that failed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from staycurve.actions.facts.base import FLAG, TEXT, Fact, Moment, Values
from staycurve.i18n import N_
from staycurve.insights.shared.account_facts import closing_sql, plans_sql
from staycurve.insights.shared.renewing import join_sql, renews_sql, requested_sql, terms_sql
from staycurve.metrics.base import Unit
from staycurve.money import MICRO
from staycurve.tables.engine import FAR

FAILING_DAYS = 120
"""A charge that failed longer ago and was not tried again says nothing of today."""


def _last(moment: Moment) -> dict[str, tuple[Any, ...]]:
    """account_id → (after, day, end_class, first_paid_on, paying_since) of its last movement."""
    sql = f"""SELECT account_id, after, day, end_class, first_paid_on, began_on
FROM (
    SELECT account_id, after, day, end_class, first_paid_on,
           MAX(CASE WHEN before = 0 AND after > 0 THEN day END) OVER (PARTITION BY account_id)
               AS began_on,
           row_number() OVER (PARTITION BY account_id ORDER BY day DESC, last_mark DESC) AS place
    FROM mrr_movements WHERE day <= {moment.day}
) moves WHERE place = 1
ORDER BY account_id"""
    return moment.once(sql, lambda: {row[0]: row[1:] for row in moment.engine.rows(sql)})


def _mrr(moment: Moment) -> dict[str, float]:
    sql = closing_sql(moment.company.config, moment.day) + " ORDER BY account_id"
    found = moment.pairs(sql)
    return {one: found.get(one, 0) / MICRO for one in moment.accounts()}


def _status(moment: Moment) -> Values:
    last = _last(moment)
    trials = {one for (one,) in moment.rows(
        f"SELECT account_id FROM trials WHERE started_at < {moment.at} "
        f"AND (ended_at IS NULL OR ended_at >= {moment.at}) ORDER BY account_id"
    )}
    found: dict[str, str] = {}
    for one in moment.accounts():
        if one in last and last[one][0] > 0:
            found[one] = "paying"
        elif one in last and last[one][3] is not None:
            found[one] = "churned"
        else:
            found[one] = "trial" if one in trials else "never_paid"
    return found


def _percentile(moment: Moment) -> Values:
    paying = sorted((value, one) for one, value in _mrr(moment).items() if value > 0)
    # The share of paying accounts that pay as much or less: the largest has 1.
    places = {value: place for place, (value, _one) in enumerate(paying, 1)}
    return {one: places[value] / len(paying) for value, one in paying}


def _plan(moment: Moment) -> Values:
    relation = plans_sql("largest", moment.seen.last_day)
    return moment.pairs(
        f"WITH {relation} SELECT account_id, plan FROM largest ORDER BY account_id"
    )


def _tenure(moment: Moment) -> Values:
    return {
        one: moment.since(row[3]) for one, row in _last(moment).items()
        if row[3] is not None and row[0] > 0
    }


def _months(moment: Moment) -> Values:
    found: dict[str, int] = {}
    last = moment.seen.last_day
    for one, row in _last(moment).items():
        began = row[4]
        if row[0] > 0 and began is not None:
            months = (last.year - began.year) * 12 + last.month - began.month
            found[one] = months + (1 if last.day >= began.day else 0)
    return found


def _churned(moment: Moment) -> Values:
    return {
        one: moment.since(row[1]) for one, row in _last(moment).items()
        if row[0] == 0 and row[3] is not None
    }


def _churn_type(moment: Moment) -> Values:
    return {one: _last(moment)[one][2] or "unknown" for one in _churned(moment)}


def _change(days: int) -> Callable[[Moment], Values]:
    def read(moment: Moment) -> Values:
        sql = f"""SELECT account_id, after FROM (
    SELECT account_id, after,
           row_number() OVER (PARTITION BY account_id ORDER BY day DESC, last_mark DESC) AS place
    FROM mrr_movements WHERE day <= {moment.before(days)}
) moves WHERE place = 1 AND after > 0
ORDER BY account_id"""
        now = _last(moment)
        return {
            one: (now[one][0] - before) / before for one, before in moment.pairs(sql).items()
        }
    return read


def _items(moment: Moment) -> dict[str, tuple[dt.date | None, bool]]:
    """account_id → (its next renewal, whether a cancellation was requested), of items in force."""
    day = moment.day
    sql = f"""SELECT i.account_id, MIN({renews_sql("i", "s", day)}) AS renews_on,
       MAX(CASE WHEN {requested_sql("i", day)} THEN 1 ELSE 0 END) AS is_requested
FROM mrr_items i
{join_sql("i", "s")}
WHERE i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}
GROUP BY i.account_id ORDER BY i.account_id"""
    return moment.once(
        sql, lambda: {one: (renews, bool(asked)) for one, renews, asked in moment.engine.rows(sql)}
    )


def _renews(moment: Moment) -> Values:
    moment.rests_on(f"({terms_sql()}) s WHERE stated_on IS NOT NULL OR term IS NOT NULL",
                    "no subscription says when it renews",
                    hint="Load renews_at or term_months.")
    return {
        one: -moment.since(renews) for one, (renews, _asked) in _items(moment).items()
        if renews is not None
    }


def _requested(moment: Moment) -> Values:
    return {one: asked for one, (_renews, asked) in _items(moment).items()}


def _failing(moment: Moment) -> Values:
    sql = f"""WITH tried AS (
    SELECT r.root_id, coalesce(p.invoice_id, p.subscription_id, r.root_id) AS bill, p.failed_at,
           CASE WHEN p.paid_at < {moment.at} THEN p.paid_at END AS paid_at
    FROM payments p JOIN account_roots r ON r.account_id = p.account_id
    WHERE NOT r.is_excluded
),
settled AS (
    SELECT root_id, bill, MAX(paid_at) AS paid_at FROM tried WHERE paid_at IS NOT NULL
    GROUP BY root_id, bill
)
SELECT t.root_id, CAST(MIN(t.failed_at) AS DATE)
FROM tried t
LEFT JOIN settled s ON s.root_id = t.root_id AND s.bill = t.bill
WHERE t.failed_at < {moment.at} AND t.failed_at >= {moment.before(FAILING_DAYS)}
  AND (s.paid_at IS NULL OR s.paid_at < t.failed_at)
GROUP BY t.root_id ORDER BY t.root_id"""
    return {one: moment.since(day) for one, day in moment.rows(sql)}


mrr = Fact(
    N_("MRR"), N_("MRR at the close of the day, in the company's currency; 0 for those that do "
                  "not pay."), "number", _mrr, unit=Unit.MONEY,
)
mrr_percentile = Fact(
    N_("MRR percentile"), N_("Share of paying accounts that pay as much or less, 0 to 1."),
    "number", _percentile, unit=Unit.PERCENT,
)
mrr_change_90 = Fact(
    N_("MRR change, 90 days"), N_("MRR now against that of 90 days ago, as a share of it."),
    "number", _change(90), unit=Unit.PERCENT,
)
status = Fact(
    N_("Status"), N_("paying, trial, churned or never_paid."), TEXT, _status, unit=None,
)
plan = Fact(N_("Plan"), N_("The plan of its largest item in force."), TEXT, _plan, unit=None)
tenure_days = Fact(
    N_("Tenure, days"), N_("Days since it first paid, of those that pay."), "number", _tenure,
)
subscription_month = Fact(
    N_("Subscription month"), N_("Which month since it began to pay this is, from 1."), "number",
    _months,
)
days_since_churn = Fact(
    N_("Days since churn"), N_("Days since its MRR fell to 0, of those that churned."), "number",
    _churned,
)
churn_type = Fact(
    N_("Churn type"), N_("voluntary, involuntary, paused or unknown, of those that churned."),
    TEXT, _churn_type, unit=None,
)
renews_in_days = Fact(
    N_("Renews in days"), N_("Days until the next renewal of its items in force, stated or "
                                "counted; monthly plans have none."), "number",
    _renews,
)
is_cancel_requested = Fact(
    N_("Cancellation requested"), N_("Of any item in force."), FLAG, _requested, unit=None,
)
payment_failing_days = Fact(
    N_("Payment failing, days"),
    N_("Days since a charge failed that has not been paid since, within 120 days."), "number",
    _failing, needs=("payments",),
)
