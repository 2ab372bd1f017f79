"""Whoever has invoices alone is answered whatever somebody with the same spans is answered."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import StaycurveError
from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.api.app import create_app
from staycurve.metrics.catalogue import METRICS
from staycurve.workspace import Company
from tests.company import build
from tests.questions.whole_company import GIVEN

AS_OF = "2024-07-01"
APART = ("invoices", "doctor", "loads", "tables", "switches")
"""Questions about what is loaded, not about what it comes to; and one that takes long, whose
figures `reconcile` has too."""
Row = dict[str, Any]


def _month(number: int) -> str:
    return f"{2024 + number // 12}-{number % 12 + 1:02}-01"


def _tables() -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """Twelve accounts that begin in January to April and grow, shrink, leave or stay."""
    spans: list[Row] = []
    lines: list[Row] = []
    accounts = [
        {"account_id": f"a{n}", "name": f"Account {n}", "created_at": _month(n % 4),
         "industry": ("EdTech", "Retail")[n % 2], "country": "DE", "owner": "Ada"}
        for n in range(12)
    ]
    for n in range(12):
        begin, turn = n % 4, n % 4 + 1 + n % 2
        end = (8, 6, 5)[n % 3]
        own = {"account_id": f"a{n}", "subscription_id": f"s{n}"}
        for first, last, plan, amount in (
            (begin, turn, "Basic", 40), (turn, end, ("Pro", "Basic")[n % 2], 90 - 70 * (n % 2)),
        ):
            spans.append({**own, "plan": plan, "interval": "month", "amount": amount,
                          "starts_at": _month(first), "ends_at": _month(last)})
            lines += [
                {**own, "line_id": f"l{n}-{month}", "invoice_id": f"i{n}-{month}", "plan": plan,
                 "period_start": _month(month), "period_end": _month(month + 1), "amount": amount}
                for month in range(first, last)
            ]
    common = {"accounts": accounts}
    return {**common, "subscriptions": spans}, {**common, "invoice_lines": lines}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Company]]:
    folder = tmp_path_factory.mktemp("bills")
    spans, lines = _tables()
    with build(folder / "spans", spans) as told, build(folder / "lines", lines) as billed:
        yield told, billed


def _answer(company: Company, name: str) -> Any:
    insight = INSIGHTS[name]
    given = {one.outward: GIVEN[one.outward] for one in insight.arguments if one.is_required}
    given |= {"as_of": AS_OF} if insight.takes("as_of") else {}
    asked = [
        (key, one) for key, value in given.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    try:
        answer = insight.ask(company, **insight.read(asked)).as_dict()
    except StaycurveError as error:
        return [error.message, error.hint]
    if name == "account facts":
        # How many seats an item has is known of rows of subscriptions alone.
        assert [row.pop("quantity") for row in answer["rows"]]
        # Whoever has spans alone has none, and it is said.
        bills = answer.pop("invoice_lines")
        assert (bills, answer["unknown"].pop("invoice_lines", "")) in (
            (5, ""), (None, "no invoice lines are loaded"),
        )
    return json.loads(json.dumps(answer))


def test_every_metric_has_the_same_values_and_the_same_first_period(
    both: tuple[Company, Company],
) -> None:
    by_month = [name for name in METRICS if "month" in METRICS[name].grains]
    told, billed = (company.show(*by_month, as_of=AS_OF).rows for company in both)
    assert [(row["period"], row["value"]) for row in billed if row["metric"] == "mrr"] == [
        ("2024-01-01", 120), ("2024-02-01", 390), ("2024-03-01", 510), ("2024-04-01", 720),
        ("2024-05-01", 720), ("2024-06-01", 440),
    ]
    assert billed == told


@pytest.mark.parametrize(
    "name", [name for name, _ in INSIGHTS.items() if name.split()[0] not in APART]
)
def test_every_question_has_the_same_answer(both: tuple[Company, Company], name: str) -> None:
    told, billed = both
    assert _answer(billed, name) == _answer(told, name)


def test_the_page_of_an_account_leads_to_its_invoice_lines(both: tuple[Company, Company]) -> None:
    asker = TestClient(create_app(both[1]))
    page = asker.get("/accounts/a1").text
    [address] = re.findall(r'href="(/invoices/lines[^"]*)"', page)
    rows = asker.get(html.unescape(address).replace("/lines?", "/lines.json?")).json()
    assert [row["line_id"] for row in rows["panels"][0]["rows"]] == [f"l1-{n}" for n in range(1, 6)]


def test_pages_do_not_say_that_nothing_is_loaded(both: tuple[Company, Company]) -> None:
    def at(company: Company) -> Any:
        page = TestClient(create_app(company)).get("/.json", params={"as_of": AS_OF})
        assert page.status_code == 200
        return [panel.get("empty") for panel in page.json()["panels"]]

    told, billed = both
    assert at(billed) == at(told)
