"""The page at /usage: activity, lifecycle, retention, a funnel and paths, and who is behind."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/usage"
FUNNEL = "/usage?step1=signed_up&step2=project_created&step3=teammate_invited&window=30d"


@pytest.mark.parametrize("whose", ["user", "account"])
def test_its_numbers_are_those_of_python(
    findings: TestClient, found: Company, whose: str
) -> None:
    path = f"{PATH}?whose={whose}"
    usage = found.usage
    activity = usage.activity(whose=whose).to_json()
    assert same(panel(findings, path, "days")["rows"], activity["rows"])
    assert same(panel(findings, path, "power")["rows"], activity["power"])
    lifecycle = usage.lifecycle(whose=whose).to_json()
    assert panel(findings, path, "lifecycle")["rows"] == lifecycle["rows"]
    retention = usage.retention(whose=whose).to_json()
    assert same(panel(findings, path, "retention")["rows"], retention["rows"])


def test_the_funnel_of_the_address_is_that_of_python(
    findings: TestClient, found: Company
) -> None:
    told = found.usage.funnel("signed_up", "project_created", "teammate_invited", window="30d")
    rows = panel(findings, FUNNEL, "funnel")["rows"]
    assert same(rows, told.to_json()["rows"])
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
    for row in panel(findings, PATH, "days")["rows"][:6]:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["count"]
    cells = [r for r in panel(findings, PATH, "retention")["rows"] if r["value"] is not None]
    for row in cells[::5]:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["returned"]


def test_each_kind_of_a_period_opens_to_users(findings: TestClient) -> None:
    row = next(r for r in panel(findings, PATH, "lifecycle")["rows"] if r["period"] == "2024-06-01")
    for kind in ("new", "returning", "resurrecting", "dormant"):
        href = f"/usage/people?reading=lifecycle&start=2024-06-01&kind={kind}"
        assert opened(findings, href)["total"]["rows"] == row[kind]


def test_paths_open_to_whose_they_were(findings: TestClient) -> None:
    rows = panel(findings, "/usage?after=board_viewed&within=7d", "paths")["rows"]
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
    "/usage?window=soon", "/usage?after=nope", "/usage/people?reading=tea",
    "/usage/people?reading=active&least=x", "/usage/people?reading=lifecycle&kind=odd",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)
