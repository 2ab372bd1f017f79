"""Saved views on the pages: a form, a redirect, the navigation, and nobody else's forms."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.web import addresses
from staycurve.workspace import Company
from tests.state.served import ADDRESS, FROM_HERE, client_of, hidden, served
from tests.web.reading import links


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = served(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(company: Company) -> TestClient:
    return client_of(company)


def save(client: TestClient, name: str, address: str) -> str:
    """Save what a page shows, by its own form; where that leads."""
    (own,) = hidden(client.get(address).text, "address")
    data = {"do": "save", "address": unescape(own), "name": name}
    sent = client.post("/views", data=data, headers=FROM_HERE)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def test_a_page_is_saved_with_its_filters_and_range(client: TestClient, company: Company) -> None:
    address = "/?grain=quarter&from=2024-01&where=country=DE&cohort_as=count&plan=&page=3"
    leads = save(client, "Germany", address)
    assert leads == "/?grain=quarter&from=2024-01&cohort_as=count&where=country=DE"
    html = client.get(leads).text
    assert "Saved as" in html
    assert "<strong>Germany</strong>" in html
    assert not hidden(html, "address")
    (named,) = [link for link in links(html) if link.text == "Germany"]
    assert named.href == leads
    assert f'href="{leads.replace("&", "&amp;")}" aria-current="page">Germany' in html
    assert company.state.audit()[0].what == "view.saved"


def test_every_page_lists_the_views_and_offers_to_save(client: TestClient) -> None:
    save(client, "One", "/metrics/mrr?from=2024-02")
    for address in ("/", "/metrics/mrr", "/cohorts", "/lifecycle", "/value", "/acquisition",
                    "/trials", "/activation", "/accounts?metric=mrr&period=2024-03"):
        html = client.get(address).text
        assert [x.href for x in links(html) if x.text == "One"] == ["/metrics/mrr?from=2024-02"]
        assert len(hidden(html, "address")) == 1, address
    for address in ("/usage", "/features"):
        # Nothing is loaded that they could show: there is nothing to save.
        html = client.get(address).text
        assert [x.href for x in links(html) if x.text == "One"] == ["/metrics/mrr?from=2024-02"]
        assert not hidden(html, "address"), address
    for address in ("/views", "/annotations", "/books"):
        assert not hidden(client.get(address).text, "address")


def test_a_page_in_memory_shows_a_view_that_came_later(client: TestClient) -> None:
    first = client.get("/cohorts")
    save(client, "Later", "/")
    second = client.get("/cohorts", headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert "Later" in second.text


def test_views_are_renamed_and_deleted_on_their_page(
    client: TestClient, company: Company
) -> None:
    save(client, "One", "/cohorts")
    (view,) = company.state.views()
    data = {"do": "rename", "id": str(view.id), "name": "Uno"}
    sent = client.post("/views", data=data, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/views?done=renamed")
    html = client.get("/views?done=renamed").text
    assert 'role="status">The view was renamed.' in html
    assert "Yes, delete “Uno”" in html
    assert [row["name"] for row in client.get("/views.json").json()["panels"][0]["rows"]] == [
        "Uno"
    ]
    sent = client.post("/views", data={"do": "delete", "id": str(view.id)}, headers=FROM_HERE)
    assert (sent.status_code, sent.headers["location"]) == (303, "/views?done=deleted")
    assert "No view is saved yet" in client.get("/views").text
    assert [one.what for one in company.state.audit()] == [
        "view.deleted", "view.renamed", "view.saved",
    ]


def test_what_is_wrong_stands_beside_what_was_typed(client: TestClient, company: Company) -> None:
    save(client, "One", "/cohorts")
    data = {"do": "save", "name": "One", "address": "/metrics/mrr?from=2024-02"}
    sent = client.post("/views", data=data, headers=FROM_HERE)
    assert sent.status_code == 422
    assert "Another view is named &#39;One&#39;." in sent.text
    assert 'value="One" required' in sent.text
    assert hidden(sent.text, "address") == ["/metrics/mrr?from=2024-02"]
    assert len(company.state.views()) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"do": "save", "name": "x", "address": "//elsewhere.example/"},
        {"do": "save", "name": "x", "address": "https://elsewhere.example/"},
        {"do": "save", "name": "x", "address": "/\\elsewhere.example"},
        {"do": "save", "name": "x", "address": "javascript:alert(1)"},
        {"do": "save", "name": "x", "address": "/nowhere"},
        {"do": "save", "name": "x", "address": "/metrics/nnr"},
        {"do": "save", "name": "x", "address": "/api/v1/metrics"},
        {"do": "save", "name": "x", "address": "/?where=colour=red"},
        {"do": "save", "name": "x", "address": "/books?where=plan=Pro"},
        {"do": "save", "name": "x", "address": "/?where=" + "x" * 5000},
        {"do": "save", "name": "", "address": "/"},
        {"do": "save", "name": "x"},
        {"do": "rename", "id": "7", "name": "x"},
        {"do": "delete", "id": "1; DROP TABLE views"},
        {"do": "delete"},
        {"do": "explode"},
        {},
    ],
)
def test_what_cannot_be_kept_is_refused(
    client: TestClient, company: Company, data: dict[str, str]
) -> None:
    sent = client.post("/views", data=data, headers=FROM_HERE)
    assert sent.status_code in (404, 422)
    assert 'role="alert"' in sent.text
    assert company.state.views() == ()
    assert company.state.audit() == ()


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("address", ["/views", "/annotations"])
def test_a_form_from_elsewhere_changes_nothing(
    client: TestClient, company: Company, address: str, headers: dict[str, str]
) -> None:
    data = {"do": "save", "name": "x", "address": "/"}
    if address == "/annotations":
        data = {"do": "add", "day": "2024-02-01", "text": "x"}
    sent = client.post(address, data=data, headers=headers)
    assert sent.status_code == 400
    assert sent.json()["error"]["code"] == "foreign_form"
    assert company.state.audit() == ()
    sent = client.post(address, data=data, headers={"Origin": ADDRESS})
    assert sent.status_code == 303
    assert len(company.state.audit()) == 1


def test_names_are_never_markup(client: TestClient, company: Company) -> None:
    name = '"><script>alert(1)</script>'
    save(client, name, "/cohorts")
    data = {"do": "add", "day": "2024-02-10", "text": name, "author": name}
    assert client.post("/annotations", data=data, headers=FROM_HERE).status_code == 303
    for address in ("/", "/views", "/annotations", "/metrics/mrr", "/cohorts"):
        html = client.get(address).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert" in html


def test_an_address_is_written_as_its_page_writes_it(company: Company) -> None:
    assert addresses.kept(company, "/metrics/mrr") == ("/metrics/mrr", "")
    assert addresses.kept(company, "/?plan=Pro&grain=month&panel=x&format=csv#y") == (
        "/", "where=plan=Pro"
    )


def test_pages_stand_without_app_state(client: TestClient, company: Company) -> None:
    save(client, "One", "/cohorts")
    (company.folder / "app.db").write_bytes(b"damaged" * 200)
    for address in ("/", "/metrics/mrr", "/views"):
        shown = client.get(address)
        assert shown.status_code == 200
        assert "cannot be read now. The numbers do not depend on them." in shown.text
        assert not hidden(shown.text, "address")
    assert client.get("/metrics/mrr.json").json()["panels"][1]["rows"]
    data = {"do": "save", "name": "x", "address": "/"}
    sent = client.post("/views", data=data, headers=FROM_HERE)
    assert sent.status_code == 503
    assert "is damaged" in sent.text
    assert client.get("/api/v1/views").json()["error"]["code"] == "state"
    assert client.get("/api/v1/metrics/mrr").status_code == 200
