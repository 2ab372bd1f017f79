"""A question has one answer: in Python, on the command line, over HTTP and on its page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.insights.base import Insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.api.asking import address_of
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.options import option_of
from staycurve.interfaces.web.pages import PAGES
from staycurve.workspace import Company
from tests.questions.whole_company import GIVEN

ALL = dict(INSIGHTS.items())
AS_OF = "2024-07-01"

ELSE: dict[str, dict[str, Any]] = {"value ahead": {"period": "2024-08"}}
"""What some questions take instead: a month to come."""


def given(insight: Insight[Any, Any]) -> dict[str, Any]:
    """What it cannot do without, and an instant, so that no clock moves the answer."""
    found = {one.outward: GIVEN[one.outward] for one in insight.arguments if one.is_required}
    found |= ELSE.get(insight.name, {})
    return found | ({"as_of": AS_OF} if insight.takes("as_of") else {})


def pairs(asked: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, one)
        for name, value in asked.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def words(insight: Insight[Any, Any], asked: list[tuple[str, str]]) -> list[str]:
    """The same question as the command line writes it."""
    found = insight.name.split()
    by_name = {one.outward: one for one in insight.arguments}
    for name, value in asked:
        one = by_name[name]
        found += [value] if one.param.is_argument else [option_of(one), value]
    return [*found, "--format", "json"]


@pytest.mark.parametrize("name", ALL)
def test_python_command_and_address_say_the_same(
    whole: Company, asker: TestClient, name: str
) -> None:
    insight = ALL[name]
    asked = pairs(given(insight))
    answer = insight.ask(whole, **insight.read(asked)).as_dict()
    over_http = asker.get(address_of(insight), params=asked)
    assert over_http.json() == json.loads(json.dumps(answer))
    done = CliRunner().invoke(
        app, ["--project", str(whole.folder), *words(insight, asked)], catch_exceptions=False
    )
    assert json.loads(done.stdout) == over_http.json()


@pytest.mark.parametrize("name", ALL)
def test_each_has_a_page_that_shows_the_same_rows(asker: TestClient, name: str) -> None:
    insight = ALL[name]
    if insight.page in {page.address for _name, page in PAGES.items()}:
        pytest.skip(f"{insight.page} is drawn by hand; the tests of that page compare its rows")
    asked = pairs(given(insight))
    page = asker.get(insight.page, params=asked)
    assert page.status_code == 200, page.text
    twin = asker.get(insight.page + ".json", params=asked).json()["panels"][0]
    answer = asker.get(address_of(insight), params=asked).json()
    if "rows" in answer:
        # A list spreads what is inside an object over columns of its own.
        flat = [
            {key: value for key, value in row.items() if not isinstance(value, dict)}
            for row in answer["rows"]
        ]
        assert [{key: row[key] for key in own} for row, own in
                zip(twin["rows"], flat, strict=True)] == flat
    else:
        assert set(answer) <= {*twin}


def test_the_questions_that_had_drifted_apart_agree(asker: TestClient) -> None:
    """All who were at risk cannot be asked for by churn type: each interface says so."""
    wrong = {"month": "1", "is_at_risk": "true", "end_class": "voluntary", "as_of": AS_OF}
    said = set()
    for address in (
        "/cohorts/months.json", "/api/v1/cohorts/leavers", "/api/v1/cohorts/riskiest/accounts"
    ):
        answer = asker.get(address, params=wrong)
        assert answer.status_code == 422
        said.add(answer.json()["error"]["message"])
    assert said == {"A churn type chooses among those who left."}
    for old in ({"at_risk": "1"}, {"left": "false"}, {"class": "voluntary"}):
        for address in ("/cohorts/months.json", "/api/v1/cohorts/leavers"):
            answer = asker.get(address, params={"month": "1", **old})
            assert answer.status_code == 422
            assert "Unknown parameter" in answer.json()["error"]["message"]
    assert "Did you mean 'industry'?" in asker.get("/cohorts.json?industri=EdTech").text


def test_a_value_is_the_same_from_sql_to_the_screen(whole: Company, asker: TestClient) -> None:
    """Who was at risk in month 1: from the statement to the cell of the page and what it opens."""
    insight = ALL["cohorts riskiest"]
    answer = insight.ask(whole, as_of=AS_OF)
    with whole.seeing(whole.as_of(AS_OF)) as engine:
        rows = engine.rows(answer.sql)
    # Rows of (left_month, end_class, seen_months, accounts, returned): who lasted past month 0.
    at_risk = sum(n for left, _end, seen, n, _back in rows if min(left or seen, seen) >= 1)
    assert answer.rows[0].at_risk == at_risk > 0
    twin = asker.get(f"/cohorts/riskiest.json?as_of={AS_OF}").json()["panels"][0]["rows"][0]
    assert twin["at_risk"] == at_risk
    page = asker.get(f"/cohorts/riskiest?as_of={AS_OF}").text
    link = f'/cohorts/months?as_of={AS_OF}&amp;month=1&amp;is_at_risk=true">{at_risk}</a>'
    assert link in page
    opened = asker.get(f"/cohorts/months.json?as_of={AS_OF}&month=1&is_at_risk=true").json()
    assert len(opened["panels"][0]["rows"]) == at_risk
