"""Gains: the MRR that an account would add by its next step, and how that is computed."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.insights.growth.holdings import LEAST, Held, Prices, holdings_of, listed_prices
from staycurve.insights.growth.settings import GROWTH
from staycurve.insights.growth.upgrades import steps_sql
from staycurve.money import MICRO
from staycurve.tables.engine import AnyEngine

LOOKED_BACK = 730
"""Days of upgrades that say which step is usual: two years, as far as the models look."""

NO_NEXT = N_("no plan follows {plan}: fewer than {least} accounts moved up from it, and none is "
             "stated in [growth]")
NO_PLAN = N_("its subscriptions name no plan")
NOTHING_HELD = N_("it pays for no base item")
NOT_DEARER = N_("{plan} bills no more than it pays now")
NO_SEATS = N_("how many seats it would need is not known")
NO_STEP = N_("fewer than {least} accounts added seats: how many one adds is not known")

TO_PLAN = N_("{units:g} × {price:,.2f} {currency} a month on {plan}, less {own:,.2f} now")
TO_WHOLE = N_("{price:,.2f} {currency} a month on {plan}, less {own:,.2f} now")
MORE_SEATS = N_("{extra:g} more × {price:,.2f} {currency} a month")


@dataclass(frozen=True)
class Gain:
    """What one step would add.

    Attributes
    ----------
    amount : float, optional
        A month, in the company's currency; None where it is not known.
    way : str
        'plan' or 'seats'.
    plan : str
        The plan that it leads to; empty for more of the same.
    how, why : str
        How it is computed, or why it cannot be.
    """

    amount: float | None
    way: str = ""
    plan: str = ""
    how: str = ""
    why: str = ""


@dataclass(frozen=True)
class Ladder:
    """Which step up is usual.

    Attributes
    ----------
    following : mapping
        Plan → (the plan after it, accounts that moved so; None where it is stated).
    usual : mapping
        Plan → 'plan' or 'seats', the way in which accounts on it grew most often.
    seat_share : float, optional
        Seats that accounts added, as a share of those that they had: the median.
    """

    following: Mapping[str, tuple[str, int | None]]
    usual: Mapping[str, str]
    seat_share: float | None


@dataclass(frozen=True)
class Offers:
    """What every account holds on a day, what plans cost, and which step is usual."""

    held: Mapping[str, Held]
    prices: Prices
    ladder: Ladder

    def next_plan(self, account: str) -> Gain:
        """The step to the plan that follows the account's."""
        held = self.held.get(account)
        if held is None or not held.plan:
            return Gain(None, "plan", why=NOTHING_HELD if held is None else NO_PLAN)
        if held.plan not in self.ladder.following:
            return Gain(None, "plan", why=NO_NEXT.format(plan=held.plan, least=LEAST))
        return self.to_plan(held, self.ladder.following[held.plan][0])

    def to_plan(self, held: Held, plan: str) -> Gain:
        """The step to one plan: its price for the units that the account has, less what it pays."""
        price = self.prices.of(plan, held.currency, held.interval)
        if price.amount is None:
            return Gain(None, "plan", plan, why=price.why)
        units, own = held.quantity or 1, held.amount / MICRO
        is_by_unit = price.is_per_unit or price.is_listed
        if price.is_per_unit and units <= 1 and not self.prices.is_per_unit(held.plan or ""):
            return Gain(None, "plan", plan, why=NO_SEATS)
        more = price.amount * (units if is_by_unit else 1) - own
        if more <= 0:
            return Gain(None, "plan", plan, why=NOT_DEARER.format(plan=plan))
        how = (TO_PLAN if is_by_unit else TO_WHOLE).format(
            units=units, price=price.amount, currency=held.currency, plan=plan, own=own
        )
        return Gain(more * held.rate, "plan", plan, how)

    def more_seats(self, account: str, used: float | None = None) -> Gain:
        """The step to more seats: those that are in use and were not bought, else as many as
        accounts usually add.

        Parameters
        ----------
        used : float, optional
            Seats in use.
        """
        held = self.held.get(account)
        if held is None or (held.quantity or 0) <= 1:
            return Gain(None, "seats", why=NOTHING_HELD if held is None else NO_SEATS)
        quantity = held.quantity or 0
        if used is not None and used > quantity:
            extra = used - quantity
        elif self.ladder.seat_share is not None:
            extra = max(1, round(self.ladder.seat_share * quantity))
        else:
            return Gain(None, "seats", why=NO_STEP.format(least=LEAST))
        how = MORE_SEATS.format(extra=extra, price=held.per_unit, currency=held.currency)
        return Gain(extra * held.per_unit * held.rate, "seats", "", how)

    def usual(self, account: str) -> Gain:
        """The step that accounts on its plan take most often; the other one where its gain is not
        known."""
        held = self.held.get(account)
        by_seats = self.ladder.usual.get(held.plan or "") == "seats" if held else False
        ways = [self.next_plan(account), self.more_seats(account)]
        if by_seats:
            ways.reverse()
        return next((one for one in ways if one.amount is not None), ways[0])


def offers_of(engine: AnyEngine, config: Config, day: dt.date) -> Offers:
    """What accounts hold on a day, and what they may step up to."""
    held = holdings_of(engine, config, day)
    steps = engine.rows(
        "SELECT account_id, way, plan, before_plan, quantity, before_quantity FROM "
        f"({steps_sql(day, day - dt.timedelta(days=LOOKED_BACK))}) s WHERE day <= DATE '{day}' "
        "ORDER BY account_id, day, way, plan, before_plan, quantity"
    )
    prices = Prices(held, listed_prices(engine, config, day))
    return Offers(held, prices, ladder_of(steps, config[GROWTH].next_plans))


def ladder_of(steps: Sequence[Sequence[Any]], stated: Mapping[str, str]) -> Ladder:
    """The ladder that upgrades show.

    Parameters
    ----------
    steps : sequence of (account_id, way, plan, before_plan, quantity, before_quantity)
    stated : mapping
        Plan → the plan that follows it, whatever upgrades show.
    """
    moves = {(row[0], row[3], row[2]) for row in steps if row[1] == "plan" and row[3] and row[2]}
    counts = Counter((before, after) for _account, before, after in moves)
    following: dict[str, tuple[str, int | None]] = {}
    for (before, after), count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        # Where accounts move both ways, up is where most go.
        if count >= LEAST and count > counts[after, before]:
            following.setdefault(before, (after, count))
    following |= {before: (after, None) for before, after in stated.items()}
    ways: dict[str, Counter[str]] = {}
    for _account, way, plan, before, *_quantities in steps:
        own = before if way == "plan" else plan if way == "seats" else None
        if own:
            ways.setdefault(own, Counter())[way] += 1
    shares: dict[str, float] = {}
    for account, way, _plan, _before, quantity, had in steps:
        if way == "seats" and quantity and had:
            shares[account] = (quantity - had) / had
    return Ladder(
        following,
        {plan: max(sorted(found), key=lambda one: found[one]) for plan, found in ways.items()},
        statistics.median(shares.values()) if len(shares) >= LEAST else None,
    )
