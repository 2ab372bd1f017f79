"""What docs/explanation/ledger.md says, with the rows of its tables: each test is a section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError
from staycurve.workspace import Company
from tests.company import build

Rows = Mapping[str, str]


def values(company: Company, period: str, *metrics: str, **how: str) -> list[float | None]:
    result = company.show(*metrics, start=period, end=period, **how)
    return [row["value"] for row in result.rows]


def by_plan(company: Company, period: str, metric: str) -> dict[str | None, float | None]:
    rows = company.show(metric, start=period, end=period, by="plan").rows
    return {row["segment"]["plan"]: row["value"] for row in rows}


def spans(text: str) -> Rows:
    return {"subscriptions": text}


def test_from_spans_to_items(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  interval interval_count amount discount_percent discount_amount
        s1              yearly     2024-01-01 year     1              2000   -                -
        s2              off        2024-01-01 month    1              100    20               5
        s3              weekly     2024-01-01 week     1              12     -                -
        s4              every_two  2024-01-01 month    2              100    -                -"""))
    found = company.accounts("mrr", period="2024-01", as_of="2024-02-01").rows
    assert {row["account_id"]: row["value"] for row in found} == {
        "yearly": 166.666667, "off": 75.0, "weekly": 52.0, "every two": 50.0,
    }


def test_what_nets(tmp_path: Path) -> None:
    rows = spans("""
        subscription_id account_id starts_at           ends_at             amount
        s1              acme       2024-01-01          2024-02-10T09:00:00 100
        s1              acme       2024-02-10T09:00:00 2024-02-10T15:00:00 180
        s1              acme       2024-02-10T15:00:00 -                   120
        s2              brief      2024-02-05          2024-02-20          50""")
    company = build(tmp_path / "day", rows)
    asked = ("expansion_mrr", "contraction_mrr", "new_mrr", "churned_mrr")
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [20, 0, 50, 50]
    company = build(tmp_path / "event", rows, conventions={"netting": "event"})
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [80, 60, 50, 50]
    company = build(tmp_path / "month", rows, conventions={"netting": "month"})
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [20, 0, 0, 0]
    with pytest.raises(NotAnsweredError):
        company.show("expansion_mrr", grain="week")
    assert values(company, "2024-02-15", "mrr", grain="week") == [170]


def test_exchange_rates(tmp_path: Path) -> None:
    company = build(tmp_path, {
        "subscriptions": """
            subscription_id account_id starts_at  ends_at    amount currency
            s1              acme       2024-01-05 2024-02-10 100    EUR
            s1              acme       2024-02-10 -          150    EUR""",
        "fx_rates": """
            day        currency rate
            2024-01-20 EUR      1.10
            2024-02-10 EUR      1.20""",
    })
    # 2024-01-05 lies before the first rate: the first one is used, so nothing moves on 01-20.
    asked = ("opening_mrr", "expansion_mrr", "fx_impact", "mrr", "nrr")
    assert values(company, "2024-01", *asked[:4], as_of="2024-03-01") == [0, 0, 0, 110]
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [110, 60, 10, 180, 1.5]


def test_past_due_runs_and_grace(tmp_path: Path) -> None:
    company = build(tmp_path, {
        "subscriptions": """
            subscription_id account_id starts_at  ends_at    amount status
            s1              acme       2024-01-01 2024-02-01 100    active
            s1              acme       2024-02-01 2024-02-15 100    past_due
            s1              acme       2024-02-15 2024-03-20 100    past_due
            s1              acme       2024-03-20 -          100    active""",
        "payments": """
            payment_id account_id subscription_id amount failed_at
            p1         acme       s1              100    2024-02-03
            p2         acme       s1              100    2024-02-18""",
    })
    # The clock starts on 3 February; 30 days later is 4 March.
    assert values(company, "2024-03-03", "mrr", grain="day", as_of="2024-04-01") == [100]
    assert values(company, "2024-03-04", "mrr", grain="day", as_of="2024-04-01") == [0]
    asked = ("involuntary_churned_mrr", "reactivation_mrr")
    assert values(company, "2024-03", *asked, as_of="2024-04-01") == [100, 100]


def test_moves_between_segments(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id plan starts_at  ends_at    amount
        s1              acme       A    2024-01-01 2024-02-10 100
        s2              acme       B    2024-02-10 -          60
        s3              acme       C    2024-02-10 -          80"""))

    assert by_plan(company, "2024-02", "leaving_mrr") == {"A": 100, "B": 0, "C": 0}
    assert by_plan(company, "2024-02", "entering_mrr") == {
        "A": 0, "B": 42.857142, "C": 57.142858,
    }
    assert by_plan(company, "2024-02", "expansion_mrr") == {
        "A": 0, "B": 17.142858, "C": 22.857142,
    }
    assert by_plan(company, "2024-02", "churned_mrr") == {"A": 0, "B": 0, "C": 0}
