"""Rows small enough to count by hand, one rule or switch each."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.oracle import Oracle

REASONS = {"voluntary": ["customer request"], "involuntary": ["payment failed"]}


def span(starts_at: str, ends_at: str | None = None, amount: str = "40", **cells: Any) -> Any:
    row = {"subscription_id": "s", "account_id": "acme", "starts_at": starts_at}
    return {**row, "ends_at": ends_at, "interval": "month", "amount": amount, **cells}


def told(*rows: Any, as_of: str = "2025-01-01", **options: Any) -> Oracle:
    tables = {"subscriptions": list(rows), **options.pop("tables", {})}
    return Oracle(tables, as_of=as_of, end_reasons=REASONS, **options)


@pytest.mark.parametrize(
    ("conventions", "cells", "monthly"),
    [
        ({}, {"interval": "week", "amount": "30"}, "130"),
        ({"weeks_per_month": "4"}, {"interval": "week", "amount": "30"}, "120"),
        ({"weeks_per_month": "4.33"}, {"interval": "week", "amount": "30"}, "129.9"),
        ({"days_per_month": "30"}, {"interval": "day", "amount": "2"}, "60"),
        ({}, {"interval": "year", "amount": "100"}, "8.333333"),
        ({}, {"interval": "quarter", "amount": "90", "interval_count": 2}, "15"),
        ({}, {"amount": None, "quantity": 3, "unit_amount": "9.99"}, "29.97"),
        ({}, {"amount": "100", "discount_percent": "10", "discount_amount": "40"}, "50"),
        ({}, {"amount": "30", "discount_amount": "40"}, "0"),
        ({}, {"amount": "30", "discount_amount": "10", "discount_recurring": "false"}, "30"),
        (
            {"discounts": "all"},
            {"amount": "30", "discount_amount": "10", "discount_recurring": "false"},
            "20",
        ),
        ({"discounts": "none"}, {"amount": "30", "discount_percent": "50"}, "30"),
        ({"usage": "exclude"}, {"kind": "metered"}, "0"),
        ({}, {"status": "trialing"}, "0"),
        ({}, {"status": "unpaid"}, "0"),
        ({}, {"status": "canceled"}, "0"),
        ({"paused": "keep"}, {"status": "paused"}, "40"),
    ],
)
def test_the_monthly_amount(
    conventions: dict[str, str], cells: dict[str, Any], monthly: str
) -> None:
    oracle = told(span("2024-01-05", **cells), conventions=conventions)
    assert oracle.value("mrr", "month", "2024-01") == Fraction(monthly)


def test_halves_round_to_even_micro_units() -> None:
    half = told(span("2024-01-05", amount="0.000005", interval_count=2))
    assert half.value("mrr", "month", "2024-01") == Fraction("0.000002")


@pytest.mark.parametrize(
    ("grace", "last_paid", "first_unpaid"),
    [("30d", "2024-03-12", "2024-03-13"), ("0d", "2024-02-11", "2024-02-12")],
)
def test_grace_runs_from_the_first_failure_in_the_run(
    grace: str, last_paid: str, first_unpaid: str
) -> None:
    failures = [
        {"account_id": "acme", "failed_at": "2024-02-09"},
        {"account_id": "acme", "failed_at": "2024-02-12"},
        {"account_id": "acme", "subscription_id": "other", "failed_at": "2024-02-11"},
    ]
    oracle = told(
        span("2024-01-01", "2024-02-10"),
        span("2024-02-10", status="past_due"),
        conventions={"past_due_grace": grace},
        tables={"payments": failures},
    )
    assert oracle.value("mrr", "day", last_paid) == 40
    assert oracle.value("mrr", "day", first_unpaid) == 0
    assert oracle.value("involuntary_churned_mrr", "day", first_unpaid) == 40


def test_grace_forever_never_churns() -> None:
    oracle = told(span("2024-01-01", status="past_due"), conventions={"past_due_grace": "forever"})
    assert oracle.value("churned_mrr", "year", "2024") == 0


def test_a_pause_is_contraction_while_another_item_stays() -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10"),
        span("2024-02-10", status="paused"),
        span("2024-01-01", subscription_id="other", amount="5"),
    )
    assert oracle.value("contraction_mrr", "month", "2024-02") == 40
    assert oracle.value("churned_mrr", "month", "2024-02") == 0


@pytest.mark.parametrize(
    ("next_status", "reason", "end_class"),
    [
        ("paused", "payment failed", "paused"),
        ("unpaid", None, "involuntary"),
        ("trialing", " Customer REQUEST ", "voluntary"),
        ("trialing", None, "unknown"),
    ],
)
def test_the_class_of_churn(next_status: str, reason: str | None, end_class: str) -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10", end_reason=reason),
        span("2024-02-10", status=next_status),
    )
    assert oracle.value(f"{end_class}_churned_mrr", "month", "2024-02") == 40
    assert oracle.value("churned_mrr", "month", "2024-02") == 40


def test_equal_items_tie_towards_involuntary() -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10", end_reason="customer request"),
        span("2024-01-01", "2024-02-10", subscription_id="t", end_reason="payment failed"),
    )
    assert oracle.value("involuntary_churned_mrr", "month", "2024-02") == 80


def test_paid_to_free_is_churn_unless_free_is_active() -> None:
    rows = (
        span("2024-01-01", "2024-02-10"),
        span("2024-02-10", "2024-03-10", amount="0"),
        span("2024-03-10", "2024-04-10", amount="15"),
        span("2024-04-10", "2024-05-10", discount_percent="100"),
    )
    churns = told(*rows)
    assert churns.value("churned_mrr", "month", "2024-02") == 40
    assert churns.value("reactivation_mrr", "month", "2024-03") == 15
    stays = told(*rows, conventions={"free_plan": "active"})
    assert stays.value("contraction_mrr", "month", "2024-02") == 40
    assert stays.value("customers", "month", "2024-02") == 1
    assert stays.value("customer_churn_rate", "month", "2024-02") == 0
    assert stays.value("expansion_mrr", "month", "2024-03") == 15
    assert stays.value("contraction_mrr", "month", "2024-04") == 15
    assert stays.value("churned_customers", "month", "2024-05") == 1
    assert stays.value("churned_mrr", "month", "2024-05") == 0
    assert stays.value("customers", "month", "2024-05") == 0


@pytest.mark.parametrize(
    ("window", "back", "kind"),
    [
        ("forever", "2024-12-20", "reactivation"),
        # It stopped on 2024-02-10; 90 days later is 2024-05-10.
        ("90d", "2024-05-10", "reactivation"),
        ("90d", "2024-05-11", "new"),
    ],
)
def test_the_window_of_reactivation(window: str, back: str, kind: str) -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10"),
        span(back),
        conventions={"reactivation_window": window},
    )
    assert oracle.value(f"{kind}_mrr", "month", back[:7]) == 40
    assert oracle.value("new_customers", "month", back[:7]) == (kind == "new")


@pytest.mark.parametrize(
    ("netting", "expansion", "contraction"),
    [("day", 20, 0), ("60min", 60, 40), ("event", 70, 50)],
)
def test_netting_within_a_day(netting: str, expansion: int, contraction: int) -> None:
    # 40 → 100 at 09:00, → 90 at 09:30 … → 100 at 10:00, → 60 at 18:00. Gaps of 30 minutes net.
    oracle = told(
        span("2024-01-01", "2024-02-10T09:00:00Z"),
        span("2024-02-10T09:00:00Z", "2024-02-10T09:30:00Z", amount="100"),
        span("2024-02-10T09:30:00Z", "2024-02-10T10:00:00Z", amount="90"),
        span("2024-02-10T10:00:00Z", "2024-02-10T18:00:00Z", amount="100"),
        span("2024-02-10T18:00:00Z", amount="60"),
        conventions={"netting": netting},
    )
    assert oracle.value("expansion_mrr", "day", "2024-02-10") == expansion
    assert oracle.value("contraction_mrr", "day", "2024-02-10") == contraction
    assert oracle.value("net_new_mrr", "month", "2024-02") == 20


def test_monthly_netting_has_no_days() -> None:
    oracle = told(
        span("2024-02-03", "2024-02-20"), span("2024-03-03"), conventions={"netting": "month"}
    )
    assert oracle.value("new_mrr", "month", "2024-02") == 0
    assert oracle.value("new_mrr", "quarter", "2024-Q1") == 40
    assert oracle.value("new_mrr", "day", "2024-03-03") is None


def test_churn_booked_at_the_request() -> None:
    oracle = told(
        span("2024-01-01", "2024-03-10", cancel_requested_at="2024-02-20"),
        conventions={"churn_booked": "request"},
    )
    assert oracle.value("mrr", "day", "2024-02-19") == 40
    assert oracle.value("churned_mrr", "day", "2024-02-20") == 40


def test_revaluation_comes_before_the_days_movement() -> None:
    rates = [
        {"day": "2024-01-10", "currency": "EUR", "rate": "1.10"},
        {"day": "2024-02-10", "currency": "EUR", "rate": "1.20"},
    ]
    rows = (
        span("2024-01-01", "2024-02-10", amount="100", currency="EUR"),
        span("2024-02-10", amount="150", currency="EUR"),
    )
    daily = told(*rows, tables={"fx_rates": rates})
    # Before its first known rate the euro counts at that rate.
    assert daily.value("new_mrr", "month", "2024-01") == 110
    assert daily.value("fx_impact", "month", "2024-02") == 10
    assert daily.value("expansion_mrr", "month", "2024-02") == 60
    # Rates look at both ends with the opening's rates.
    assert daily.value("nrr", "month", "2024-02") == Fraction(165, 110)
    fixed = told(*rows, tables={"fx_rates": rates}, conventions={"fx": "fixed"})
    assert fixed.value("fx_impact", "month", "2024-02") == 0
    assert fixed.value("expansion_mrr", "month", "2024-02") == 55


def test_a_currency_without_a_rate_is_set_aside() -> None:
    assert told(span("2024-01-01", currency="CHF")).value("mrr", "month", "2024-01") == 0


def test_days_are_local_across_a_change_of_the_clocks() -> None:
    # New York left standard time on 2024-03-10: 04:30 UTC is 23:30 the evening before,
    # and on the 11th 04:30 UTC is 00:30 of that day.
    oracle = told(
        span("2024-01-01", "2024-03-10T04:30:00Z"),
        span("2024-01-01", "2024-03-11T04:30:00Z", account_id="bolt", subscription_id="t"),
        timezone="America/New_York",
    )
    assert oracle.value("churned_mrr", "day", "2024-03-09") == 40
    assert oracle.value("churned_mrr", "day", "2024-03-10") == 0
    assert oracle.value("churned_mrr", "day", "2024-03-11") == 40


def test_a_moment_inside_a_day_cuts_what_comes_later() -> None:
    rows = (
        span("2024-01-01", "2024-02-10T12:00:00Z"),
        span("2024-02-10T14:00:00Z", account_id="bolt", subscription_id="t", amount="7"),
    )
    early = told(*rows, as_of="2024-02-10T11:00:00Z")
    assert early.value("mrr", "day", "2024-02-10") == 40
    assert early.value("churned_mrr", "month", "2024-02") == 0
    assert early.value("customer_churn_rate", "month", "2024-02") is None
    late = told(*rows, as_of="2024-02-10T15:00:00Z")
    assert late.value("mrr", "month", "2024-02") == 7
    assert late.value("mrr", "month", "2024-03") is None


def test_billing_accounts_of_one_parent_are_one_customer() -> None:
    accounts = [{"account_id": "acme"}, {"account_id": "bolt", "parent_id": "acme"}]
    oracle = told(
        span("2024-01-01"),
        span("2024-02-10", account_id="bolt", subscription_id="t", amount="2"),
        tables={"accounts": accounts},
    )
    assert oracle.value("customers", "month", "2024-02") == 1
    assert oracle.value("expansion_mrr", "month", "2024-02") == 2


def test_excluded_accounts_are_gone() -> None:
    accounts = [{"account_id": "acme", "name": "A Test shop"}]
    oracle = told(span("2024-01-01"), tables={"accounts": accounts}, exclude=["name~test"])
    assert oracle.value("mrr", "month", "2024-01") == 0


def test_a_fiscal_year_moves_quarters_and_years() -> None:
    oracle = told(span("2023-12-15"), span("2024-02-01", subscription_id="t", amount="1"))
    fiscal = told(
        span("2023-12-15"), span("2024-02-01", subscription_id="t", amount="1"), fiscal_year_start=2
    )
    assert oracle.value("expansion_mrr", "quarter", "2024-02-15") == 1
    assert oracle.value("opening_mrr", "year", "2024-02-15") == 40
    assert fiscal.period("quarter", "2024-01-15").start.isoformat() == "2023-11-01"
    assert fiscal.period("year", "2024-01-15").start.isoformat() == "2023-02-01"
    assert fiscal.value("new_mrr", "year", "2024-01-15") == 40
    assert fiscal.value("opening_mrr", "year", "2024-02-15") == 40


def test_denominators_of_churn() -> None:
    rows = (
        span("2024-01-01"),
        span("2024-01-01", "2024-02-20", account_id="gone", subscription_id="g"),
        span("2024-02-05", "2024-02-25", account_id="blink", subscription_id="b"),
        span("2024-01-31", "2024-02-01", account_id="early", subscription_id="e"),
    )
    answers = {
        rule: told(*rows, conventions={"churn_denominator": rule}).value(
            "customer_churn_rate", "month", "2024-02"
        )
        for rule in ("start", "start_plus_new", "rolling_30d")
    }
    # `early` pays on 31 January, the close before February, and is gone on 1 February.
    assert answers == {
        "start": Fraction(2, 3),
        "start_plus_new": Fraction(3, 4),
        # Thirty days before 1 March is 31 January: the close of the 30th.
        "rolling_30d": Fraction(1, 2),
    }


def test_revenue_rates_from_movements() -> None:
    rows = (
        span("2024-01-01", "2024-02-05", amount="100"),
        span("2024-02-10", amount="80"),
        span("2024-01-01", "2024-02-10", account_id="bolt", subscription_id="b", amount="100"),
        span("2024-02-10", account_id="bolt", subscription_id="b", amount="130"),
    )
    by_movements = told(*rows, conventions={"revenue_rates": "movements"})
    values = {
        name: by_movements.value(name, "month", "2024-02")
        for name in ("nrr", "grr", "gross_revenue_churn", "net_revenue_churn")
    }
    # Opening 200, churned 100, reactivated 80, expanded 30.
    assert values == {
        "nrr": Fraction(130, 200),
        "grr": Fraction(1, 2),
        "gross_revenue_churn": Fraction(1, 2),
        "net_revenue_churn": Fraction(-10, 200),
    }
    assert told(*rows).value("nrr", "month", "2024-02") == Fraction(210, 200)
    assert told(*rows).value("grr", "month", "2024-02") == Fraction(180, 200)


def test_twelve_months_look_back_to_the_same_close() -> None:
    oracle = told(span("2023-01-31", "2024-01-15"), span("2024-01-15", amount="60"))
    assert oracle.value("nrr_12m", "month", "2024-01") == Fraction(60, 40)
    assert oracle.value("nrr_12m", "month", "2023-12") is None


@pytest.mark.parametrize(
    ("reason", "end_class"),
    [("pause_requested", "paused"), ("Payment failed", "involuntary"),
     ("final_payment_failure", "involuntary"), (None, "paused")],
)
def test_a_pause_is_what_its_reason_says(reason: str | None, end_class: str) -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10"),
        span("2024-02-10", status="paused", status_reason=reason),
    )
    assert oracle.value(f"{end_class}_churned_mrr", "month", "2024-02") == 40


def test_a_trial_that_ended_without_a_payment_method_never_counts() -> None:
    oracle = told(
        span("2024-01-01", "2024-02-10", status="trialing"),
        span("2024-02-10", status="paused", status_reason="trial_end_without_payment_method"),
        conventions={"paused": "keep"},
    )
    assert oracle.value("mrr", "day", "2024-02-15") == 0


@pytest.mark.parametrize(
    ("paid", "last_paid"),
    [
        # Nothing made the failure of the 15th good: 30 days from there.
        ({"invoice_id": "other", "paid_at": "2024-02-20"}, "2024-03-15"),
        ({"invoice_id": "i", "paid_at": "2024-02-14"}, "2024-03-15"),
        # Made good, so the clock starts with the run, on the 20th of January.
        ({"invoice_id": "i", "paid_at": "2024-02-20"}, "2024-02-18"),
        ({"invoice_id": None, "paid_at": "2024-02-20"}, "2024-02-18"),
    ],
)
def test_a_failure_that_was_made_good_starts_no_clock(
    paid: dict[str, str | None], last_paid: str
) -> None:
    own = {"account_id": "acme", "subscription_id": "s"}
    oracle = told(
        span("2024-01-20", status="past_due"),
        tables={"payments": [
            {**own, "payment_id": "f", "invoice_id": "i", "failed_at": "2024-02-15"},
            {**own, "payment_id": "p", **paid},
        ]},
    )
    after = (date.fromisoformat(last_paid) + timedelta(days=1)).isoformat()
    assert (oracle.value("mrr", "day", last_paid), oracle.value("mrr", "day", after)) == (40, 0)
