"""The page at /acquisition: channels, leads and referrals, and the rows behind them."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.workspace import Company
from tests.web.findings.asking import (
    follow_every_kind,
    opened,
    panel,
    same,
    says_what_is_wrong,
    twin,
)

PATH = "/acquisition?period=2024-06"
FIRST, LAST = "2023-07", "2024-06"


def test_its_numbers_are_those_of_python(findings: TestClient, found: Company) -> None:
    told = found.acquisition.channels(start=FIRST, end=LAST).as_dict()
    channels = panel(findings, PATH, "channels")
    assert channels["totals"] == told["totals"]
    assert same(
        [{k: v for k, v in row.items() if k != "value"} for row in channels["rows"]], told["rows"]
    )
    leads = found.acquisition.funnel(start=FIRST, end=LAST).as_dict()["rows"]
    assert same(panel(findings, PATH, "funnel")["rows"], leads)
    assert same(
        panel(findings, PATH, "quality")["rows"], found.acquisition.quality().as_dict()["rows"]
    )
    referrals = panel(findings, PATH, "referrals")
    assert same(referrals["rows"], found.acquisition.referrals().as_dict()["rows"])
    assert referrals["summary"]["referred"] == 10


def test_leads_of_a_step_can_be_opened(findings: TestClient) -> None:
    told = panel(findings, PATH, "funnel")
    assert told["rows"]
    assert told["by_channel"]
    for row in told["rows"]:
        assert opened(findings, row["rows_at"])["total"]["rows"] == row["reached"]
    for row in told["by_channel"]:
        channel = row["segment"]["channel"]
        href = (f"/acquisition/leads?from={FIRST}&to={LAST}&step={row['step']}"
                f"&where=channel={channel}")
        assert opened(findings, href)["total"]["rows"] == row["reached"]


def test_referred_accounts_sum_to_what_they_are_worth(findings: TestClient) -> None:
    told = panel(findings, PATH, "referrals")
    whole = opened(findings, "/acquisition/referred")["total"]
    assert whole["accounts"] == told["summary"]["referred"]
    assert whole["mrr"] == pytest.approx(told["summary"]["mrr"])
    for row in told["rows"][:3]:
        assert opened(findings, row["rows_at"])["total"]["accounts"] == row["referred"]


def test_a_channel_cuts_every_panel(findings: TestClient, found: Company) -> None:
    page = twin(findings, PATH + "&where=channel=ads")
    panels = {one["name"]: one for one in page["panels"]}
    assert {row["channel"] for row in panels["channels"]["rows"]} == {"ads"}
    assert {row["channel"] for row in panels["quality"]["rows"]} == {"ads"}
    assert panels["referrals"]["rows"] == []
    partner = panel(findings, PATH + "&where=channel=partner", "referrals")["summary"]
    assert partner == found.acquisition.referrals(where="channel=partner").as_dict()["summary"]
    assert (partner["referred"], partner["accounts"]) == (10, 20)


def test_what_cannot_be_cut_says_so(findings: TestClient) -> None:
    panels = {
        one["name"]: one for one in twin(findings, PATH + "&where=plan=Basic")["panels"]
    }
    for name in ("channels", "quality", "referrals"):
        assert "cannot be" in panels[name]["why"]


def test_every_kind_of_link_opens(findings: TestClient) -> None:
    assert follow_every_kind(findings, PATH) >= 8


@pytest.mark.parametrize("path", [
    "/acquisition?period=2024", "/acquisition/leads?step=nope", "/acquisition/leads?cohort=soon",
])
def test_what_cannot_be_read_is_said(findings: TestClient, path: str) -> None:
    assert says_what_is_wrong(findings, path)
