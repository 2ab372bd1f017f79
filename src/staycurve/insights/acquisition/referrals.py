"""Referrals: who brought whom, what the referred are worth, and whether they stay longer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.acquisition.asked import AGES, question_of
from staycurve.insights.acquisition.referred import (
    accounts_statement,
    closed_months,
    count_statement,
)
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    OwnerField,
    PlanField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.cohorts.cohort_retention import retention
from staycurve.insights.lifecycle.lifecycle import SMALL
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import Share, difference, share
from staycurve.metrics.base import Unit
from staycurve.money import major

ASSOCIATION = N_(
    "Referred accounts differ from others in more than the referral; a difference is not an effect "
    "of it."
)
NOBODY_REFERRED = N_("no account names another in referred_by")

REFERRED_BY = "referred_by"

BY_WHOM = {"referrer": "account_id"}
BROUGHT = Opens("acquisition referred", BY_WHOM)


@dataclass(frozen=True)
class Referrer(Row):
    """A customer that brought others, and what those are worth."""

    account_id: AccountField
    name: Annotated[str | None, col(N_("Name"), named_by={"": N_("(not known)")})]
    is_known: Annotated[bool, Key(N_("Whether the account itself is loaded."))]
    referred: Annotated[int, col(N_("Referred"), Unit.COUNT, opens=BROUGHT, is_summed=True)]
    ever_paid: Annotated[
        int,
        col(N_("Ever paid"), Unit.COUNT, is_summed=True,
            opens=Opens("acquisition referred", BY_WHOM, {"state": "ever_paid"})),
    ]
    paying: Annotated[
        int,
        col(N_("Pay now"), Unit.COUNT, is_summed=True,
            opens=Opens("acquisition referred", BY_WHOM, {"state": "paying"})),
    ]
    mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY, opens=BROUGHT, is_summed=True)]
    lifetime_mrr: Annotated[
        float,
        col(N_("MRR over time"), Unit.MONEY, N_("At the closes of all closed months, summed."),
            opens=BROUGHT, is_summed=True),
    ]
    plan: PlanField = None
    owner: OwnerField = None


@dataclass(frozen=True, kw_only=True)
class Summary(Row):
    """All referrers together."""

    accounts: Annotated[int, Key(N_("Customers in all."))]
    referrers: Annotated[int, Key()]
    referred: Annotated[int, Key()]
    share: Annotated[float | None, Key(N_("The referred, of all customers."))]
    low: LowField
    high: HighField
    ever_paid: Annotated[int, Key()]
    paying: Annotated[int, Key()]
    mrr: Annotated[float, Key()]
    lifetime_mrr: Annotated[float, Key()]


@dataclass(frozen=True)
class Side(Row):
    """Accounts that pay at an age, of those of closed cohorts."""

    size: Annotated[int, Key()]
    retained: Annotated[int, Key()]
    value: Annotated[float | None, Key()]
    low: LowField
    high: HighField

    def brief(self) -> Said:
        return Said(
            N_("%(value)s of %(size)s"),
            {"value": (self.value, Unit.PERCENT), "size": (self.size, Unit.COUNT)},
        )


@dataclass(frozen=True)
class OthersBeside(Row):
    """Retention of the referred beside that of the others, at one age."""

    age: Annotated[int, col(N_("Months"), Unit.COUNT, N_("After the activation month."))]
    referred: Annotated[Side, col(N_("Referred"))]
    others: Annotated[Side, col(N_("Others"))]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, ends=("difference_low", "difference_high"),
            is_size=True),
    ]
    difference_low: LowField
    difference_high: HighField
    is_small: Annotated[bool, Key(N_("Whether there are few on one side."))]


@dataclass(frozen=True, kw_only=True)
class Referrals(Answer):
    """Who brought whom, the largest over time first."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[Referrer, ...], Table(N_("Who referred whom"), is_list=True)]
    summary: Annotated[Summary, Key(N_("The same over all referred accounts."))]
    retention: Annotated[
        tuple[OthersBeside, ...], Table(N_("Retention of referred accounts and others"))
    ]

    def title(self) -> Said:
        return Said(
            N_("Who brought whom, as of %(as_of)s, %(currency)s"),
            {"as_of": self.as_of, "currency": self.currency},
        )

    def said(self) -> tuple[Said, ...]:
        if not self.rows:
            return ()
        whole = self.summary
        return (Said(
            N_("%(referred)s of %(accounts)s accounts (%(share)s) came through another customer; "
               "%(paying)s of them pay, %(mrr)s %(currency)s of MRR in all."),
            {
                "referred": (whole.referred, Unit.COUNT), "accounts": (whole.accounts, Unit.COUNT),
                "share": (whole.share, Unit.PERCENT), "paying": (whole.paying, Unit.COUNT),
                "mrr": (whole.mrr, Unit.MONEY), "currency": self.currency,
            },
        ),)


@insight("acquisition referrals", comes_from="/acquisition#referrals")
def referrals(company: Reader, *, where: Where = "", as_of: AsOfText = None) -> Referrals:
    """Who referred whom, what are referred accounts worth, and do they stay longer?

    `where` chooses among the referred accounts.
    """
    asked = question_of(company, where, as_of)
    sql = accounts_statement(asked, closed_months(company, asked))
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
        accounts = int(engine.value(count_statement(asked)))
    kept = retention(
        company, ages=AGES, per="all", by=REFERRED_BY, where=asked.filters, as_of=as_of
    )
    rows = rows_of(answer)
    counts: dict[tuple[bool, int], tuple[int, int]] = {}
    for point in kept.rows:
        key = (point.segment[REFERRED_BY] is not None, point.age)
        got, size = counts.get(key, (0, 0))
        counts[key] = (got + point.retained, size + point.size)
    return Referrals(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=None if answer else NOBODY_REFERRED,
        rows=tuple(rows),
        summary=summary_of(rows, accounts),
        retention=tuple(retention_rows(counts)),
        notes=(ASSOCIATION,) if answer else (),
        sql=sql,
    )


def rows_of(answer: Iterable[Sequence[Any]]) -> list[Referrer]:
    """One row a referrer."""
    found: dict[str, tuple[str | None, bool, list[int]]] = {}
    for _, _, referrer, name, is_known, _, paid, mrr, lifetime in answer:
        _name, _known, sums = found.setdefault(referrer, (name, is_known, [0] * 5))
        own = (1, paid is not None, mrr > 0, mrr, lifetime)
        sums[:] = [a + b for a, b in zip(sums, own, strict=True)]
    rows = [
        Referrer(referrer, name, is_known, referred, paid, paying, major(mrr), major(lifetime))
        for referrer, (name, is_known, (referred, paid, paying, mrr, lifetime)) in found.items()
    ]
    return sorted(rows, key=lambda row: (-row.lifetime_mrr, row.account_id))


def summary_of(rows: Sequence[Referrer], accounts: int) -> Summary:
    """All referrers together."""
    referred = sum(row.referred for row in rows)
    part = share(referred, accounts)
    return Summary(
        accounts=accounts, referrers=len(rows), referred=referred, share=part.value,
        low=part.low, high=part.high,
        ever_paid=sum(row.ever_paid for row in rows),
        paying=sum(row.paying for row in rows),
        mrr=math.fsum(row.mrr for row in rows),
        lifetime_mrr=math.fsum(row.lifetime_mrr for row in rows),
    )


def retention_rows(counts: Mapping[tuple[bool, int], tuple[int, int]]) -> list[OthersBeside]:
    """Retention of the referred beside that of the others, at each age.

    Parameters
    ----------
    counts : mapping
        (is referred, age in months) → (still paying, accounts of closed cohorts).
    """
    rows = []
    for age in sorted({age for _, age in counts}):
        own = share(*counts.get((True, age), (0, 0)))
        others = share(*counts.get((False, age), (0, 0)))
        gap, low, high = difference(own, others) or (None, None, None)
        rows.append(OthersBeside(
            age, _side(own), _side(others), gap, low, high, min(own.size, others.size) < SMALL
        ))
    return rows


def _side(kept: Share) -> Side:
    return Side(kept.size, kept.count, kept.value, kept.low, kept.high)
