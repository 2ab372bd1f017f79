"""undo: as if the load had never happened, except for what came later."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from staycurve.errors import LoadError, UnknownNameError
from staycurve.tables.pointer import undone_by
from tests.books.keeping import Bookkeeper
from tests.company import load
from tests.invariants.test_loading import split
from tests.oracle.companies import Seeded, company

HEAD = "subscription_id account_id starts_at ends_at amount\n"


def test_what_it_brought_goes_and_what_it_replaced_comes_back(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-01-01 - 20")
    before = books.state()
    books.load(subscriptions=HEAD + "s2 b 2024-01-01 - 25\ns3 c 2024-01-01 - 30")
    report = books.undo()[0]
    assert (report.load, report.removed, report.restored, report.kept) == (2, 1, 1, 0)
    assert books.state() == before
    assert [(r.kind, r.details.get("undoes")) for r in books.company.loads()] == [
        ("load", None), ("load", None), ("undo", 2),
    ]


def test_without_a_number_the_whole_last_command_goes(books: Bookkeeper) -> None:
    before = books.state()
    books.load(accounts="account_id name\na Acme", subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    assert [report.table for report in books.undo()] == ["subscriptions", "accounts"]
    assert books.state() == before
    with pytest.raises(LoadError, match="nothing to undo"):
        books.undo()


def test_undoing_twice_goes_two_loads_back_and_undoing_an_undo_goes_forward(
    books: Bookkeeper,
) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    first = books.state()
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 11")
    second = books.state()
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 12")
    books.undo()
    assert books.state() == second
    books.undo()
    assert books.state() == first
    books.undo(5)
    assert books.state() == second
    assert undone_by(books.company.loads()) == {3: 4, 5: 6}


def test_keys_that_a_later_load_changed_keep_the_later_rows(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 11\ns2 b 2024-01-01 - 20")
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 12")
    report = books.undo(2)[0]
    assert (report.removed, report.restored, report.kept) == (1, 0, 1)
    assert books.spans() == ["s1 2024-01-01 12"]
    # What load 2 had made of s1 does not come back with the next undo either.
    books.undo(3)
    assert books.spans() == ["s1 2024-01-01 10"]


def test_it_takes_a_complete_export_back(books: Bookkeeper) -> None:
    books.load(
        accounts="account_id name\na Acme\nb Bolt",
        subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-01-01 - 20",
        tickets="ticket_id account_id opened_at\nt1 b 2024-01-03",
    )
    before = books.state()
    books.load(is_complete=True, accounts="account_id name\nc Crux")
    books.load(is_complete=True, subscriptions=HEAD + "s9 z 2024-01-01 - 1")
    books.undo()
    books.undo()
    assert books.state() == before


def test_what_was_set_aside_is_as_before(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-13-01 - 20")
    before = books.state()
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-12-01 - 20\ns3 c x - 1")
    assert [row["value"] for row in books.company.rejects()] == ["x"]
    books.undo()
    assert books.state() == before
    assert [row["value"] for row in books.company.rejects()] == ["2024-13-01"]


def test_rows_wait_again_when_their_account_or_rate_goes(books: Bookkeeper) -> None:
    books.load(tickets="ticket_id account_id opened_at\nt1 a 2024-01-03")
    books.load(payments="payment_id account_id amount currency paid_at\np1 b 5 XAU 2024-01-01")
    before = books.state()
    books.load(
        accounts="account_id name\na Acme", fx_rates="day currency rate\n2024-01-01 XAU 2000"
    )
    assert books.company.rejects() == []
    books.undo()
    assert books.state() == before
    assert {row["table"] for row in books.company.rejects()} == {"tickets", "payments"}


def test_an_overlap_is_decided_anew(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-02-01 - 12")
    before = books.state()
    books.load(early_subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    assert books.spans() == ["s1 2024-01-01 10"]
    books.undo()
    assert books.state() == before


def test_a_load_that_came_between_is_taken_out_of_the_middle(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    books.load(more_subscriptions=HEAD + "s2 b 2024-01-01 - 20")
    books.load(last_subscriptions=HEAD + "s3 b 2024-01-01 - 30")
    books.undo(2)
    # b is still there: s3 refers to it.
    assert books.spans() == ["s1 2024-01-01 10", "s3 2024-01-01 30"]
    assert books.mrr("2024-01", as_of="2024-03-01") == 40
    with books.company.reading() as engine:
        assert engine.rows("SELECT account_id FROM accounts ORDER BY 1") == [("a",), ("b",)]


def test_a_load_that_is_not_there_or_was_taken_back(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    with pytest.raises(UnknownNameError, match="Unknown load '7'"):
        books.undo(7)
    books.undo(1)
    before = books.state()
    with pytest.raises(LoadError, match="taken back before, by load 2"):
        books.undo(1)
    assert books.state() == before


@pytest.mark.parametrize("seed", [1])
def test_undoing_every_load_of_a_whole_company_goes_back_step_by_step(
    seed: int, tmp_path: Path
) -> None:
    tables = company(Seeded(seed), 6, 5)
    pick = random.Random(seed)
    first, rest = split(tables, pick)
    second, third = split(rest, pick)
    changed = [
        {**row, "amount": "77", "quantity": "", "unit_amount": ""}
        for row in tables["subscriptions"]
        if pick.random() < 0.3
    ]
    books = Bookkeeper(tmp_path)
    with books.company as ours:
        states = [books.state()]
        for piece in (first, second, {"subscriptions": changed}, third):
            if any(piece.values()):
                load(ours, piece)
                states.append(books.state())
        assert len(states) > 3
        for expected in states[-2::-1]:
            ours.books.undo()
            assert books.state() == expected
