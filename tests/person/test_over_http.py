"""Persons over HTTP: found, exported and forgotten by those who may."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from staycurve.workspace.person import PersonalData
from tests.company import build

MAIL = "anna.keller@acme.example"
TABLES = {
    "accounts": """
        account_id name created_at
        acme       Acme 2024-01-01""",
    "users": f"""
        user_id     account_id email name        created_at
        usr-anna-77 acme       {MAIL} Anna_Keller 2024-01-06
        usr-ben-12  acme       ben@acme.example Ben_B 2024-01-07
        usr-cle-13  acme       cle@acme.example Cleo_C 2024-01-08""",
    "answers": """
        answer_id survey kind account_id user_id     answered_at score comment
        a1        q1     nps  acme       usr-anna-77 2024-02-11  9     Thanks""",
}
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("http") / "project", TABLES) as made:
        made.state.annotate("2024-02-01", "Call with Ben B", author="Dan")
        yield made


def program_of(company: Company, role: str) -> TestClient:
    client = TestClient(
        create_app(company, is_local=False), raise_server_exceptions=False, follow_redirects=False
    )
    client.headers["Authorization"] = f"Bearer {company.state.create_key(role)[1]}"
    return client


@pytest.fixture(scope="module", autouse=True)
def somebody(company: Company) -> None:
    """From the first person on, a role decides."""
    company.state.people.add("dan@acme.example", "admin")


def test_a_page_finds_exports_and_forgets(company: Company) -> None:
    client = program_of(company, "operator")
    found = client.get("/persons", params={"person": MAIL.upper()}, headers=FROM_HERE).text
    assert "Anna Keller" in found
    assert "Nobody has been forgotten." in found
    twin = f"/persons.json?person={MAIL}&search=all"
    (person, held, erased) = client.get(twin).json()["panels"]
    assert {(row["kind"], row["value"]) for row in person["rows"]} == {
        ("ids", "usr-anna-77"), ("emails", MAIL), ("names", "Anna Keller"), ("accounts", "acme"),
    }
    assert {(row["kind"], row["place"]): row["rows"] for row in held["rows"]}[
        "tables", "answers"] == 1
    assert erased["rows"] == []
    export = client.get("/api/v1/persons/export", params={"person": MAIL})
    assert export.headers["content-disposition"] == 'attachment; filename="person.json"'
    assert export.json()["tables"]["users"][0]["name"] == "Anna Keller"

    wrong = {"do": "forget", "person": MAIL, "confirm": "anna"}
    answer = client.post("/persons", data=wrong, headers=FROM_HERE)
    assert answer.status_code == 422
    assert "nobody was forgotten" in answer.text
    assert "Anna Keller" in client.get("/persons", params={"person": MAIL}).text
    done = client.post("/persons", data=wrong | {"confirm": MAIL}, headers=FROM_HERE)
    assert done.status_code == 303
    assert done.headers["location"].startswith("/persons?done=forgotten-")
    after = client.get(done.headers["location"], headers=FROM_HERE).text
    assert "The person was forgotten, as forgotten-" in after
    assert "Nobody is known" not in after
    gone = client.get("/persons", params={"person": MAIL}, headers=FROM_HERE).text
    assert "Anna Keller" not in gone
    (_, _, erased) = client.get("/persons.json").json()["panels"]
    (row,) = erased["rows"]
    assert row["tables"] >= 2
    assert row["by"].startswith("key ")
    whats = {entry.what for entry in company.state.audit()}
    assert {"person.exported", "person.forget", "personal.read"} <= whats
    assert MAIL not in str(company.state.audit())


def test_nothing_is_searched_before_somebody_asks(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = PersonalData.held
    monkeypatch.setattr(
        PersonalData, "held", lambda self, named: asked.append(named) or real(self, named)
    )
    client = program_of(company, "operator")
    for address in ("/persons", "/persons?panel=held", "/persons?person=usr-cle-13",
                    "/persons?person=usr-cle-13&panel=held", "/persons.json?person=usr-cle-13"):
        assert client.get(address, headers=FROM_HERE).status_code == 200
    assert asked == []
    found = client.get("/persons?person=usr-cle-13&panel=held", headers=FROM_HERE).text
    (link,) = re.findall(r'href="(/persons[^"#]+)#held"', found)
    late = client.get(f"{html.unescape(link)}&panel=held", headers=FROM_HERE).text
    assert asked == ["usr-cle-13"]
    assert '<th scope="row">users</th>' in late


def test_what_is_typed_is_escaped(company: Company) -> None:
    client, hostile = program_of(company, "admin"), "<script>alert('x')</script>\"@x.example"
    for answer in (
        client.get("/persons", params={"person": hostile}, headers=FROM_HERE),
        client.post("/persons", data={"do": "forget", "person": hostile, "confirm": "x"},
                    headers=FROM_HERE),
        client.get("/persons", params={"done": hostile}, headers=FROM_HERE),
    ):
        assert "<script>alert" not in answer.text
        assert html.escape("<script>alert") in answer.text


def test_a_program_forgets_by_naming_twice(company: Company) -> None:
    client = program_of(company, "operator")
    held = client.get("/api/v1/persons/held?person=usr-ben-12").json()
    assert held["person"]["emails"] == ["ben@acme.example"]
    assert held["state"] == {"annotations": 1, "audit": 1}
    sent = {"person": "usr-ben-12", "confirm": "usr-ben"}
    assert client.post("/api/v1/persons/forget", json=sent).status_code == 422
    done = client.post("/api/v1/persons/forget", json=sent | {"confirm": "usr-ben-12"}).json()
    assert done["is_new"]
    twice = client.post("/api/v1/persons/forget", json=sent | {"confirm": "usr-ben-12"}).json()
    assert (twice["is_new"], twice["key"]) == (False, done["key"])
    told = client.get("/api/v1/persons/forgotten").json()
    assert told["rows"][0]["key"] == done["key"]
    assert told["tombstones"] == len(told["rows"])
    assert not told["is_under_way"]
    never = client.get("/api/v1/persons/held?person=nobody-at-all")
    assert (never.status_code, never.json()["error"]["code"]) == (404, "unknown_person")
    expiry = client.post("/api/v1/persons/expire", json={})
    assert expiry.json() == {"rows": [], "is_dry_run": True}


def test_who_may_see_no_personal_data_finds_nobody(company: Company) -> None:
    for role in ("viewer", "analyst"):
        client = program_of(company, role)
        for address in ("/persons?person=usr-cle-13", "/persons.json?person=usr-cle-13",
                        "/persons?format=csv", "/api/v1/persons/held?person=usr-cle-13",
                        "/api/v1/persons/export?person=usr-cle-13", "/api/v1/persons/forgotten"):
            assert client.get(address).status_code == 403
        sent = {"person": "usr-cle-13", "confirm": "usr-cle-13"}
        assert client.post("/api/v1/persons/forget", json=sent).status_code == 403
        form = {"do": "forget", **sent}
        assert client.post("/persons", data=form, headers=FROM_HERE).status_code == 403
    assert company.personal.held("usr-cle-13").is_anything
