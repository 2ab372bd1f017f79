"""Whatever is asked, as whoever: no fault, no answer but those declared, nothing repeated as it is.

STAYCURVE_FUZZ=N draws N requests for each operation as each role; `make test-fuzz` does.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from staycurve.interfaces.access import is_open
from staycurve.interfaces.web.forms import DRAINED
from staycurve.interfaces.web.pages import every_page
from staycurve.permissions import ROLES
from staycurve.workspace import Company
from tests.access.conftest import Come, browser, token_of
from tests.access.fuzzing import MARK, TEXTS, drawn, faults_in, operations
from tests.access.test_intruder import address_of, routes

TIMES = int(os.environ.get("STAYCURVE_FUZZ", "0"))
SEED = int(os.environ.get("STAYCURVE_SEED", "15"))


@pytest.fixture(scope="module")
def document(app: object, company: Company) -> dict[str, Any]:
    key = company.state.create_key("viewer")[1]
    headers = {"Authorization": f"Bearer {key}"}
    found: dict[str, Any] = browser(app).get("/api/openapi.json", headers=headers).json()
    return found


@pytest.mark.parametrize("role", ["", *ROLES])
def test_every_operation_answers_as_it_declares(
    app: object, company: Company, document: dict[str, Any], role: str
) -> None:
    client, source = browser(app), random.Random(f"{SEED} {role}")
    if role:
        client.headers["Authorization"] = f"Bearer {company.state.create_key(role)[1]}"
    every = operations(document)
    if not TIMES:
        # An admin gets furthest, so asks for more.
        every = source.sample(every, len(every) // (3 if role == "admin" else 12))
    found: dict[str, list[str]] = {}
    asked = 0
    for operation in every * max(1, TIMES):
        one = drawn(operation, source)
        answer = client.request(one.method, one.address, content=one.body, headers=one.headers)
        asked += 1
        told = f"{one.method} {one.address[:300]} {(one.body or b'')[:300]!r}"
        if answer.status_code >= 500:
            found[told] = [answer.text[:300]]
        elif not role and not is_open(operation.path):
            if answer.status_code != 401:
                found[told] = [f"nobody got {answer.status_code}"]
        elif answer.headers.get("content-type", "").startswith("application/json"):
            wrong = list(faults_in(answer, operation))
            if wrong:
                found[told] = wrong[:3]
    assert asked >= len(every)
    assert found == {}


def hostile(source: random.Random, names: tuple[str, ...]) -> str:
    chosen = [source.choice(names) for _ in range(3)]
    return "&".join(
        f"{name}={quote(source.choice((MARK, *TEXTS)).encode('utf-8', 'surrogatepass'), safe='')}"
        for name in chosen
    )


def checked(answer: Any, address: str) -> list[str]:
    found = []
    if answer.status_code >= 500:
        found.append(f"{address[:300]}: {answer.status_code} {answer.text[:200]}")
    kind = answer.headers.get("content-type", "")
    if "<x-mark" in answer.text and kind.startswith("text/html"):
        found.append(f"{address[:300]}: repeats what was asked for")
    if answer.content and answer.headers.get("x-content-type-options") != "nosniff":
        found.append(f"{address[:300]}: may be taken for another kind")
    return found


def test_no_page_repeats_what_was_asked_for(come: Come) -> None:
    client, source, found = come("admin"), random.Random(SEED), []
    common = ("where", "by", "from", "to", "grain", "as_of", "panel", "format", MARK)
    pages = every_page()
    assert len(pages) > 50
    own = pages if TIMES else source.sample([page for page in pages if page.takes], 30)
    for page in own * max(1, TIMES):
        address = address_of(page.address)
        # Each parameter that a page knows once with the mark, and several with anything.
        names = (*page.takes, *common)
        asked = [f"{address}?{source.choice(names)}={quote(MARK)}",
                 f"{address}?{hostile(source, names)}"]
        for one in asked if TIMES else asked[:1]:
            answer = client.get(one, headers={"Accept": "text/html"})
            found += checked(answer, one)
    assert found == []
    for address in (f"/metrics/{quote(MARK, safe='')}", f"/accounts/{quote(MARK, safe='')}",
                    f"/{quote(MARK, safe='')}", f"/password/{quote(MARK, safe='')}",
                    f"/s/{quote(MARK, safe='')}", f"/login?next={quote(MARK, safe='')}"):
        assert checked(client.get(address, headers={"Accept": "text/html"}), address) == []


def test_no_form_is_a_fault_or_repeated_as_it_is(come: Come) -> None:
    client, source, found = come("admin"), random.Random(SEED), []
    token = token_of(client)
    pages = [page for page in every_page() if page.takes_forms]
    assert len(pages) > 5
    # What the forms of pages are called, and what none is.
    names = ("do", "id", "email", "role", "name", "text", "day", "metric", "person", "confirm",
             "address", "target", "owner", "reason", "note", "until", "file", "version", MARK)
    for page in pages * max(1, TIMES):
        address = address_of(page.address)
        for _ in range(3 if TIMES else 1):
            fields = {name: source.choice((MARK, *TEXTS)).encode("utf-8", "replace").decode()
                      for name in source.sample(names, 8)}
            if source.random() < 0.7:
                fields["do"] = source.choice(("add", "save", "role", "forget", "delete", "set"))
            answer = client.post(
                address, data={**fields, "csrf": token},
                headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"},
            )
            found += checked(answer, f"{address} {fields}"[:600])
    assert found == []


def test_no_address_reads_a_body_without_end(app: object, come: Come) -> None:
    client = come("admin")
    token, cookie = token_of(client), client.cookies["staycurve"]
    takes_files = {page.address for page in every_page() if page.takes_files}
    asked = 0
    for method, path, _route in routes(app):
        if method in ("GET", "OPTIONS") or path in takes_files:
            # Files of any size wait on disk.
            continue
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            read = sent_without_end(app, method, address_of(path), kind, cookie, token)
            assert read <= 2 * DRAINED, (method, path, kind, read)
            asked += 1
    assert asked > 30


def run(answering: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: a browser of other tests may hold this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, answering).result()


def sent_without_end(
    app: Any, method: str, path: str, kind: str, cookie: str, token: str
) -> int:
    """How many bytes an address reads before it answers, of a body that does not end."""
    chunk, read, statuses = b"a" * 65_536, 0, []
    headers = {
        "host": "testserver", "content-type": kind, "cookie": f"staycurve={cookie}",
        "x-csrf-token": token, "sec-fetch-site": "same-origin", "transfer-encoding": "chunked",
    }
    place = path.replace("{", "").replace("}", "")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": place, "raw_path": quote(place).encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 1),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        nonlocal read
        if statuses or read > 4 * DRAINED:
            return {"type": "http.disconnect"}
        read += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    run(app(scope, receive, send))
    assert statuses
    assert statuses[0] < 500, (method, path, statuses)
    return read
