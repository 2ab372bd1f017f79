"""Gains: what a step would add, from prices that can be read at a glance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import ConfigError
from staycurve.insights.growth.gains import Ladder, Offers, ladder_of, offers_of
from staycurve.insights.growth.holdings import Held, Prices
from staycurve.workspace import Company
from tests.company import build, create

DAY = dt.date(2024, 6, 30)


def held(account: str, plan: str, quantity: float | None, amount: float, **more: Any) -> Held:
    given: dict[str, Any] = {"product": "Flow", "interval": "month", "currency": "USD", "rate": 1.0}
    return Held(
        account_id=account, plan=plan, quantity=quantity, amount=round(amount * 1_000_000),
        **given | more,
    )


def offers(
    *some: Held, following: dict[str, str] | None = None, share: float | None = 0.2,
    listed: dict[tuple[str, str], float] | None = None,
) -> Offers:
    own = {one.account_id: one for one in some}
    ladder = Ladder(
        {plan: (after, 9) for plan, after in (following or {"Team": "Pro"}).items()},
        {"Team": "seats"}, share,
    )
    return Offers(own, Prices(own, listed or {}), ladder)


def on_pro(prices: Sequence[float], quantity: float = 10) -> list[Held]:
    return [
        held(f"p{place}", "Pro", quantity, quantity * price) for place, price in enumerate(prices)
    ]


class Counted(dict[Any, Any]):
    """A mapping that counts how often it is gone through."""

    read = 0

    def items(self) -> Any:
        self.read += 1
        return super().items()


def test_holdings_are_gone_through_once_a_plan_however_many_accounts_ask() -> None:
    prices = Prices({one.account_id: one for one in on_pro([30.0] * 6)}, {})
    counted = prices.by_plan = Counted(prices.by_plan)
    for _account in range(50):
        assert prices.is_per_unit("Pro")
        assert not prices.is_per_unit("Team")
    assert counted.read == 2


def test_a_plan_sold_in_two_currencies_has_the_products_of_both() -> None:
    prices = Prices({
        "a": held("a", "Pro", 1, 30.0), "b": held("b", "Pro", 1, 28.0, currency="EUR", product="X"),
    }, {})
    assert prices.products == {"Pro": {"Flow", "X"}}


def test_the_next_plan_costs_what_accounts_on_it_pay_for_a_seat() -> None:
    own = held("own", "Team", 12, 240, currency="EUR", rate=1.1)
    pro = [
        held(f"p{place}", "Pro", place + 2, 30 * (place + 2), currency="EUR") for place in range(5)
    ]
    found = offers(own, *pro).next_plan("own")
    # 12 × 30 − 240 = 120 EUR at 1.10.
    assert found.amount == pytest.approx(132)
    assert (found.way, found.plan) == ("plan", "Pro")
    assert found.how == "12 × 30.00 EUR a month on Pro, less 240.00 now"


def test_what_is_no_price_is_unknown() -> None:
    own = held("own", "Team", 12, 240)
    few = offers(own, *on_pro([30, 30, 30, 30])).next_plan("own")
    assert (few.amount, few.why) == (None, "fewer than 5 accounts in USD show what Pro costs")
    negotiated = offers(own, *on_pro([10, 20, 30, 40, 50])).next_plan("own")
    assert negotiated.amount is None
    assert "differs too much" in negotiated.why
    cheaper = offers(own, *on_pro([15] * 5)).next_plan("own")
    assert (cheaper.amount, cheaper.why) == (None, "Pro bills no more than it pays now")
    # Nobody knows how many seats an account without any would take.
    flat = offers(held("own", "Team", 1, 99), *on_pro([30] * 5)).next_plan("own")
    assert (flat.amount, flat.why) == (None, "how many seats it would need is not known")
    last = offers(held("own", "Pro", 12, 240)).next_plan("own")
    assert "no plan follows Pro" in last.why
    assert offers().next_plan("nobody").why == "it pays for no base item"


def test_a_flat_plan_is_not_multiplied_by_seats() -> None:
    flat = [held(f"p{place}", "Pro", 1, 500) for place in range(5)]
    found = offers(held("own", "Team", 12, 240), *flat).next_plan("own")
    assert (found.amount, found.how) == (260, "500.00 USD a month on Pro, less 240.00 now")


def test_a_list_price_goes_before_what_accounts_pay() -> None:
    own = held("own", "Team", 12, 240)
    found = offers(own, *on_pro([30] * 5), listed={("Pro", "USD"): 32.0}).next_plan("own")
    assert found.amount == 144


def test_more_seats_are_those_in_use_or_as_many_as_accounts_add() -> None:
    every = offers(held("own", "Team", 12, 240), held("one", "Team", 1, 20))
    assert every.more_seats("own", 15).amount == 60
    # A fifth of twelve is two.
    assert every.more_seats("own", 11).amount == 40
    assert every.more_seats("own").how == "2 more × 20.00 USD a month"
    assert every.more_seats("one", 9).amount is None
    unknown = offers(held("own", "Team", 12, 240), share=None)
    assert "added seats" in unknown.more_seats("own").why
    # Accounts on Team add seats most often; where that is not known, the next plan is the step.
    assert every.usual("own").way == "seats"
    assert offers(held("own", "Team", 12, 240), *on_pro([30] * 5), share=None).usual("own").way == (
        "plan"
    )


def test_the_next_plan_is_where_most_accounts_moved() -> None:
    steps = [
        *((f"a{place}", "plan", "Pro", "Team", 5.0, 5.0) for place in range(6)),
        *((f"b{place}", "plan", "Team", "Pro", 5.0, 5.0) for place in range(5)),
        # One account that moves to and fro is one account.
        *(("c", "plan", "Max", "Team", 5.0, 5.0) for _ in range(9)),
        *((f"d{place}", "seats", "Team", "Team", 12.0, 10.0) for place in range(4)),
        ("e", "seats", "Team", "Team", 20.0, 10.0),
    ]
    found = ladder_of(steps, {})
    assert found.following == {"Team": ("Pro", 6)}
    assert found.seat_share == pytest.approx(0.2)
    assert found.usual == {"Team": "plan", "Pro": "plan"}
    assert ladder_of(steps, {"Team": "Max"}).following == {"Team": ("Max", None)}
    assert ladder_of(steps[-4:], {}).seat_share is None


PLANS = """
plan product interval interval_count unit_amount currency valid_from
Pro  Flow    year     1              240         USD      -
Pro  Flow    month    1              30          USD      2024-01-01
Pro  Flow    month    1              33          USD      2024-09-01
"""
SUBSCRIPTIONS = """
subscription_id item_id account_id plan quantity unit_amount currency interval starts_at  ends_at
s1              -       a          Team 4        10          EUR      month    2024-01-01 -
s1              extra   a          Team 1        5           EUR      month    2024-01-01 -
s2              -       b          Team 4        120         USD      year     2024-01-01 2024-05-01
"""
RATES = """
day        currency rate
2024-01-01 EUR      1.2
"""


def test_what_is_held_is_the_largest_base_item_in_force(tmp_path: Path) -> None:
    company = build(tmp_path / "c", {
        "subscriptions": SUBSCRIPTIONS, "plans": PLANS, "fx_rates": RATES,
    }, end_reasons='[growth.next_plans]\nTeam = "Pro"\n')
    with company.reading() as engine:
        found = offers_of(engine, company.config, DAY)
    assert list(found.held) == ["a"]
    own = found.held["a"]
    assert (own.quantity, own.amount, own.rate) == (4.0, 40_000_000, pytest.approx(1.2))
    # The list price of June, by the month; EUR has none.
    assert found.prices.of("Pro", "USD", "month").amount == 30
    assert found.next_plan("a").why == "fewer than 5 accounts in EUR show what Pro costs"


@pytest.mark.parametrize(("text", "said"), [
    ('near = 3', "near"), ('next_plans = {Pro = "Pro"}', "follows itself"),
    ('nearly = 0.8', "nearly"),
])
def test_settings_that_make_no_sense_are_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Company(create(tmp_path / "c", end_reasons=f"[growth]\n{text}\n").folder)
