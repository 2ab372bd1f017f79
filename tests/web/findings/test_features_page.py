"""The page at /features: the report, trial against paying, limits, and the rows behind them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/features?period=2024-08"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    report = found.features.report(period="2024-08", spans=0).as_dict()
    told = panel(findings, PATH, "report")
    assert same(told["rows"], report["rows"])
    assert told["active_accounts"] == report["active_accounts"]
    limits = found.features.limits(period="2024-08", least=0.0).as_dict()
    assert panel(findings, PATH, "limits")["summary"] == limits["summary"]
    assert limits["summary"][0]["accounts"]
    whole = found.features.report(period="2024-08").as_dict()
    stay = {row["feature"]: row["retention"] for row in whole["rows"] if row["retention"]}
    for row in panel(findings, PATH, "stay")["rows"]:
        assert row["users"] == stay[row["feature"]]["users"]


def test_a_feature_opens_to_the_accounts_that_use_it(findings: TestClient) -> None:
    rows = panel(findings, PATH, "report")["rows"]
    assert rows
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["accounts"] == row["accounts"]


@pytest.mark.parametrize("state", ["above", "near", "below"])
def test_limits_open_to_their_accounts(findings: TestClient, state: str) -> None:
    told = panel(findings, PATH, "limits")["summary"][0]
    total = opened(findings, f"/features/limits?period=2024-08&feature={told['feature']}"
                             f"&state={state}")["total"]
    assert total["rows"] == told[state]
    assert total["mrr"] == pytest.approx(told[f"{state}_mrr"])


def test_a_judgement_can_be_chosen(findings: TestClient) -> None:
    every = panel(findings, PATH, "report")["rows"]
    assert every
    for rank in {row["rank"].replace(" ", "_") or "none" for row in every}:
        shown = panel(findings, f"{PATH}&rank={rank}", "report")["rows"]
        assert shown
        assert {row["rank"].replace(" ", "_") or "none" for row in shown} == {rank}


def test_late_panels_come_afterwards_and_are_in_the_twin(findings: TestClient) -> None:
    page = findings.get(PATH).text
    assert 'hx-target="#stay"' in page
    part = findings.get(
        f"{PATH}&panel=stay", headers={"hx-request": "true", "hx-target": "stay"}
    ).text
    assert part.lstrip().startswith("<section")
    assert "<table" in part


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 10


@pytest.mark.parametrize("query", ["rank=best", "period=2024", "period=soon", "period=2031-01"])
def test_what_cannot_be_read_is_said(findings: TestClient, query: str) -> None:
    assert says_what_is_wrong(findings, f"/features?{query}")


@pytest.mark.parametrize("query", ["part=fans", "part=using&feature=nope", "part=using"])
def test_rows_that_do_not_exist_are_said(findings: TestClient, query: str) -> None:
    assert says_what_is_wrong(findings, f"/features/accounts?{query}")
