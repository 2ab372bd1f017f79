"""What changes MRR, and what it is called: rows and answers by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.company import build

HEAD = "subscription_id account_id starts_at ends_at amount status"


def values(folder: Path, rows: str, names: str, period: str, **settings: Any) -> list[Any]:
    at = settings.pop("as_of", "2025-01-01")
    grain = settings.pop("grain", "month")
    by = settings.pop("by", "")
    more = settings.pop("more", {})
    with build(folder / "p", {"subscriptions": rows, **more}, **settings) as company:
        result = company.show(
            *names.split(), start=period, end=period, grain=grain, as_of=at, by=by
        )
    return [row["value"] for row in result.rows]


def test_reactivation_is_not_new_business(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-05 2024-02-10 30 active
        s2 acme 2024-06-01 -          40 active"""
    assert values(tmp_path, rows, "new_mrr reactivation_mrr", "2024-06") == [0, 40]


def test_after_the_window_a_return_is_new(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-05 2024-02-10 30 active
        s2 acme 2024-06-01 -          40 active"""
    found = values(
        tmp_path, rows, "new_mrr reactivation_mrr", "2024-06",
        conventions={"reactivation_window": "90d"},
    )
    assert found == [40, 0]


def test_in_and_out_within_a_month_is_both(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-03-05 2024-03-20 30 active
        s2 bolt 2024-01-01 -          10 active"""
    names = "new_mrr churned_mrr new_customers churned_customers customer_churn_rate"
    assert values(tmp_path, rows, names, "2024-03") == [30, 30, 1, 1, 0]


def test_under_month_netting_it_is_neither(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-03-05 2024-03-20 30 active
        s2 bolt 2024-01-01 -          10 active"""
    found = values(
        tmp_path, rows, "new_mrr churned_mrr", "2024-03", conventions={"netting": "month"}
    )
    assert found == [0, 0]


def test_a_yearly_renewal_moves_nothing(tmp_path: Path) -> None:
    rows = """subscription_id account_id starts_at ends_at amount interval
        s1 acme 2023-03-05 2024-03-05 1200 year
        s1 acme 2024-03-05 -          1200 year"""
    names = "mrr expansion_mrr churned_mrr reactivation_mrr"
    assert values(tmp_path, rows, names, "2024-03") == [100, 0, 0, 0]


def test_resuming_after_a_pause_is_reactivation(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 40 active
        s1 acme 2024-02-10 2024-03-10 40 paused
        s1 acme 2024-03-10 -          40 active"""
    names = "paused_churned_mrr churned_mrr"
    assert values(tmp_path, rows, names, "2024-02") == [40, 40]
    assert values(tmp_path / "b", rows, "reactivation_mrr", "2024-03") == [40]
    kept = {"paused": "keep"}
    assert values(tmp_path / "c", rows, f"mrr {names}", "2024-02", conventions=kept) == [40, 0, 0]


def test_a_pause_beside_another_item_is_contraction(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 40 active
        s1 acme 2024-02-10 -          40 paused
        s2 acme 2024-01-01 -          15 active"""
    assert values(tmp_path, rows, "contraction_mrr churned_mrr", "2024-02") == [40, 0]


def test_the_clock_of_a_past_due_run_starts_at_its_first_failed_payment(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 40 active
        s1 acme 2024-02-10 2024-06-01 40 past_due"""
    payments = """payment_id account_id subscription_id failed_at
        p1 acme s1 2024-02-20
        p2 acme s1 2024-02-15"""
    more = {"payments": payments}
    # 30 days from 15 February, in a leap year: 16 March.
    assert values(tmp_path, rows, "mrr", "2024-03-15", grain="day", more=more) == [40]
    assert values(tmp_path / "b", rows, "mrr", "2024-03-16", grain="day", more=more) == [0]
    found = values(tmp_path / "c", rows, "involuntary_churned_mrr", "2024-03", more=more)
    assert found == [40]


@pytest.mark.parametrize(("grace", "march"), [("0d", 0), ("forever", 40)])
def test_grace_is_a_switch(grace: str, march: float, tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 40 active
        s1 acme 2024-02-10 -          40 past_due"""
    found = values(tmp_path, rows, "mrr", "2024-03", conventions={"past_due_grace": grace})
    assert found == [march]


def test_a_free_plan_is_churn_or_contraction_by_switch(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-01-01 2024-02-10 40 active
        s1 acme 2024-02-10 -          0  active"""
    names = "churned_mrr contraction_mrr customers"
    assert values(tmp_path, rows, names, "2024-02") == [40, 0, 0]
    found = values(tmp_path / "b", rows, names, "2024-02", conventions={"free_plan": "active"})
    assert found == [0, 40, 1]


def test_moving_between_plans_is_leaving_and_entering(tmp_path: Path) -> None:
    rows = """subscription_id account_id plan starts_at ends_at amount
        s1 acme Basic 2024-01-01 2024-02-10 100
        s1 acme Pro   2024-02-10 -          130"""
    names = "churned_mrr leaving_mrr entering_mrr expansion_mrr mrr"
    found = values(tmp_path, rows, names, "2024-02", by="plan")
    assert found == [0, 0, 100, 0, 0, 100, 0, 30, 0, 130]


def test_exchange_rates_are_never_expansion(tmp_path: Path) -> None:
    rows = """subscription_id account_id starts_at ends_at amount currency
        s1 acme 2024-01-05 2024-02-15 100 EUR
        s1 acme 2024-02-15 -          150 EUR"""
    rates = """day currency rate
        2024-01-01 EUR 1.10
        2024-02-01 EUR 1.20"""
    names = "opening_mrr fx_impact expansion_mrr mrr nrr"
    found = values(tmp_path, rows, names, "2024-02", more={"fx_rates": rates})
    # 100 at 1.10 becomes 120 at 1.20; then 50 more at 1.20; NRR at the opening's rate is 150/100.
    assert found == [110, 10, 60, 180, 1.5]


def test_excluded_and_child_accounts(tmp_path: Path) -> None:
    accounts = """account_id name parent_id
        acme Acme -
        kid  Kid  acme
        lab  test_lab -"""
    rows = f"""{HEAD}
        s1 acme 2024-01-01 - 40 active
        s2 kid  2024-02-01 - 10 active
        s3 lab  2024-01-01 - 99 active"""
    found = values(
        tmp_path, rows, "mrr customers new_mrr expansion_mrr", "2024-02",
        more={"accounts": accounts}, company='exclude = ["name~test"]',
    )
    assert found == [50, 1, 0, 10]


def test_a_local_day_decides_the_month(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-02-01T03:00:00Z - 40 active"""
    assert values(tmp_path, rows, "new_mrr", "2024-01", timezone="America/New_York") == [40]
    assert values(tmp_path / "b", rows, "new_mrr", "2024-01") == [0]


def test_a_fiscal_year_moves_the_quarter(tmp_path: Path) -> None:
    rows = f"""{HEAD}
        s1 acme 2024-02-01 - 40 active
        s2 bolt 2024-05-15 - 10 active"""
    found = values(
        tmp_path, rows, "new_mrr", "2024-02", grain="quarter", company="fiscal_year_start = 2"
    )
    assert found == [40]
