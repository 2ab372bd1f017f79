"""Logging in by OpenID Connect, at a provider that runs here, and at one that is away."""

from __future__ import annotations

import datetime as dt
import socket
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from fastapi.testclient import TestClient
from oidc_provider_mock import User

from staycurve.config import parse
from staycurve.errors import ConfigError
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web import provider
from staycurve.workspace import Company
from tests.access.conftest import PASSWORD, browser
from tests.company import create

ANA, EVE = "ana@acme.example", "eve@elsewhere.example"
USERS = [
    User(sub="ana", claims={"email": ANA, "email_verified": True}),
    User(sub="eve", claims={"email": EVE, "email_verified": True}),
    User(sub="liar", claims={"email": ANA, "email_verified": False}),
    User(sub="late", claims={"email": ANA, "email_verified": True}),
]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
def company(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose people may log in at the provider of that port."""
    monkeypatch.setenv("OIDC_SECRET", "shared with the provider")
    made = create(
        tmp_path / "p",
        end_reasons=f'[login]\nissuer = "http://localhost:{port}"\nclient_id = "staycurve"\n'
        'client_secret = { env = "OIDC_SECRET" }\n',
    )
    made.clock = lambda: dt.datetime.now(dt.UTC)
    made.state._clock = made.clock
    made.state.people.add(ANA, "viewer", password=PASSWORD)
    return made


def come_back(client: TestClient, sub: str, **changes: str) -> httpx.Response:
    """Go to the provider, let it know who one is, and come back."""
    away = client.get("/login/provider?next=/views")
    assert away.status_code == 303, away.text
    to = away.headers["location"]
    assert parse_qs(urlsplit(to).query)["code_challenge_method"] == ["S256"]
    back = httpx.post(to, data={"sub": sub}, follow_redirects=False).headers["location"]
    answer = dict(httpx.URL(back).params) | changes
    return client.get("/login/provider/back", params=answer)


def test_the_provider_lets_in_whom_an_admin_has_added(company: Company, port: int) -> None:
    with oidc_provider_mock.run_server_in_thread(port, user_claims=USERS, require_nonce=True):
        client = browser(create_app(company))
        answer = come_back(client, "ana")
        assert (answer.status_code, answer.headers["location"]) == (303, "/views")
        assert client.get("/views.json").status_code == 200
        assert company.state.audit()[0].detail == {"how": "provider"}
        # Who got the address later is somebody else to the provider.
        other = browser(client.app)
        for sub, status in (("eve", 401), ("liar", 422), ("late", 401)):
            assert come_back(other, sub).status_code == status, sub
        assert other.get("/views.json").status_code == 401
        # An answer that this browser did not begin, that is changed, or that comes again.
        for changes in ({"state": "x"}, {"code": "x"}, {"error": "access_denied"}):
            assert come_back(other, "ana", **changes).status_code == 422
        assert other.get("/login/provider/back?code=x&state=y").status_code == 422
        forged = {"Cookie": f"{provider.COOKIE}=x.y.z"}
        answer = other.get("/login/provider/back?code=x&state=", headers=forged)
        assert answer.status_code == 422
        company.state.people.add("root@acme.example", "admin")
        company.state.people.disable(ANA)
        assert come_back(other, "ana").status_code == 401


def test_new_keys_of_the_provider_are_read(
    company: Company, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(create_app(company))
    monkeypatch.setattr(provider, "ANEW", 0.0)
    for _ in range(2):
        # Each start makes another key.
        with oidc_provider_mock.run_server_in_thread(port, user_claims=USERS):
            assert come_back(client, "ana").status_code == 303
    assert client.get("/views.json").status_code == 200


def test_a_provider_that_is_away_leaves_the_password(company: Company) -> None:
    client = browser(create_app(company))
    answer = client.get("/login/provider")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert 'name="password"' in answer.text


def test_without_a_provider_nothing_is_begun(tmp_path: Path) -> None:
    client = browser(create_app(create(tmp_path / "p")))
    assert client.get("/login/provider").status_code == 422
    assert "Log in with" not in client.get("/login").text


@pytest.mark.parametrize(("text", "said"), [
    ('issuer = "http://login.example"\nclient_id = "x"', "https://"),
    ('issuer = "https://login.example"', "client_id"),
    ('issuer = "login.example"\nclient_id = "x"', "address"),
    ('address = "ftp://x"', "address"),
    ('client_secret = "s3cret"', "variable"),
])
def test_a_section_that_cannot_be_followed(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        parse(f'[company]\nname = "T"\n[login]\n{text}\n')
    assert "s3cret" not in error.value.message + error.value.hint
