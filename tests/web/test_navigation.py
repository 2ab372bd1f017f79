"""The navigation: groups in their order, and where a page stands in it."""

from __future__ import annotations

from fastapi.testclient import TestClient

from staycurve.interfaces.web.page import Group
from staycurve.interfaces.web.pages import every_page
from tests.web.reading import links


def navigation(html: str) -> list[str]:
    top = html[html.index("<nav") : html.index("</nav>")]
    return [link.text for link in links(top)]


def test_groups_stand_in_order_and_pages_under_their_own(client: TestClient) -> None:
    listed = [page for page in every_page() if page.is_listed]
    groups = [group.value for group in Group if any(page.group is group for page in listed)]
    for address, group in (("/", Group.REVENUE), ("/books", Group.BOOKS)):
        shown = navigation(client.get(address).text)
        assert shown[: len(groups)] == groups
        own = [page.title for page in listed if page.group is group]
        assert shown[len(groups) :] == (own if len(own) > 1 else [])


def test_the_page_and_its_group_are_marked(client: TestClient) -> None:
    html = client.get("/reconcile?as_of=2024-04-01").text
    assert '<a href="/reconcile?as_of=2024-04-01" aria-current="page">Reconcile</a>' in html
    assert 'aria-current="true">Books</a>' in html


def test_every_listed_page_can_be_reached(client: TestClient) -> None:
    listed = [page for page in every_page() if page.is_listed]
    assert len(listed) > 10
    for page in listed:
        html = client.get(page.address).text
        assert f'href="{page.address}"' in html or page.address == "/"


def test_an_error_has_the_groups(client: TestClient) -> None:
    html = client.get("/nothing", headers={"Accept": "text/html"}).text
    assert "Books" in navigation(html)
