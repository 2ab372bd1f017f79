"""Alerts and plans on their pages: every step acts, is kept as history, and is refused to some."""

from __future__ import annotations

import datetime as dt

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from staycurve import personal
from staycurve.interfaces.api import work_shapes as shapes
from staycurve.state.work_models import AlertRow
from staycurve.workspace import Company
from tests.work.conftest import RULE, playbook, rule
from tests.work.test_pages import OWN, client

__all__ = ["client"]


def test_an_alert_has_a_page_that_resolves_it_and_keeps_what_happened(client: TestClient) -> None:
    (alert,) = client.get("/api/v1/alerts").json()["rows"]
    at = f"/alerts/{alert['id']}"
    assert "Payment failing, days: 10" in client.get(at).text
    form = {"do": "resolve", "id": str(alert["id"]), "version": str(alert["version"]),
            "reason": "paid", "by": "Ana", "note": "card changed"}
    answer = client.post(at, data=form, headers=OWN, follow_redirects=False)
    assert answer.headers["location"] == f"{at}?done=resolved"
    panels = {one["name"]: one for one in client.get(f"{at}.json").json()["panels"]}
    assert [one["what"] for one in panels["history"]["rows"]] == ["opened", "resolved"]
    (row,) = client.get("/alerts.json?status=resolved").json()["panels"][0]["rows"]
    assert (row["reason"], row["note"]) == ("paid", "card changed")
    assert client.get("/alerts.json?status=open").json()["panels"][0]["rows"] == []
    assert client.get("/alerts/999").status_code == 422
    for own in (at, f"{at}.json"):
        refused = client.get(f"{own}?don=resolved")
        assert refused.status_code == 422
        assert "done" in refused.text


def test_an_accounts_page_shows_its_work_and_keeps_its_plan(client: TestClient) -> None:
    at = "/accounts/mid"
    panels = {one["name"]: one for one in client.get(f"{at}.json").json()["panels"]}
    assert [(one["kind"], one["what"]) for one in panels["work"]["rows"]] == [
        ("alert", "late"), ("task", "Write"), ("task", "Call"),
    ]
    form = {"do": "plan", "title": "Rolled out", "due_on": "2024-06-15", "owner": "Ana"}
    sent = client.post(at, data=form, headers=OWN, follow_redirects=False)
    assert sent.headers["location"] == f"{at}?planned=planned#plan"
    wrong = client.post(at, data=form | {"due_on": "soon"}, headers=OWN)
    assert "Rolled out" in wrong.text
    assert 'role="alert"' in wrong.text
    (kept,) = client.get("/api/v1/plans/mid").json()["rows"]
    assert kept["is_overdue"] is True
    assert "overdue" in client.get(at).text
    done = client.post(f"/api/v1/milestones/{kept['id']}/reached", json={"by": "Ana"})
    assert done.json()["done_by"] == "Ana"
    again = client.post(at, data={"do": "reach", "id": str(kept["id"]), "by": "Ben"}, headers=OWN)
    assert "was reached already, says Ana" in again.text
    assert client.post(f"/api/v1/milestones/{kept['id']}/dropped", json={"by": "Ana"}).is_success
    assert client.get("/api/v1/plans/mid").json()["rows"] == []


def test_an_overdue_milestone_is_a_risk_that_a_rule_can_name(company: Company) -> None:
    playbook(company, rule("overdue_milestones", "at_least = 1"), "plan")
    company.work.add_milestone("low", "Trained", due_on="2024-06-15", owner="Ana")
    company.work.run(as_of="2024-07-01")
    (alert,) = company.work.alerts()
    assert (alert["account_id"], alert["evidence"][0]["facts"]) == (
        "low", {"overdue_milestones": 1},
    )


def test_what_somebody_wrote_is_hidden_from_who_may_not_see_it(company: Company) -> None:
    playbook(company, RULE)
    company.work.run(as_of="2024-07-01")
    (alert,) = company.work.alerts()
    company.work.resolve(alert["id"], reason="paid", by="Ana", note="Zelda pays by card now")
    with personal.reading(is_shown=False) as seen:
        assert company.work.alert(alert["id"])["note"] == personal.HIDDEN
    assert not seen.has_seen
    with personal.reading(is_shown=True) as seen:
        assert company.work.alert(alert["id"])["note"] == "Zelda pays by card now"
    assert seen.has_seen


@pytest.mark.parametrize(
    ("reasons", "acted", "says"),
    [
        (["false_alarm"] * 6 + ["helped"] * 5, True, ["false_alarms"]),
        (["helped"] * 11, True, []),
        (["condition_passed"] * 10, False, ["ignored"]),
        (["condition_passed"] * 9, False, []),
    ],
)
def test_playbooks_that_nobody_needs_are_proposed_for_retirement(
    reasons: list[str], acted: bool, says: list[str]
) -> None:
    from staycurve.actions.playbooks.retiring import proposals

    then = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    rows = [
        AlertRow(status="resolved", opened_on=then.date(), acted_at=then if acted else None,
                 resolved_by="Ana" if acted else "staycurve", reason=reason)
        for reason in reasons
    ]
    assert [one["kind"] for one in proposals(rows, on=dt.date(2024, 7, 1))] == says


@pytest.mark.parametrize(
    ("address", "shape"),
    [
        ("/alerts", shapes.AlertsShape), ("/alerts/1", shapes.WholeAlertShape),
        ("/tasks", shapes.TasksShape), ("/plans/mid", shapes.PlanShape),
        ("/playbooks", shapes.PlaybooksShape), ("/playbooks/late", shapes.PlaybookRecordShape),
        ("/audiences", shapes.AudiencesShape), ("/audiences/vip/members", shapes.MembersShape),
        ("/audiences/vip/members/big", shapes.MemberShape),
    ],
)
def test_answers_have_the_keys_that_they_declare_and_no_other(
    client: TestClient, address: str, shape: type
) -> None:
    plan = {"title": "Trained", "due_on": "2024-08-01", "owner": "Ana"}
    assert client.post("/api/v1/plans/mid", json=plan).is_success
    answer = client.get(f"/api/v1{address}")
    assert answer.json().get("rows") != []
    TypeAdapter(shape).validate_json(answer.content, strict=True, extra="forbid")


def test_my_work_lists_its_keys_and_each_item_says_what_it_takes(client: TestClient) -> None:
    text = client.get("/work").text
    assert [one for one in "jkrsd?" if f"<kbd>{one}</kbd>" not in text] == []
    # One alert with Resolve and Snooze, two tasks with Done.
    assert text.count("data-item") == 3
    assert [text.count(f'data-key="{one}"') for one in "rsd"] == [1, 1, 2]


def test_what_is_planned_is_hidden_from_who_may_not_see_it(company: Company) -> None:
    company.work.add_milestone("mid", "Zelda is trained", due_on="2024-06-15", owner="Ana")
    with personal.reading(is_shown=False):
        assert [one["title"] for one in company.work.milestones("mid")] == [personal.HIDDEN]
    assert [one["title"] for one in company.work.milestones("mid")] == ["Zelda is trained"]
