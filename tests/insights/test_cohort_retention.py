"""Retention over cohorts: the matrix's columns, trends, changepoints, trait against trait."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.cohorts import changepoint
from staycurve.insights.statistics.proportions import difference, share
from tests.company import build
from tests.oracle.companies import Seeded, company as random_company

ACCOUNTS = """
    account_id industry
    acme       Retail
    bolt       Retail
    crux       Media
    dune       Media
    elms       Media"""
LIVES = {"accounts": ACCOUNTS, "subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-05 2024-02-10 100
    s1              acme       2024-04-01 -          80
    s2              bolt       2024-01-20 -          50
    s3              crux       2024-02-01 2024-02-15 30
    s4              dune       2024-02-02 -          10
    s5              elms       2024-03-02 -          10"""}


def test_columns_by_hand(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        found = company.cohorts.retention(ages=(1, 3), as_of="2024-05-01")
    assert [(str(p.cohort), p.age, p.retained, p.size) for p in found.rows] == [
        ("2024-01-01", 1, 1, 2),
        ("2024-02-01", 1, 1, 2),
        ("2024-03-01", 1, 1, 1),
        # acme has returned by April.
        ("2024-01-01", 3, 2, 2),
    ]
    second = found.trends[0]
    assert second.older is not None
    assert second.newer is not None
    assert (str(second.older.to), second.older.retained, second.older.size) == (
        "2024-02-01", 2, 4,
    )
    assert (str(second.newer.start), second.newer.retained) == ("2024-03-01", 1)
    assert second.difference == pytest.approx(0.5)
    assert second.changepoint is None
    assert "too few" in (second.why or "")


@pytest.mark.parametrize("conventions", [
    {}, {"netting": "month"}, {"netting": "event"}, {"free_plan": "active"},
    {"paused": "keep", "churn_booked": "request"},
])
def test_points_are_the_cells_of_the_matrix(tmp_path: Path, conventions: dict[str, str]) -> None:
    tables = random_company(Seeded(11), accounts=60)
    with build(tmp_path / "p", tables, conventions=conventions) as company:
        matrix = company.cohort(value="customers", how="count", as_of="2024-09-01")["rows"]
        ages = range(1, 11)
        found = company.cohorts.retention(ages=ages, as_of="2024-09-01")
    cells = {
        (row["cohort"], row["age"]): (row["value"], row["size"])
        for row in matrix if row["age"] and row["value"] is not None
    }
    assert len(cells) > 20
    assert {(str(p.cohort), p.age): (p.retained, p.size) for p in found.rows} == cells


def test_segments_and_spans_sum_to_the_whole(tmp_path: Path) -> None:
    tables = random_company(Seeded(3), accounts=80)
    with build(tmp_path / "p", tables, company="fiscal_year_start = 2") as company:
        whole = company.cohorts.retention(ages=(1, 4), as_of="2024-09-01")
        cut = company.cohorts.retention(ages=(1, 4), by="industry,channel", as_of="2024-09-01")
        quarters = company.cohorts.retention(ages=(1, 4), per="quarter", as_of="2024-09-01")
        every = company.cohorts.retention(ages=(1, 4), per="all", as_of="2024-09-01")
    for age in (1, 4):
        expected = [
            (sum(p.retained for p in r.rows if p.age == age),
             sum(p.size for p in r.rows if p.age == age))
            for r in (whole, cut, quarters, every)
        ]
        assert len(set(expected)) == 1
        assert expected[0][1] > 20
    assert {p.cohort.month for p in quarters.rows if p.cohort} <= {2, 5, 8, 11}
    assert [p.cohort for p in every.rows] == [None, None]


def test_a_segment_is_compared_with_all_others(tmp_path: Path) -> None:
    rows, accounts = [], []
    for number in range(120):
        is_media = number % 2 == 0
        accounts.append({
            "account_id": f"a{number}", "industry": "Media" if is_media else "Retail",
        })
        leaves = number % 4 == 0 if is_media else number % 20 == 1
        rows.append({
            "subscription_id": f"s{number}", "account_id": f"a{number}", "amount": "10",
            "starts_at": "2024-01-10", "ends_at": "2024-02-10" if leaves else "",
        })
    with build(tmp_path / "p", {"accounts": accounts, "subscriptions": rows}) as company:
        found = company.cohorts.retention(ages=(1,), by="industry", per="all", as_of="2024-04-01")
    media, retail = found.comparisons
    # 30 of 60 stay in Media, 54 of 60 in Retail.
    assert (media.retained, media.others.retained) == (30, 54)
    assert media.difference == pytest.approx(-0.4)
    assert media.difference_low < -0.4 < media.difference_high < 0
    assert media.is_named
    assert retail.is_named
    assert found.trends[0].why == "there is one cohort: nothing to compare it with"


def test_newcombe_of_a_published_example() -> None:
    # Newcombe (1998), table II, row (a): 56/70 against 48/80; method 10 gives 0.0524 to 0.3339.
    found = difference(share(56, 70), share(48, 80))
    assert found is not None
    assert [round(value, 4) for value in found] == [0.2, 0.0524, 0.3339]


def test_a_changepoint_is_found_where_it_is() -> None:
    sizes = [40] * 24
    kept = [34, 36, 33, 35, 34, 36, 35, 33, 34, 35, 36, 34] + [39, 38, 40, 39, 38, 39] * 2
    found = changepoint.best_split(kept, sizes)
    assert found is not None
    assert found.place == 12
    assert found.between[0] <= 12 <= found.between[1]
    assert (found.before.count, found.before.size) == (415, 480)
    assert found.p_value == pytest.approx(1 / 5000)


def test_stray_cohorts_are_no_changepoint() -> None:
    # One bad cohort at the end is no change that lasts; scatter is not trend.
    kept = [38, 34, 39, 33, 38, 35, 39, 33, 38, 34, 39, 33, 38, 35, 39, 33]
    found = changepoint.best_split(kept, [40] * 16)
    assert found is not None
    assert found.p_value > 0.05
    assert changepoint.best_split([5, 5, 5, 5], [6, 6, 6, 6]) is None


def test_bad_input_is_said_in_words(tmp_path: Path) -> None:
    with build(tmp_path / "empty", {}) as company:
        assert (company.cohorts.retention().why or "").startswith("nobody has paid")
    with build(tmp_path / "p", LIVES) as company:
        with pytest.raises(UsageError, match="no value of 'age'"):
            company.cohorts.retention(ages=(0,))
        with pytest.raises(UnknownNameError, match="Did you mean 'month'"):
            company.cohorts.retention(per="months")
        with pytest.raises(UnknownNameError, match="channel"):
            company.cohorts.retention(by="chanel")
        young = company.cohorts.retention(as_of="2024-05-01")
        early = company.cohorts.retention(as_of="2024-01-31T12:00:00Z")
    assert [t.why for t in young.trends if t.age == 12] == [
        "no cohort has closed the month of this age yet"
    ]
    assert young.trends[-1].value is None
    assert early.rows == ()
    assert early.why == "no month has closed since the first account paid"


def test_a_day_late_is_a_cohort_later(tmp_path: Path) -> None:
    """A cohort is that of the company's local day, as the matrix has it."""
    rows = [{"subscription_id": "s1", "account_id": "a", "amount": "10",
             "starts_at": "2024-02-01T03:00:00Z"}]
    with build(tmp_path / "p", {"subscriptions": rows}, timezone="America/New_York") as company:
        found = company.cohorts.retention(ages=(1,), as_of="2024-06-01")
    assert [p.cohort for p in found.rows] == [dt.date(2024, 1, 1)]
