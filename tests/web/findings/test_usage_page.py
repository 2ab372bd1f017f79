"""The page at /usage: activity, lifecycle, retention, a funnel and paths, and who is behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/usage"
FUNNEL = "/usage?step1=signed_up&step2=project_created&step3=teammate_invited&window=30d"


@pytest.mark.parametrize("whose", ["user", "account"])
def test_its_numbers_are_those_of_python(
    findings: TestClient, found: Company, whose: str
) -> None:
    path = f"{PATH}?whose={whose}"
    usage = found.usage
    activity = usage.activity(whose=whose).as_dict()
    assert same(panel(findings, path, "days")["rows"], activity["rows"])
    assert same(panel(findings, path, "power")["rows"], activity["power"])
    lifecycle = usage.lifecycle(whose=whose).as_dict()
    assert panel(findings, path, "lifecycle")["rows"] == lifecycle["rows"]
    retention = usage.retention(whose=whose).as_dict()
    assert same(panel(findings, path, "retention")["rows"], retention["rows"])


def test_the_funnel_of_the_address_is_that_of_python(
    findings: TestClient, found: Company
) -> None:
    steps = ["signed_up", "project_created", "teammate_invited"]
    told = found.usage.funnel(steps=steps, window="30d")
    rows = panel(findings, FUNNEL, "funnel")["rows"]
    assert same(rows, told.as_dict()["rows"])
    assert rows[0]["count"]
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["count"]
        if row["dropped"]:
            assert opened(findings, row["dropped_at"])["total"]["rows"] == row["dropped"]


def test_without_steps_the_checklist_is_the_funnel(findings: TestClient) -> None:
    assert panel(findings, PATH, "funnel")["steps"] == [
        "signed_up", "project_created", "teammate_invited"
    ]


def test_days_and_cells_open_to_users(findings: TestClient) -> None:
    days = panel(findings, PATH, "days")["rows"]
    assert len(days) > 5
    for row in days[:6]:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["count"]
    cells = [r for r in panel(findings, PATH, "retention")["rows"] if r["value"] is not None]
    assert cells
    for row in cells[::5]:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["returned"]


def test_each_kind_of_a_period_opens_to_users(findings: TestClient) -> None:
    row = next(r for r in panel(findings, PATH, "lifecycle")["rows"] if r["period"] == "2024-06-01")
    for kind in ("new", "returning", "resurrecting", "dormant"):
        href = f"/usage/lifecycle?members=2024-06-01:{kind}"
        assert opened(findings, href)["total"]["rows"] == row[kind]


def test_paths_open_to_whose_they_were(findings: TestClient) -> None:
    rows = panel(findings, "/usage?after=board_viewed&within=7d", "paths")["rows"]
    assert [row for row in rows[:4] if row["rows_at"]] != []
    for row in rows[:4]:
        if row["rows_at"]:
            assert opened(findings, row["rows_at"])["total"]["rows"] == row["count"]


def test_periods_that_are_not_over_stay_blank(findings: TestClient) -> None:
    page = findings.get(f"{PATH}?panel=retention").text
    assert "<td></td>" in page
    assert ">0%<" not in page


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 10


@pytest.mark.parametrize("path", [
    "/usage?whose=cat", "/usage?per=day", "/usage?step1=nope&step2=signed_up",
    "/usage?window=soon", "/usage?after=nope", "/usage/activity?members=tea",
    "/usage/activity?members=x-3", "/usage/lifecycle?members=2024-06-01:odd",
    "/usage/people?reading=active", "/usage/retention?members=2024-06-01:x",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)


def test_sessions_open_into_who_had_them(tmp_path: Path) -> None:
    tables = {
        "subscriptions": "subscription_id account_id starts_at ends_at amount\n"
        "s1 acme 2024-01-01 - 10",
        "events": """event_id account_id user_id event occurred_at visit
            e1 acme ann view 2024-03-01T10:00:00 v1
            e2 acme ann view 2024-03-01T10:02:00 v1
            e3 acme ann view 2024-03-02T15:00:00 v2
            e4 acme bob view 2024-03-01T10:00:00 v1
            e5 acme bob view 2024-03-01T10:10:00 v1""",
    }
    with build(tmp_path / "p", tables, end_reasons='[usage]\nsession = "visit"\n') as made:
        client = TestClient(create_app(made), raise_server_exceptions=False)
        path = "/usage?as_of=2024-03-10"
        (row,) = panel(client, path, "sessions")["rows"]
        assert (row["sessions"], row["people"], row["events"]) == (3, 2, 5)
        # Two minutes, none, ten minutes.
        assert row["median_seconds"] == 120
        behind = opened(client, row["rows_at"])
        assert behind["total"] == {
            "rows": 2, "accounts": 1, "users": 2, "sessions": 3, "events": 5, "value": 2,
        }
        assert [(r["user_id"], r["sessions"], r["seconds"]) for r in behind["rows"]] == [
            ("ann", 2, 120), ("bob", 1, 600),
        ]
        assert "property for the session" not in client.get(path).text


def test_without_a_name_for_sessions_the_page_says_so(findings: TestClient) -> None:
    found = panel(findings, PATH, "sessions")
    assert found["rows"] == []
    assert "[usage] session" in found["why"]
