"""Holdings: what each paying account has bought, and what plans cost on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.money import MICRO
from staycurve.tables.engine import FAR, AnyEngine, quoted
from staycurve.tables.mrr_movements import rate_join, value_sql

LEAST = 5
"""Accounts that must pay a price before it is one: of fewer, one negotiated contract decides."""
SPREAD = 1.5
"""A price is one where the third quarter is at most half above the first: discounts stay inside,
what was negotiated with each account does not."""

FEW_PRICES = N_("fewer than {least} accounts in {currency} show what {plan} costs")
NO_PRICE = N_("what {plan} costs differs too much between accounts")


@dataclass(frozen=True)
class Held:
    """The largest base item of an account on a day.

    Attributes
    ----------
    quantity : float, optional
        Seats or units; None where no source says how many.
    amount : int
        Micro-units of `currency` a month.
    rate : float
        What one unit of `currency` is worth in the company's.
    """

    account_id: str
    plan: str | None
    product: str | None
    interval: str | None
    currency: str
    quantity: float | None
    amount: int
    rate: float

    @property
    def per_unit(self) -> float:
        """What a unit bills a month, in `currency`."""
        return self.amount / MICRO / (self.quantity or 1)


@dataclass(frozen=True)
class Price:
    """What a plan bills a month, in one currency.

    Attributes
    ----------
    amount : float, optional
        For one unit where `is_per_unit`, else for the whole; None where it is not known.
    why : str
        Why it is not.
    """

    amount: float | None
    is_per_unit: bool = False
    is_listed: bool = False
    why: str = ""


def held_sql(config: Config, day: dt.date) -> str:
    """SQL of the largest base item of each account on a day: the fields of `Held`."""
    return f"""SELECT account_id, plan, product, "interval", currency, quantity, amount,
       CASE WHEN amount > 0 THEN CAST(value AS DOUBLE) / amount END AS rate
FROM (
    SELECT i.account_id, i.plan, i.product, i."interval", i.currency, s.quantity, i.amount,
           {value_sql(config, item="i", rate="x")} AS value,
           row_number() OVER (PARTITION BY i.account_id ORDER BY i.amount DESC, i.subscription_id,
               coalesce(i.item_id, ''), i.starts_at) AS place
    FROM mrr_items i
    {rate_join(item="i", day=f"DATE '{day}'", rate="x")}
    LEFT JOIN (
        SELECT subscription_id, starts_at, coalesce(item_id, '') AS item,
               MAX(CAST(quantity AS DOUBLE)) AS quantity
        FROM subscriptions GROUP BY subscription_id, starts_at, coalesce(item_id, '')
    ) s ON s.subscription_id = i.subscription_id AND s.starts_at = i.starts_at
       AND s.item = coalesce(i.item_id, '')
    WHERE i.amount > 0 AND coalesce(i.kind, 'base') = 'base'
      AND i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}'
) items
WHERE place = 1
ORDER BY account_id"""


def holdings_of(engine: AnyEngine, config: Config, day: dt.date) -> dict[str, Held]:
    """Account → what it has bought, of those that pay for a base item."""
    return {
        account: Held(account, plan, product, interval, currency, quantity, int(amount), rate)
        for account, plan, product, interval, currency, quantity, amount, rate in engine.rows(
            held_sql(config, day)
        )
        if rate is not None
    }


class Prices:
    """What plans cost: the price list where one is loaded, else what accounts pay."""

    def __init__(
        self, held: Mapping[str, Held], listed: Mapping[tuple[str, str], float]
    ) -> None:
        self.listed = listed
        self.by_plan: dict[tuple[str, str], list[Held]] = {}
        for one in held.values():
            if one.plan:
                self.by_plan.setdefault((one.plan, one.currency), []).append(one)
        self.products: dict[str, set[str | None]] = {}
        for (plan, _currency), found in self.by_plan.items():
            self.products.setdefault(plan, set()).update(one.product for one in found)
        self._known: dict[tuple[str, str, str | None], Price] = {}
        self._per_unit: dict[str, bool] = {}

    def plans(self) -> list[str]:
        """Every plan that somebody is on, or that is listed."""
        return sorted({plan for plan, _currency in (*self.by_plan, *self.listed)})

    def is_per_unit(self, plan: str) -> bool:
        """Whether accounts on a plan buy several units of it: most have more than one."""
        # Asked for every account: counted once a plan, or the cost grows with their square.
        if plan not in self._per_unit:
            found = [
                one for (own, _c), some in self.by_plan.items() if own == plan for one in some
            ]
            self._per_unit[plan] = 2 * sum((one.quantity or 0) > 1 for one in found) > len(found)
        return self._per_unit[plan]

    def of(self, plan: str, currency: str, interval: str | None) -> Price:
        """What a plan costs: its list price, else the median of what accounts pay that are billed
        as often; of all in the currency where those are few."""
        key = (plan, currency, interval)
        if key not in self._known:
            self._known[key] = self._price(plan, currency, interval)
        return self._known[key]

    def _price(self, plan: str, currency: str, interval: str | None) -> Price:
        is_per_unit = self.is_per_unit(plan)
        if (plan, currency) in self.listed:
            return Price(self.listed[plan, currency], is_per_unit, is_listed=True)
        every = self.by_plan.get((plan, currency), [])
        own = [one for one in every if one.interval == interval]
        amounts = sorted(
            one.per_unit if is_per_unit else one.amount / MICRO
            for one in (own if len(own) >= LEAST else every)
        )
        if len(amounts) < LEAST:
            why = FEW_PRICES.format(least=LEAST, currency=currency, plan=plan)
            return Price(None, is_per_unit, why=why)
        low, middle, high = (_quantile(amounts, part) for part in (0.25, 0.5, 0.75))
        if high > SPREAD * low:
            return Price(None, is_per_unit, why=NO_PRICE.format(plan=plan))
        return Price(middle, is_per_unit)


def _quantile(ordered: Sequence[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def listed_prices(
    engine: AnyEngine, config: Config, day: dt.date
) -> dict[tuple[str, str], float]:
    """(plan, currency) → what a unit bills a month by the price list, as it was valid on a day.

    A plan that is listed for several intervals has the price of the shortest, which is the one
    without a discount for paying ahead.
    """
    rows: Sequence[Any] = engine.rows(f"""SELECT plan, currency, "interval",
       coalesce(interval_count, 1) AS interval_count, unit_amount, valid_from
FROM plans
WHERE unit_amount > 0 AND (valid_from IS NULL OR valid_from < DATE '{day}' + INTERVAL 1 DAY)
ORDER BY plan, currency, coalesce(valid_from, TIMESTAMP '1900-01-01') DESC""")
    found: dict[tuple[str, str], tuple[Any, Fraction, float]] = {}
    for plan, currency, interval, count, amount, valid_from in rows:
        months = _months(config, interval or "month") * count
        own = (valid_from, months, float(Fraction(int(amount)) / MICRO / months))
        known = found.get((plan, currency))
        if known is None or (known[0] == valid_from and months < known[1]):
            found[plan, currency] = own
    return {key: price for key, (_from, _months_of, price) in found.items()}


def _months(config: Config, interval: str) -> Fraction:
    return {
        "year": Fraction(12), "quarter": Fraction(3), "month": Fraction(1),
        "week": 1 / Fraction(config.convention("weeks_per_month")),
        "day": 1 / Fraction(config.convention("days_per_month")),
    }[interval]


def product_prices(
    engine: AnyEngine, config: Config, day: dt.date, products: Collection[str]
) -> dict[str, float]:
    """Product → what an account pays for it a month, in the company's currency: the median, where
    what accounts pay lies close enough together to be a price."""
    if not products:
        return {}
    listed = ", ".join(sorted(quoted(one) for one in products))
    amounts: dict[str, list[float]] = {}
    for product, value in engine.rows(f"""
SELECT product, SUM(value) AS value
FROM (
    SELECT i.account_id, i.product, {value_sql(config, item="i", rate="x")} AS value
    FROM mrr_items i
    {rate_join(item="i", day=f"DATE '{day}'", rate="x")}
    WHERE i.amount > 0 AND i.product IN ({listed})
      AND i.starts_on <= DATE '{day}' AND coalesce(i.ends_on, {FAR}) > DATE '{day}'
) items
WHERE value IS NOT NULL
GROUP BY account_id, product"""):
        amounts.setdefault(product, []).append(float(value) / MICRO)
    found = {}
    for product, some in amounts.items():
        some.sort()
        low, middle, high = (_quantile(some, part) for part in (0.25, 0.5, 0.75))
        if len(some) >= LEAST and high <= SPREAD * low:
            found[product] = middle
    return found
