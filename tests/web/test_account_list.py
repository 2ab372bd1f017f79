"""The accounts behind a number as a page: reasons above, columns beside, sorted by links."""

from __future__ import annotations

import csv
import io

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.insights.test_losses import AS_OF, company
from tests.web.reading import links

__all__ = ["company"]

CHURN = f"/accounts?metric=churned_mrr&period=2024-03&as_of={AS_OF}"


@pytest.fixture(scope="module")
def served(company: Company) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


def listed(client: TestClient, address: str) -> list[str]:
    answer = client.get(address.replace("/accounts?", "/accounts.json?"))
    assert answer.status_code == 200, answer.text
    return [row["account_id"] for row in answer.json()["panels"][0]["rows"]]


def test_reasons_stand_above_and_sum_to_the_number(served: TestClient) -> None:
    html = served.get(CHURN).text
    parts = [float(part.partition("<")[0]) for part in html.split("<td data-part>")[1:]]
    assert parts == [140.5, 60.0, 20.0]
    assert sum(parts) == 220.5
    assert "<strong data-total>220.50</strong>" in html
    assert "Voluntary, Unknown" in html
    page = served.get(CHURN.replace("/accounts?", "/accounts.json?")).json()["panels"][0]
    api = served.get("/api/v1/metrics/churned_mrr/accounts", params={
        "period": "2024-03", "as_of": AS_OF}).json()
    assert page["reasons"] == api["reasons"]
    assert {row["account_id"]: row for row in page["rows"]} == {
        row["account_id"]: row for row in api["rows"]
    }
    assert 'class="scroll reasons"' not in served.get(CHURN.replace("churned_mrr", "mrr")).text


def test_it_sorts_by_plain_links_in_every_form(served: TestClient) -> None:
    assert listed(served, CHURN) == ["ann", "dan", "ben", "cat"]
    # Who has no owner comes last, whichever way.
    assert listed(served, f"{CHURN}&sort=owner") == ["ben", "ann", "dan", "cat"]
    assert listed(served, f"{CHURN}&sort=-owner") == ["ann", "ben", "dan", "cat"]
    assert listed(served, f"{CHURN}&sort=lost_on") == ["cat", "ann", "ben", "dan"]
    assert listed(served, f"{CHURN}&sort=value") == ["cat", "ben", "dan", "ann"]
    html = served.get(f"{CHURN}&sort=owner").text
    heads = {x.text.split(" ▲")[0]: x.href for x in links(html) if "sortable" in x.inside}
    assert "sort=-owner" in heads["Owner"]
    assert "sort=-tenure_days" in heads["Tenure, days"]
    assert 'aria-sort="ascending"' in html
    for name, href in heads.items():
        assert served.get(href).status_code == 200, name
    sheet = list(csv.DictReader(io.StringIO(served.get(f"{CHURN}&sort=owner&format=csv").text)))
    assert [row["account_id"] for row in sheet] == ["ben", "ann", "dan", "cat"]
    assert sheet[0]["name"] == "'=Ben"
    assert (sheet[1]["end_reason"], sheet[1]["tenure_days"]) == ("too expensive", "70")
    assert served.get(f"{CHURN}&sort=shoe_size").status_code == 422


def test_the_columns_are_those_that_differ(served: TestClient) -> None:
    def heads(address: str) -> list[str]:
        return [x.text.split(" ▼")[0] for x in links(served.get(address).text)
                if "sortable" in x.inside and "sort=" in x.href]

    assert heads(CHURN) == [
        "Account", "Churned MRR", "Owner", "Date", "Plan before", "End reason", "Churn type",
        "Tenure, days", "Last active", "Open tickets",
    ]
    assert heads(CHURN.replace("churned_mrr", "contraction_mrr"))[2:6] == [
        "Plan", "Owner", "Date", "Plan before"
    ]
    assert heads(CHURN.replace("churned_mrr", "mrr")) == ["Account", "MRR", "Plan", "Owner"]
