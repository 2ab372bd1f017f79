"""load --replace: the file is all that its source has."""

from __future__ import annotations

from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id starts_at ends_at amount\n"


def test_what_the_export_lacks_is_removed(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-01-01 - 20")
    report = books.load(
        is_complete=True, subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns3 c 2024-01-01 - 5"
    )[0]
    assert (report.accepted, report.replaced, report.rejected, report.removed) == (1, 1, 0, 1)
    assert books.spans() == ["s1 2024-01-01 10", "s3 2024-01-01 5"]
    assert books.mrr("2024-01", as_of="2024-03-01") == 15
    assert [row["rows"] for row in books.company.tables() if row["table"] == "accounts"] == [3]
    record = books.company.loads()[-1]
    assert (record.kind, record.removed) == ("replace", 1)


def test_rows_of_another_source_stay(books: Bookkeeper) -> None:
    books.load(old_subscriptions=HEAD + "s9 z 2024-01-01 - 90")
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns9 z 2024-01-01 - 90")
    books.load(old_subscriptions=HEAD + "s9 z 2024-01-01 - 90\ns8 y 2024-01-01 - 80")
    books.load(is_complete=True, subscriptions=HEAD + "s2 a 2024-01-01 - 7")
    # s9 was last brought by the other source, s1 by this one.
    assert books.spans() == ["s2 2024-01-01 7", "s8 2024-01-01 80", "s9 2024-01-01 90"]


def test_a_row_that_breaks_a_rule_now_is_not_missing(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns2 b 2024-01-01 - 20")
    report = books.load(
        is_complete=True,
        subscriptions=HEAD + "s1 a 2024-01-01 - 11\ns2 b 2024-01-01 2023-01-01 20",
    )[0]
    assert (report.rejected, report.removed) == (1, 0)
    assert books.spans() == ["s1 2024-01-01 11", "s2 2024-01-01 20"]


def test_a_corrected_start_makes_room_for_itself(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10")
    report = books.load(is_complete=True, subscriptions=HEAD + "s1 a 2024-01-05 - 10")[0]
    assert (report.accepted, report.rejected, report.removed) == (1, 0, 1)
    assert books.spans() == ["s1 2024-01-05 10"]


def test_a_span_that_overlapped_joins_when_the_other_is_removed(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + "s1 a 2024-01-01 - 10\ns5 e 2024-01-01 - 1")
    books.load(more_subscriptions=HEAD + "s1 a 2024-02-01 - 12")
    assert len(books.company.rejects()) == 1
    books.load(is_complete=True, subscriptions=HEAD + "s5 e 2024-01-01 - 1")
    assert books.spans() == ["s1 2024-02-01 12", "s5 2024-01-01 1"]
    assert books.company.rejects() == []


def test_an_account_that_is_gone_leaves_a_bare_one_and_lets_tickets_wait(
    books: Bookkeeper,
) -> None:
    books.load(
        accounts="account_id name\na Acme\nb Bolt",
        subscriptions=HEAD + "s1 a 2024-01-01 - 10",
        tickets="ticket_id account_id opened_at\nt1 a 2024-01-03\nt2 b 2024-01-04",
    )
    books.load(is_complete=True, accounts="account_id name\nc Crux")
    with books.company.reading() as engine:
        assert engine.rows("SELECT account_id, name FROM accounts ORDER BY 1") == [
            ("a", None), ("c", "Crux"),
        ]
        assert engine.rows("SELECT ticket_id FROM tickets") == [("t1",)]
    waiting = [(r["table"], r["file"], r["value"], r["state"]) for r in books.company.rejects()]
    assert waiting == [("tickets", "tickets.csv", "b", "waiting")]
    books.load(accounts="account_id name\nb Bolt")
    assert books.company.rejects() == []


def test_incremental_refresh_after_it_is_full_refresh(books: Bookkeeper) -> None:
    many = "\n".join(f"s{n} a{n} 2024-01-01 - {n + 1}" for n in range(12))
    books.load(subscriptions=HEAD + many)
    books.load(is_complete=True, subscriptions=HEAD + many.replace("s7 a7 2024-01-01 - 8\n", ""))
    found = books.state()
    books.company.refresh(is_full=True)
    assert books.state() == found
    assert books.mrr("2024-01", as_of="2024-03-01") == 70
