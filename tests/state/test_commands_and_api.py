"""Saved views and annotations by command and over HTTP; and what stays free of SQLAlchemy."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import StaycurveError
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.state.served import ADDRESS, client_of, served

Run = Callable[..., str]
API = "/api/v1"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = served(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(company: Company) -> TestClient:
    return client_of(company)


@pytest.fixture
def run(company: Company, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command, and gives what it prints."""

    def call(*words: str) -> str:
        capsys.readouterr()
        app(["--project", str(company.folder), *words], standalone_mode=False)
        return capsys.readouterr().out

    return call


def rows(printed: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed)["rows"]
    return found


def test_views_by_command(run: Run, company: Company) -> None:
    assert "No view is saved yet" in run("views", "list")
    run("views", "save", "EU", "/metrics/mrr?grain=week&where=country=DE", "--by", "Ana")
    (kept,) = rows(run("views", "list", "--format", "json"))
    assert {key: kept[key] for key in ("name", "page", "query", "url", "created_by")} == {
        "name": "EU", "page": "/metrics/mrr", "query": "grain=week&where=country=DE",
        "url": "/metrics/mrr?grain=week&where=country=DE", "created_by": "Ana",
    }
    assert "/metrics/mrr?grain=week" in run("views", "list")
    assert run("views", "rename", "EU", "Europe") == "Renamed EU to Europe.\n"
    with pytest.raises(StaycurveError) as error:
        run("views", "delete", "Evrope")
    assert error.value.message == "Unknown view 'Evrope'. Did you mean 'Europe'?"
    assert error.value.hint == "All views: staycurve views list"
    run("views", "delete", str(kept["id"]))
    assert rows(run("views", "list", "--format", "json")) == []
    assert all(one.who for one in company.state.audit())


def test_annotations_by_command(run: Run) -> None:
    assert "No note yet" in run("annotations", "list")
    run("annotations", "add", "2024-02-14", "Price change", "--metric", "mrr", "--by", "Ana")
    run("annotations", "add", "2024-01-14", "Outage")
    kept = rows(run("annotations", "list", "--format", "json"))
    assert [(one["day"], one["text"], one["metric"]) for one in kept] == [
        ("2024-01-14", "Outage", None), ("2024-02-14", "Price change", "mrr"),
    ]
    only = rows(run("annotations", "list", "--metric", "arpa", "--format", "json"))
    assert [one["text"] for one in only] == ["Outage"]
    run("annotations", "delete", str(kept[0]["id"]))
    assert "Outage" not in run("annotations", "list")


def test_views_over_http(client: TestClient, company: Company) -> None:
    assert client.get(f"{API}/views").json() == {"rows": []}
    body = {"name": "EU", "address": "/?where=country=DE&grain=month", "by": "Ana"}
    made = client.post(f"{API}/views", json=body)
    assert made.status_code == 201
    assert made.json()["url"] == "/?where=country=DE"
    assert client.get(f"{API}/views").json() == {"rows": [made.json()]}
    address = f"{API}/views/{made.json()['id']}"
    renamed = client.patch(address, json={"name": "Europe"})
    assert renamed.json() == made.json() | {"name": "Europe"}
    assert client.delete(address).status_code == 204
    for again in (client.delete(address), client.patch(address, json={"name": "x"})):
        assert again.status_code == 404
        assert again.json()["error"]["code"] == "unknown_view"
    assert len(company.state.audit()) == 3


def test_annotations_over_http(client: TestClient) -> None:
    body = {"day": "2024-02-14", "text": "Price change", "metric": "mrr", "author": "Ana"}
    made = client.post(f"{API}/annotations", json=body)
    assert made.status_code == 201
    assert {key: made.json()[key] for key in body} == body
    assert client.get(f"{API}/annotations?metric=arpa").json() == {"rows": []}
    assert client.get(f"{API}/annotations?metric=mrr").json() == {"rows": [made.json()]}
    assert client.get(f"{API}/annotations?metric=mmr").status_code == 404
    assert client.delete(f"{API}/annotations/{made.json()['id']}").status_code == 204
    assert client.get(f"{API}/annotations").json() == {"rows": []}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"}, {"name": "x", "address": "/", "nmae": "y"}, {"name": 5, "address": "/"},
        {"name": "x", "address": "//elsewhere.example"}, {"name": "", "address": "/"}, [], "x",
    ],
)
def test_what_cannot_be_kept_is_refused(client: TestClient, company: Company, body: object) -> None:
    sent = client.post(f"{API}/views", json=body)
    assert sent.status_code == 422
    assert set(sent.json()["error"]) == {"code", "message", "hint"}
    assert company.state.audit() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"},
        {"Origin": "https://elsewhere.example", "Content-Type": "application/json"},
        # What a form elsewhere can send without being asked first.
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
    ],
)
def test_what_a_page_elsewhere_sends_changes_nothing(
    client: TestClient, company: Company, headers: dict[str, str]
) -> None:
    kept = company.state.save_view("one", "/", "")
    body = json.dumps({"name": "x", "address": "/"})
    answers = [
        client.post(f"{API}/views", content=body, headers=headers),
        client.patch(f"{API}/views/{kept.id}", content=body, headers=headers),
        client.post(f"{API}/annotations", content=body, headers=headers),
    ]
    if "Origin" in headers or "Sec-Fetch-Site" in headers:
        answers.append(client.delete(f"{API}/views/{kept.id}", headers=headers))
    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {
        (400, "foreign_form")
    }
    assert company.state.views() == (kept,)
    own = {"Origin": ADDRESS, "Content-Type": "application/json"}
    assert client.post(f"{API}/views", content=body, headers=own).status_code == 201


def test_a_body_is_bounded(client: TestClient, company: Company) -> None:
    sent = client.post(f"{API}/views", json={"name": "x", "address": "/" + "x" * 40_000})
    assert sent.status_code == 422
    assert "larger than 32 KB" in sent.json()["error"]["message"]
    chunks = iter([b'{"name": "x", ', b'"address": "/"}'])
    own = {"Content-Type": "application/json"}
    assert client.post(f"{API}/views", content=chunks, headers=own).status_code == 422
    assert company.state.audit() == ()


def test_the_schema_names_what_changes_something(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert set(paths[f"{API}/views"]) == {"get", "post"}
    assert set(paths[f"{API}/views/{{view}}"]) == {"patch", "delete"}
    assert set(paths[f"{API}/annotations"]) == {"get", "post"}
    assert set(paths[f"{API}/annotations/{{annotation}}"]) == {"delete"}


SHOWING = """
import sys
from staycurve.interfaces.cli.app import app
app(["--project", sys.argv[1], "show", "mrr", "--format", "json"], standalone_mode=False)
dear = ("sqlalchemy", "alembic", "psycopg", "altair", "scipy", "statsmodels", "pandas", "pydantic")
print([m for m in dear if m in sys.modules])
"""


def test_show_starts_without_the_database_of_app_state(company: Company) -> None:
    company.state.annotate("2024-02-14", "Price change")
    company.close()
    done = subprocess.run(
        [sys.executable, "-c", SHOWING, str(company.folder)], text=True, capture_output=True,
        check=True,
    )
    *printed, imported = done.stdout.strip().splitlines()
    assert json.loads(printed[0])["rows"]
    assert imported == "[]"


def test_an_error_is_one_line_and_a_hint(company: Company) -> None:
    company.close()
    (company.folder / "app.db").write_bytes(b"damaged" * 200)
    code = "from staycurve.interfaces.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--project", str(company.folder), "views", "list"],
        text=True, capture_output=True, check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.strip().splitlines()) == 2
    assert done.stderr.startswith(f"staycurve: {company.folder}/app.db is damaged")
