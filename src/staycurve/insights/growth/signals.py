"""Signals of growth: what says that an account may buy more, each with its evidence and date."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.account.asked import whose
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Kind,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.growth.crosssell import Known, Next, known_of
from staycurve.insights.growth.gains import Gain, Offers, offers_of
from staycurve.insights.growth.holdings import LEAST, product_prices
from staycurve.insights.growth.scoring import HORIZON
from staycurve.insights.growth.settings import GROWTH
from staycurve.insights.growth.upsell import Found, features_found, limits_found, seats_found
from staycurve.insights.risk.asked import NOBODY_PAYS
from staycurve.insights.risk.frames import Frame, frame_of, moment_of
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.money import MICRO
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine

SIGNALS = {
    "limit_reached": N_("Limit reached"), "limit_near": N_("Limit near"),
    "seats_taken": N_("All seats taken"), "seats_near": N_("Seats nearly taken"),
    "next_plan_feature": N_("Uses a feature of the next plan"),
    "similar_added": N_("Similar accounts added it next"),
}
"""The first five are up-sell, the last one is cross-sell."""

ADDED = N_("{added:,} of {size:,} similar accounts ({group}) added {thing} within {days} days: "
           "{share:.1%} against {rest:.1%} of the rest, lift {lift:.1f} ({low:.1f} to {high:.1f})")

NOT_PAYING = N_("the account pays nothing")
NO_LIMITS = N_("Limits: staycurve.toml states no [[limits]].")
NO_EVENTS = N_("Limits, seats and features: no usage is known.")
NO_SEATS = N_("Seats: no subscription has more than one unit, so how many seats were bought is not "
              "known.")
NO_LADDER = N_("The next plan: too few accounts moved from one plan to another, and none is "
               "stated in [growth].")
NO_CROSS = N_("Cross-sell: nothing that an account has not got is added significantly more often "
              "by similar accounts than by the rest, beside the next plan.")
NO_FEATURES = N_("a feature has no price of its own")
FEW_BUY = N_("fewer than {least} accounts show what {thing} costs, or they differ too much")


@dataclass(frozen=True, kw_only=True)
class Signal(AccountRow):
    """One signal of one account."""

    account_id: AccountField
    signal: Annotated[str, col(N_("Signal"), Kind.NAME, named_by=SIGNALS)]
    what: Annotated[str, Key(N_("The feature, plan or product; empty where it is about seats."))]
    evidence: Annotated[str, col(N_("Evidence"))]
    since: Annotated[
        dt.date, col(N_("Since"), Kind.DAY, N_("Or the day on which it was counted."))
    ]
    gain: Annotated[
        float | None,
        col(N_("Possible gain"), Unit.MONEY, N_("MRR that the step would add; see how."),
            is_summed=False),
    ]
    how: Annotated[str | None, col(N_("How it is computed"))]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Signals(Answer):
    """Every signal of paying accounts, the largest possible gain first."""

    as_of: AsOfField
    currency: CurrencyField
    counts: Annotated[Mapping[str, int], Key(N_("Signal → how many there are."))]
    accounts: Annotated[int, Key(N_("Paying accounts with any signal."))] = 0
    rows: Annotated[tuple[Signal, ...], Table(N_("Signals of growth"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Signals of growth, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        return tuple(
            Said(N_("%(signal)s: %(count)s."),
                 {"signal": Said(SIGNALS[name]), "count": (count, Unit.COUNT)})
            for name, count in self.counts.items() if count
        )


@dataclass(frozen=True)
class Standing:
    """What says on a day that accounts may grow.

    Attributes
    ----------
    now : Frame
        The accounts that pay.
    found : tuple of Found
    notes : tuple of str
        What could not be looked for, and why.
    """

    day: dt.date
    now: Frame
    offers: Offers
    found: tuple[Found, ...]
    notes: tuple[str, ...]

    def by_account(self) -> dict[str, list[Found]]:
        """Account → its signals."""
        signals: dict[str, list[Found]] = {}
        for one in self.found:
            signals.setdefault(one.account_id, []).append(one)
        return signals


@insight("growth signals", comes_from="/growth#signals")
def signals(
    company: Reader, *,
    account: Annotated[
        str, Param(N_("One account; all that pay without it."), metavar="ACCOUNT")
    ] = "",
    signal: Annotated[
        str, Param(N_("One kind of signal; all without it."), choices=tuple(SIGNALS))
    ] = "",
    as_of: AsOfText = None,
) -> Signals:
    """What says that an account may buy more, and on what evidence?

    Up-sell: an allowance of [[limits]] reached or near (80%, `near` in [growth]) in this month or
    the one before; people active in the last 28 days against the seats of the largest base item;
    features of the next plan in use. The next plan is the one that [growth] states, or to which
    most accounts moved; its features are those that [growth] states, or that accounts on it use
    significantly more often. Cross-sell: what similar accounts add significantly more often than
    the rest (`growth next`), and the account never had; the plan after its own is left out. A gain
    that cannot be computed is unknown.
    """
    seen = company.as_of(as_of)
    if account:
        # What is billed with another account stands with that one.
        with company.seeing(seen) as engine:
            account = whose(engine, company, account, seen).customer_id
    standing = standing_of(company, seen)
    mrr = dict(zip(standing.now.account_ids, standing.now.mrr, strict=True))
    chosen = [
        one for one in standing.found
        if account in ("", one.account_id) and signal in ("", one.signal)
    ]
    counts = Counter(one.signal for one in chosen)
    rows = tuple(
        Signal(
            account_id=one.account_id, signal=one.signal, what=one.what, evidence=one.evidence,
            since=one.since, gain=one.gain.amount, how=one.gain.how or None,
            mrr=float(mrr[one.account_id]) / MICRO, why=one.gain.why or None,
        )
        for one in chosen
    )
    return Signals(
        as_of=seen.at.isoformat(), currency=company.config.company.currency,
        counts={name: counts[name] for name in SIGNALS},
        accounts=len({one.account_id for one in chosen}), rows=rows, notes=standing.notes,
        why=NOBODY_PAYS if not mrr else NOT_PAYING if account and account not in mrr else None,
    )


def standing_of(company: Reader, seen: AsOf) -> Standing:
    """Every signal as of an instant, found once for it; the largest gain first."""
    return company.kept("growth signals", seen.at, lambda: _find(company, seen), most=2)


def _find(company: Reader, seen: AsOf) -> Standing:
    config = company.config
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, HORIZON)
        now = frame_of(company, engine, moment)
        known = known_of(company, engine, moment, HORIZON)
        offers, found = found_on(engine, config, moment.day, now, known)
    is_used = bool(_users(now)) or any(values == values for values in now.values["days_inactive"])
    notes = [
        note for note, is_missing in (
            (NO_EVENTS, not is_used),
            (NO_LIMITS, is_used and not config.behaviour.limits),
            (NO_SEATS, not any((one.quantity or 0) > 1 for one in offers.held.values())),
            (NO_LADDER, not offers.ladder.following),
            (NO_CROSS, not any(one.signal == "similar_added" for one in found)),
        ) if is_missing and len(now)
    ]
    return Standing(moment.day, now, offers, tuple(found), tuple(notes))


def found_on(
    engine: AnyEngine, config: Config, day: dt.date, now: Frame, known: Known
) -> tuple[Offers, list[Found]]:
    """What accounts may step up to on a day, and every signal, the largest gain first.

    Parameters
    ----------
    now : Frame
        The accounts that pay on the day.
    known : Known
        What was added before it.
    """
    offers = offers_of(engine, config, day)
    found = [
        *limits_found(engine, config, day, offers),
        *seats_found(_users(now), day, config[GROWTH].near, offers),
        *features_found(engine, config, day, offers),
    ]
    named = [row for row in known.rows if row.is_significant and (row.lift or 0) > 1]
    prices = product_prices(
        engine, config, day, {row.thing for row in named if row.kind == "product"}
    )
    paying = set(now.account_ids)
    found = [one for one in found if one.account_id in paying]
    found += _cross(now.account_ids, known, offers, prices, day)
    found.sort(key=lambda one: (
        -(one.gain.amount if one.gain.amount is not None else -1.0), one.account_id, one.signal,
        one.what,
    ))
    return offers, found


def _users(now: Frame) -> list[tuple[str, float]]:
    """People active in the last 28 days, of accounts of which that is known."""
    return [
        (account, float(users))
        for account, users in zip(now.account_ids, now.values["active_users"], strict=True)
        if users == users
    ]


def _cross(
    accounts: Iterable[str], known: Known, offers: Offers, prices: Mapping[str, float],
    day: dt.date,
) -> list[Found]:
    following = offers.ladder.following
    return [
        Found(account, "similar_added", row.thing, _told(row), day,
              _gain(account, row, offers, prices))
        for account in accounts for row in known.for_account(account)
        # That the next plan is the next one tells no account on a plan from another.
        if row.kind != "plan" or following.get(row.of_plan, ("",))[0] != row.thing
    ]


def _told(row: Next) -> str:
    group: Sequence[str] = [part for part in (row.of_plan, row.of_segment) if part]
    return ADDED.format(
        added=row.added, size=row.at_risk, group=", ".join(group), thing=row.thing, days=HORIZON,
        share=row.share or 0.0, rest=row.rest or 0.0, lift=row.lift or 0.0, low=row.low or 0.0,
        high=row.high or 0.0,
    )


def _gain(account: str, row: Next, offers: Offers, prices: Mapping[str, float]) -> Gain:
    if row.kind == "feature":
        return Gain(None, why=NO_FEATURES)
    if row.kind == "plan":
        held = offers.held.get(account)
        return offers.to_plan(held, row.thing) if held else offers.next_plan(account)
    amount = prices.get(row.thing)
    if amount is None:
        return Gain(None, "item", why=FEW_BUY.format(least=LEAST, thing=row.thing))
    return Gain(amount, "item", "", PAYS.format(thing=row.thing))


PAYS = N_("what half of the accounts with {thing} pay for it at most")
