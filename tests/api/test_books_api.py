"""Comparing and the books over HTTP: the same answers as the commands give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app
from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id kind starts_at ends_at amount"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bookkeeper]:
    """January closed, then changed by a late span; bolt pays for usage."""
    books = Bookkeeper(tmp_path_factory.mktemp("books"))
    books.load(subscriptions=f"""{HEAD}
        s1 acme base    2024-01-01 - 100
        s2 bolt metered 2024-01-05 - 60
        s3 crux base    2024-02-03 - 40
        s4 dune base    2024-03-02 - 30""")
    books.company.books.close("2024-01")
    books.load(subscriptions=f"{HEAD}\n s5 acme base 2024-01-10 - 25")
    yield books
    books.company.close()


@pytest.fixture
def client(kept: Bookkeeper) -> TestClient:
    return TestClient(create_app(kept.company), raise_server_exceptions=False)


def command(books: Bookkeeper, *words: str) -> object:
    project = ["--project", str(books.company.folder)]
    found = CliRunner().invoke(app, [*project, *words, "--format", "json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_reconcile_is_that_of_the_command(kept: Bookkeeper, client: TestClient) -> None:
    answer = client.get("/api/v1/reconcile?against=stripe&period=2024-02").json()
    assert answer == command(kept, "reconcile", "--against", "stripe", "--period", "2024-02")
    assert (answer["ours"], answer["theirs"], answer["gap"]) == (225, 165, -60)
    assert answer["rows"] == [{
        "account_id": "bolt", "name": None, "plan": None, "owner": None, "rule": "usage",
        "difference": -60,
    }]


def test_a_ratio_has_its_two_parts(client: TestClient) -> None:
    address = "/api/v1/reconcile?against=stripe&period=2024-02&metric=nrr"
    answer = client.get(address).json()
    assert sum(row["difference"] for row in answer["rows"]) == pytest.approx(answer["gap"])
    assert {"numerator", "denominator"} <= {*answer["rows"][0]} if answer["rows"] else True


def test_switches_are_those_of_the_command(kept: Bookkeeper, client: TestClient) -> None:
    answer = client.get("/api/v1/switches?period=2024-02").json()
    assert answer == command(kept, "reconcile", "--switches", "--period", "2024-02")
    (usage,) = [
        row for row in answer["rows"] if (row["switch"], row["metric"]) == ("usage", "mrr")
    ]
    assert (usage["ours"], usage["with"], usage["difference"]) == (225, 165, -60)


def test_books_are_those_of_the_commands(kept: Bookkeeper, client: TestClient) -> None:
    answer = client.get("/api/v1/books").json()
    assert {"rows": answer["rows"]} == command(kept, "close", "--list")
    told = command(kept, "restatements")
    (found,) = answer["restatements"]
    assert {"rows": [found]} == told
    (mrr,) = [figure for figure in found["figures"] if figure["metric"] == "mrr"]
    assert (mrr["closed"], mrr["now"], mrr["difference"]) == (160, 185, 25)
    assert mrr["reasons"] == [{"loads": [2], "difference": 25, "accounts": 1}]
    assert answer["adjustments"] == []


def test_loads_are_those_of_the_command(kept: Bookkeeper, client: TestClient) -> None:
    assert client.get("/api/v1/loads").json() == command(kept, "loads")


def test_asking_changes_nothing(kept: Bookkeeper, client: TestClient) -> None:
    before = kept.company.lake.pointer.latest().seq
    for address in ("reconcile?against=stripe", "switches", "books", "loads"):
        assert client.get(f"/api/v1/{address}").status_code == 200
    assert kept.company.lake.pointer.latest().seq == before


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("reconcile", 422, "wrong_usage"),
        ("reconcile?against=strip", 422, "unknown_profile"),
        ("reconcile?against=stripe&metric=mmr", 404, "unknown_metric"),
        ("reconcile?against=stripe&period=soon", 422, "wrong_usage"),
        ("reconcile?against=stripe&period=2031-01", 422, "wrong_usage"),
        ("reconcile?against=stripe&month=2024-01", 422, "wrong_usage"),
        ("reconcile?against=stripe&period=2024-01-05&metric=cac", 422, "not_answered"),
        ("switches?period=soon", 422, "wrong_usage"),
        ("books?month=2024-01", 422, "wrong_usage"),
    ],
)
def test_errors_have_the_one_shape(
    client: TestClient, address: str, status: int, code: str
) -> None:
    answer = client.get(f"/api/v1/{address}")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["hint"]


def test_what_is_not_computed_yet_is_not_told(tmp_path: Path) -> None:
    books = Bookkeeper(tmp_path)
    books.load(subscriptions=f"{HEAD}\n s1 acme base 2024-01-01 2024-02-05 100")
    books.company.books.close("2024-01")
    books.company.refresh = lambda **_: None  # type: ignore[method-assign,assignment,return-value]
    books.load(subscriptions=f"{HEAD}\n s2 bolt base 2024-01-01 - 10")
    answer = TestClient(create_app(books.company)).get("/api/v1/books")
    assert answer.status_code == 422
    assert answer.json()["error"]["hint"] == "Run: staycurve refresh"
    books.company.close()
