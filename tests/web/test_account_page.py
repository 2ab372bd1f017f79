"""The page of one account, the search box, and the links that lead there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web.pages import every_page
from tests.company import build
from tests.insights.account_company import AS_OF, SETTINGS, TABLES
from tests.web.reading import links

HTML = {"Accept": "text/html"}
AT = f"?as_of={AS_OF}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("account_page")
    company = build(folder / "project", {
        **TABLES,
        "accounts": [*TABLES["accounts"], {"account_id": "a/b c?d#é", "name": "Odd id"}],
    }, end_reasons=SETTINGS)
    yield TestClient(create_app(company), raise_server_exceptions=False)
    company.close()


class _Cards(HTMLParser):
    """Figure → the texts on its card."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, str] = {}
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "li":
            self._name = given.get("data-figure") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self._name = ""

    def handle_data(self, data: str) -> None:
        if self._name and data.strip():
            said = self.cards.get(self._name, "")
            self.cards[self._name] = f"{said} {' '.join(data.split())}".strip()


def cards(html: str) -> dict[str, str]:
    reader = _Cards()
    reader.feed(html)
    return reader.cards


def panel(client: TestClient, address: str, name: str) -> dict[str, object]:
    path, _, query = address.partition("?")
    answer = client.get(f"{path}.json?{query}")
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.json()["panels"] if one["name"] == name)


def test_the_page_shows_the_figures_of_the_account(served: TestClient) -> None:
    html = served.get(f"/accounts/acme{AT}").text
    assert "<h1>Acme Inc</h1>" in html
    shown = cards(html)
    assert shown["mrr"] == "MRR 200.00 USD Pro"
    assert shown["tenure"] == "Tenure 4 months first paid 5 Jan 2024"
    assert shown["renewal"] == "Renewal 1 Sep 2024 cancellation requested 2 May 2024"
    assert shown["satisfaction"] == "Satisfaction 9 of 10 NPS, answered 1 Apr 2024"
    assert shown["usage"] == (
        "Last active 1 Jun 2024 active on 3 of the last 28 days; 2 open tickets"
    )
    assert "Works &lt;b&gt;well&lt;/b&gt;" in html
    assert "<b>well" not in html


def test_what_is_not_known_says_so_on_the_page(served: TestClient) -> None:
    shown = cards(served.get(f"/accounts/dune{AT}").text)
    assert shown["tenure"] == "Tenure – it has never paid"
    assert shown["renewal"] == "Renewal – it has no subscription in force"
    assert shown["satisfaction"] == "Satisfaction – it has answered no survey"
    assert shown["usage"].startswith("Last active – it has not used the product yet")
    assert cards(served.get(f"/accounts/bolt{AT}").text)["mrr"] == (
        "MRR 0.00 USD Voluntary churn on 15 Mar 2024, last on Basic"
    )


def test_the_twin_has_the_facts_and_every_panel(served: TestClient) -> None:
    twin = served.get(f"/accounts/acme.json{AT}").json()
    assert [one["name"] for one in twin["panels"]] == [
        "figures", "who", "subscriptions", "work", "plan", "pulse", "timeline", "notes", "health",
        "users", "features",
    ]
    facts = twin["panels"][0]["facts"]
    api = served.get("/api/v1/account/facts", params={"account": "acme", "as_of": AS_OF}).json()
    assert facts == api
    sheet = served.get(f"/accounts/acme{AT}&panel=timeline&format=csv").text
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert len(rows) == len(twin["panels"][6]["rows"]) > 10


def test_the_timeline_is_filtered_by_plain_parameters(served: TestClient) -> None:
    shown = panel(served, f"/accounts/acme{AT}&kind=ticket&kind=answer", "timeline")
    assert {row["kind"] for row in shown["rows"]} == {"ticket", "answer"}
    assert len(shown["rows"]) == 8
    html = served.get(f"/accounts/acme{AT}&kind=ticket").text
    # A kind that is on is taken out by its link, one that is off is added.
    kinds = {x.text.split()[0]: x.href for x in links(html) if "kinds" in x.inside}
    assert "kind=" not in kinds["Tickets"]
    assert "kind=payment&kind=ticket" in kinds["Payments"]
    march = panel(served, f"/accounts/acme{AT}&from=2024-03&to=2024-03", "timeline")
    assert {row["day"][:7] for row in march["rows"]} == {"2024-03"}
    for wrong in ("kind=tickets", "limit=0", "limit=x", "from=soon", "plan=Pro"):
        assert served.get(f"/accounts/acme?{wrong}").status_code == 422, wrong


def test_an_unknown_id_is_404_with_near_ids(served: TestClient) -> None:
    for address in ("/accounts/acmee", "/accounts/acmee.json"):
        answer = served.get(address, headers=HTML)
        assert answer.status_code == 404
        assert "Did you mean" in answer.text
        assert "Acme Inc" in answer.text
    answer = served.get("/api/v1/account/facts?account=acmee")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_account")


def test_any_id_has_a_page_that_its_links_reach(served: TestClient) -> None:
    html = served.get("/search?q=odd id").text
    [href] = [x.href for x in links(html) if "found-group" in x.inside]
    answer = served.get(href)
    assert "<h1>Odd id</h1>" in answer.text
    twin = next(x.href for x in links(answer.text) if x.text == "JSON")
    assert served.get(twin).json()["title"] == "Odd id"


def test_every_listed_account_leads_to_its_page(served: TestClient) -> None:
    listed = [
        f"/accounts?metric=mrr&period=2024-02&as_of={AS_OF}",
        f"/cohorts/months?month=2&as_of={AS_OF}",
        f"/lifecycle/accounts{AT}",
        f"/features/accounts?feature=board&period=2024-05&as_of={AS_OF}",
        f"/account/facts?account=acme&as_of={AS_OF}",
    ]
    for address in listed[:4]:
        found = [x.href for x in links(served.get(address).text) if "to" in x.inside
                 or x.href.startswith("/accounts/")]
        assert any(href.startswith("/accounts/") for href in found), address
        for href in found:
            assert served.get(href).status_code == 200
            assert f"as_of={AS_OF}" in href


def test_the_search_box_is_on_every_page(served: TestClient) -> None:
    pages = [page for page in every_page() if page.is_listed]
    assert len(pages) > 10
    for page in pages:
        html = served.get(page.address).text
        assert '<form class="search" role="search" method="get" action="/search">' in html
    assert 'action="/search"' in served.get("/nowhere", headers=HTML).text


def test_the_search_page_links_to_what_was_found(served: TestClient) -> None:
    html = served.get("/search?q=acme").text
    found = {x.href for x in links(html) if "found-group" in x.inside}
    assert {"/accounts/acme", "/accounts/acme-eu", "/accounts/acme#users"} <= found
    assert "/metrics/mrr" in {x.href for x in links(served.get("/search?q=mrr").text)}
    assert "/lifecycle" in {
        x.href for x in links(served.get("/search?q=lifecycle").text) if "found-group" in x.inside
    }
    rows = panel(served, "/search?q=acme", "found")["rows"]
    assert {row["id"] for row in rows if row["kind"] == "account"} == {"acme", "acme-eu"}
    assert "Nothing found for" in served.get("/search?q=zzzz").text
    assert served.get("/search").status_code == 200


def test_typing_fetches_the_results_alone(served: TestClient) -> None:
    answer = served.get("/search?panel=found&q=acme", headers={
        "HX-Request": "true", "HX-Target": "found"})
    assert answer.text.lstrip().startswith("<section")
    assert "hx-push-url" not in {name.lower() for name in answer.headers}
    assert "/accounts/acme" in answer.text
    assert "<h1>" not in answer.text


@pytest.mark.parametrize("text", [
    "%", "_", "'", '"', "<script>alert(1)</script>", "\\", "%00", "x" * 10_000, "{{7*7}}", "a&b",
])
def test_hostile_text_is_literal(served: TestClient, text: str) -> None:
    answer = served.get("/search", params={"q": text}, headers=HTML)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "Search: 49" not in answer.text
    shown = served.get("/search.json", params={"q": text}).json()["panels"][0]["rows"]
    names = [row["name"] for row in shown if row["kind"] == "account"]
    assert names == (["50%_Bolt's"] if text in "50%_Bolt's" else [])
