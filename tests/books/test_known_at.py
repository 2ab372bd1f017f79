"""--known-at: the answer that was given then."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id starts_at ends_at amount\n"


def test_a_later_load_does_not_change_what_was_known(books: Bookkeeper) -> None:
    # Loads at 01:00, 02:00 and an undo at 03:00.
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-03-01 10")
    first = books.company.show("mrr", "customers").as_dict()
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-05-01 12")
    second = books.company.show("mrr", "customers").as_dict()
    books.undo()
    books.now += dt.timedelta(hours=1)
    for hour, expected in ((1, first), (2, second), (3, first)):
        known = books.company.show("mrr", "customers", known_at=f"2026-01-01T0{hour}:30:00Z")
        assert known.as_dict() == expected
    # The end of what was loaded was the last day known then: no --as-of is needed.
    assert first["as_of"] == "2024-03-02T00:00:00+00:00"


def test_accounts_and_cohorts_are_those_known_then(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-03-01 10")
    books.load(subscriptions=HEAD + "s2 b 2024-01-01 2024-03-01 20")
    at = "2026-01-01T01:30:00Z"
    then = books.company.accounts("mrr", period="2024-01", known_at=at)
    assert then.rows == [
        {"account_id": "a", "value": 10.0, "name": None, "plan": None, "owner": None}
    ]
    sizes = [
        books.company.cohort(known_at=known)["rows"][0]["size"] for known in (at, None)
    ]
    assert sizes == [1, 2]


def test_other_conventions_are_said(books: Bookkeeper, tmp_path: Path) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-03-01 10")
    path = tmp_path / "project" / "staycurve.toml"
    path.write_text(path.read_text().replace("[conventions]", '[conventions]\npaused = "keep"'))
    with Company(tmp_path / "project", clock=lambda: books.now) as ours:
        notes = ours.show("mrr", known_at="2026-01-01T01:00:00Z").notes
    assert any("The configuration has changed since" in note for note in notes)


def test_an_instant_without_an_answer(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 2024-03-01 10")
    with pytest.raises(NotAnsweredError, match="Nothing had been loaded by"):
        books.company.show("mrr", known_at="2025-12-31")
    with pytest.raises(NotAnsweredError, match="has not come yet"):
        books.company.show("mrr", known_at="2026-02-01")
