"""Renewals: what is due when, whose it is, and what is not known; worked out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build
from tests.web.reading import links

AS_OF = "2024-05-01"
"""30 April 2024 is the last day seen: 30 days ahead is 30 May, 60 is 29 June, 90 is 29 July."""


def sub(account: str, amount: int, **more: Any) -> dict[str, Any]:
    return {"subscription_id": f"s-{account}", "account_id": account, "plan": "Pro",
            "amount": amount, "starts_at": "2023-05-01", **more}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("renewals") / "project", {
        "accounts": [
            {"account_id": "ann", "name": "Ann", "owner": "Zoe", "industry": "EdTech"},
            {"account_id": "ben", "name": "Ben", "owner": "Abe"},
            {"account_id": "cat", "owner": "Zoe"},
            *({"account_id": name} for name in ("dan", "eve", "fay", "gus")),
        ],
        "subscriptions": [
            # The last day of the first window, and a second item that renews later.
            sub("ann", 100, renews_at="2024-05-30"),
            sub("ann", 20, item_id="x", kind="addon", renews_at="2024-07-01"),
            # The day after it.
            sub("ben", 50, renews_at="2024-05-31", cancel_requested_at="2024-04-10",
                ends_at="2024-05-31"),
            # No renewal date, but an end that was asked for.
            sub("cat", 30, cancel_requested_at="2024-04-20", ends_at="2024-06-15"),
            # The day on which all is seen, and the past: neither is ahead.
            sub("dan", 7, renews_at="2024-04-30"),
            sub("eve", 8),
            sub("fay", 9, renews_at="2024-07-30"),
            # A request that comes after what is seen.
            sub("gus", 40, renews_at="2024-05-02", cancel_requested_at="2024-05-01T12:00:00"),
        ],
        "tickets": [{"ticket_id": "t", "account_id": "ann", "opened_at": "2024-04-01"}],
        "answers": [
            {"answer_id": f"n{score}", "survey": "q", "kind": "nps", "account_id": "ann",
             "score": score, "answered_at": day}
            for score, day in ((3, "2024-01-01"), (8, "2024-04-01"), (10, "2024-05-02"))
        ],
        "events": [{"event_id": "e", "account_id": "ann", "event": "report",
                    "occurred_at": "2024-04-28T10:00:00"}],
    })
    yield made
    made.close()


def test_each_renewal_stands_on_its_day_with_its_state(company: Company) -> None:
    found = company.account.renewals(as_of=AS_OF)
    assert [(row.account_id, str(row.renews_on), row.days, row.mrr, row.state)
            for row in found.rows] == [
        ("gus", "2024-05-02", 2, 40, "committed"),
        ("ann", "2024-05-30", 30, 100, "committed"),
        ("ben", "2024-05-31", 31, 50, "requested"),
        ("cat", "2024-06-15", 46, 30, "requested"),
        ("ann", "2024-07-01", 62, 20, "committed"),
    ]
    assert found.rows[2].cancel_requested_on == dt.date(2024, 4, 10)


def test_windows_and_owners_add_up(company: Company) -> None:
    found = company.account.renewals(as_of=AS_OF)
    assert [(one.days, one.accounts, one.mrr, one.committed_mrr, one.requested_mrr)
            for one in found.due] == [
        (30, 2, 140, 140, 0), (60, 4, 220, 140, 80), (90, 4, 240, 160, 80),
    ]
    assert [(one.owner, one.accounts, one.mrr, one.requested_mrr) for one in found.owners] == [
        (None, 1, 40, 0), ("Abe", 1, 50, 50), ("Zoe", 2, 150, 30),
    ]


def test_how_much_has_a_date_is_told(company: Company) -> None:
    found = company.account.renewals(as_of=AS_OF)
    # Of 264, the 7 and 8 of dan and eve have no date ahead.
    assert (found.known_mrr, found.mrr) == (249, 264)


def test_what_is_known_of_each_account(company: Company) -> None:
    rows = {(row.account_id, row.days): row for row in
            company.account.renewals(as_of=AS_OF).rows}
    ann, cat = rows["ann", 30], rows["cat", 46]
    assert (ann.name, ann.plan, ann.owner) == ("Ann", "Pro", "Zoe")
    assert (str(ann.last_active_on), ann.open_tickets, ann.nps) == ("2024-04-28", 1, 8)
    assert (cat.name, cat.last_active_on, cat.open_tickets, cat.nps) == (None, None, 0, None)


def test_it_is_narrowed_by_owner_state_days_and_segment(company: Company) -> None:
    def listed(**asked: Any) -> list[str]:
        return [row.account_id for row in company.account.renewals(as_of=AS_OF, **asked).rows]

    assert listed(owner="Zoe") == ["ann", "cat", "ann"]
    assert listed(state="requested") == ["ben", "cat"]
    assert listed(days=30) == ["gus", "ann"]
    assert listed(days=91) == ["gus", "ann", "ben", "cat", "ann", "fay"]
    assert listed(where="industry=EdTech") == ["ann", "ann"]


def test_no_dates_at_all_is_said(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {"subscriptions": [sub("ann", 10)]})
    found = company.account.renewals(as_of=AS_OF)
    assert (found.rows, found.due, found.known_mrr) == ((), (), 0)
    assert found.why == "no renewal date is known: subscriptions have neither renews_at nor a term"
    company.close()


def test_the_page_shows_the_same(company: Company) -> None:
    client = TestClient(create_app(company), raise_server_exceptions=False)
    twin = client.get(f"/renewals.json?as_of={AS_OF}").json()["panels"]
    answer = company.account.renewals(as_of=AS_OF).as_dict()
    assert twin[2]["rows"] == answer["rows"]
    assert twin[0]["rows"] == answer["due"]
    html = client.get(f"/renewals?as_of={AS_OF}").text
    assert "A renewal date is known for 94.3% of MRR." in html
    reached = {x.href for x in links(html)}
    assert f"/accounts/ann?as_of={AS_OF}" in reached
    assert f"/renewals?as_of={AS_OF}&owner=Zoe#calendar" in reached
    own = client.get(f"/renewals.json?as_of={AS_OF}&owner=Zoe&state=requested").json()["panels"]
    assert [row["account_id"] for row in own[2]["rows"]] == ["cat"]
    for wrong in ("days=0", "days=x", "state=gone"):
        assert client.get(f"/renewals?{wrong}").status_code == 422
