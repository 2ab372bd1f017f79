"""Up-sell: limits that are reached, seats that are taken, and features of the next plan in use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from staycurve.behaviour import Limit
from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.account.facts_sql import TRAILING, seen_bits
from staycurve.insights.features.limit_facts import limits_sql
from staycurve.insights.fit.contrast import MIN_ACCOUNTS, Side
from staycurve.insights.growth.gains import Gain, Offers
from staycurve.insights.growth.settings import GROWTH
from staycurve.insights.shared.account_facts import closing_sql, plans_sql
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.tables.engine import FAR, AnyEngine, quoted

LIMIT = N_("{feature}: {uses:,} of {allowance:,} in {month}")
SEATS = N_("{used:g} people active in 28 days, {bought:g} seats bought")
FEATURE = N_("{feature}, used on {days} of the last 28 days: {share:.0%} of accounts on {plan} use "
             "it, {own:.0%} on its own plan")
STATED = N_("{feature}, used on {days} of the last 28 days: {plan} has it")
NO_LARGER = N_("no plan with a known price allows more of it")


SHARED = 0.25
"""A feature that is used on an account's own plan too is no feature of the next one: there it may
be used by a quarter of the share of accounts at most, those that try it."""


@dataclass(frozen=True)
class Found:
    """One sign on one account.

    Attributes
    ----------
    signal : str
        A key of SIGNALS.
    what : str
        The feature, plan or product that it is about; empty where it is about seats.
    evidence : str
        What was seen, in words.
    since : date
        Since when, or the day on which it was counted.
    """

    account_id: str
    signal: str
    what: str
    evidence: str
    since: dt.date
    gain: Gain


def limits_found(
    engine: AnyEngine, config: Config, day: dt.date, offers: Offers
) -> list[Found]:
    """Allowances that are reached or near, in this month to date or in the one before."""
    stated = config.behaviour.limits
    if not stated:
        return []
    near = config[GROWTH].near
    found: dict[tuple[str, str], Found] = {}
    for account, feature, allowance, month_on, uses, near_on, over_on in engine.rows(
        used_sql(stated, day, near)
    ):
        known = found.get((account, feature))
        # The month of a limit that was passed goes before a later one in which it is near.
        if known is not None and (known.signal == "limit_reached" or over_on is None):
            continue
        evidence = LIMIT.format(
            feature=feature, uses=uses, allowance=allowance, month=f"{month_on:%Y-%m}"
        )
        found[account, feature] = Found(
            account, "limit_reached" if over_on else "limit_near", feature, evidence,
            over_on or near_on, _of_limit(offers, stated, account, feature, allowance),
        )
    return list(found.values())


def used_sql(limits: Sequence[Limit], day: dt.date, near: float) -> str:
    """SQL of allowances that were near in the month of a day or the one before: (account_id,
    feature, allowance, month_on, uses, the days on which it came near and reached it), the latest
    month first.

    Of several plans the largest allowance counts, and a plan's own goes before that of every plan.
    """
    month = day.replace(day=1)
    before = (month - dt.timedelta(days=1)).replace(day=1)
    features = ", ".join(sorted({quoted(one.feature) for one in limits}))
    return f"""WITH {limits_sql(limits)},
ranked AS (
    SELECT i.account_id, a.feature, a.allowance,
           row_number() OVER (PARTITION BY i.account_id, a.feature
               ORDER BY CASE WHEN a.plan = '' THEN 1 ELSE 0 END, a.allowance DESC, i.plan) AS place
    FROM mrr_items i
    JOIN allowed a ON a.plan = '' OR a.plan = i.plan
    WHERE i.amount > 0 AND i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}'
),
used AS (
    SELECT account_id, feature, day,
           CASE WHEN day >= DATE '{month}' THEN DATE '{month}' ELSE DATE '{before}' END AS month_on,
           CAST(SUM(uses) AS BIGINT) AS uses
    FROM usage_days
    WHERE feature IN ({features}) AND day >= DATE '{before}' AND day <= DATE '{day}'
    GROUP BY account_id, feature, day
),
summed AS (
    SELECT u.account_id, u.feature, u.month_on, u.day, r.allowance,
           SUM(u.uses) OVER (PARTITION BY u.account_id, u.feature, u.month_on ORDER BY u.day
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
    FROM used u
    JOIN ranked r ON r.account_id = u.account_id AND r.feature = u.feature AND r.place = 1
)
SELECT account_id, feature, allowance, month_on, CAST(MAX(so_far) AS BIGINT) AS uses,
       MIN(CASE WHEN so_far >= allowance * CAST({near} AS DOUBLE) THEN day END) AS near_on,
       MIN(CASE WHEN so_far >= allowance THEN day END) AS over_on
FROM summed
GROUP BY account_id, feature, allowance, month_on
HAVING MAX(so_far) >= allowance * CAST({near} AS DOUBLE)
ORDER BY account_id, feature, month_on DESC"""


def _of_limit(
    offers: Offers, limits: Sequence[Limit], account: str, feature: str, allowance: int
) -> Gain:
    """The step to the next plan where that allows more, else to the cheapest one of its product
    that does; a plan without a stated allowance has no limit."""
    held = offers.held.get(account)
    if held is None:
        return offers.next_plan(account)
    own: dict[str, int] = {}
    for one in limits:
        if one.feature == feature:
            own[one.plan] = max(one.allowance, own.get(one.plan, 0))
    candidates = []
    for plan in offers.prices.plans():
        allowed = own.get(plan, own.get(""))
        if plan == held.plan or (allowed is not None and allowed <= allowance):
            continue
        # A plan of another product allows what it likes: it is no way up.
        if held.product in offers.prices.products.get(plan, {held.product}):
            candidates.append(offers.to_plan(held, plan))
    known = [one for one in candidates if one.amount is not None]
    if not known:
        return Gain(None, "plan", why=NO_LARGER)
    usual = offers.ladder.following.get(held.plan or "", ("", None))[0]
    return min(known, key=lambda one: (one.plan != usual, one.amount or 0.0, one.plan))


def seats_found(
    users: Iterable[tuple[str, float]], day: dt.date, near: float, offers: Offers
) -> list[Found]:
    """Accounts whose active people take up the seats that they bought.

    Parameters
    ----------
    users : iterable of (account_id, people active in the last 28 days)
        Of accounts for which that is known.
    """
    found = []
    for account, used in users:
        held = offers.held.get(account)
        bought = held.quantity if held else None
        # One unit is what a plan without seats has, too.
        if bought is None or bought <= 1 or used < near * bought:
            continue
        found.append(Found(
            account, "seats_taken" if used >= bought else "seats_near", "",
            SEATS.format(used=used, bought=bought), day, offers.more_seats(account, used),
        ))
    return found


@dataclass(frozen=True)
class Adding:
    """A feature that the plan after another one has, or that accounts on it use far more often.

    Attributes
    ----------
    share, own : float, optional
        Of accounts on the next plan, and on the plan itself, that used it in 28 days; None where
        the plan is stated to add it.
    """

    plan: str
    next_plan: str
    feature: str
    share: float | None = None
    own: float | None = None


def adding(
    following: Mapping[str, tuple[str, int | None]], stated: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int], users: Mapping[tuple[str, str], int],
) -> list[Adding]:
    """Which features each next plan adds: those that are stated, else those whose usage differs.

    Parameters
    ----------
    following : mapping
        Plan → (next plan, …).
    sizes : mapping
        Plan → paying accounts on it, of those that were ever seen.
    users : mapping
        (plan, feature) → those of them that used it in 28 days.
    """
    features = sorted({feature for _plan, feature in users})
    found, tests = [], []
    for plan, (after, _moved) in sorted(following.items()):
        if after in stated:
            found += [Adding(plan, after, one) for one in stated[after]]
            continue
        for feature in features:
            side = Side(
                users.get((after, feature), 0), sizes.get(after, 0),
                users.get((plan, feature), 0), sizes.get(plan, 0),
            )
            if min(side.best, side.rest, side.accounts) >= MIN_ACCOUNTS:
                tests.append((plan, after, feature, side))
    raised = adjusted([side.chance() for *_names, side in tests])
    for (plan, after, feature, side), chance in zip(tests, raised, strict=True):
        share, own = side.share_best or 0.0, side.share_rest or 0.0
        if chance <= ALPHA and own <= SHARED * share:
            found.append(Adding(plan, after, feature, share, own))
    return found


def features_found(
    engine: AnyEngine, config: Config, day: dt.date, offers: Offers
) -> list[Found]:
    """Features of the next plan that an account has used in the last 28 days."""
    following = offers.ladder.following
    if not following:
        return []
    placed = placed_sql(config, day)
    sizes: dict[str, int] = dict(engine.rows(
        f"SELECT plan, COUNT(*) FROM ({placed}) p WHERE plan IS NOT NULL GROUP BY plan"
    ))
    users = {
        (plan, feature): count for plan, feature, count in engine.rows(f"""
SELECT p.plan, u.feature, COUNT(*) FROM ({placed}) p
JOIN ({last_used_sql(day)}) u ON u.account_id = p.account_id AND u.days > 0
WHERE p.plan IS NOT NULL GROUP BY p.plan, u.feature""")
    }
    adds = {
        (one.plan, one.feature): one
        for one in adding(following, config[GROWTH].features, sizes, users)
    }
    if not adds:
        return []
    pairs = ", ".join(f"({quoted(plan)}, {quoted(feature)})" for plan, feature in adds)
    found = []
    for account, plan, feature, days, since in engine.rows(f"""
SELECT p.account_id, p.plan, u.feature, u.days, u.first_on FROM ({placed}) p
JOIN (SELECT * FROM (VALUES {pairs}) AS v(plan, feature)) a ON a.plan = p.plan
JOIN ({last_used_sql(day)}) u ON u.account_id = p.account_id AND u.feature = a.feature
WHERE u.days > 0 ORDER BY p.account_id, u.feature"""):
        one = adds[plan, feature]
        text = STATED if one.share is None else FEATURE
        found.append(Found(
            account, "next_plan_feature", feature, text.format(
                feature=feature, days=days, share=one.share, own=one.own, plan=one.next_plan
            ), since, offers.next_plan(account),
        ))
    return found


def placed_sql(config: Config, day: dt.date) -> str:
    """SQL of paying accounts that were ever seen, and the plan of each: (account_id, plan)."""
    return f"""SELECT c.account_id, l.plan
    FROM ({closing_sql(config, f"DATE '{day}'")}) c
    JOIN (SELECT DISTINCT account_id FROM account_months WHERE first_day <= DATE '{day}') s
      ON s.account_id = c.account_id
    LEFT JOIN (
        WITH {plans_sql("largest", day)} SELECT account_id, plan FROM largest
    ) l ON l.account_id = c.account_id"""


def last_used_sql(day: dt.date) -> str:
    """SQL of which features accounts used up to a day: (account_id, feature, the days of the last
    28 on which they did, the first day ever)."""
    first = day - dt.timedelta(days=TRAILING - 1)
    cases = " ".join(
        f"WHEN month_on = DATE '{month}' THEN bit_count(days & {seen_bits(month, first, day)})"
        for month in sorted({first.replace(day=1), day.replace(day=1)})
    )
    return f"""SELECT account_id, feature,
           CAST(SUM(CASE {cases} ELSE 0 END) AS BIGINT) AS days, MIN(first_day) AS first_on
    FROM feature_months
    WHERE feature IS NOT NULL AND month_on <= DATE '{day}'
    GROUP BY account_id, feature"""
