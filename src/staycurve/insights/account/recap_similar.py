"""Features that one account has not tried, and that similar customers go on using."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.insights.account.asked import Whose
from staycurve.insights.account.facts_sql import TRAILING, seen_bits
from staycurve.insights.account.similar import ENOUGH, Places, place_of, placed_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.tables.engine import AnyEngine

FEW = 5
"""Of fewer customers a share says nothing, and could tell what one of them does."""
KEPT = 0.5
"""A feature counts as kept where at least every second customer who used it in the 28 days before
the last 28 used it in the last 28 as well. A lower share names more features, and weaker ones."""
TOO_FEW = N_("too few similar customers pay to compare with")

BASES = {
    "plan_and_size": N_("customers of your size on your plan"),
    "plan": N_("customers on your plan"),
    "all": N_("our customers"),
}


@dataclass(frozen=True)
class Counts:
    """How many accounts used a feature in the last 28 days, in the 28 before, and in both."""

    used: int
    tried: int
    kept: int


@dataclass(frozen=True)
class Group:
    """The paying accounts of one plan and size."""

    accounts: int
    features: Mapping[str, Counts]


@dataclass(frozen=True)
class NotTried:
    """One feature; shares run 0 to 1."""

    feature: str
    used_share: float
    kept_share: float


def not_tried(
    engine: AnyEngine, company: Reader, of: Whose, tried: Collection[str]
) -> tuple[str, tuple[NotTried, ...], str | None]:
    """(basis, features, why there are none to tell of): what similar customers keep, most first.

    Parameters
    ----------
    tried : collection of str
        Features that the account has ever used: none of these.
    """
    place, is_paying = place_of(company, engine, of)
    groups = company.kept("recap groups", of.seen.at, lambda: _groups(engine, of))
    basis, accounts, chosen = _circle(groups, place, is_paying)
    if accounts < FEW:
        return basis, (), TOO_FEW
    sums: dict[str, list[int]] = {}
    for group in chosen:
        for feature, own in group.features.items():
            if feature not in tried:
                total = sums.setdefault(feature, [0, 0, 0])
                for number, value in enumerate((own.used, own.tried, own.kept)):
                    total[number] += value
    found = [
        NotTried(feature, used / accounts, kept / before)
        for feature, (used, before, kept) in sums.items()
        if before >= FEW and kept >= KEPT * before
    ]
    found.sort(key=lambda one: (-one.used_share, -one.kept_share, one.feature))
    return basis, tuple(found), None


def _circle(
    groups: Mapping[Places, Group], place: Places, is_paying: bool
) -> tuple[str, int, list[Group]]:
    """The narrowest circle of similar accounts that is large enough; see `account features`."""
    circles = {
        "plan_and_size": [group for own, group in groups.items() if own == place],
        "plan": [group for own, group in groups.items() if own[0] == place[0]],
        "all": list(groups.values()),
    }
    for basis, chosen in circles.items():
        # The account itself has used none of the features that are looked for.
        accounts = sum(group.accounts for group in chosen) - is_paying
        if accounts >= ENOUGH or basis == "all":
            return basis, max(0, accounts), chosen
    raise AssertionError("the widest circle is taken whatever it holds")


def _groups(engine: AnyEngine, of: Whose) -> dict[Places, Group]:
    sizes: dict[Places, int] = {}
    features: dict[Places, dict[str, Counts]] = {}
    for plan, size, feature, accounts, used, tried, kept in engine.rows(groups_sql(of)):
        if feature is None:
            sizes[plan, size] = accounts
        else:
            features.setdefault((plan, size), {})[feature] = Counts(used, tried, kept)
    return {place: Group(count, features.get(place, {})) for place, count in sizes.items()}


def groups_sql(of: Whose) -> str:
    """SQL of (plan, size, feature, accounts, used, tried, kept) of all paying accounts; a row
    without a feature counts the accounts of its plan and size."""
    last = of.last_day
    middle = last - dt.timedelta(days=TRAILING)
    first = middle - dt.timedelta(days=TRAILING - 1)
    months = sorted({
        (first + dt.timedelta(days=number)).replace(day=1) for number in range(2 * TRAILING)
    })

    def days(since: dt.date, until: dt.date) -> str:
        cases = " ".join(
            f"WHEN month_on = DATE '{month}' THEN days & {seen_bits(month, since, until)}"
            for month in months
        )
        return f"SUM(CASE {cases} ELSE 0 END) > 0"

    listed = ", ".join(f"DATE '{month}'" for month in months)
    question = Question(of.config, of.seen)
    return f"""WITH {placed_sql(last, question)},
used AS (
    SELECT account_id, feature, {days(middle + dt.timedelta(days=1), last)} AS is_used,
           {days(first, middle)} AS was_used
    FROM feature_months WHERE month_on IN ({listed})
    GROUP BY account_id, feature
)
SELECT plan, size, NULL AS feature, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(0 AS BIGINT) AS used, CAST(0 AS BIGINT) AS tried, CAST(0 AS BIGINT) AS kept
FROM placed GROUP BY plan, size
UNION ALL
SELECT p.plan, p.size, u.feature, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(CASE WHEN u.is_used THEN 1 ELSE 0 END) AS BIGINT) AS used,
       CAST(SUM(CASE WHEN u.was_used THEN 1 ELSE 0 END) AS BIGINT) AS tried,
       CAST(SUM(CASE WHEN u.is_used AND u.was_used THEN 1 ELSE 0 END) AS BIGINT) AS kept
FROM placed p
JOIN used u ON u.account_id = p.account_id
GROUP BY p.plan, p.size, u.feature"""
