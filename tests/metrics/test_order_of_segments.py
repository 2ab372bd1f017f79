"""Bands stand in the order of their size everywhere, never in that of their letters."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.metrics.dimensions import MRR_BANDS, TENURE_BANDS, order_of
from staycurve.workspace import Company
from tests.company import build

MRRS = (10, 60, 300, 2000, 9000)
TENURES = [label for _, label in TENURE_BANDS]
BANDS = [label for _, label in MRR_BANDS]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    starts = ("2022-01-01", "2023-06-01", "2024-03-01", "2024-08-01", "2024-11-20")
    spans = [
        {"subscription_id": f"s{n}", "account_id": f"=a{n}", "starts_at": start, "amount": amount}
        for n, (start, amount) in enumerate(zip(starts, MRRS, strict=True))
    ]
    events = [
        {"event_id": f"e{n}", "account_id": f"=a{n}", "user_id": f"u{n}", "event": "view",
         "occurred_at": "2024-12-01T10:00:00"}
        for n in range(5)
    ]
    folder = tmp_path_factory.mktemp("order") / "p"
    with build(folder, {"subscriptions": spans, "events": events}) as made:
        yield made


def once(rows: list[dict[str, Any]], dim: str) -> list[str]:
    found = [row["segment"][dim] for row in rows if row["segment"][dim] is not None]
    return list(dict.fromkeys(found))


def test_values_of_metrics(company: Company) -> None:
    month = {"start": "2024-12", "end": "2024-12", "as_of": "2025-01-01"}
    assert once(company.show("mrr", by="mrr_band", **month).rows, "mrr_band") == BANDS
    assert once(company.show("mrr", by="mrr_band_now", **month).rows, "mrr_band_now") == BANDS
    assert once(company.show("customers", by="tenure", **month).rows, "tenure") == TENURES


def test_cohorts_and_usage(company: Company) -> None:
    assert once(company.cohort(by="mrr_band")["rows"], "mrr_band") == BANDS
    found = company.usage.lifecycle(by="mrr_band", as_of="2025-01-01").as_dict()
    assert once(found["rows"], "mrr_band") == BANDS
    risky = company.cohorts.riskiest_months(by="mrr_band", as_of="2025-01-01").as_dict()
    assert once(risky["rows"], "mrr_band") == BANDS


def test_the_command_line_and_the_http_interface(company: Company) -> None:
    command = ["--project", str(company.folder), "show", "mrr", "--by", "mrr_band", "--from",
               "2024-12", "--to", "2024-12", "--format"]
    printed = CliRunner().invoke(app, [*command, "json"]).stdout
    assert once(json.loads(printed)["rows"], "mrr_band") == BANDS
    lines = list(csv.DictReader(io.StringIO(CliRunner().invoke(app, [*command, "csv"]).stdout)))
    assert [line["mrr_band"] for line in lines] == BANDS
    client = TestClient(create_app(company))
    answer = client.get("/api/v1/metrics/mrr?by=tenure&from=2024-12&to=2024-12").json()
    assert once(answer["rows"], "tenure") == TENURES


def test_other_values_stand_by_name_and_none_first() -> None:
    values = ["b", None, "a"]
    assert sorted(values, key=lambda value: order_of("plan", value)) == [None, "a", "b"]
    mixed = ["5000+", "unheard of", None, "50-199"]
    assert sorted(mixed, key=lambda value: order_of("mrr_band", value)) == [
        None, "50-199", "5000+", "unheard of",
    ]


def test_csv_on_the_command_line_runs_no_formula(company: Company) -> None:
    printed = CliRunner().invoke(
        app, ["--project", str(company.folder), "accounts", "mrr", "--period", "2024-12",
              "--format", "csv"],
    ).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert sorted(row["account_id"] for row in rows) == [f"'=a{n}" for n in range(5)]


@pytest.mark.parametrize("address", ["/", "/.json", "/metrics/mrr", "/api/v1/metrics",
                                     "/api/v1/metrics/mrr", "/healthz", "/api/openapi.json",
                                     "/cohorts?format=csv", "/nowhere"])
def test_head_answers_as_get_without_the_body(company: Company, address: str) -> None:
    client = TestClient(create_app(company))
    whole, head = client.get(address), client.head(address)
    assert head.status_code == whole.status_code
    assert head.content == b""
    assert head.headers.get("content-type") == whole.headers.get("content-type")


def test_employees_stand_by_size(tmp_path: Path) -> None:
    sizes = ("100", "9", "", "10")
    tables = {
        "accounts": [{"account_id": f"a{n}", "employees": size} for n, size in enumerate(sizes)],
        "subscriptions": [
            {"subscription_id": f"s{n}", "account_id": f"a{n}", "starts_at": "2024-01-01",
             "amount": "10"} for n in range(4)
        ],
    }
    with build(tmp_path / "p", tables) as made:
        rows = made.show("mrr", by="employees").rows
        assert [row["segment"]["employees"] for row in rows] == [None, "9", "10", "100"]
        assert once(made.cohort(by="employees")["rows"], "employees") == ["9", "10", "100"]
    assert sorted(sizes, key=lambda size: order_of("employees", size or None)) == [
        "", "9", "10", "100"
    ]
