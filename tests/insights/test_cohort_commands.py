"""The readings as commands print them and as the HTTP interface answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper
from tests.company import build

READINGS = ("history", "churn", "riskiest", "retention")


def rows() -> list[dict[str, str]]:
    """Two years of cohorts, each of ten accounts, of which the first leaves after three months."""
    found = []
    for number in range(24):
        year, month = divmod(number, 12)
        for account in range(10):
            end_year, end_month = divmod(number + 3, 12)
            found.append({
                "subscription_id": f"s{number}-{account}", "account_id": f"a{number}-{account}",
                "plan": "Pro" if account % 2 else "Max", "amount": str(10 + account),
                "starts_at": f"{2022 + year}-{month + 1:02d}-05",
                "ends_at": f"{2022 + end_year}-{end_month + 1:02d}-05" if account == 0 else "",
                "end_reason": "too expensive" if account == 0 else "",
            })
    return found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("read") / "p", {"subscriptions": rows()}) as made:
        yield made


@pytest.fixture(scope="module")
def client(company: Company) -> TestClient:
    return TestClient(create_app(company), raise_server_exceptions=False)


def run(company: Company, *words: str) -> str:
    done = CliRunner().invoke(app, ["--project", str(company.folder), "cohorts", *words])
    if done.exception:
        raise done.exception
    return done.stdout


@pytest.mark.parametrize("reading", READINGS)
def test_json_is_the_python_answer_and_the_http_answer(
    company: Company, client: TestClient, reading: str
) -> None:
    name = "riskiest_months" if reading == "riskiest" else reading
    expected = getattr(company.cohorts, name)(by="plan", where="plan=Pro|Max").as_dict()
    printed = json.loads(
        run(company, reading, "--by", "plan", "--where", "plan=Pro|Max", "--format", "json")
    )
    assert printed == expected
    answer = client.get(f"/api/v1/cohorts/{reading}?by=plan&where=plan=Pro|Max")
    assert answer.status_code == 200
    assert answer.json() == expected
    assert expected["rows"]
    assert expected["additive"] is False


@pytest.mark.parametrize("reading", [*READINGS, "fared"])
def test_a_later_load_does_not_change_what_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: str
) -> None:
    books = Bookkeeper(tmp_path)
    monkeypatch.setattr("staycurve.interfaces.cli.opening.clock", lambda: books.now)
    words = (*reading.split(), "--format", "json")
    head = "subscription_id account_id starts_at ends_at amount\n"
    books.load(subscriptions=head + "s1 a 2024-01-01 2024-06-01 10")
    first = run(books.company, *words)
    books.load(subscriptions=head + "s2 b 2024-01-01 2024-09-01 20")
    assert run(books.company, *words) != first
    assert run(books.company, *words, "--known-at", "2026-01-01T01:30:00Z") == first
    with pytest.raises(NotAnsweredError, match="Nothing had been loaded by"):
        run(books.company, *words, "--known-at", "2025-12-31")
    books.company.close()


@pytest.mark.parametrize("reading", READINGS)
def test_csv_has_a_line_for_each_row(company: Company, reading: str) -> None:
    printed = run(company, reading, "--format", "csv", "--by", "plan")
    lines = list(csv.DictReader(io.StringIO(printed)))
    rows = json.loads(run(company, reading, "--format", "json", "--by", "plan"))["rows"]
    assert len(lines) == len(rows)
    assert {line["plan"] for line in lines} == {"Pro", "Max"}


def test_tables_say_what_matters(company: Company) -> None:
    history = run(company, "history")
    assert "the period is still open" in history
    told = "Forecast for the quarter from 2024-01-01: 96.7%, without an interval: an interval needs"
    assert told in history
    riskiest = run(company, "riskiest")
    assert "Month 3: 10.0% leave, 0.0% in the other months." in riskiest
    none = run(company, "riskiest", "--end-class", "involuntary")
    assert "No month is significantly above the others" in none
    churn = run(company, "churn", "--per", "year")
    assert churn.count("revenue leaves, but customers stay") == 3
    assert "How the accounts fared" in churn
    retention = run(company, "retention", "--by", "plan", "--per", "all")
    assert "a difference is not a cause" in retention
    assert "no statistically significant change" in retention


def test_accounts_behind_churn_sum_to_it(company: Company, client: TestClient) -> None:
    whole = company.cohorts.churn().as_dict()
    listed = json.loads(run(company, "fared", "--format", "json"))["rows"]
    assert sum(r["opening_mrr"] for r in listed) == sum(r["opening_mrr"] for r in whole["rows"])
    left = client.get("/api/v1/cohorts/churn/accounts?group=left&cohort=2022-03").json()
    assert [row["account_id"] for row in left["rows"]] == ["a2-0"]
    assert left["rows"][0]["tenure_months"] == 3
    printed = run(company, "fared", "--group", "left", "--cohort", "2022-Q1")
    assert "a2-0" in printed
    assert "a3-0" not in printed


def test_the_leavers_of_a_month(company: Company, client: TestClient) -> None:
    third = company.cohorts.riskiest_months().rows[2]
    listed = json.loads(run(company, "leavers", "--month", "3", "--format", "json"))
    assert len(listed["rows"]) == third.left > 10
    assert {row["left_month"] for row in listed["rows"]} == {3}
    assert client.get("/api/v1/cohorts/riskiest/accounts?month=3").json() == listed
    there = client.get("/api/v1/cohorts/riskiest/accounts?month=3&is_at_risk=true").json()["rows"]
    assert len(there) == third.at_risk
    printed = run(company, "leavers", "--month", "3")
    assert "Left in month 3 of their subscription" in printed
    assert "a2-0" in printed
    assert "At risk in month 3" in run(company, "leavers", "--month", "3", "--is-at-risk")
    with pytest.raises(UsageError, match="chooses among those who left"):
        run(company, "leavers", "--month", "3", "--is-at-risk", "--end-class", "voluntary")


@pytest.mark.parametrize(("address", "code"), [
    ("riskiest/accounts?month=0", "wrong_usage"),
    ("riskiest?end_class=volontary", "unknown_end_class"),
    ("retention?age=0", "wrong_usage"),
    ("churn?over=6m", "unknown_over"),
    ("churn/accounts?cohort=soon", "wrong_usage"),
    ("history?by=industri", "unknown_dimension"),
    ("history?form=2024", "wrong_usage"),
])
def test_errors_have_the_one_shape(client: TestClient, address: str, code: str) -> None:
    answer = client.get(f"/api/v1/cohorts/{address}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["hint"]


def test_show_loads_no_statistics(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from staycurve.interfaces.cli.app import app; import staycurve.workspace; "
        "print([m for m in ('scipy', 'statsmodels', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
