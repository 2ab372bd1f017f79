"""What somebody tries who may not: every page, twin and route as each role and as nobody."""

from __future__ import annotations

import itertools
import re

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from staycurve.insights.catalogue import INSIGHTS
from staycurve.interfaces.access import ALLOWS, is_open, needed_by
from staycurve.interfaces.web.pages import every_page
from staycurve.interfaces.web.site import Site
from staycurve.permissions import ROLES, Permission
from staycurve.state.sessions import form_token
from staycurve.workspace import Company
from tests.access.conftest import (
    FROM_HERE,
    PASSWORD,
    PERSONAL,
    Come,
    browser,
    log_in,
    token_of,
)

ACCOUNT, METRIC = "acme", "mrr"
OF_PARAMETERS = {"account": ACCOUNT, "metric": METRIC, "q": "z"}


def address_of(path: str) -> str:
    """An address of a route, with a name in its place."""
    for place in ("{account:path}", "{account}"):
        path = path.replace(place, ACCOUNT)
    return path.replace("{name}", METRIC)


PAGES = sorted({address_of(page.address): page for page in every_page()}.items())
INSIGHT_ADDRESSES = sorted(
    f"/api/v1/{one.name.replace(' ', '/')}?" + "&".join(
        f"{arg.outward}={OF_PARAMETERS.get(arg.outward, 'report')}"
        for arg in one.arguments if arg.is_required
    )
    for _name, one in INSIGHTS.items()
)


def routes(app: object) -> list[tuple[str, str, Route]]:
    """(method, path, route) of every route of an application."""
    assert isinstance(app, FastAPI)
    found: list[tuple[str, str, Route]] = []

    def gather(several: list[object]) -> None:
        for route in several:
            if isinstance(route, Route | APIRoute):
                found.extend((m, route.path, route) for m in route.methods or () if m != "HEAD")
            gather(list(getattr(route, "routes", ()) or ()))

    gather(list(app.routes))
    return found


def test_nobody_sees_nothing(app: object) -> None:
    nobody = browser(app)
    asked = [(address, "text/html") for address, _page in PAGES]
    asked += [(f"{address.rstrip('/') or '/index'}.json", "*/*") for address, _page in PAGES]
    asked += [(f"{address}?format=csv", "*/*") for address, _page in PAGES]
    asked += [(address, "*/*") for address in INSIGHT_ADDRESSES]
    asked += [("/api/openapi.json", "*/*"), ("/metrics", "*/*"), ("/nothing-here", "*/*")]
    assert len(asked) > 100
    for address, wants in asked:
        answer = nobody.get(address, headers={"Accept": wants})
        if wants == "text/html":
            assert answer.status_code == 303, address
            assert answer.headers["location"].startswith("/login?next=")
        else:
            assert answer.status_code == 401, address
            assert answer.json()["error"]["code"] == "not_signed_in"


def test_every_route_that_is_not_open_refuses_nobody(app: object) -> None:
    nobody, asked = browser(app), 0
    for method, path, _route in routes(app):
        address = address_of(path).replace("{rest:path}", "x")
        if is_open(address):
            continue
        answer = nobody.request(method, address, headers={"Content-Type": "application/json"})
        assert answer.status_code in (303, 401), (method, path)
        asked += 1
    assert asked > 100


def test_no_page_twin_sheet_or_route_shows_personal_data(come: Come) -> None:
    client = come("analyst")
    pages = [(address, page) for address, page in PAGES if page.permission is Permission.READ]
    # Page, twin and sheet are drawn from one answer: all twins, and pages that name people.
    naming = ("account", "search", "satisfaction", "data", "lead", "user", "overview/ten")
    asked = [address for address, _page in pages if any(word in address for word in naming)]
    assert len(asked) > 10
    asked += [f"{address.rstrip('/') or '/index'}.json" for address, _page in pages]
    asked += [f"{address}?format=csv" for address, _page in PAGES if "account" in address]
    asked += INSIGHT_ADDRESSES
    asked += [
        f"{address}&format=csv" for address in INSIGHT_ADDRESSES if "user" in address
    ]
    asked += [
        "/search.json?q=zelda", "/search.json?q=zelda&kind=user",
        "/api/v1/search?q=zelda&kind=user",
        "/api/v1/metrics/customers?by=contact_email", "/?where=contact_email%3Dboss%40acme.example",
        "/api/v1/usage/trends?events=report&by=property:email",
        "/api/v1/metrics/customers/accounts?period=2024-01&where=contact_email%3Dboss",
    ]
    for address in asked:
        answer = client.get(address)
        assert answer.status_code < 500, (address, answer.text[:300])
        assert answer.status_code != 403 or "by=property" in address, address
        # What was asked for may be repeated; what is loaded may not be told.
        told = answer.text.replace("boss@acme.example", "", 2) if "boss" in address else answer.text
        found = [word for word in PERSONAL if word in told]
        assert found == ([] if "zelda" not in address else [
            word for word in found if word == "zelda"]), address


def test_who_may_see_personal_data_does(come: Come) -> None:
    for role in ("operator", "admin"):
        told = come(role).get("/api/v1/account/users?account=acme").json()
        (row,) = told["rows"]
        assert (row["user_id"], row["email"]) == ("u-zelda", "zelda@acme.example")
        sheet = come(role).get("/api/v1/account/users?account=acme&format=csv").text
        assert "Zelda Zimmer" in sheet
        assert "zelda@acme.example" in come(role).get("/search.json?q=zelda").text
    (row,) = come("analyst").get("/api/v1/account/users?account=acme").json()["rows"]
    assert row["user_id"].startswith("user-")
    assert (row["name"], row["email"]) == ("•••", "•••")


def test_what_one_role_was_shown_is_not_kept_for_another(come: Company) -> None:
    # Pages and findings are remembered: what the operator asked first, the viewer asks second.
    for address in ("/accounts/acme", "/accounts/acme.json", "/search.json?q=zimmer"):
        first = come("operator").get(address).text  # type: ignore[operator]
        second = come("viewer").get(address).text  # type: ignore[operator]
        assert any(word in first for word in PERSONAL)
        assert not any(word in second for word in PERSONAL)


@pytest.mark.parametrize("role", ROLES)
def test_pages_are_for_those_who_may(come: Come, role: str) -> None:
    client = come(role)
    guarded = [one for one in PAGES if one[1].permission is not Permission.READ]
    assert {"/audit", "/people"} <= {address for address, _page in guarded}
    for address, page in (*guarded, ("/views", None)):
        is_allowed = page is None or page.permission in ALLOWS[role]
        for asked in (address, f"{address}.json", f"{address}?format=csv"):
            status = client.get(asked, headers={"Accept": "text/html"}).status_code
            assert status == (200 if is_allowed else 403), asked
    listed = client.get("/views").text
    assert ('href="/people"' in listed) == (role == "admin")


@pytest.mark.parametrize("role", ROLES)
def test_changes_are_for_those_who_may(app: object, come: Come, role: str) -> None:
    client, asked = come(role), 0
    token = token_of(client)
    by_page = {page.address: page for page in every_page() if page.takes_forms}
    for method, path, route in routes(app):
        address = address_of(path).replace("{view}", "99").replace("{goal}", "99")
        address = address.replace("{annotation}", "99")
        if method == "GET" or is_open(address) or address == "/logout":
            continue
        page = by_page.get(path.removesuffix(".json"))
        need = page.changes if page else needed_by(route.endpoint, method)
        headers = {"X-CSRF-Token": token, "Sec-Fetch-Site": "same-origin"}
        answer = (
            client.post(address, data={"csrf": token, "do": "nothing"}, headers=headers) if page
            else client.request(method, address, json={}, headers=headers)
        )
        is_refused = answer.status_code == 403
        assert is_refused == (need not in ALLOWS[role]), (method, path, answer.text[:200])
        asked += 1
    assert asked > 8


def test_only_known_kinds_of_routes_change_something(app: object) -> None:
    # A route that goes past pages, routers and open addresses would be checked by nobody.
    found = 0
    for method, path, route in routes(app):
        if method == "GET" or is_open(address_of(path)) or path == "/logout":
            continue
        is_page = getattr(route.endpoint, "__qualname__", "").startswith(Site.__name__)
        assert is_page or isinstance(route, APIRoute), path
        if isinstance(route, APIRoute):
            names = [getattr(one.call, "__name__", "") for one in route.dependant.dependencies]
            assert "permitted" in names, path
        found += 1
    assert found > 8


@pytest.mark.parametrize("headers", [
    {}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"},
])
def test_a_form_from_elsewhere_changes_nothing(
    come: Come, company: Company, headers: dict[str, str]
) -> None:
    client = come("admin")
    data = {"do": "save", "name": "stolen", "address": "/", "csrf": token_of(client)}
    assert client.post("/views", data=data, headers=headers).status_code >= 400
    assert company.state.views() == ()


def test_a_form_without_the_token_of_its_session_changes_nothing(
    app: object, come: Come, company: Company
) -> None:
    client, other = come("admin"), browser(app)
    log_in(other, "admin@acme.example")
    data = {"do": "save", "name": "stolen", "address": "/"}
    for token in (None, "", "0" * 64, token_of(other), "é"):
        sent = data if token is None else data | {"csrf": token}
        assert client.post("/views", data=sent, headers=FROM_HERE).status_code == 400
        answer = client.post(
            "/api/v1/views", json={"name": "stolen", "address": "/"},
            headers={"Sec-Fetch-Site": "same-origin"} | (
                {"X-CSRF-Token": token} if token and token.isascii() else {}),
        )
        assert answer.status_code == 400
    assert company.state.views() == ()
    own = client.post("/views", data=data | {"csrf": token_of(client)}, headers=FROM_HERE)
    assert own.status_code == 303
    company.state.delete_view(company.state.views()[0].id)


def test_every_form_of_every_page_carries_the_token(come: Come) -> None:
    client, found = come("admin"), 0
    token = token_of(client)
    # Every page is dressed in one place, so pages with forms of their own are enough.
    for address in ("/metrics/mrr", *(one for one, page in PAGES if page.takes_forms)):
        html = client.get(address, headers={"Accept": "text/html"}).text
        for form in re.findall(r'<form\b[^>]*method="post".*?</form>', html, re.S | re.I):
            assert f'name="csrf" value="{token}"' in form, address
            found += 1
    assert found > 10


@pytest.mark.parametrize("cookie", [
    "", "x", "0" * 43, "A" * 5000, "' OR 1=1 --", "é", "..", "%00",
])
def test_a_forged_session_opens_nothing(app: object, cookie: str) -> None:
    nobody = browser(app)
    value = cookie.encode("utf-8").decode("latin-1")
    answer = nobody.get("/index.json", headers={"Cookie": f"staycurve={value}".encode("latin-1")})
    assert answer.status_code == 401


def test_the_digest_of_a_session_is_no_session(app: object, company: Company) -> None:
    from sqlalchemy import text

    client = browser(app)
    log_in(client, "admin@acme.example")
    own = client.cookies["staycurve"]
    with company.state.database.reading() as session:
        kept = [row[0] for row in session.execute(text("SELECT digest FROM sessions"))]
    assert kept
    assert own not in kept
    for forged in (*kept, form_token(own)):
        answer = browser(app).get("/index.json", headers={"Cookie": f"staycurve={forged}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("path", [
    "/static/../people", "/static/..%2fpeople", "/static/%2e%2e/people", "//people",
    "/healthz/../people", "/login/../people", "/password/../people.json", "/PEOPLE",
    "/people/", "/people;x=/static/", "/s/../people.json", "/people%00/static/",
    "/chartmogul/v1/../../people.json", "/static/..%5c..%5capp.db", "/static/%2e%2e%2fapp.db",
])
def test_paths_that_pretend_lead_nowhere(app: object, path: str) -> None:
    import httpx

    # The client would tidy the path up: it is sent as it is.
    client = browser(app)
    request = client.build_request("GET", "http://testserver/")
    request.url = httpx.URL("http://testserver").copy_with(raw_path=path.encode())
    answer = client.send(request)
    assert answer.status_code in (303, 307, 401, 404, 405, 410), path
    assert "admin@acme.example" not in answer.text


def test_a_host_that_is_not_ours_is_refused(company: Company) -> None:
    from staycurve.interfaces.api.app import create_app

    client = browser(create_app(company, hosts={"localhost"}))
    for host in ("evil.example", "localhost.evil.example", "localhost@evil.example", ""):
        assert client.get("/login", headers={"Host": host}).status_code == 421
    forwarded = {"Host": "localhost", "X-Forwarded-Host": "evil.example"}
    answer = client.get("/index.json", headers=forwarded)
    assert answer.status_code == 401
    assert "evil" not in answer.text


def test_a_key_opens_what_its_scope_says(app: object, company: Company) -> None:
    def asked(scope: str, address: str) -> int:
        key = company.state.create_key(scope)[1]
        return browser(app).get(address, headers={"Authorization": f"Bearer {key}"}).status_code

    for scope in ("ingest", "chartmogul"):
        assert asked(scope, "/api/v1/metrics") == 403
        assert asked(scope, "/people.json") == 403
    for role in ROLES:
        assert asked(role, "/api/v1/metrics") == 200
        status = 200 if role == "admin" else 403
        assert asked(role, "/people.json") == status
    # Roles' keys send no events, and ask nothing in ChartMogul's place.
    key = company.state.create_key("admin")[1]
    sent = browser(app).post("/v1/track", json={"writeKey": key, "event": "x", "userId": "u"})
    assert sent.status_code == 401
    assert browser(app).get("/chartmogul/v1/customers", auth=(key, "")).status_code == 401


def test_a_key_that_was_revoked_opens_nothing_at_once(app: object, company: Company) -> None:
    made, key = company.state.create_key("viewer")
    headers = {"Authorization": f"Bearer {key}"}
    assert browser(app).get("/api/v1/metrics", headers=headers).status_code == 200
    company.state.revoke_key(str(made.id))
    assert browser(app).get("/api/v1/metrics", headers=headers).status_code == 401
    for wrong in ("Bearer", "Bearer x", f"Bearer {key}x", f"Bearer {'x' * 10_000}"):
        answer = browser(app).get("/api/v1/metrics", headers={"Authorization": wrong})
        assert answer.status_code == 401


def test_a_key_changes_with_its_role_and_needs_no_token(app: object, company: Company) -> None:
    sent = {"name": "by a program", "address": "/"}
    for role, status in (("viewer", 403), ("analyst", 201)):
        key = company.state.create_key(role)[1]
        headers = {"Authorization": f"Bearer {key}"}
        answer = browser(app).post("/api/v1/views", json=sent, headers=headers)
        assert answer.status_code == status
    entry = company.state.audit()[0]
    assert (entry.what, entry.who) == ("view.saved", f"key {key.rsplit('_', 1)[0][:12]}_…")
    company.state.delete_view(company.state.views()[0].id)


def test_a_role_that_is_taken_away_is_gone_at_once(app: object, company: Company) -> None:
    # Another process may take it away: the project is opened a second time.
    person = company.state.people.add("passing@acme.example", "admin", password=PASSWORD)
    client = browser(app)
    log_in(client, person.email)
    assert client.get("/people.json").status_code == 200
    with Company(company.folder, clock=company.clock) as other:
        other.state.people.set_role(person.email, "viewer")
    assert client.get("/people.json").status_code == 401
    log_in(client, person.email)
    assert client.get("/people.json").status_code == 403
    assert client.get("/index.json").status_code == 200
    with Company(company.folder, clock=company.clock) as other:
        other.state.people.disable(person.email)
    assert client.get("/index.json").status_code == 401
    wrong = {"email": person.email, "password": PASSWORD}
    assert client.post("/login", data=wrong, headers=FROM_HERE).status_code == 401


def test_permissions_grow_with_roles() -> None:
    for less, more in itertools.pairwise(ROLES):
        assert ALLOWS[less] < ALLOWS[more]
    assert Permission.PERSONAL not in ALLOWS["analyst"]
