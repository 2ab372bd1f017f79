"""A small company whose server asks everybody to log in, and its people."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.permissions import ROLES
from staycurve.state import passwords
from staycurve.workspace import Company
from tests.company import build

PASSWORD = "four words in a row"
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
TABLES = {
    "accounts": [
        {"account_id": "acme", "name": "Acme", "created_at": "2024-01-02", "industry": "EdTech",
         "contact_email": "boss@acme.example", "size": "large"},
        {"account_id": "bolt", "name": "Bolt", "created_at": "2024-02-03", "industry": "FinTech",
         "contact_email": "it@bolt.example", "size": "small"},
    ],
    "subscriptions": [
        {"subscription_id": "s1", "account_id": "acme", "plan": "Pro", "amount": "100",
         "interval": "month", "starts_at": "2024-01-05"},
        {"subscription_id": "s2", "account_id": "bolt", "plan": "Basic", "amount": "30",
         "interval": "month", "starts_at": "2024-02-05", "ends_at": "2024-03-05"},
    ],
    "users": [
        {"user_id": "u-zelda", "account_id": "acme", "name": "Zelda Zimmer",
         "email": "zelda@acme.example", "role": "owner", "created_at": "2024-01-02"},
    ],
    "events": [
        {"event_id": "e1", "event": "report", "user_id": "u-zelda", "account_id": "acme",
         "occurred_at": "2024-03-01T10:00:00", "properties": '{"email": "zelda@acme.example"}'},
    ],
    "survey_answers": [
        {"answer_id": "a1", "account_id": "acme", "user_id": "u-zelda", "kind": "nps",
         "score": "9", "comment": "Ask Zelda Zimmer", "answered_at": "2024-03-02"},
    ],
}
PERSONAL = ("u-zelda", "Zelda", "zelda@", "boss@acme", "it@bolt")
"""What only who may see personal data must ever read."""


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hashes as weak as may be: what is tested is not how long one takes."""
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: weak)
        yield


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, with somebody of each role."""
    made = build(tmp_path_factory.mktemp("access") / "project", TABLES)
    for role in ROLES:
        made.state.people.add(f"{role}@acme.example", role, password=PASSWORD)
    yield made
    made.close()


Come = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def app(company: Company) -> object:
    """Its server."""
    return create_app(company)


@pytest.fixture(scope="module")
def come(app: object) -> Come:
    """A browser in which somebody has logged in; nobody for an empty name."""
    known: dict[str, TestClient] = {}

    def coming(role: str) -> TestClient:
        if role not in known:
            known[role] = browser(app)
            if role:
                log_in(known[role], f"{role}@acme.example")
        return known[role]

    return coming


def browser(app: object) -> TestClient:
    """A browser that follows no redirect, and to which failures are answers."""
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)  # type: ignore[arg-type]


def log_in(client: TestClient, email: str, password: str = PASSWORD) -> None:
    """Log somebody in."""
    answer = client.post(
        "/login", data={"email": email, "password": password}, headers=FROM_HERE
    )
    assert answer.status_code == 303, answer.text


def token_of(client: TestClient, page: str = "/views") -> str:
    """The token of a browser's session, as a page carries it."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(page).text)
    assert found
    return found[1]
