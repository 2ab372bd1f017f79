"""Segments, cohorts, trials, answers and costs, counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle import Oracle
from tests.oracle.oracle import default_as_of


def span(account: str, starts_at: str, ends_at: str | None, amount: str, **cells: Any) -> Any:
    row = {"subscription_id": account, "account_id": account, "starts_at": starts_at}
    return {**row, "ends_at": ends_at, "interval": "month", "amount": amount, **cells}


def test_a_move_between_plans_enters_and_leaves() -> None:
    oracle = Oracle(
        {
            "subscriptions": [
                span("acme", "2024-01-01", "2024-02-10", "100", plan="Basic"),
                span("acme", "2024-02-10", None, "130", plan="Pro"),
            ]
        },
        as_of="2024-04-01",
    )

    def by_plan(metric: str) -> list[Any]:
        return list(oracle.segments(metric, "month", "2024-02", ["plan"]).values())

    assert by_plan("leaving_mrr") == [100, 0]
    assert by_plan("entering_mrr") == [0, 100]
    assert by_plan("expansion_mrr") == [0, 30]
    assert by_plan("churned_mrr") == [0, 0]
    assert by_plan("nrr") == [1, None]
    assert by_plan("customer_churn_rate") == [0, None]
    assert by_plan("customers") == [0, 1]
    assert oracle.value("expansion_mrr", "month", "2024-02") == 30
    assert oracle.value("entering_mrr", "month", "2024-02") == 0


def test_a_transfer_is_shared_in_ascending_order() -> None:
    def item(item_id: str, starts_at: str, ends_at: str | None, amount: str, plan: str) -> Any:
        return span("acme", starts_at, ends_at, amount, plan=plan, item_id=item_id)

    oracle = Oracle(
        {
            "subscriptions": [
                item("1", "2024-01-01", "2024-02-10", "0.000010", "X"),
                item("2", "2024-02-10", None, "0.000007", "B"),
                item("3", "2024-02-10", None, "0.000008", "A"),
            ]
        },
        as_of="2024-04-01",
    )
    # 15 micro-units come, 10 of them from X: A gets floor(8·10/15) = 5, B the other 5.
    entering = oracle.segments("entering_mrr", "month", "2024-02", ["plan"])
    assert [int((value or 0) * 10**6) for value in entering.values()] == [5, 5, 0]
    expansion = oracle.segments("expansion_mrr", "month", "2024-02", ["plan"])
    assert [int((value or 0) * 10**6) for value in expansion.values()] == [3, 2, 0]


def test_a_shrinking_account_shows_what_grew_as_entering() -> None:
    oracle = Oracle(
        {
            "subscriptions": [
                span("acme", "2024-01-01", "2024-02-10", "100", plan="Pro"),
                span("acme", "2024-02-10", None, "60", plan="Basic"),
            ]
        },
        as_of="2024-04-01",
    )
    where = {"plan": "Pro"}
    assert oracle.value("leaving_mrr", "month", "2024-02", where) == 60
    assert oracle.value("contraction_mrr", "month", "2024-02", where) == 40
    assert oracle.value("grr", "month", "2024-02", where) == Fraction(3, 5)
    assert oracle.value("entering_mrr", "month", "2024-02", {"plan": "Basic"}) == 60


def test_cohorts_of_two_months() -> None:
    oracle = Oracle(
        {
            "subscriptions": [
                span("a", "2024-01-10", "2024-03-10", "100"),
                span("a", "2024-04-10", None, "300"),
                span("b", "2024-01-20", "2024-02-10", "50"),
                span("b", "2024-02-10", None, "70"),
                span("c", "2024-02-01", None, "10"),
            ]
        },
        as_of="2024-04-20",
    )

    def rows(value: str, how: str) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for cell in oracle.cohort(value, how):
            found.setdefault(cell.cohort.isoformat(), []).append(cell.value)
        return found

    # April is open: its cells are empty.
    assert rows("customers", "count") == {"2024-01-01": [2, 2, 1, None], "2024-02-01": [1, 1, None]}
    assert rows("net_mrr", "count")["2024-01-01"] == [150, 170, 70, None]
    assert rows("gross_mrr", "count")["2024-01-01"] == [150, 150, 50, None]
    assert rows("net_mrr", "share")["2024-01-01"][1] == Fraction(170, 150)
    assert rows("net_mrr", "change")["2024-01-01"][:3] == [None, Fraction(2, 15), Fraction(-10, 17)]
    assert oracle.layers()[date(2024, 2, 1), date(2024, 1, 1)] == 170
    assert oracle.layers()[date(2024, 4, 1), date(2024, 1, 1)] == 370


def test_share_from_history_depends_on_the_grain() -> None:
    oracle = Oracle(
        {
            "subscriptions": [
                span("a", "2024-01-10", None, "30"),
                span("b", "2024-02-10", None, "10"),
            ]
        },
        as_of="2024-07-01",
    )
    assert oracle.value("share_from_history", "month", "2024-02") == Fraction(3, 4)
    assert oracle.value("share_from_history", "quarter", "2024-Q1") == 0
    assert oracle.value("share_from_history", "quarter", "2024-Q2") == 1


def test_trials_mature_and_convert_within_thirty_days() -> None:
    def trial(account: str, ends_at: str | None) -> Any:
        return span(account, "2024-01-10", ends_at, "20", status="trialing")

    oracle = Oracle(
        {
            "subscriptions": [
                trial("soon", "2024-01-24"),
                span("soon", "2024-02-23", None, "20"),
                trial("late", "2024-01-24"),
                span("late", "2024-02-24", None, "20"),
                trial("running", None),
                trial("twice", "2024-01-24"),
                span("twice", "2024-03-01", "2024-03-15", "20", status="trialing"),
            ]
        },
        as_of="2024-06-01",
    )
    assert oracle.value("trial_starts", "month", "2024-01") == 4
    assert oracle.value("trial_starts", "month", "2024-03") == 0
    assert oracle.value("trial_conversion_rate", "month", "2024-01") == Fraction(1, 3)


def test_the_last_answer_of_a_person_counts() -> None:
    def answer(number: int, user: str | None, day: str, score: int, **cells: Any) -> Any:
        row = {"answer_id": f"n{number}", "survey": "q", "kind": "nps", "user_id": user}
        return {**row, "answered_at": day, "score": score, "scale_max": 10, **cells}

    oracle = Oracle(
        {
            "answers": [
                answer(1, "u1", "2024-02-01", 0),
                answer(2, "u1", "2024-02-20", 9),
                answer(3, None, "2024-02-03", 6),
                answer(4, None, "2024-02-04", 10),
                answer(5, "u2", "2024-02-05", 7),
                answer(6, "u1", "2024-03-02", 0),
                answer(7, "u3", "2024-02-05", 7, kind="csat", touchpoint="app"),
                answer(8, "u4", "2024-02-05", 6, kind="csat", touchpoint="mail"),
            ],
            "invitations": [{"invitation_id": "i", "asked_at": "2024-02-01"}] * 10,
        },
        as_of="2024-04-01",
    )
    assert oracle.value("nps", "month", "2024-02") == 25
    assert oracle.value("csat", "month", "2024-02") == Fraction(1, 2)
    assert oracle.value("csat", "month", "2024-02", {"touchpoint": "app"}) == 1
    assert oracle.value("response_rate", "month", "2024-02") == Fraction(7, 10)
    assert oracle.value("nps", "month", "2024-01") is None


def test_spend_that_is_missing_is_not_zero() -> None:
    def cost(month: str, purpose: str, amount: str) -> Any:
        return {"month": month, "purpose": purpose, "kind": "staff", "amount": amount}

    oracle = Oracle(
        {
            "subscriptions": [
                span("a", "2024-01-10", None, "100"),
                span("b", "2024-02-10", None, "60"),
                span("c", "2024-01-10", "2024-02-10", "40"),
            ],
            "spend": [
                cost("2024-01", "acquisition", "120"),
                cost("2024-02-01", "acquisition", "90"),
                cost("2024-02-01", "delivery", "40"),
            ],
        },
        as_of="2024-04-01",
    )
    assert oracle.value("crc", "month", "2024-02") is None
    assert oracle.value("acquisition_retention_ratio", "month", "2024-02") is None
    assert oracle.value("gross_margin", "month", "2024-01") is None
    assert oracle.value("cac", "month", "2024-02") == 90
    assert oracle.value("gross_margin", "month", "2024-02") == Fraction(3, 4)
    assert oracle.value("cac_payback", "month", "2024-02") == 2
    assert oracle.value("cac", "quarter", "2024-Q1") == 70
    # One of the two who opened February left; January had none and March lost none.
    assert oracle.value("clv_simple", "month", "2024-02") == Fraction(80) / Fraction(1, 2)
    assert oracle.value("clv_simple", "quarter", "2024-Q1") == Fraction(460, 6) / Fraction(1, 4)


def test_leads_and_reach() -> None:
    visits: list[dict[str, Any]] = [
        {"day": f"2024-02-0{day}", "channel": "ads", "kind": "visits", "count": 50}
        for day in (1, 2)
    ]
    leads: list[dict[str, Any]] = [
        {"lead_id": "1", "created_at": "2024-02-03", "demo_at": "2024-03-03", "channel": "ads"},
        {"lead_id": "2", "created_at": "2024-02-03", "demo_at": None, "channel": "partner"},
    ]
    tables: dict[str, list[dict[str, Any]]] = {"reach": visits, "leads": leads}
    oracle = Oracle(tables, as_of="2024-04-01")
    assert oracle.value("visits", "month", "2024-02") == 100
    assert oracle.value("lead_rate", "month", "2024-02") == Fraction(2, 100)
    assert oracle.value("lead_rate", "month", "2024-02", {"channel": "ads"}) == Fraction(1, 100)
    assert oracle.value("demo_requests", "month", "2024-03") == 1


def test_as_of_is_the_end_of_the_last_day_with_a_fact() -> None:
    tables: dict[str, list[dict[str, Any]]] = {
        "subscriptions": [span("a", "2024-01-10", "2024-02-10", "1", renews_at="2030-01-01")],
        "events": [{"event_id": "e", "occurred_at": "2024-02-11T03:00:00Z"}],
        "fx_rates": [{"day": "2025-01-01", "currency": "EUR", "rate": "1"}],
    }
    new_york = ZoneInfo("America/New_York")
    assert default_as_of(tables, new_york) == datetime(2024, 2, 11, 5, tzinfo=UTC)
    now = datetime(2024, 1, 20, tzinfo=UTC)
    assert default_as_of(tables, new_york, now) == now
