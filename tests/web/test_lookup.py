"""Routes that are looked up: the very ones that trying all of them in order gives."""

from __future__ import annotations

from fastapi.testclient import TestClient
from starlette.routing import Match, Route

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.lookup import Lookup
from staycurve.workspace import Company


def test_what_is_looked_up_is_what_trying_gives(company: Company) -> None:
    app = create_app(company)
    own, *others = app.router.routes
    assert isinstance(own, Lookup)
    plain = [one.path for one in others if isinstance(one, Route) and "{" not in one.path]
    assert len(plain) > 100
    found = 0
    for path in [*dict.fromkeys(plain), "/nothing-here", "/accounts/acme", "/api/v1/metrics"]:
        for method in ("GET", "POST"):
            scope = {"type": "http", "method": method, "path": path, "root_path": "",
                     "headers": []}
            tried = next(
                (one for one in others if one.matches(dict(scope))[0] is Match.FULL), None
            )
            for _ in range(2):
                match, child = own.matches(dict(scope))
                if match is Match.FULL:
                    assert child["staycurve.route"] is tried, (method, path)
                    assert child["endpoint"] is tried.endpoint
                else:
                    assert match is Match.NONE
                    assert not (isinstance(tried, Route) and tried.path == path), (method, path)
            found += match is Match.FULL
    assert found > 100


def test_it_answers_as_before(client: TestClient) -> None:
    for _ in range(2):
        assert client.get("/catalogue.json").json()["title"]
        assert client.head("/catalogue").status_code == 200
        # What a page does not take is told by its own route.
        assert client.put("/catalogue").status_code == 405
        assert client.get("/catalogue/", follow_redirects=False).status_code == 307
        assert client.get("/nothing-here").status_code == 404
    text = client.get("/metrics").text
    assert 'route="/catalogue",status="200"' in text
