"""The state of a page: ranges asked for often, what is compared, and what goes along in links."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from tests.web.reading import links


def hrefs(html: str, css_class: str) -> dict[str, str]:
    """Text → address of the links in the element of a class."""
    start = html.index(f'class="{css_class}')
    end = min(html.index(tag, start) for tag in ("</nav>", "</div>") if tag in html[start:])
    return {link.text: link.href for link in links(html[start:end])}


def test_ranges_that_are_asked_for_often(client: TestClient) -> None:
    # The last day is 20 April 2024, so April is open.
    found = hrefs(client.get("/").text, "switch presets")
    assert found == {
        "Last 12 months": "/?from=2023-04-01&to=2024-03-01",
        "Year to date": "/?from=2024-01-01&to=2024-04-01",
        "Last quarter": "/?from=2024-01-01&to=2024-03-01",
    }
    for address in found.values():
        assert client.get(address).status_code == 200
    assert "Last quarter" not in hrefs(client.get("/?grain=quarter").text, "switch presets")


def test_figures_are_compared_with_the_period_before_or_a_year_ago(client: TestClient) -> None:
    def before(address: str) -> set[str | None]:
        panels = client.get(address).json()["panels"]
        rows = next(one["rows"] for one in panels if one["name"] == "figures")
        assert rows
        return {row["before_period"] for row in rows}

    assert before("/.json?to=2024-03") == {"2024-02-01"}
    # A year ago nobody paid yet.
    assert before("/.json?to=2024-03&compare=year") == {None}
    assert before("/.json?grain=week&to=2024-03-04") == {"2024-02-26"}


def test_an_unknown_comparison_is_refused_with_a_suggestion(client: TestClient) -> None:
    answer = client.get("/.json?compare=yaer")
    assert answer.status_code in (400, 404, 422)
    assert "year" in answer.json()["error"]["message"] + answer.json()["error"]["hint"]


def test_filters_range_and_comparison_stay_in_the_navigation(client: TestClient) -> None:
    html = client.get("/?from=2024-02&compare=year&where=plan=Pro").text
    shown = {link.text: link.href for link in links(html[html.index("<nav"):html.index("</nav>")])}
    assert shown["Cohorts"] == "/cohorts?from=2024-02&compare=year&where=plan=Pro"
    assert client.get(shown["Cohorts"]).status_code == 200
    # A page that looks at all accounts is offered without filters: it would refuse them.
    assert "where" not in shown["Data"]


@pytest.mark.parametrize(
    ("address", "above"),
    [
        ("/metrics/mrr?from=2024-02", {"Overview": "/?from=2024-02",
                                       "Metrics": "/catalogue?from=2024-02"}),
        ("/accounts?metric=mrr&period=2024-02", {"Overview": "/", "MRR": "/metrics/mrr"}),
        ("/cohorts/riskiest", {"Overview": "/", "Cohorts": "/cohorts"}),
        ("/cohorts", {"Overview": "/"}),
    ],
)
def test_a_page_says_what_leads_to_it(
    client: TestClient, address: str, above: dict[str, str]
) -> None:
    assert hrefs(client.get(address).text, "crumbs") == above


def test_the_overview_is_above_all_and_lists_what_is_on_it(client: TestClient) -> None:
    html = client.get("/").text
    assert 'class="crumbs"' not in html
    index = hrefs(html, "index")
    assert len(index) >= 6
    for anchor in index.values():
        assert f'id="{anchor.removeprefix("#")}"' in html
    assert 'class="index"' not in client.get("/catalogue").text


def test_a_page_offers_its_address_to_copy(client: TestClient) -> None:
    html = client.get("/?from=2024-02&where=plan=Pro").text
    (tag,) = re.findall(r'<a class="copy"[^>]*>', html)
    assert 'href="/?from=2024-02&amp;where=plan=Pro"' in tag


def test_a_part_brings_the_navigation_in_its_new_state(client: TestClient) -> None:
    part = client.get("/?from=2024-02", headers={"HX-Request": "true"}).text
    assert 'hx-swap-oob="true"' in part[part.index('<nav id="pages"'):][:120]
    assert 'href="/cohorts?from=2024-02"' in part
