"""The page at /cohorts: what it says is what Python says, and every number opens."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import follow_every_kind, opened, panel, same, says_what_is_wrong

PATH = "/cohorts?per=month"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    cohorts = found.cohorts
    assert same(panel(findings, PATH, "retention")["rows"], cohorts.retention().as_dict()["rows"])
    assert same(panel(findings, PATH, "fared")["rows"], cohorts.churn().as_dict()["rows"])
    assert same(panel(findings, PATH, "risk")["rows"], cohorts.riskiest_months().as_dict()["rows"])
    history = panel(findings, PATH, "history")
    assert same(history["rows"], cohorts.history().as_dict()["rows"])
    assert history["forecasts"] == cohorts.history().as_dict()["forecasts"]


def test_retained_accounts_are_the_rows_of_a_cohort(findings: TestClient) -> None:
    rows = panel(findings, PATH, "retention")["rows"]
    assert rows
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["value"] == row["retained"]


@pytest.mark.parametrize("per", ["month", "quarter", "year"])
@pytest.mark.parametrize("over", ["activation", "12m"])
def test_a_cohort_opens_to_its_accounts(findings: TestClient, per: str, over: str) -> None:
    # The company is eight months old: twelve months must have gone by before there are any.
    at = "&as_of=2025-06-01" if over == "12m" else ""
    rows = panel(findings, f"/cohorts?per={per}&over={over}{at}", "fared")["rows"]
    assert rows
    for row in rows:
        total = opened(findings, row["rows_at"])["total"]
        assert total["accounts"] == row["size"]
        assert total["opening_mrr"] == pytest.approx(row["opening_mrr"])
        assert total["closing_mrr"] == pytest.approx(row["closing_mrr"])
        assert opened(findings, row["left_at"])["total"]["accounts"] == row["left"]


def test_share_from_history_is_the_metric(findings: TestClient) -> None:
    rows = [one for one in panel(findings, PATH, "history")["rows"] if one["value"] is not None]
    assert rows
    for row in rows:
        assert opened(findings, row["rows_at"])["total"]["value"] == row["value"]


def test_a_forecast_stands_with_its_interval_or_the_reason(findings: TestClient) -> None:
    told = panel(findings, PATH, "history")
    text = findings.get(PATH).text
    assert told["forecasts"]
    for forecast in told["forecasts"]:
        assert forecast["low"] is not None or forecast.get("why") or forecast["why_no_interval"]
        assert "forecast" in text.lower()


def test_small_cohorts_are_marked_and_the_future_is_blank(findings: TestClient) -> None:
    text = findings.get(PATH).text
    assert 'title="small sample"' in text
    later = [row for row in panel(findings, PATH, "retention")["rows"] if row["age"] == 12]
    # No cohort is twelve months old yet: nothing is shown, no zero.
    assert later == []


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 8


def test_a_segment_cuts_every_panel(findings: TestClient, found: Company) -> None:
    rows = panel(findings, PATH + "&industry=EdTech", "fared")["rows"]
    assert same(rows, found.cohorts.churn(where="industry=EdTech").as_dict()["rows"])


@pytest.mark.parametrize(
    "query", ["per=day", "over=2y", "from=soon", "where=shoe=44", "as_of=yesterday-ish"]
)
def test_what_cannot_be_read_is_said(findings: TestClient, query: str) -> None:
    assert says_what_is_wrong(findings, f"/cohorts?{query}")


@pytest.mark.parametrize("query", ["group=sad", "cohort=soon"])
def test_rows_that_do_not_exist_are_said(findings: TestClient, query: str) -> None:
    assert says_what_is_wrong(findings, f"/cohorts/accounts?{query}")
