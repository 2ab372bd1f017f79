"""What one account uses, beside the accounts that are most like it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.asked import AccountId, Whose, rows_of, whose
from staycurve.insights.account.facts_sql import TRAILING, seen_bits
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.account_facts import paying_sql, plans_sql, size_sql
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.engine import AnyEngine

ENOUGH = 20
"""Below twenty accounts one of them moves a share by over five points: then the circle is drawn
wider, first to any size on the plan, then to every paying account."""

BASES = {
    "plan_and_size": N_("paying accounts on its plan and of its size"),
    "plan": N_("paying accounts on its plan, of any size"),
    "all": N_("all other paying accounts"),
}
NO_EVENTS = N_("no events are loaded")
NOBODY = N_("no other account pays")

Places = tuple[str | None, str]
"""Plan and size."""


@dataclass(frozen=True)
class Group:
    """How many accounts pay on one plan and of one size, and (accounts, days) by feature."""

    accounts: int
    features: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class FeatureBeside(Row):
    """One feature: how the account uses it, and how similar accounts do."""

    feature: Annotated[str, col(N_("Feature"), Kind.NAME)]
    days: Annotated[
        int, col(N_("Days used"), Unit.COUNT, N_("Of the last 28, by anybody of the account."))
    ]
    last_used_on: Annotated[dt.date | None, col(N_("Last used"), Kind.DAY)]
    similar: Annotated[
        int, col(N_("Similar accounts using it"), Unit.COUNT, N_("In the last 28 days."))
    ]
    similar_share: Annotated[
        float | None, col(N_("Share of similar accounts"), Unit.PERCENT)
    ]
    similar_days: Annotated[
        float | None,
        col(N_("Their days"), Unit.COUNT, N_("Mean days of those similar accounts that use it.")),
    ]


@dataclass(frozen=True, kw_only=True)
class Beside(Answer):
    """Features by how many similar accounts use them."""

    as_of: AsOfField
    account_id: Annotated[str, Key(N_("The account."))]
    similar: Annotated[int, Key(N_("How many similar accounts there are."))]
    basis: Annotated[str, Key(N_("What similar means: plan_and_size, plan or all."))]
    plan: Annotated[str | None, Key(N_("The plan that is compared."))]
    size: Annotated[str, Key(N_("The size that is compared: employees, or MRR without them."))]
    rows: Annotated[tuple[FeatureBeside, ...], Table(N_("Features"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(
            N_("%(account)s, as of %(as_of)s"),
            {"account": (self.account_id, Kind.TEXT), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        values: dict[str, str | Value | Said] = {
            "n": (self.similar, Unit.COUNT), "basis": Said(BASES[self.basis]),
            "plan": (self.plan or "–", Kind.TEXT), "size": (self.size, Kind.TEXT),
        }
        if self.basis == "plan_and_size":
            return (Said(N_("Similar: %(n)s %(basis)s (%(plan)s, %(size)s)."), values),)
        if self.basis == "plan":
            return (Said(N_("Similar: %(n)s %(basis)s (%(plan)s)."), values),)
        return (Said(N_("Similar: %(n)s %(basis)s."), values),)


@insight("account features", needs="accounts")
def features(company: Reader, *, account: AccountId, as_of: AsOfText = None) -> Beside:
    """Which features does one account use, compared with accounts of its plan and size?

    Similar accounts pay, are on the same plan and of the same size (by employees, or by MRR where
    those are not known); the account itself is left out. Fewer than 20 such accounts say little:
    then all of the plan are taken, and where those are fewer too, all that pay.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        of = whose(engine, company, account, seen)
        own = {
            feature: [(month, days) for _one, month, days in rows]
            for feature, rows in _by_feature(engine.rows(own_sql(of))).items()
        }
        place, is_paying = place_of(company, engine, of)

        def make() -> dict[Places, Group]:
            return _groups(engine, company, of)

        groups = company.kept("account groups", seen.at, make)
    told: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "account_id": account, "plan": place[0], "size": place[1],
        "notes": of.notes,
    }
    used = {
        name: days for name, months in own.items()
        if (days := facts_sql.active_days(months, of.last_day))
    }
    itself = (place, used) if is_paying else None
    basis, similar, by_feature = _similar(groups, place, itself)
    if not company.lake.rows(company.snapshot, "events"):
        return Beside(**told, similar=similar, basis=basis, why=NO_EVENTS)
    rows = []
    for name in {*own, *by_feature}:
        months = own.get(name, [])
        accounts, days = by_feature.get(name, (0, 0))
        rows.append(FeatureBeside(
            feature=name, days=used.get(name, 0),
            last_used_on=facts_sql.last_active_on(months, of.last_day), similar=accounts,
            similar_share=accounts / similar if similar else None,
            similar_days=days / accounts if accounts else None,
        ))
    rows.sort(key=lambda one: (-one.similar, -one.days, one.feature))
    return Beside(**told, similar=similar, basis=basis, rows=tuple(rows))


def _by_feature(rows: Sequence[Sequence[Any]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def place_of(company: Reader, engine: AnyEngine, of: Whose) -> tuple[Places, bool]:
    """The account's plan and size, those of its last paid day where it pays no more."""
    every = rows_of(company, engine, of, facts_sql.movements(of))
    moves = [row for row in every if row[2] or row[3]]
    is_paying = bool(moves) and moves[-1][3] > 0
    mrr = (moves[-1][3] or moves[-1][2]) if moves else 0
    items = engine.rows(facts_sql.largest_plan(of)) or engine.rows(facts_sql.last_plan(of))
    size = engine.value(
        f"SELECT {size_sql('employees', str(mrr))} FROM accounts WHERE account_id = {of.customer}"
    )
    return (items[0][0] if items else None, size), is_paying


def _groups(engine: AnyEngine, company: Reader, of: Whose) -> dict[Places, Group]:
    sizes: dict[Places, int] = {}
    used: dict[Places, dict[str, tuple[int, int]]] = {}
    for plan, size, feature, accounts, days in engine.rows(groups_sql(of)):
        if feature is None:
            sizes[plan, size] = accounts
        else:
            used.setdefault((plan, size), {})[feature] = (accounts, days)
    return {place: Group(accounts, used.get(place, {})) for place, accounts in sizes.items()}


def _similar(
    groups: Mapping[Places, Group], place: Places,
    itself: tuple[Places, Mapping[str, int]] | None,
) -> tuple[str, int, dict[str, tuple[int, int]]]:
    """Basis, how many accounts, and (accounts, days) by feature, without the account itself."""
    chosen = {
        "plan_and_size": [group for own, group in groups.items() if own == place],
        "plan": [group for own, group in groups.items() if own[0] == place[0]],
        "all": list(groups.values()),
    }
    for basis, parts in chosen.items():
        accounts = sum(group.accounts for group in parts) - (1 if itself else 0)
        if accounts < ENOUGH and basis != "all":
            continue
        found: dict[str, tuple[int, int]] = {}
        for group in parts:
            for feature, (count, days) in group.features.items():
                have = found.get(feature, (0, 0))
                found[feature] = (have[0] + count, have[1] + days)
        for feature, days in (itself[1] if itself else {}).items():
            have = found.get(feature, (1, days))
            found[feature] = (have[0] - 1, have[1] - days)
        return basis, max(0, accounts), {
            name: pair for name, pair in found.items() if pair[0] > 0
        }
    raise AssertionError("the widest circle holds whatever there is")


def own_sql(of: Whose) -> str:
    """SQL of the months in which the account used each feature: (feature, month_on, days)."""
    return f"""SELECT feature, month_on, days
FROM feature_months
WHERE account_id = {of.customer} AND month_on <= DATE '{of.last_day}'
ORDER BY feature, month_on"""


def placed_sql(day: dt.date, question: Question) -> str:
    """SQL to follow WITH: `placed` (account_id, plan, size) of all that pay on a day."""
    return f"""{paying_sql("payers", day, question)},
{plans_sql("largest", day)},
placed AS (
    SELECT p.account_id, l.plan, {size_sql("a.employees", "p.mrr")} AS size
    FROM payers p
    LEFT JOIN largest l ON l.account_id = p.account_id
    LEFT JOIN accounts a ON a.account_id = p.account_id
)"""


def groups_sql(of: Whose) -> str:
    """SQL of (plan, size, feature, accounts, days) of all paying accounts; a row without a feature
    counts the accounts of its plan and size."""
    last = of.last_day
    first = last - dt.timedelta(days=TRAILING - 1)
    months = sorted({first.replace(day=1), last.replace(day=1)})
    cases = " ".join(
        f"WHEN month_on = DATE '{month}' THEN bit_count(days & {seen_bits(month, first, last)})"
        for month in months
    )
    listed = ", ".join(f"DATE '{month}'" for month in months)
    question = Question(of.config, of.seen)
    return f"""WITH {placed_sql(last, question)},
used AS (
    SELECT account_id, feature, CAST(SUM(CASE {cases} ELSE 0 END) AS BIGINT) AS days
    FROM feature_months WHERE month_on IN ({listed})
    GROUP BY account_id, feature
)
SELECT plan, size, NULL AS feature, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(0 AS BIGINT) AS days
FROM placed GROUP BY plan, size
UNION ALL
SELECT p.plan, p.size, u.feature, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(u.days) AS BIGINT) AS days
FROM placed p
JOIN used u ON u.account_id = p.account_id AND u.days > 0
GROUP BY p.plan, p.size, u.feature"""
