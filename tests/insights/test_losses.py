"""The accounts behind churn and contraction say why, and add up by reason; worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import build
from tests.insights.account_company import SETTINGS

AS_OF = "2024-05-01"


def sub(account: str, plan: str, amount: int, starts: str, ends: str = "", **more: Any) -> Any:
    return {"subscription_id": f"s-{account}", "account_id": account, "plan": plan,
            "amount": amount, "starts_at": starts, "ends_at": ends, **more}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """March 2024: ann, ben and cat churn, dan leaves twice, eve and fay contract, gus stays."""
    made = build(tmp_path_factory.mktemp("losses") / "project", {
        "accounts": [
            {"account_id": "ann", "name": "Ann & Co", "owner": "Zoe"},
            {"account_id": "ben", "name": "=Ben", "owner": "Abe"},
            *({"account_id": name} for name in ("cat", "dan", "eve", "fay", "gus")),
        ],
        "subscriptions": [
            sub("ann", "Basic", 10, "2024-01-01", "2024-02-01"),
            sub("ann", "Pro", 100, "2024-02-01", "2024-03-11", end_reason="too expensive"),
            sub("ben", "Basic", 40.5, "2024-01-15", "2024-03-20", end_reason="too expensive"),
            sub("cat", "Basic", 20, "2024-02-01", "2024-03-05", end_reason="payment failed"),
            sub("dan", "Basic", 30, "2024-01-01", "2024-03-02", end_reason="too expensive"),
            sub("dan", "Basic", 30, "2024-03-10", "2024-03-25"),
            sub("eve", "Pro", 100, "2024-01-01", "2024-03-07"),
            sub("eve", "Basic", 60, "2024-03-07"),
            sub("fay", "Pro", 100, "2024-01-01"),
            sub("fay", "Extra", 25, "2024-01-01", "2024-03-09", item_id="x", kind="addon",
                end_reason="too expensive"),
            sub("gus", "Pro", 70, "2024-01-01"),
        ],
        "tickets": [
            {"ticket_id": "t1", "account_id": "ann", "opened_at": "2024-03-01"},
            {"ticket_id": "t2", "account_id": "ann", "opened_at": "2024-03-01",
             "solved_at": "2024-04-02"},
            {"ticket_id": "t3", "account_id": "ann", "opened_at": "2024-04-02"},
            {"ticket_id": "t4", "account_id": "ben", "opened_at": "2024-02-01",
             "solved_at": "2024-02-02"},
        ],
        "events": [
            {"event_id": "e1", "account_id": "ann", "event": "report",
             "occurred_at": "2024-02-28T10:00:00"},
            {"event_id": "e2", "account_id": "ann", "event": "report",
             "occurred_at": "2024-04-05T10:00:00"},
        ],
    }, end_reasons=SETTINGS)
    yield made
    made.close()


def rows(company: Company, metric: str, **asked: Any) -> dict[str, dict[str, Any]]:
    found = company.accounts(metric, period="2024-03", as_of=AS_OF, **asked)
    return {row["account_id"]: row for row in found.rows}


def test_a_churned_account_says_why_when_and_how_it_stood(company: Company) -> None:
    ann = rows(company, "churned_mrr")["ann"]
    assert ann == {
        "account_id": "ann", "value": 100, "name": "Ann & Co", "plan": "Pro", "owner": "Zoe",
        "lost_on": "2024-03-11", "movement": "churned", "plan_before": "Pro",
        "end_reason": "too expensive", "end_class": "voluntary",
        # From 1 January to 11 March 2024.
        "tenure_days": 70,
        # Use and tickets of April are not those of March's close; t2 was open then.
        "last_active_on": "2024-02-28", "open_tickets": 2,
    }


def test_what_is_not_known_of_an_account_is_empty_and_no_ticket_is_none(company: Company) -> None:
    found = rows(company, "churned_mrr")
    assert (found["cat"]["name"], found["cat"]["owner"]) == (None, None)
    assert found["cat"]["last_active_on"] is None
    assert (found["ben"]["open_tickets"], found["cat"]["open_tickets"]) == (0, 0)


def test_reasons_sum_to_the_number(company: Company) -> None:
    found = company.accounts("churned_mrr", period="2024-03", as_of=AS_OF)
    # dan left twice, once without a reason: what it gave up is of neither reason alone.
    assert found.reasons == [
        {"end_reason": "too expensive", "end_class": "voluntary", "accounts": 2, "value": 140.5},
        {"end_reason": "too expensive", "end_class": "voluntary | unknown", "accounts": 1,
         "value": 60.0},
        {"end_reason": "payment failed", "end_class": "involuntary", "accounts": 1, "value": 20.0},
    ]
    assert found.total["value"] == 220.5 == sum(one["value"] for one in found.reasons)
    assert rows(company, "churned_mrr")["dan"]["lost_on"] == "2024-03-25"


def test_a_metric_of_one_churn_type_explains_those_alone(company: Company) -> None:
    found = rows(company, "involuntary_churned_mrr")
    assert {name: row["end_reason"] for name, row in found.items()} == {"cat": "payment failed"}
    dan = rows(company, "unknown_churned_mrr")["dan"]
    assert (dan["value"], dan["end_reason"], dan["end_class"]) == (30, None, "unknown")


def test_contraction_shows_the_plan_before_and_after(company: Company) -> None:
    found = rows(company, "contraction_mrr")
    assert {name: (row["value"], row["plan_before"], row["plan"], row["end_reason"])
            for name, row in found.items()} == {
        "eve": (40, "Pro", "Basic", None), "fay": (25, "Pro", "Pro", "too expensive"),
    }
    assert found["fay"]["end_class"] == "voluntary"


def test_a_rate_explains_its_numerator(company: Company) -> None:
    found = company.accounts("customer_churn_rate", period="2024-03", as_of=AS_OF)
    assert sum(one["value"] for one in found.reasons) == found.total["numerator"] == 4
    gus = next(row for row in found.rows if row["account_id"] == "gus")
    assert (gus["numerator"], gus["lost_on"], gus["end_reason"]) == (0, None, None)


def test_other_numbers_name_accounts_and_give_no_reasons(company: Company) -> None:
    found = company.accounts("mrr", period="2024-03", as_of=AS_OF)
    assert [(row["account_id"], row["value"], row["plan"]) for row in found.rows] == [
        ("eve", 60, "Basic"), ("fay", 100, "Pro"), ("gus", 70, "Pro"),
    ]
    assert "reasons" not in found.as_dict()
    assert "lost_on" not in found.rows[0]


def test_nothing_loaded_is_unknown_not_zero(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {
        "subscriptions": [sub("ann", "Basic", 10, "2024-01-01", "2024-03-02")],
    })
    [row] = company.accounts("churned_mrr", period="2024-03", as_of=AS_OF).rows
    assert (row["open_tickets"], row["last_active_on"], row["end_reason"]) == (None, None, None)
    assert row["end_class"] == "unknown"
    company.close()


def test_lists_of_insights_name_plan_and_owner(company: Company) -> None:
    found = company.cohorts.leavers(month=3, as_of=AS_OF)
    assert [(one.account_id, one.name, one.plan, one.owner) for one in found.rows] == [
        ("ann", "Ann & Co", "Pro", "Zoe"), ("ben", "=Ben", "Basic", "Abe"),
        ("dan", None, "Basic", None),
    ]
    assert list(found.as_dict()["rows"][0])[:4] == ["account_id", "name", "plan", "owner"]
    stages = company.lifecycle.accounts(as_of=AS_OF).rows
    assert {one.account_id: one.plan for one in stages}["eve"] == "Basic"
