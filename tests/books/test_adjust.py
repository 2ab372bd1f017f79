"""adjust: one row corrected by hand, signed, and kept."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from staycurve.errors import StaycurveError
from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id starts_at ends_at amount end_reason\n"
ROWS = HEAD + "s1 a 2024-01-01 2024-02-10 10 unclear\ns2 b 2024-01-01 - 20 -"
KEY = {"subscription_id": "s1", "starts_at": "2024-01-01"}
FAILED = {"end_reason": "payment failed"}


def adjust(
    books: Bookkeeper, values: Mapping[str, str], key: Mapping[str, str] = KEY,
    table: str = "subscriptions", author: str = "Ana", reason: str = "The bank said so",
) -> int:
    return books.company.books.adjust(table, key=key, values=values, author=author, reason=reason)


def involuntary(books: Bookkeeper) -> float | None:
    rows = books.company.show(
        "involuntary_churned_mrr", start="2024-02", end="2024-02", as_of="2024-04-01"
    ).rows
    value: float | None = rows[0]["value"]
    return value


def states(books: Bookkeeper) -> list[tuple[int, str, str, str]]:
    found = books.company.books.adjustments().rows
    return [(one.load, one.column, one.value, one.state) for one in found]


def test_an_end_reason_is_reclassified_and_stays_when_the_file_comes_again(
    books: Bookkeeper,
) -> None:
    books.load(subscriptions=ROWS)
    assert involuntary(books) == 0
    assert adjust(books, FAILED) == 2
    assert involuntary(books) == 10
    books.load(subscriptions=ROWS.replace(" 10 ", " 12 "))
    # The amount is the file's, the reason is Ana's.
    assert involuntary(books) == 12
    only = books.company.books.adjustments().rows[0]
    assert (only.author, only.reason, only.key) == (
        "Ana", "The bank said so", "subscription_id=s1, starts_at=2024-01-01",
    )
    books.company.refresh(is_full=True)
    assert involuntary(books) == 12


def test_taking_it_back_gives_the_word_of_the_source(books: Bookkeeper) -> None:
    books.load(subscriptions=ROWS)
    before = books.state()
    adjust(books, FAILED)
    books.undo()
    assert books.state() == before
    adjust(books, FAILED)
    books.load(subscriptions=ROWS.replace(" 10 ", " 12 "))
    books.undo(4)
    assert involuntary(books) == 0
    assert books.spans() == ["s1 2024-01-01 12", "s2 2024-01-01 20"]
    assert states(books) == [
        (2, "end_reason", "payment failed", "undone"),
        (4, "end_reason", "payment failed", "undone"),
    ]
    books.undo(6)
    assert involuntary(books) == 12


def test_taking_the_later_file_back_takes_its_source_row_back(books: Bookkeeper) -> None:
    books.load(subscriptions=ROWS)
    adjust(books, FAILED)
    books.load(subscriptions=ROWS.replace(" 10 ", " 12 "))
    books.undo(3)
    assert involuntary(books) == 10
    books.undo(2)
    assert involuntary(books) == 0
    assert books.spans()[0] == "s1 2024-01-01 10"


def test_the_last_adjustment_counts_and_both_are_listed(books: Bookkeeper) -> None:
    books.load(subscriptions=ROWS)
    adjust(books, FAILED)
    adjust(books, {"end_reason": "fraud", "amount": "15.50"})
    assert states(books) == [
        (2, "end_reason", "payment failed", "replaced"),
        (3, "amount", "15.50", "in force"),
        (3, "end_reason", "fraud", "in force"),
    ]
    assert involuntary(books) == 15.5
    books.undo(3)
    assert involuntary(books) == 10
    assert states(books)[0] == (2, "end_reason", "payment failed", "in force")


def test_a_moved_end_brings_its_local_day(books: Bookkeeper) -> None:
    books.load(subscriptions=ROWS)
    adjust(books, {"ends_at": "2024-03-01T12:00:00Z"})
    with books.company.reading() as engine:
        assert engine.rows(
            "SELECT CAST(ends_at AS VARCHAR), CAST(ends_on AS VARCHAR) FROM subscriptions "
            "WHERE subscription_id = 's1'"
        ) == [("2024-03-01 12:00:00", "2024-03-01")]
    adjust(books, {"ends_at": ""})
    assert books.mrr("2024-03", as_of="2024-05-01") == 30


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": {}}, "Nothing is adjusted"),
        ({"values": {"end_reson": "x"}}, "Unknown column 'end_reson'. Did you mean 'end_reason'"),
        ({"values": {"starts_at": "2024-02-01"}}, "a part of the key"),
        ({"values": {"account_id": ""}}, "requires account_id"),
        ({"values": {"amount": "ten"}}, "amount cannot be 'ten'"),
        ({"values": {"amount": "-1"}}, "would break a rule: amount is negative"),
        ({"values": {"ends_at": "2023-01-01"}}, "is before starts_at 2024-01-01"),
        ({"values": {"quantity": "3"}}, "MRR is computed from amount"),
        ({"values": FAILED, "table": "subs"}, "Unknown table 'subs'"),
        ({"values": FAILED, "author": " "}, "needs --author"),
        ({"values": FAILED, "reason": ""}, "needs --reason"),
        ({"values": FAILED, "key": {"subscription_id": "s1"}}, "lacks starts_at"),
        ({"values": FAILED, "key": {**KEY, "plan": "x"}}, "Unknown key column 'plan'"),
        ({"values": FAILED, "key": {**KEY, "starts_at": "2024-01-02"}}, "has no row with the key"),
        ({"values": FAILED, "key": {**KEY, "starts_at": "soon"}}, "starts_at cannot be 'soon'"),
    ],
)
def test_what_cannot_be_adjusted(
    adjusting: Bookkeeper, given: Mapping[str, Mapping[str, str]], message: str
) -> None:
    with pytest.raises(StaycurveError, match=message):
        adjust(adjusting, **given)  # type: ignore[arg-type]
    assert len(adjusting.company.loads()) == 1


@pytest.fixture(scope="module")
def adjusting(tmp_path_factory: pytest.TempPathFactory) -> Bookkeeper:
    """What an adjustment that fails has to leave as it was."""
    books = Bookkeeper(tmp_path_factory.mktemp("adjusting"))
    books.load(subscriptions=ROWS)
    return books
