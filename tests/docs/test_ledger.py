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
        subscription_id account_id starts_at  interval interval_count amount discount_percent
        s1              yearly     2024-01-01 year     1              2000   -
        s2              off        2024-01-01 month    1              100    20
        s3              weekly     2024-01-01 week     1              12     -
        s4              every_two  2024-01-01 month    2              100    -"""))
    found = company.accounts("mrr", period="2024-01", as_of="2024-02-01").rows
    assert {row["account_id"]: row["value"] for row in found} == {
        "yearly": 166.666667, "off": 80.0, "weekly": 52.0, "every two": 50.0,
    }


def test_netting(tmp_path: Path) -> None:
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


def test_rates_follow_the_accounts_at_the_opening(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              back       2024-01-01 2024-02-10 100
        s1              back       2024-02-20 -          80
        s2              stays      2024-01-01 -          100
        s3              newcomer   2024-02-05 2024-02-25 50"""))
    asked = ("churned_customers", "customer_churn_rate", "nrr", "grr")
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [2, 0, 0.9, 0.9]


def test_the_base_with_newcomers(tmp_path: Path) -> None:
    rows = spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              a          2024-01-01 2024-02-10 10
        s2              b          2024-01-01 -          10
        s3              c          2024-02-05 2024-02-25 10
        s4              d          2024-02-05 -          10""")
    company = build(tmp_path / "1", rows)
    assert values(company, "2024-02", "customer_churn_rate", as_of="2024-03-01") == [0.5]
    company = build(tmp_path / "2", rows, conventions={"churn_denominator": "start_plus_new"})
    found = company.accounts("customer_churn_rate", period="2024-02", as_of="2024-03-01")
    assert found.total == {"numerator": 2.0, "denominator": 4.0, "value": 0.5}


def test_rates_in_a_segment(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id plan     starts_at  ends_at    amount
        s1              echo       Business 2024-01-01 2024-02-20 150
        s1              echo       Team     2024-02-20 -          100
        s2              flat       Business 2024-01-01 -          150
        s3              moved      Team     2024-01-01 2024-02-20 100
        s3              moved      Business 2024-02-20 -          100"""))
    # Of Business, 300 at the opening, 250 stayed; echo's 100 went to Team and is left out.
    dated = {"start": "2024-02", "end": "2024-02", "as_of": "2024-03-01"}
    rows = company.show("nrr", "customer_churn_rate", by="plan", **dated).rows
    assert {(r["metric"], r["segment"]["plan"]): r["value"] for r in rows} == {
        ("nrr", "Business"): pytest.approx(250 / 300), ("nrr", "Team"): 1,
        ("customer_churn_rate", "Business"): 0, ("customer_churn_rate", "Team"): 0,
    }


def test_free_plans(tmp_path: Path) -> None:
    rows = spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              acme       2024-01-01 2024-02-10 100
        s1              acme       2024-02-10 2024-04-10 0
        s2              never      2024-01-01 -          0
        s3              other      2024-01-01 -          10""")
    asked = ("mrr", "customers", "churned_customers", "churned_mrr", "contraction_mrr")
    company = build(tmp_path / "churn", rows)
    assert values(company, "2024-02", *asked, as_of="2024-05-01") == [10, 1, 1, 100, 0]
    company = build(tmp_path / "active", rows, conventions={"free_plan": "active"})
    assert values(company, "2024-02", *asked, as_of="2024-05-01") == [10, 2, 0, 0, 100]
    # What ends later is a customer, but no MRR.
    assert values(company, "2024-04", *asked, as_of="2024-05-01") == [10, 1, 1, 0, 0]


def test_requests_to_cancel(tmp_path: Path) -> None:
    rows = spans("""
        subscription_id account_id starts_at  ends_at    amount cancel_requested_at
        s1              stays      2024-01-01 2024-03-15 40     2024-02-20
        s1              stays      2024-03-15 -          40     -
        s2              leaves     2024-01-01 2024-03-15 60     2024-02-20""")
    company = build(tmp_path / "end", rows)
    assert values(company, "2024-02", "committed_mrr", as_of="2024-03-01") == [0]
    assert values(company, "2024-02", "committed_mrr", as_of="2024-04-01") == [40]
    company = build(tmp_path / "request", rows, conventions={"churn_booked": "request"})
    assert values(company, "2024-02", "churned_mrr", as_of="2024-04-01") == [60]


def test_why_an_account_left(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  ends_at    amount end_reason
        s1              largest    2024-01-01 2024-02-10 60     too_expensive
        s2              largest    2024-01-01 2024-02-10 40     payment_failed
        s3              tied       2024-01-01 2024-02-10 10     too_expensive
        s4              tied       2024-01-01 2024-02-10 10     payment_failed
        s5              silent     2024-01-01 2024-02-10 5      -"""))
    asked = ("voluntary_churned_mrr", "involuntary_churned_mrr", "unknown_churned_mrr")
    assert values(company, "2024-02", *asked, as_of="2024-03-01") == [100, 20, 5]


def test_long_terms(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  interval interval_count amount term_months
        s1              a          2024-01-01 month    1              10     12
        s2              b          2024-01-01 year     1              240    -
        s3              c          2024-01-01 month    12             360    -
        s4              d          2024-01-01 month    1              99     6"""))
    found = company.accounts("contracted_arr", period="2024-01", as_of="2024-02-01").rows
    assert {r["account_id"]: r["value"] for r in found} == {"a": 120, "b": 240, "c": 360}


def test_open_periods(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              a          2024-01-01 2024-02-10 10
        s2              b          2024-01-01 -          30"""))
    asked = ("mrr", "churned_mrr", "arpa", "nrr", "customer_churn_rate", "quick_ratio")
    found = company.show(*asked, start="2024-02", end="2024-02", as_of="2024-02-20").rows
    assert [row["value"] for row in found] == [30, 10, 30, None, None, None]
    assert all(row["open"] for row in found)


def test_cohort_age_0(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              grows      2024-01-05 2024-01-20 100
        s1              grows      2024-01-20 -          150
        s2              brief      2024-01-10 2024-01-25 50"""))

    def row(value: str) -> list[float | None]:
        cells = company.cohort(value=value, how="count", as_of="2024-03-01")["rows"]
        return [cell["value"] for cell in cells]

    # Age 0 is the MRR on the first paid day; age 1 the close of the month after.
    assert row("customers") == [2, 1]
    assert row("net_mrr") == [150, 150]
    assert row("gross_mrr") == [150, 100]


def test_a_ratio_of_ratios(tmp_path: Path) -> None:
    company = build(tmp_path, spans("""
        subscription_id account_id starts_at  ends_at    amount
        s1              a          2024-01-01 -          100
        s2              b          2024-01-01 -          50
        s3              c          2024-01-01 2024-02-10 50"""))
    found = company.accounts("clv_simple", period="2024-02", as_of="2024-03-01")
    assert [(r["account_id"], r["numerator"]) for r in found.rows] == [
        ("a", 50), ("b", 25), ("c", 0),
    ]
    assert sum(r["denominator"] for r in found.rows) == pytest.approx(1 / 3)
    assert found.total["value"] == pytest.approx(75 / (1 / 3))


@pytest.mark.parametrize(("fcr", "value"), [
    ("agent_replies", 0.25), ("customer_replies", 0.5), ("include_bots", 0.5),
])
def test_first_contact_by_convention(tmp_path: Path, fcr: str, value: float) -> None:
    company = build(tmp_path, {
        "accounts": "account_id\nacme",
        "tickets": """
            ticket_id account_id opened_at  solved_at  agent_contacts customer_contacts solved_by
            t1        acme       2024-02-01 2024-02-10 1              1                 person
            t2        acme       2024-02-01 2024-02-10 3              1                 -
            t3        acme       2024-02-01 2024-02-10 2              3                 person
            t4        acme       2024-02-01 2024-02-10 0              1                 bot
            t5        acme       2024-02-01 2024-02-10 -              -                 -""",
    }, conventions={"fcr": fcr})
    assert values(company, "2024-02", "fcr", as_of="2024-03-01") == [value]
    [row] = company.support.figures(start="2024-02", end="2024-02", as_of="2024-03-01").rows
    assert (row.solved, row.fcr) == (5, value)


def test_first_contact_other_scales_and_zero_or_unknown(tmp_path: Path) -> None:
    company = build(tmp_path, {
        "accounts": "account_id\nacme",
        "tickets": """
            ticket_id account_id opened_at  solved_at  agent_contacts reopened_at
            t1        acme       2024-02-01 2024-02-10 1              2024-02-05
            t2        acme       2024-02-01 2024-02-10 1              2024-02-16
            t3        acme       2024-02-01 2024-02-10 1              2024-02-20
            t4        acme       2024-02-01 2024-02-10 1              -""",
        "answers": """
            answer_id survey kind account_id answered_at score scale_max
            a1        s      csat acme       2024-02-01  5     7
            a2        s      csat acme       2024-02-01  4     7""",
        "reach": """
            day        channel kind   count
            2024-02-01 ads     visits 10""",
        "spend": """
            month      purpose     kind amount
            2024-02-01 acquisition ads  10""",
    })
    assert values(company, "2024-02", "fcr", "csat", as_of="2024-03-01") == [0.5, 0.5]
    assert values(company, "2024-03", "visits", "acquisition_retention_ratio",
                  as_of="2024-04-01") == [0, None]
    assert values(company, "2024-02", "mentions", "trial_starts", as_of="2024-04-01") == [0, None]
