"""Logging in and out: sessions, links, passwords, and how often one may try."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import UsageError
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.cli.app import app as commands
from staycurve.interfaces.web import forms, throttle
from staycurve.interfaces.web.server import serve
from staycurve.state import emails, passwords, sessions
from staycurve.workspace import Company
from tests.access.conftest import FROM_HERE, PASSWORD, Come, browser, log_in, token_of
from tests.company import NOW, create


@pytest.fixture
def own(tmp_path: Path) -> Company:
    """A company without data, and without people."""
    return create(tmp_path / "own")


def sent(client: TestClient, email: str, password: str = PASSWORD, **fields: str) -> int:
    data = {"email": email, "password": password, **fields}
    return client.post("/login", data=data, headers=FROM_HERE).status_code


def at(company: Company, later: dt.timedelta) -> None:
    """Let time pass."""
    company.clock = company.state._clock = lambda: NOW + later


def test_without_people_everything_is_open_and_with_one_it_is_not(own: Company) -> None:
    client = browser(create_app(own))
    assert client.get("/views.json").status_code == 200
    with Company(own.folder, clock=own.clock) as other:
        other.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    assert client.get("/views.json").status_code == 401
    log_in(client, "ana@acme.example")
    assert client.get("/views.json").status_code == 200


def test_elsewhere_nobody_is_let_in_without_people(own: Company) -> None:
    client = browser(create_app(own, is_local=False))
    assert client.get("/views.json").status_code == 401
    with pytest.raises(UsageError, match="nobody has been added") as error:
        serve(own, "0.0.0.0", 0)
    assert "staycurve people add" in error.value.hint


def test_where_people_cannot_be_read_nobody_is_let_in(own: Company) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    own.state.close()
    (own.folder / "app.db").write_bytes(b"not a database, and longer than its head is" * 99)
    answer = browser(create_app(own)).get("/views.json")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "state"


def test_a_session_is_new_with_every_login_and_ends_with_logout(app: object) -> None:
    client = browser(app)
    log_in(client, "viewer@acme.example")
    first = client.cookies["staycurve"]
    log_in(client, "viewer@acme.example")
    second = client.cookies["staycurve"]
    assert first != second
    old = browser(app).get("/views.json", headers={"Cookie": f"staycurve={first}"})
    assert old.status_code == 401
    assert client.post("/logout", headers=FROM_HERE).status_code == 400
    out = client.post("/logout", data={"csrf": token_of(client)}, headers=FROM_HERE)
    assert (out.status_code, out.headers["location"]) == (303, "/login")
    again = browser(app).get("/views.json", headers={"Cookie": f"staycurve={second}"})
    assert again.status_code == 401


def test_a_session_set_by_somebody_else_is_not_taken_over(app: object) -> None:
    client = browser(app)
    client.cookies.set("staycurve", "planted")
    log_in(client, "viewer@acme.example")
    assert client.cookies.get("staycurve", domain="testserver.local") != "planted"


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: object) -> None:
    data = {"email": "viewer@acme.example", "password": PASSWORD}
    cookie = browser(app).post("/login", data=data, headers=FROM_HERE).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    secure = TestClient(app, base_url="https://testserver", follow_redirects=False)  # type: ignore[arg-type]
    cookie = secure.post("/login", data=data, headers=FROM_HERE).headers["set-cookie"]
    assert "Secure" in cookie.split("; ")


def test_a_session_ends_after_a_week(own: Company) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client = browser(create_app(own))
    log_in(client, "ana@acme.example")
    assert client.get("/views.json").status_code == 200
    at(own, sessions.LASTS - dt.timedelta(seconds=1))
    assert client.get("/views.json").status_code == 200
    at(own, sessions.LASTS)
    assert client.get("/views.json").status_code == 401


@pytest.mark.parametrize("asked", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
    "/login", "/x\r\nSet-Cookie: a=b", "\\/evil.example", "/" + "x" * 3000,
])
def test_one_goes_on_to_an_address_of_this_server_alone(app: object, asked: str) -> None:
    data = {"email": "viewer@acme.example", "password": PASSWORD, "next": asked}
    answer = browser(app).post("/login", data=data, headers=FROM_HERE)
    assert answer.headers["location"] == "/"
    data["next"] = "/metrics/mrr?grain=week"
    answer = browser(app).post("/login", data=data, headers=FROM_HERE)
    assert answer.headers["location"] == "/metrics/mrr?grain=week"


def test_who_is_unknown_and_who_is_wrong_are_told_the_same(own: Company) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client, told = browser(create_app(own)), set()
    for email in ("ana@acme.example", "nobody@acme.example"):
        data = {"email": email, "password": "wrong password"}
        answer = client.post("/login", data=data, headers=FROM_HERE)
        told.add((answer.status_code, answer.text.replace(email, "")))
    assert len(told) == 1
    assert next(iter(told))[0] == 401
    failed = [(one.subject, one.who) for one in own.state.audit() if one.what == "login.failed"]
    assert failed == [("nobody@acme.example", ""), ("ana@acme.example", "")]


def test_a_megabyte_is_refused_before_it_is_hashed(
    own: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client = browser(create_app(own))
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "matches", lambda kept, given: hashed.append(given) or False)
    assert sent(client, "ana@acme.example", "x" * 1_000_000) == 422
    assert sent(client, "ana@acme.example", "x" * (passwords.MOST + 1)) == 401
    assert sent(client, "x" * 200_000 + "@acme.example") == 401
    assert hashed == []
    monkeypatch.undo()
    assert not passwords.matches(passwords.hashed(PASSWORD), "é" * passwords.MOST)


def test_after_five_failures_one_waits(own: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    for email in ("ana@acme.example", "bob@acme.example"):
        own.state.people.add(email, "viewer", password=PASSWORD)
    now = [0.0]
    monkeypatch.setattr(throttle.time, "monotonic", lambda: now[0])
    made = throttle.Throttle(lambda: now[0])
    for _ in range(throttle.OF_BOTH):
        made.check("ana", "here")
        made.failed("ana", "here")
        now[0] += 1
    with pytest.raises(throttle.ThrottledError) as error:
        made.check("ana", "here")
    assert error.value.after == throttle.WINDOW - throttle.OF_BOTH
    made.check("ana", "elsewhere")
    made.check("bob", "here")
    now[0] = throttle.WINDOW
    made.check("ana", "here")


def test_a_place_that_tries_everybody_waits_too() -> None:
    made = throttle.Throttle(lambda: 0.0)
    for n in range(throttle.OF_PLACE):
        made.failed(f"person {n}", "here")
    with pytest.raises(throttle.ThrottledError):
        made.check("somebody else", "here")
    made.check("somebody else", "elsewhere")


def test_a_login_that_waits_says_how_long(own: Company) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client = browser(create_app(own))
    for _ in range(throttle.OF_BOTH):
        assert sent(client, "ana@acme.example", "wrong password") == 401
    data = {"email": "ana@acme.example", "password": PASSWORD}
    answer = client.post("/login", data=data, headers=FROM_HERE)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= throttle.WINDOW


def test_while_passwords_wait_the_next_is_refused_before_its_form_is_read(
    own: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client, read = browser(create_app(own)), []
    monkeypatch.setattr(throttle, "WAITING", 0)

    async def reading(request: object) -> dict[str, str]:
        read.append(request)
        return {}

    monkeypatch.setattr(forms, "read", reading)
    data = {"email": "ana@acme.example", "password": PASSWORD}
    for _ in range(2):
        answer = client.post("/login", data=data, headers=FROM_HERE)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.headers["cache-control"] == "no-store"
        assert "Try again in 1 seconds." in answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert read == []
    monkeypatch.undo()
    assert client.post("/login", data=data, headers=FROM_HERE).status_code == 303


@pytest.mark.parametrize("kind", ["invitation", "reset"])
def test_a_link_lets_one_choose_a_password_once(own: Company, kind: str) -> None:
    person = own.state.people.add("ana@acme.example", "viewer")
    client = browser(create_app(own))
    assert sent(client, person.email, "") == 401
    address = f"/password/{own.state.people.link(person.email, kind)[1]}"
    for _ in range(3):
        # A scanner of mail looks first.
        assert client.get(address).status_code == 200
    short = client.post(address, data={"password": "short"}, headers=FROM_HERE)
    assert (short.status_code, "fewer than 12" in short.text) == (422, True)
    chosen = client.post(address, data={"password": PASSWORD}, headers=FROM_HERE)
    assert chosen.status_code == 303
    assert client.get("/views.json").status_code == 200
    replayed = client.post(address, data={"password": "another password"}, headers=FROM_HERE)
    assert replayed.status_code == 410
    assert client.get(address).status_code == 410
    assert sent(browser(create_app(own)), person.email) == 303


def test_a_link_that_is_forged_replaced_or_old_opens_nothing(own: Company) -> None:
    person = own.state.people.add("ana@acme.example", "viewer")
    client = browser(create_app(own))
    first = own.state.people.link(person.email, "invitation")[1]
    second = own.state.people.link(person.email, "reset")[1]
    for text in (first, second[:-1], second + "x", second.upper(), "x", "é", "x" * 5000):
        answer = client.post(f"/password/{text}", data={"password": PASSWORD}, headers=FROM_HERE)
        assert answer.status_code == 410, text
    at(own, dt.timedelta(hours=4))
    late = browser(create_app(own)).post(
        f"/password/{second}", data={"password": PASSWORD}, headers=FROM_HERE
    )
    assert late.status_code == 410
    assert [one.has_password for one in own.state.people.listed()] == [False]


def test_a_new_password_ends_sessions(own: Company) -> None:
    own.state.people.add("ana@acme.example", "viewer", password=PASSWORD)
    client = browser(create_app(own))
    log_in(client, "ana@acme.example")
    link = own.state.people.link("ana@acme.example", "reset")[1]
    browser(create_app(own)).post(
        f"/password/{link}", data={"password": "quite another one"}, headers=FROM_HERE
    )
    assert client.get("/views.json").status_code == 401


def test_addresses_are_compared_without_case_and_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "JOSÉ@Bücher.example")
    assert emails.folded(decomposed) == "josé@xn--bcher-kva.example"
    assert emails.folded("josé@xn--bcher-kva.EXAMPLE") == emails.folded(decomposed)
    # Cyrillic а: it looks alike, and is another.
    assert emails.folded("аna@acme.example") != emails.folded("ana@acme.example")
    assert emails.scripts("аna@acme.example") == ("CYRILLIC", "LATIN")
    assert emails.scripts("ana@acme.example") == ()
    assert emails.folded("用户@例子.example").startswith("用户@xn--")


@pytest.mark.parametrize("text", [
    "", "ana", "@acme.example", "ana@", "ana@@acme.example", "a b@acme.example",
    "ana@acme", "x" * 65 + "@acme.example", "ana@" + "x" * 64 + ".example", "ana@acme..example",
    "<ana@acme.example>", "ana@-x-.\ud800example",
])
def test_what_is_no_address(own: Company, text: str) -> None:
    with pytest.raises(UsageError):
        own.state.people.add(text, "viewer")


def test_one_address_one_person(own: Company) -> None:
    own.state.people.add("Ana@Acme.example", "viewer")
    with pytest.raises(UsageError, match="is there already"):
        own.state.people.add("ana@ACME.example", "admin")
    own.state.people.add("аna@acme.example", "viewer")
    assert len(own.state.people.listed()) == 2


def test_the_last_admin_stays(own: Company) -> None:
    own.state.people.add("ana@acme.example", "admin", password=PASSWORD)
    for act in (
        lambda: own.state.people.disable("ana@acme.example"),
        lambda: own.state.people.set_role("ana@acme.example", "viewer"),
    ):
        with pytest.raises(UsageError, match="only admin"):
            act()
    own.state.people.add("bob@acme.example", "admin", password=PASSWORD)
    assert own.state.people.disable("ana@acme.example").status == "disabled"


def test_the_audit_log_says_who_whatever_a_form_says(come: Come, company: Company) -> None:
    client = come("analyst")
    data = {"csrf": token_of(client), "do": "save", "name": "mine", "address": "/"}
    assert client.post("/views", data=data, headers=FROM_HERE).status_code == 303
    assert company.state.audit(most=1)[0].who == "analyst@acme.example"
    company.state.delete_view(company.state.views()[0].id)
    assert come("analyst").get("/metrics/mrr?format=csv").status_code == 200
    app = client.app
    app.state.doorkeeper._writing.submit(int).result()  # type: ignore[attr-defined]
    exports = [one for one in company.state.audit() if one.what == "exported"]
    assert [(one.who, one.subject) for one in exports] == [
        ("analyst@acme.example", "/metrics/mrr")
    ]


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(tmp_path / "p").close()

    def run(*words: str) -> str:
        commands(["--project", str(tmp_path / "p"), *words], standalone_mode=False)
        return capsys.readouterr().out

    told = run("people", "add", "ana@acme.example", "--role", "admin")
    assert re.fullmatch(
        r"Added ana@acme.example as admin.\nhttp://127.0.0.1:8765/password/[\w.-]+\n", told
    )
    assert '"status": "invited"' in run("people", "list", "--format", "json")
    run("people", "add", "bob@acme.example", "--role", "viewer")
    assert "bob@acme.example is operator." in run("people", "role", "bob@acme.example", "operator")
    assert "/password/" in run("people", "invite", "bob@acme.example")
    assert "/password/" in run("people", "reset", "2")
    assert run("people", "disable", "BOB@acme.example") == "Disabled bob@acme.example.\n"
    with pytest.raises(UsageError, match="Unknown role 'boss'"):
        run("people", "role", "ana@acme.example", "boss")
    assert run("keys", "create", "--scope", "viewer").startswith("sck_")
