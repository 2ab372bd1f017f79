"""Without any event nobody knows what accounts do: no rate, no count and no list says 0."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build

TABLES = {
    "accounts": "account_id created_at\nacme 2024-01-05\nbolt 2024-01-09\ncrux 2024-02-01",
    "subscriptions": """
        account_id subscription_id starts_at  amount
        acme       s1              2024-01-05 100
        bolt       s2              2024-01-20 50
    """,
}
NOBODYS = """
    event_id user_id event occurred_at
    e1       ann     view  2024-02-02
    e2       ann     view  2024-02-09
"""
SETTINGS = '[activation]\nevents = ["view"]\nchecklist = ["view", "pay"]\n'
OF_USERS = ("dau", "wau", "mau", "stickiness")
OF_ACCOUNTS = ("active_accounts", "feature_adoption", "activation_rate", "time_to_first_value")
AS_OF = "2024-04-01"


@pytest.fixture(scope="module", params=["no events are loaded", "belongs to an account"])
def unknown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, str]]:
    tables = dict(TABLES)
    if request.param == "belongs to an account":
        tables["events"] = NOBODYS
    folder = tmp_path_factory.mktemp("unknown") / "project"
    with build(folder, tables, end_reasons=SETTINGS) as made:
        yield made, request.param


def values(company: Company, name: str) -> list[float | None]:
    grain = "week" if name == "wau" else "month"
    found = company.show(name, grain=grain, start="2024-01", end="2024-03", as_of=AS_OF)
    assert len(found.rows) >= 3
    assert all(row["value"] is not None or row["why"] for row in found.rows)
    return [row["value"] for row in found.rows]


def test_metrics_are_unknown(unknown: tuple[Company, str]) -> None:
    company, why = unknown
    for name in OF_ACCOUNTS:
        assert set(values(company, name)) == {None}, name
    for name in OF_USERS:
        found = values(company, name)
        # Ann belongs to no account, and is a user all the same.
        assert (set(found) == {None}) == (why == "no events are loaded"), name
    by_plan = company.show(*OF_ACCOUNTS, by="industry", start="2024-02", end="2024-02", as_of=AS_OF)
    assert all(row["value"] is None for row in by_plan.rows)


def numbers_in(told: Any) -> list[float]:
    """Every number in an answer, wherever it stands."""
    if isinstance(told, dict):
        return [n for value in told.values() for n in numbers_in(value)]
    if isinstance(told, list):
        return [n for value in told for n in numbers_in(value)]
    return [] if isinstance(told, bool) or not isinstance(told, int | float) else [told]


def test_findings_say_why_there_are_none(unknown: tuple[Company, str]) -> None:
    company, why = unknown
    time = company.onboarding.time_to_value(as_of=AS_OF)
    steps = company.onboarding.checklist(as_of=AS_OF)
    report = company.features.report(as_of=AS_OF)
    for found in (time, steps, report):
        assert why in str(found.why)
    assert (time.whole, time.rows, steps.rows) == ((), (), ())
    assert (report.active_accounts, report.statuses, report.rows) == (None, {}, ())
    for part in ("activated", "waiting", "late", "in_window"):
        listed = company.onboarding.accounts(part=part, as_of=AS_OF)
        assert (listed.rows, len(listed.notes)) == ((), 1)
        assert why in listed.notes[0]
    assert len(company.onboarding.accounts(part="signed_up", as_of=AS_OF).rows) == 3
    for state in ("reached", "stopped"):
        progress = company.onboarding.step_accounts(step="view", state=state, as_of=AS_OF)
        assert progress.rows == ()
        assert why in progress.notes[0]
    adoption = company.features.adoption(as_of=AS_OF)
    assert adoption.rows == ()
    assert why in adoption.notes[0]
    quality = company.acquisition.quality(as_of=AS_OF).rows
    assert [row.activation.value for row in quality] == [None]


def test_reports_on_usage_have_no_rows(tmp_path: Path) -> None:
    with build(tmp_path / "p", TABLES) as company:
        for found in (
            company.usage.retention(as_of=AS_OF), company.usage.lifecycle(as_of=AS_OF),
            company.usage.activity(as_of=AS_OF),
            company.usage.funnel(steps=("view", "pay"), as_of=AS_OF),
        ):
            assert found.why == "no events are loaded"
            assert numbers_in(found.as_dict().get("rows")) == []


def test_no_page_shows_a_rate_of_zero(unknown: tuple[Company, str]) -> None:
    company, _why = unknown
    client = TestClient(create_app(company))
    for panel in ("figures", "curve", "months"):
        text = client.get(f"/activation?panel={panel}").text
        assert "0.0%" not in text
        assert "data-empty" in text
