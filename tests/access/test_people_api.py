"""People over the API: an admin's alone, and every change is in the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.access.conftest import FROM_HERE, PASSWORD, Come, browser, log_in
from tests.company import create


def test_a_program_of_an_admin_keeps_people(tmp_path: Path) -> None:
    own = create(tmp_path / "own")
    own.state.people.add("ana@acme.example", "admin", password=PASSWORD)
    app = create_app(own)
    key = own.state.create_key("admin", name="onboarding")[1]
    program = browser(app)
    program.headers["Authorization"] = f"Bearer {key}"
    made = program.post("/api/v1/people", json={"email": "bob@acme.example", "role": "viewer"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert (made.json()["status"], made.json()["role"]) == ("invited", "viewer")
    link = made.json()["link"].removeprefix("http://127.0.0.1:8765")
    # A new invitation closes the one before; a link opens once.
    again = program.post("/api/v1/people/2/invitation", json={}).json()["link"]
    bob = browser(app)
    sent = {"password": PASSWORD}
    assert bob.post(link, data=sent, headers=FROM_HERE).status_code == 410
    to = again.removeprefix("http://127.0.0.1:8765")
    assert bob.post(to, data=sent, headers=FROM_HERE).status_code == 303
    assert browser(app).post(to, data=sent, headers=FROM_HERE).status_code == 410

    changed = program.patch("/api/v1/people/2", json={"role": "operator"}).json()
    assert (changed["role"], changed["status"]) == ("operator", "active")
    # The role of a session was taken away: it has to log in anew.
    assert bob.get("/views.json").status_code == 401
    log_in(bob, "bob@acme.example")
    assert program.post("/api/v1/people/2/disable", json={}).json()["status"] == "disabled"
    assert bob.get("/views.json").status_code == 401
    assert program.post("/api/v1/people/2/reset", json={}).status_code == 400
    assert program.post("/api/v1/people/2/enable", json={}).json()["status"] == "active"
    reset = program.post("/api/v1/people/2/reset", json={})
    assert "/password/" in reset.json()["link"]
    listed = program.get("/api/v1/people").json()["rows"]
    assert [(row["email"], row["role"]) for row in listed] == [
        ("ana@acme.example", "admin"), ("bob@acme.example", "operator")]
    whats = [entry.what for entry in own.state.audit() if entry.who.startswith("key ")]
    assert whats == [
        "reset.created", "person.enabled", "person.disabled", "person.role",
        "invitation.created", "invitation.created", "person.added",
    ]
    own.close()


@pytest.mark.parametrize(("method", "address", "sent", "status", "code"), [
    ("POST", "", {"email": "admin@acme.example", "role": "viewer"}, 422, "wrong_usage"),
    ("POST", "", {"email": "no address", "role": "viewer"}, 422, "wrong_usage"),
    ("POST", "", {"email": "x@y.example", "role": "boss"}, 422, "wrong_usage"),
    ("POST", "", {"email": "x@y.example", "role": "viewer", "password": "x"}, 422, "wrong_usage"),
    ("PATCH", "/4", {"role": "viewer"}, 422, "wrong_usage"),
    ("PATCH", "/99", {"role": "viewer"}, 404, "unknown_person"),
    ("POST", "/99/disable", {}, 404, "unknown_person"),
    ("POST", "/4/disable", {}, 422, "wrong_usage"),
    ("POST", "/0/reset", {}, 422, "wrong_usage"),
    ("POST", f"/{2**40}/reset", {}, 422, "wrong_usage"),
])
def test_what_cannot_be_done_is_said(
    app: object, company: Company, method: str, address: str, sent: dict[str, str], status: int,
    code: str,
) -> None:
    program = browser(app)
    program.headers["Authorization"] = f"Bearer {company.state.create_key('admin')[1]}"
    before = company.state.people.listed()
    answer = program.request(method, f"/api/v1/people{address}", json=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert company.state.people.listed() == before


def test_nobody_but_an_admin_sees_or_changes_people(app: object, company: Company) -> None:
    for role in ("viewer", "analyst", "operator"):
        program = browser(app)
        program.headers["Authorization"] = f"Bearer {company.state.create_key(role)[1]}"
        assert program.get("/api/v1/people").status_code == 403
        sent = {"email": "x@y.example", "role": "admin"}
        assert program.post("/api/v1/people", json=sent).status_code == 403
    assert len(company.state.people.listed()) == 4


def test_a_page_elsewhere_adds_nobody(come: Come, company: Company) -> None:
    sent = {"email": "x@y.example", "role": "admin"}
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert come("admin").post(
            "/api/v1/people", json=sent, headers=headers
        ).status_code == 400
    assert len(company.state.people.listed()) == 4
