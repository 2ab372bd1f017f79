"""A closed month keeps its figures, and says what would change them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from staycurve.errors import LoadError, NotAnsweredError, StaycurveError
from staycurve.insights.books.restating import Cause, Reason, Restatement
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper

HEAD = "subscription_id account_id starts_at ends_at amount end_reason\n"
BEGUN = """s1 a 2024-01-01 - 10 -
s2 b 2024-01-01 2024-02-10 20 too_expensive
s3 c 2024-03-05 - 5 -
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Bookkeeper:
    books = Bookkeeper(tmp_path_factory.mktemp("begun"))
    books.load(subscriptions=HEAD + BEGUN)
    books.company.books.close("2024-01")
    books.company.books.close("2024-02")
    return books


@pytest.fixture
def closed(begun: Bookkeeper, tmp_path: Path) -> Iterator[Bookkeeper]:
    found = begun.copy(tmp_path)
    yield found
    found.company.close()


def changes(found: Sequence[Restatement]) -> dict[str, dict[str, dict[str, float]]]:
    """Month → account → metric → difference."""
    return {
        one.month: {
            account.account_id: {
                metric: change.difference for metric, change in account.changes.items()
            }
            for account in one.accounts
        }
        for one in found
    }


def test_nothing_is_restated_while_nothing_changes(closed: Bookkeeper) -> None:
    months = [one.month for one in closed.company.books.closed().rows]
    assert months == ["2024-01", "2024-02"]
    assert closed.company.books.restatements().rows == ()
    # The same rows again, and rows of a later month, change no closed figure.
    closed.load(subscriptions=HEAD + BEGUN)
    closed.load(later_subscriptions=HEAD + "s4 d 2024-03-07 - 40 -")
    assert closed.company.books.restatements().rows == ()


def test_a_changed_amount_restates_every_month_that_it_touches(closed: Bookkeeper) -> None:
    closed.load(subscriptions=HEAD + BEGUN.replace("a 2024-01-01 - 10", "a 2024-01-01 - 12"))
    found = closed.company.books.restatements().rows
    assert changes(found) == {
        "2024-01": {"a": {"mrr": 2.0, "new_mrr": 2.0}},
        "2024-02": {"a": {"mrr": 2.0, "opening_mrr": 2.0}},
    }
    january = found[0]
    (mrr,) = [figure for figure in january.figures if figure.metric == "mrr"]
    assert (mrr.closed, mrr.now, mrr.difference) == (30.0, 32.0, 2.0)
    assert mrr.reasons == (Reason((2,), 2.0, 1),)
    assert january.accounts[0].causes == (
        Cause(2, "load", "subscriptions.csv", "subscriptions", ("changed s1, 2024-01-01",), 1),
    )


def test_what_was_taken_back_restates_nothing(closed: Bookkeeper) -> None:
    closed.load(subscriptions=HEAD + "s9 z 2024-01-15 - 90 -")
    assert changes(closed.company.books.restatements().rows)["2024-01"] == {
        "z": {"mrr": 90.0, "new_mrr": 90.0}
    }
    closed.undo()
    assert closed.company.books.restatements().rows == ()
    closed.load(subscriptions=HEAD + "s1 a 2024-01-01 - 11 -")
    causes = [account.causes for account in closed.company.books.restatements().rows[0].accounts]
    assert [[cause.load for cause in listed] for listed in causes] == [[4]]


def test_a_removed_row_is_a_cause(closed: Bookkeeper) -> None:
    closed.load(is_complete=True, subscriptions=HEAD + BEGUN.replace("s2", "s8"))
    causes = [
        (account.account_id, cause.load, cause.kind, cause.rows)
        for one in closed.company.books.restatements().rows
        for account in one.accounts
        for cause in account.causes
    ]
    # s8 is s2 under another name: the figures of b are the same.
    assert causes == []
    closed.load(is_complete=True, subscriptions=HEAD + "s1 a 2024-01-01 - 10 -")
    found = closed.company.books.restatements().rows
    assert changes(found)["2024-01"] == {"b": {"mrr": -20.0, "new_mrr": -20.0}}
    assert [cause.rows for cause in found[0].accounts[0].causes] == [
        ("added s8, 2024-01-01", "removed s2, 2024-01-01"), ("removed s8, 2024-01-01",),
    ]


def test_a_reason_that_changes_its_class(closed: Bookkeeper) -> None:
    closed.load(subscriptions=HEAD + BEGUN.replace("too_expensive", "payment_failed"))
    assert changes(closed.company.books.restatements().rows) == {
        "2024-02": {"b": {"voluntary_churned_mrr": -20.0, "involuntary_churned_mrr": 20.0}}
    }


def test_changed_conventions_are_named(closed: Bookkeeper, tmp_path: Path) -> None:
    path = tmp_path / "project" / "staycurve.toml"
    path.write_text(
        path.read_text().replace("[conventions]", '[conventions]\nchurn_denominator = '
                                 '"start_plus_new"\ndays_per_month = "30"')
    )
    closed.load(subscriptions=HEAD + "s1 a 2024-01-01 - 13 -")
    with Company(tmp_path / "project", clock=lambda: closed.now) as ours:
        ours.refresh()
        found = ours.books.restatements().rows[0]
    assert found.conventions == (
        "churn_denominator: start, now start_plus_new", "days_per_month: 365/12, now 30",
    )


def test_the_old_figure_is_still_known(closed: Bookkeeper) -> None:
    closed.load(subscriptions=HEAD + "s1 a 2024-01-01 - 99 -")
    assert closed.mrr("2024-01", known_at=closed.company.books.closed().rows[0].closed_at) == 30
    assert closed.mrr("2024-01") == 119


@pytest.mark.parametrize(
    ("month", "message"),
    [
        ("2024-02", "2024-02 is closed already"),
        ("2024-04", "not the next month to close: that is 2024-03"),
        ("2024-03", "2024-03 is still open as of"),
        ("2024", "'2024' is not a month"),
        ("January", "is not a period"),
    ],
)
def test_a_month_that_cannot_be_closed(begun: Bookkeeper, month: str, message: str) -> None:
    with pytest.raises(StaycurveError, match=message):
        begun.company.books.close(month)
    assert len(begun.company.books.closed().rows) == 2


def test_a_month_without_data_cannot_be_closed(books: Bookkeeper) -> None:
    with pytest.raises(NotAnsweredError, match="no subscription had begun"):
        books.company.books.close("2024-01")
    books.load(subscriptions=HEAD + BEGUN)
    with pytest.raises(NotAnsweredError, match="no subscription had begun"):
        books.company.books.close("2023-12")


def test_a_load_on_which_a_closed_month_rests_stays(closed: Bookkeeper) -> None:
    before = closed.state()
    with pytest.raises(LoadError, match="closed month 2024-01 rests on load 1"):
        closed.undo()
    assert closed.state() == before
    closed.undo(is_restating=True)
    found = closed.company.books.restatements().rows
    assert changes(found)["2024-01"]["a"] == {"mrr": -10.0, "new_mrr": -10.0}
    assert found[0].accounts[0].causes[0].kind == "undo"


def test_a_load_of_later_rows_may_be_taken_back(books: Bookkeeper) -> None:
    books.load(subscriptions=HEAD + BEGUN)
    books.load(later_subscriptions=HEAD + "s4 d 2024-03-07 - 40 -")
    books.company.books.close("2024-01")
    assert books.undo()[0].removed == 1
    assert books.company.books.restatements().rows == ()
