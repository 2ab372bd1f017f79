"""Every address refuses a parameter that it does not know, and names the nearest that it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from staycurve.interfaces.web.pages import every_page
from tests.questions.test_every_address import operations
from tests.questions.whole_company import GIVEN, filled

WRONG = {"industri": "EdTech", "end_clas": "voluntary", "segmen": "smb"}
OTHER = {
    # Address that is neither a page nor of the API: why it may be asked with anything.
    "/healthz": "asked by machines, some of which add a number against caches",
    "/readyz": "the same", "/metrics": "the same",
    "/s/{token}": "a link of a mail, to which mail programs add what they like",
    "/s/{token}/unsubscribe": "the same",
    "/login": "a form for people who are not known yet", "/login/provider": "the same",
    "/login/provider/back": "a provider adds what it likes",
    "/password/{link}": "a link of a mail",
    "/alerts/{alert}": "nothing has opened one here: tests/work asks",
    "/alerts/{alert}.json": "the same",
    "/static/{name}": "a file", "/favicon.ico": "a file", "/api/openapi.json": "a file",
}


@dataclass(frozen=True)
class Address:
    """One place to ask, the least that it needs, and the names that it is known to take."""

    path: str
    least: dict[str, Any]
    names: frozenset[str]


def routes(client: TestClient) -> set[str]:
    """Addresses of pages and their twins, as the application lists them."""
    app = client.app
    assert isinstance(app, FastAPI)
    found = {
        route.path for route in app.routes
        if "GET" in (getattr(route, "methods", None) or ()) and hasattr(route, "path")
    }
    assert set(OTHER) <= found
    # What speaks as ChartMogul does takes what its clients send.
    found = {path for path in found if not path.startswith("/chartmogul/")}
    return found - set(OTHER)


def pages(client: TestClient) -> Iterator[Address]:
    """Every page as HTML, as JSON and as CSV."""
    known = {page.address: page for page in every_page()}
    for path in sorted(routes(client)):
        page = known["/" if path in ("/.json", "/index.json") else path.removesuffix(".json")]
        least = {
            name: value for name, value in (GIVEN | {"step": "signed_up"}).items()
            if name in set(page.takes) and isinstance(value, str)
        } if page.takes else {}
        names = frozenset({*page.takes, *(("industry", "where") if page.can_be_cut else ())})
        address = filled(path)
        yield Address(address, least, names)
        if not path.endswith(".json"):
            yield Address(address, least | {"format": "csv"}, names)


def api(client: TestClient) -> Iterator[Address]:
    """Every address that the API declares."""
    for path, least, names in operations(client):
        yield Address(path, least, frozenset(name for name in names if f"/{name}" not in path))


def swallowed(client: TestClient, addresses: list[Address]) -> list[str]:
    """Addresses with a name that they do not know, and yet not the refusal that they owe."""
    found = []
    for one in addresses:
        # The longest of its own names, less its last letter, is nearest to that name.
        own = max(sorted(one.names), key=len, default="")
        cases = [*WRONG.items()] + ([(own[:-1], "x")] if len(own) > 4 else [])
        for name, value in cases:
            if name in one.names:
                continue
            answer = client.get(
                one.path, params={**one.least, name: value}, headers={"accept": "application/json"}
            )
            right = next((known for known in one.names if known[:-1] == name), "")
            if not refuses(answer.status_code, answer.text, name=name, right=right):
                found.append(f"{answer.status_code} {one.path} {name}")
    return found


def refuses(status: int, text: str, *, name: str, right: str) -> bool:
    """Is it an error of 422 that names the parameter, and the one that was meant?"""
    return status == 422 and '"error"' in text and name in text and f"'{right or name}'" in text


def test_what_a_refusal_is() -> None:
    told = '{"error": {"message": "Unknown parameter \'wher\'. Did you mean \'where\'?"}}'
    assert refuses(422, told, name="wher", right="where")
    assert not refuses(200, told, name="wher", right="where")
    assert not refuses(422, told, name="wher", right="wide")
    assert not refuses(422, told, name="segmen", right="")


def test_every_page_and_every_route_of_the_api_is_crawled(asker: TestClient) -> None:
    crawled = {one.path for one in pages(asker)}
    listed = [page for page in every_page() if page.address not in OTHER]
    assert len(listed) > 30
    for page in listed:
        path = filled(page.address)
        assert {path, "/.json" if path == "/" else f"{path}.json"} <= crawled
    assert len({one.path for one in api(asker)}) > 40


def test_every_page_refuses_an_unknown_parameter(asker: TestClient) -> None:
    assert swallowed(asker, [*pages(asker)]) == []


def test_every_route_of_the_api_refuses_an_unknown_parameter(asker: TestClient) -> None:
    assert swallowed(asker, [*api(asker)]) == []
