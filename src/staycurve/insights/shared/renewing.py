"""When contracts renew: the one meaning of it, for the calendar, accounts, risk and playbooks.

An item renews on the date that its source states, while that is ahead. Otherwise it renews whole
terms after the stated date that has passed, or after the first paid day with that term of its
subscription. A term is `term_months`, else the billing interval; of less than two months it is
each bill, and no renewal. An item whose cancellation was requested renews no more.
"""

from __future__ import annotations

from staycurve.metrics.lifetimes import whole_months

LEAST = 2
"""Months of a term from which its end counts as a renewal: each bill of a monthly plan is none."""


def term_sql(item: str, row: str) -> str:
    """SQL of the months of an item's term, empty where it is shorter than `LEAST` or unknown.

    Parameters
    ----------
    item : str
        What names a row of `mrr_items`, for its interval.
    row : str
        What names its subscription row: interval_count and term_months.
    """
    count = f"coalesce({row}.interval_count, 1)"
    return f"""CASE WHEN {row}.term_months >= {LEAST} THEN CAST({row}.term_months AS BIGINT)
            WHEN {item}.interval = 'year' THEN CAST(12 * {count} AS BIGINT)
            WHEN {item}.interval = 'quarter' THEN CAST(3 * {count} AS BIGINT)
            WHEN {item}.interval = 'month' AND {row}.interval_count >= {LEAST}
            THEN CAST({row}.interval_count AS BIGINT) END"""


def terms_sql(where: str = "1 = 1") -> str:
    """SQL of what each paid span renews by.

    Rows of (account_id, subscription_id, item, starts_at, stated_on, term, first_on): `item` is
    '' without an id, `term` in months, `first_on` the first paid day of the subscription with it.

    Parameters
    ----------
    where : str
        SQL of which rows of `mrr_items i` are read.
    """
    return f"""SELECT account_id, subscription_id, item, starts_at, stated_on, term,
       MIN(starts_on) OVER (PARTITION BY account_id, subscription_id, term) AS first_on
FROM (
    SELECT i.account_id, i.subscription_id, coalesce(i.item_id, '') AS item, i.starts_at,
           i.starts_on, s.stated_on, {term_sql("i", "s")} AS term
    FROM mrr_items i
    LEFT JOIN (
        SELECT subscription_id, starts_at, coalesce(item_id, '') AS item,
               MAX(renews_on) AS stated_on, MAX(interval_count) AS interval_count,
               MAX(term_months) AS term_months
        FROM subscriptions GROUP BY subscription_id, starts_at, coalesce(item_id, '')
    ) s ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
       AND s.item = coalesce(i.item_id, '')
    WHERE i.amount > 0 AND {where}
) spans"""


def join_sql(item: str, terms: str, where: str = "1 = 1") -> str:
    """SQL that joins `terms_sql` to rows of `mrr_items`, under the name `terms`."""
    return f"""LEFT JOIN ({terms_sql(where)}) {terms}
      ON {terms}.account_id = {item}.account_id
     AND {terms}.subscription_id = {item}.subscription_id AND {terms}.starts_at = {item}.starts_at
     AND {terms}.item = coalesce({item}.item_id, '')"""


def counted_on(anchor: str, term: str, day: str) -> str:
    """SQL of the first day after `day` that is whole terms from an anchor.

    Months keep the anchor's day, or end with a shorter month: from 31 January a term of one month
    ends on 28 February, of two on 31 March.
    """
    months = f"CAST({whole_months(anchor, day)} AS BIGINT)"
    index = (
        f"(year({anchor}) * 12 + month({anchor}) - 1"
        f" + {term} * (CAST(floor({months} / {term}) AS BIGINT) + 1))"
    )
    first = (
        f"make_date(CAST(floor({index} / 12) AS INTEGER), CAST({index} % 12 + 1 AS INTEGER), 1)"
    )
    return (
        f"CAST({first} + CAST(least(day({anchor}), day(last_day({first}))) - 1 AS INTEGER) AS DATE)"
    )


def requested_sql(item: str, day: str) -> str:
    """SQL: whether, on a day, the cancellation of a row of `mrr_items` has been requested."""
    return (
        f"coalesce({item}.requested_on <= {day} OR ({item}.own_requested_on <= {day} "
        f"AND {item}.followed_on > {day}), FALSE)"
    )


def due_sql(terms: str, day: str) -> str:
    """SQL of the day on which a row of `terms_sql` is due after `day`; empty where none is known.

    A date that is stated and ahead goes before what is counted: also a contract that was renewed
    early, or for longer, is due when its source says.
    """
    anchor = f"coalesce({terms}.stated_on, {terms}.first_on)"
    return f"""CASE WHEN {terms}.stated_on > {day} THEN {terms}.stated_on
            WHEN {terms}.term IS NOT NULL THEN {counted_on(anchor, f"{terms}.term", day)} END"""


def renews_sql(item: str, terms: str, day: str) -> str:
    """SQL of when an item in force on `day` renews next; empty if never, or not known."""
    return f"CASE WHEN NOT {requested_sql(item, day)} THEN {due_sql(terms, day)} END"
