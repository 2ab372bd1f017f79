"""/api/v1 answers as the command line does with --format json."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.metrics.catalogue import METRICS
from staycurve.workspace import Company


def test_catalogue_says_what_every_metric_means(client: TestClient) -> None:
    rows = client.get("/api/v1/metrics").json()["rows"]
    assert [row["name"] for row in rows] == list(METRICS)
    nrr = next(row for row in rows if row["name"] == "nrr")
    assert nrr["label"] == "Net revenue retention"
    assert nrr["formula"] == "closing MRR of accounts active at the start ÷ their opening MRR"
    assert nrr["unit"] == "percent"
    assert nrr["better"] == "higher"
    assert nrr["stage"] == "retention"
    assert nrr["benchmark"]["at_least"] == 1
    assert nrr["benchmark"]["origin"]
    assert nrr["switches"] == {"revenue_rates": "accounts"}


def test_formula_follows_the_switch_that_is_in_force(client: TestClient) -> None:
    rows = {row["name"]: row for row in client.get("/api/v1/metrics").json()["rows"]}
    assert rows["net_new_mrr"]["formula"] == (
        "New MRR + Reactivation MRR + Expansion MRR − Contraction MRR − Churned MRR"
    )
    assert rows["customer_churn_rate"]["switches"] == {"churn_denominator": "start"}


@pytest.mark.parametrize(
    ("address", "metric", "asked"),
    [
        ("mrr", "mrr", {}),
        ("nrr?from=2024-02&to=2024-03", "nrr", {"start": "2024-02", "end": "2024-03"}),
        ("customers?by=plan&grain=quarter", "customers", {"by": "plan", "grain": "quarter"}),
        ("mrr?where=country=DE&as_of=2024-03-01", "mrr",
         {"where": "country=DE", "as_of": "2024-03-01"}),
    ],
)
def test_values_are_those_of_show(
    client: TestClient, company: Company, address: str, metric: str, asked: dict[str, str]
) -> None:
    assert client.get(f"/api/v1/metrics/{address}").json() == company.show(
        metric, **asked  # type: ignore[arg-type]
    ).as_dict()


def test_values_by_hand(client: TestClient) -> None:
    answer = client.get("/api/v1/metrics/mrr?from=2024-01").json()
    assert [(r["period"], r["value"], r["open"]) for r in answer["rows"]] == [
        ("2024-01-01", 140, False),
        ("2024-02-01", 230, False),
        ("2024-03-01", 210, False),
        ("2024-04-01", 260, True),
    ]
    assert answer["currency"] == "USD"
    assert answer["as_of"] == "2024-04-21T00:00:00+00:00"


def test_a_rate_of_an_open_period_is_null_and_says_why(client: TestClient) -> None:
    rows = client.get("/api/v1/metrics/nrr?from=2024-03").json()["rows"]
    assert rows[0]["value"] == pytest.approx(210 / 230)
    assert rows[1]["value"] is None
    assert rows[1]["why"] == "the period is still open"


def test_accounts_divide_to_the_rate(client: TestClient) -> None:
    answer = client.get("/api/v1/metrics/nrr/accounts?period=2024-03").json()
    assert answer["total"] == {
        "numerator": 210, "denominator": 230, "value": pytest.approx(210 / 230)
    }
    assert sum(row["numerator"] for row in answer["rows"]) == 210
    assert sum(row["denominator"] for row in answer["rows"]) == 230


def test_cohorts_and_tables(client: TestClient, company: Company) -> None:
    cells = client.get("/api/v1/cohorts?value=net_mrr&as=count").json()
    whole = company.cohort(value="net_mrr", how="count")
    assert cells["rows"] == whole["rows"]
    assert "sql" not in cells
    assert client.get("/api/v1/tables").json() == {"rows": company.tables()}


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/v1/metrics/nnr", 404, "unknown_metric"),
        ("/api/v1/metrics/nnr/accounts?period=2024", 404, "unknown_metric"),
        ("/api/v1/metrics/mrr?grain=mont", 422, "unknown_grain"),
        ("/api/v1/metrics/mrr?from=yesterday", 422, "wrong_usage"),
        ("/api/v1/metrics/mrr?by=colour", 422, "unknown_dimension"),
        ("/api/v1/metrics/mrr?where=plan", 422, "wrong_usage"),
        ("/api/v1/metrics/mrr?as_of=soon", 422, "wrong_usage"),
        ("/api/v1/metrics/mrr?form=2024", 422, "wrong_usage"),
        ("/api/v1/metrics/mrr?from=2024-03&to=2024-01", 422, "not_answered"),
        ("/api/v1/metrics/mrr/accounts", 422, "wrong_usage"),
        ("/api/v1/metrics/cac?grain=day", 422, "not_answered"),
        ("/api/v1/cohorts?value=x", 422, "unknown_cohort_value"),
        ("/api/v1/cohorts?by=colour", 422, "unknown_dimension"),
        ("/api/v1/nothing", 404, "not_found"),
        ("/nothing", 404, "not_found"),
        ("/static/nothing.css", 404, "not_found"),
        ("/static/..%2fsite.py", 404, "not_found"),
        ("/metrics/nnr.json", 404, "unknown_metric"),
    ],
)
def test_every_error_has_one_shape(
    client: TestClient, address: str, status: int, code: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert set(answer.json()) == {"error"}


def test_a_near_name_is_suggested(client: TestClient) -> None:
    error = client.get("/api/v1/metrics/nnr").json()["error"]
    assert error["message"] == "Unknown metric 'nnr'. Did you mean 'nrr'?"


@pytest.mark.parametrize("address", ["/api/v1/metrics", "/", "/healthz"])
@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_nothing_can_be_written(client: TestClient, method: str, address: str) -> None:
    answer = client.request(method, address)
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_openapi_describes_the_answers(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    assert set(schema["paths"]) >= {
        "/api/v1/metrics", "/api/v1/metrics/{name}", "/api/v1/metrics/{name}/accounts",
        "/api/v1/cohorts", "/api/v1/tables",
        "/api/v1/reconcile", "/api/v1/switches", "/api/v1/books", "/api/v1/loads",
    }
    names = {p["name"] for p in schema["paths"]["/api/v1/metrics/{name}"]["get"]["parameters"]}
    assert names == {"name", "grain", "from", "to", "by", "where", "as_of", "known_at"}
    assert client.get("/docs").status_code == 404
