"""Eight questions that people come with: each is answered within three clicks of Overview.

No script runs here: what is followed are plain links and the plain form of the search box.
"""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from fastapi.testclient import TestClient

from tests.web.reading import links


class Visitor:
    """Somebody who begins at Overview, follows links, and counts how many."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.clicks = -1
        self.at = self.page = ""
        self._open("/")

    def click(self, text: str, to: str = "") -> Visitor:
        """Follow the first link that begins so and whose address matches `to`."""
        found = [
            one.href for one in links(self.page)
            if one.text.startswith(text) and re.search(to, one.href)
        ]
        assert found, (self.at, text, to)
        return self._open(found[0].split("#")[0])

    def search(self, words: str) -> Visitor:
        """Send the search box of the header."""
        assert re.search(r'role="search" method="get" action="/search"', self.page)
        return self._open(f"/search?q={words}")

    def _open(self, address: str) -> Visitor:
        answer = self._client.get(address)
        assert answer.status_code == 200, address
        self.clicks, self.at, self.page = self.clicks + 1, address, answer.text
        return self

    def panel(self, name: str) -> str:
        """What a panel of the page says."""
        begin = self.page.index(f'id="{name}" aria-labelledby="{name}-title"')
        inside = self.page[begin:self.page.index("</section>", begin)]
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inside)).split())


@pytest.fixture
def visitor(asker: TestClient) -> Visitor:
    return Visitor(asker)


def test_why_did_net_new_mrr_fall_in_a_month(visitor: Visitor) -> None:
    visitor.click("Net new MRR", "^/metrics/").click("▼", "to=2024-05-01")
    # Nothing is new in May, and four accounts grow in April.
    assert "from 2024-04 to 2024-05" in visitor.panel("changed")
    assert "Contribution" in visitor.panel("changed")
    assert visitor.clicks <= 3


def test_who_were_the_largest_customers_lost_in_a_quarter_and_why(visitor: Visitor) -> None:
    visitor.click("Quarters").click("Churn, Q2 2024", "^/accounts")
    told = visitor.panel("rows")
    assert "End reason" in told
    assert "too expensive" in told
    assert visitor.clicks <= 3


def test_who_should_be_sold_more(visitor: Visitor) -> None:
    visitor.click("Behaviour").click("Features")
    # The last closed month has nobody left on the plan that has a limit.
    assert "limit" in visitor.panel("limits").lower()
    assert visitor.clicks <= 3


def test_which_trials_convert_best(visitor: Visitor) -> None:
    visitor.click("Behaviour").click("Trials")
    assert "With a card" in visitor.panel("cards")
    assert "Without a card" in visitor.panel("cards")
    assert visitor.clicks <= 3


def test_an_account_is_found_and_everything_of_it_seen(visitor: Visitor) -> None:
    visitor.search("Account 4").click("Account 4", "^/accounts/a4")
    assert "Account a4" in visitor.panel("who")
    told = visitor.panel("timeline")
    assert all(kind in told for kind in ("Plans", "Payments", "Tickets", "Answers", "Stages"))
    assert visitor.clicks <= 3


def test_net_revenue_retention_is_explained_to_a_board(visitor: Visitor) -> None:
    visitor.click("Net revenue retention", "^/metrics/nrr")
    assert "New accounts do not count" in visitor.panel("definition")
    assert visitor.clicks <= 3


def test_mrr_by_plan_goes_to_a_sheet(visitor: Visitor) -> None:
    visitor.click("MRR", "^/metrics/mrr").click("Show", "panel=segments").click(
        "wide CSV", "panel=segments"
    )
    lines = list(csv.reader(io.StringIO(visitor.page.lstrip("\ufeff"))))
    assert {"Basic", "Pro"} <= {cell for line in lines for cell in line}
    assert visitor.clicks <= 3


def test_is_the_churn_of_one_region_worse_than_chance_explains(visitor: Visitor) -> None:
    visitor.click("Customer churn rate", "^/metrics/").click("Show", "panel=compared").click(
        "Region", "panel=compared"
    )
    told = visitor.panel("compared")
    assert all(said in told for said in ("North", "South", "Statistically significant"))
    assert visitor.clicks <= 3
