"""The page at /activation: the curve, months of sign-up and the checklist, with their rows."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/activation"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    told = found.onboarding.time_to_value().as_dict()
    assert same(panel(findings, PATH, "curve")["rows"], told["whole"][0]["curve"])
    assert same(panel(findings, PATH, "months")["rows"], told["rows"])
    steps = found.onboarding.checklist().as_dict()["rows"]
    for row, step in zip(panel(findings, PATH, "checklist")["rows"], steps, strict=True):
        assert row["in_order"] == step["in_order"]
        assert row["stopped"] == step["stopped"]
    later = panel(findings, PATH, "later")["rows"]
    assert [row["users"] for row in later if row["outcome"] == "paying"] == [
        step["paying"]["users"] for step in steps
    ]


def test_the_curve_opens_day_by_day(findings: TestClient) -> None:
    rows = panel(findings, PATH, "curve")["rows"]
    assert sum(row["events"] for row in rows) > 30
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["accounts"] == row["events"]


def test_a_month_opens_to_who_got_there_in_time(findings: TestClient) -> None:
    rows = panel(findings, PATH, "months")["rows"]
    assert rows
    for row in rows:
        total = opened(findings, row["rows_at"])["total"]
        assert total["accounts"] == row["rate"]["count"]


def test_a_step_opens_to_who_took_it_and_who_stopped(findings: TestClient) -> None:
    rows = panel(findings, PATH, "checklist")["rows"]
    assert [row["stopped"] for row in rows if row["stopped"]] != []
    for row in rows:
        total = opened(findings, row["rows_at"])["total"]
        assert total["accounts"] == row["in_order"]["count"]
        if row["stopped"]:
            assert opened(findings, row["stopped_at"])["total"]["accounts"] == row["stopped"]


def test_figures_open_to_their_accounts(findings: TestClient) -> None:
    figures = {row["figure"]: row["value"] for row in panel(findings, PATH, "figures")["rows"]}
    for name in ("signed_up", "activated", "waiting", "late"):
        total = opened(findings, f"/activation/accounts?part={name}")["total"]
        assert figures[name] == str(total["accounts"])


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 10


def test_it_cannot_be_cut_by_a_plan_that_nobody_had_yet(findings: TestClient) -> None:
    assert "cannot be cut by plan" in findings.get("/activation?where=plan=Pro").text
    assert 'name="plan"' not in findings.get(PATH).text


@pytest.mark.parametrize("path", [
    "/activation/accounts?part=fans", "/activation/accounts?cohort=soon",
    "/activation/accounts?on_day=-1", "/activation/steps?step=nope",
    "/activation/steps?step=signed_up&state=lost",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)
