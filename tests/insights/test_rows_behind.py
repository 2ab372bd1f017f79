"""What readings of behaviour open, and what they refuse to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.workspace import Company
from tests.web.findings.by_hand import AS_OF, by_hand


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Five accounts, counted by hand."""
    made = by_hand(tmp_path_factory.mktemp("behind") / "project")
    yield made
    made.close()


def test_nobody_is_in_time_for_a_step_after_the_last(company: Company) -> None:
    funnel = company.usage.funnel(steps=["signup", "project"], as_of=AS_OF)
    assert [row["user_id"] for row in funnel.pending(1).as_dict()["rows"]] == ["u6"]
    with pytest.raises(NotAnsweredError):
        funnel.pending(2)


def test_pending_dropped_and_took_add_up(company: Company) -> None:
    funnel = company.usage.funnel(steps=["signup", "project"], whose="account", as_of=AS_OF)
    dropped = {row["account_id"] for row in funnel.users(2, dropped=True).as_dict()["rows"]}
    pending = {row["account_id"] for row in funnel.pending(1).as_dict()["rows"]}
    assert (dropped, pending) == ({"dune", "echo"}, {"echo"})


def test_all_cohorts_open_as_far_as_they_have_closed(company: Company) -> None:
    retention = company.usage.retention(as_of=AS_OF, whose="account")
    whole = retention.users(None, 3)
    assert whole.as_dict()["total"] == {"numerator": 1, "denominator": 3, "value": 1 / 3}
    assert [row["cohort"] for row in whole.as_dict()["rows"]] == ["2024-01-01"] * 3
    assert retention.users(None, 4).as_dict()["rows"] == []
    with pytest.raises(NotAnsweredError):
        retention.users(None, 12)


def test_the_rows_of_one_cohort_name_no_cohort(company: Company) -> None:
    cells = company.usage.retention(as_of=AS_OF, whose="account")
    rows = cells.users("2024-01-01", 3).as_dict()["rows"]
    assert [(row["account_id"], row["is_counted"]) for row in rows] == [
        ("acme", True), ("bolt", False), ("crux", False),
    ]
    assert all("cohort" not in row for row in rows)


def test_the_paths_and_all_other_paths_add_up_to_every_path(company: Company) -> None:
    for listed in (1, 2, 3):
        paths = company.usage.paths(anchor="report", listed=listed, as_of=AS_OF)
        shown = [row for row in paths.as_dict()["rows"] if not row["is_other"]]
        opened = [len(paths.users(row["path"]).as_dict()["rows"]) for row in shown]
        assert opened == [row["count"] for row in shown]
        assert sum(opened) + len(paths.other_users().rows) == len(paths.users(None).rows) == 8


def test_parts_that_do_not_go_together_are_refused(company: Company) -> None:
    with pytest.raises(UsageError):
        company.trials.accounts(part="left", without="report", as_of=AS_OF)
    with pytest.raises(UsageError):
        company.trials.accounts(part="converted", feature="report", without="board", as_of=AS_OF)
    with pytest.raises(UsageError):
        company.trials.accounts(part="converted", end_class="voluntary", as_of=AS_OF)
    with pytest.raises(UsageError):
        company.features.accounts(feature="report", part="using", breadth=1, as_of=AS_OF)
    with pytest.raises(UnknownNameError):
        company.usage.activity(as_of=AS_OF).figure_users("yau")
    with pytest.raises(UnknownNameError):
        company.acquisition.reach(period="2024-04", kind="fame", as_of=AS_OF)


def test_a_channel_whose_accounts_pay_nothing_has_no_customers(company: Company) -> None:
    rows = company.acquisition.quality(where="industry=Health", as_of=AS_OF).rows
    ads = next(row for row in rows if row.channel == "ads")
    assert (ads.customers, ads.mrr, ads.arpa) == (0, 0, None)


def test_worth_cannot_be_cut_by_what_an_account_may_not_have(company: Company) -> None:
    for read in (company.acquisition.quality, company.acquisition.referrals):
        with pytest.raises(NotAnsweredError):
            read(where="plan=Basic")
