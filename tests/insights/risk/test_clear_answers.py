"""Where nothing can be learned or something is missing: one clear answer, everywhere alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build
from tests.insights.risk.leaving import tables

AS_OF = "2024-07-01"
QUESTIONS = ("scores", "backtest", "stages", "misses")


def _trials() -> dict[str, Any]:
    return {"subscriptions": [
        {"subscription_id": f"s{place}", "account_id": f"a{place}", "plan": "Pro", "amount": 100,
         "status": "trialing", "starts_at": f"2024-0{place}-10", "ends_at": f"2024-0{place + 1}-10"}
        for place in range(1, 6)
    ]}


def _loyal() -> dict[str, Any]:
    found = tables(30)
    for row in found["subscriptions"]:
        row["ends_at"] = ""
    return found


def _gone() -> dict[str, Any]:
    found = tables(30)
    for row in found["subscriptions"]:
        row["ends_at"] = "2023-10-05"
    return found


COMPANIES = {
    "trials": (_trials, "no account pays", "no account pays"),
    "twelve": (lambda: tables(12), "20 and 10 are needed", "20 and 10 are needed"),
    "loyal": (_loyal, "no account has churned", "no account has churned"),
    "gone": (_gone, "no account pays", "no account pays"),
}
"""Name → its tables, and what scores and the backtest say of it."""


@pytest.fixture(scope="module", params=sorted(COMPANIES))
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Company]]:
    make, _scores, _backtest = COMPANIES[request.param]
    company = build(tmp_path_factory.mktemp(request.param) / "c", make())
    yield request.param, company
    company.close()


def test_each_company_gets_its_reason_and_nobody_is_green(asked: tuple[str, Company]) -> None:
    name, company = asked
    _make, of_scores, of_backtest = COMPANIES[name]
    scores = company.risk.scores(as_of=AS_OF)
    assert of_scores in scores.why
    assert not [row for row in scores.rows if row.band != "unknown"]
    assert all(row.why and row.why_30 and row.expected_why for row in scores.rows)
    assert all(row.probability_30 is None and row.expected_months is None for row in scores.rows)
    assert [row.why is not None for row in scores.horizons] == [True, True]
    backtest = company.risk.backtest(as_of=AS_OF)
    assert of_backtest in backtest.why
    assert backtest.auc is None
    assert of_backtest in company.risk.stages(as_of=AS_OF).why


def test_api_says_what_python_says(asked: tuple[str, Company]) -> None:
    _name, company = asked
    client = TestClient(create_app(company))
    for question in QUESTIONS:
        ask = getattr(company.risk, question)
        answer = client.get(f"/api/v1/risk/{question}?as_of={AS_OF}")
        assert answer.status_code == 200
        assert answer.json() == json.loads(json.dumps(ask(as_of=AS_OF).as_dict()))


def test_commands_say_it_too(asked: tuple[str, Company]) -> None:
    name, company = asked
    _make, of_scores, of_backtest = COMPANIES[name]
    given = ["--project", str(company.folder), "risk"]
    done = CliRunner().invoke(app, [*given, "scores", "--as-of", AS_OF, "--format", "json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["why"] == company.risk.scores(as_of=AS_OF).why
    assert of_scores in done.stdout
    told = CliRunner().invoke(app, [*given, "backtest", "--as-of", AS_OF])
    assert told.exit_code == 0
    # Lines are wrapped to the width of the terminal.
    assert of_backtest in " ".join(told.output.split())


def test_pages_show_the_reason_and_no_empty_chart(asked: tuple[str, Company]) -> None:
    name, company = asked
    client = TestClient(create_app(company))
    for page, panel in (("risk", "scores"), ("track-record", "backtest"),
                        ("track-record", "stages")):
        text = client.get(
            f"/{page}?panel={panel}&as_of={AS_OF}",
            headers={"hx-request": "true", "hx-target": panel, "accept": "text/html"},
        ).text
        said = COMPANIES[name][1 if panel == "scores" else 2]
        assert said.lower() in text.lower()
        assert "<svg role" not in text
