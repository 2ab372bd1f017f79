"""The digest over HTTP: one's own, that of another by role, sending, and what was sent."""

from __future__ import annotations

import time

import pytest
from fastapi.testclient import TestClient

from staycurve import personal
from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.access.conftest import PASSWORD, browser, log_in
from tests.mails.conftest import Office
from tests.mails.test_digest import ANA, OWN, SETTINGS
from tests.surveys.test_mail import Box

URL, SECRET = "/api/v1/digest", "Mrs Smith is trained"
CARL = "carl@acme.example"


@pytest.fixture
def settings(mail: str) -> str:
    return mail + SETTINGS


@pytest.fixture
def company(office: Office) -> Company:
    """With somebody of two roles, and a milestone whose title names a person."""
    office.work.add_milestone("big", SECRET, due_on="2024-07-02", owner="Ana")
    for email, role in ((ANA, "viewer"), ("boss@acme.example", "operator")):
        office.company.state.people.add(email, role, password=PASSWORD)
    return office.company


def coming(company: Company, email: str) -> TestClient:
    client = browser(create_app(company))
    log_in(client, email, PASSWORD)
    return client


def readers(company: Company) -> set[str]:
    """Who saw personal data, by the audit log, which is written beside the answers."""
    deadline = time.monotonic() + 20
    found: set[str] = set()
    while not found and time.monotonic() < deadline:
        found = {one.who for one in company.state.audit() if one.what == "personal.read"}
        time.sleep(0.02)
    return found


def test_without_a_name_it_is_that_of_who_asks_and_of_another_only_by_role(
    company: Company,
) -> None:
    ana, boss = coming(company, ANA), coming(company, "boss@acme.example")
    own = ana.get(URL).json()
    assert (own["email"], own["owners"]) == (ANA, ["Ana"])
    assert OWN in own["text"]
    # She may not see personal data here, though her mail does.
    assert SECRET not in own["text"] + own["html"]
    assert personal.HIDDEN in own["text"]
    assert ana.get(URL, params={"user": ANA.upper()}).json() == own
    for path in (f"{URL}?user=Carl", f"{URL}?user=nobody", f"{URL}/recipients"):
        refused = ana.get(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_permitted")
        assert CARL not in refused.text
    hers = boss.get(URL, params={"user": "ana"})
    assert (hers.json()["email"], hers.headers["cache-control"]) == (ANA, "no-store")
    assert SECRET in hers.json()["text"]
    assert SECRET in hers.json()["html"]
    assert readers(company) == {"boss@acme.example"}
    unknown = boss.get(URL, params={"user": "Karl"})
    assert (unknown.status_code, "Did you mean 'Carl'" in unknown.text) == (422, True)


def test_a_key_is_nobody_who_gets_one_and_sees_all_accounts(company: Company) -> None:
    client = browser(create_app(company, is_local=False))
    assert client.get(URL).status_code == 401
    client.headers["Authorization"] = f"Bearer {company.state.create_key('viewer')[1]}"
    found = client.get(URL).json()
    assert (found["email"], found["owners"]) == (None, [])
    assert "All accounts." in found["text"]
    assert SECRET not in found["text"]
    assert client.post(f"{URL}/send", json={}).status_code == 403


def test_it_is_sent_once_and_listed(office: Office, box: Box) -> None:
    client = office.client()
    planned = client.post(f"{URL}/send", json={"is_dry_run": True}).json()
    # Monday 8:00 has come in Berlin, and in New York that of the week before.
    assert planned == {"is_dry_run": True, "rows": [
        {"email": ANA, "week": "2024-W27", "owners": ["Ana"]},
        {"email": CARL, "week": "2024-W26", "owners": ["Carl"]},
    ]}
    assert client.get(f"{URL}/sent").json() == {"rows": []}
    assert client.post(f"{URL}/send", json={}).json()["rows"] == planned["rows"]
    assert client.post(f"{URL}/send", json={}).json() == {"is_dry_run": False, "rows": []}
    assert office.company.mailing.send().sent == 2
    assert box.to == [ANA, CARL]
    rows = client.get(f"{URL}/sent").json()["rows"]
    assert {(one["email"], one["state"], one["kind"]) for one in rows} == {
        (ANA, "sent", "digest"), (CARL, "sent", "digest")
    }
    assert [(one["email"], one["timezone"]) for one in
            client.get(f"{URL}/recipients").json()["rows"]] == [
        (ANA, "Europe/Berlin"), (CARL, "America/New_York")
    ]


def test_what_it_does_not_know_is_refused(office: Office) -> None:
    client = office.client()
    for path in (URL, f"{URL}/sent", f"{URL}/recipients"):
        answer = client.get(path, params={"usr": "Ana"})
        assert answer.status_code == 422
        assert "'usr'" in answer.json()["error"]["message"]
    assert client.post(f"{URL}/send", json={"dry": True}).status_code == 422
    assert client.post(f"{URL}/send", json={"is_dry_run": "perhaps"}).status_code == 422


class TestNotSet:
    """Without [digest]."""

    @pytest.fixture
    def settings(self, mail: str) -> str:
        return mail

    def test_sending_says_what_to_write(self, office: Office) -> None:
        answer = office.client().post("/api/v1/digest/send", json={})
        assert answer.status_code == 400
        assert "names no weekday" in answer.json()["error"]["message"]
