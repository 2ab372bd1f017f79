"""Riskiest months, counted by hand and by an independent count."""

from __future__ import annotations

import datetime as dt
import random
from calendar import monthrange
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import proportion_confint

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.cohorts.riskiest_months import Month, compared_with_others, month_of
from staycurve.insights.statistics.proportions import Share
from staycurve.workspace import Company
from tests.company import build

LIVES = {"subscriptions": """
    subscription_id account_id plan starts_at  ends_at    amount end_reason
    s1              acme       Pro  2024-01-31 2024-02-29 100    payment_failed
    s2              bolt       Pro  2024-01-10 2024-03-11 50     too_expensive
    s3              crux       Max  2024-01-10 2024-03-10 30     too_expensive
    s4              crux       Max  2024-05-01 -          30     -
    s5              dune       Max  2024-02-15 -          10     -
    s6              elms       Max  2024-05-20 2024-05-25 20     too_expensive"""}
"""As of 1 June the last whole months are: acme, bolt and crux 4, dune 3, elms none.

acme leaves at its first renewal, on the last day of February: month 1. crux leaves at its second:
month 2. bolt leaves one day into its third month. elms has left in a month that is not over.
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("lives") / "p", LIVES) as made:
        yield made


def test_months_by_hand(company: Company) -> None:
    found = company.cohorts.riskiest_months(as_of="2024-06-01")
    assert [(m.month, m.at_risk, m.left) for m in found.rows] == [
        (1, 4, 1), (2, 3, 1), (3, 2, 1),
    ]
    assert found.rows[0].base_rate == pytest.approx(2 / 5)
    assert found.returned == 1
    assert found.named == ()


def test_classes_sum_to_the_leavers_and_are_read_alone(company: Company) -> None:
    every = company.cohorts.riskiest_months(as_of="2024-06-01")
    alone = company.cohorts.riskiest_months(as_of="2024-06-01", end_class="involuntary")
    assert [dict(m.classes) for m in every.rows] == [
        {"voluntary": 0, "involuntary": 1, "paused": 0, "unknown": 0},
        {"voluntary": 1, "involuntary": 0, "paused": 0, "unknown": 0},
        {"voluntary": 1, "involuntary": 0, "paused": 0, "unknown": 0},
    ]
    # At risk stays who is at risk of leaving at all: the classes' hazards sum to the whole.
    assert [(m.at_risk, m.left) for m in alone.rows] == [(4, 1), (3, 0), (2, 0)]


def test_the_accounts_behind_a_month(company: Company) -> None:
    listed = company.cohorts.leavers(month=2, as_of="2024-06-01")
    assert [one.as_dict() for one in listed.rows] == [{
        "account_id": "crux", "name": None, "plan": "Max", "owner": None,
        "first_paid_on": "2024-01-10", "left_month": 2,
        "left_on": "2024-03-10", "end_class": "voluntary", "mrr": 30.0, "has_returned": True,
    }]
    there = company.cohorts.leavers(month=2, is_at_risk=True, as_of="2024-06-01")
    # Who left later tells so; dune pays on.
    assert [(one.account_id, one.left_month, one.mrr) for one in there.rows] == [
        ("bolt", 3, 50.0), ("crux", 2, 30.0), ("dune", None, 10.0),
    ]
    with pytest.raises(UsageError, match="no value of 'month'"):
        company.cohorts.leavers(month=0)
    with pytest.raises(UnknownNameError, match="end class"):
        company.cohorts.leavers(month=1, end_class="bored")


@pytest.mark.parametrize("as_of", ["2024-06-01", "2024-03-11", "2024-03-10T12:00:00Z"])
@pytest.mark.parametrize("where", ["", "plan=Max"])
def test_every_count_opens_into_as_many_accounts(
    company: Company, as_of: str, where: str
) -> None:
    months = company.cohorts.riskiest_months(as_of=as_of, where=where).rows
    assert months
    for found in months:
        asked = {"month": found.month, "as_of": as_of, "where": where}
        at_risk = company.cohorts.leavers(is_at_risk=True, **asked)
        assert len({one.account_id for one in at_risk.rows}) == len(at_risk.rows) == found.at_risk
        left = company.cohorts.leavers(**asked)
        assert len(left.rows) == found.left
        assert {one.account_id for one in left.rows} <= {one.account_id for one in at_risk.rows}
        for name, counted in found.classes.items():
            own = company.cohorts.leavers(end_class=name, **asked)
            assert len(own.rows) == counted


def test_facts_after_the_as_of_are_not_seen(company: Company) -> None:
    # Seen up to 10 March: crux left that day, bolt has not; two months of dune lie ahead.
    found = company.cohorts.riskiest_months(as_of="2024-03-11")
    assert [(m.month, m.at_risk, m.left) for m in found.rows] == [
        (1, 3, 1), (2, 2, 1),
    ]


def test_a_day_that_is_half_seen_ends_no_month(company: Company) -> None:
    found = company.cohorts.riskiest_months(as_of="2024-03-10T12:00:00Z")
    # The second month of bolt and crux ends on the 10th, of which half is not seen.
    assert [(m.month, m.at_risk, m.left) for m in found.rows] == [(1, 3, 1)]


def test_a_segment_is_the_one_of_the_first_paid_day(company: Company) -> None:
    found = company.cohorts.riskiest_months(by="plan", as_of="2024-06-01")
    chosen = company.cohorts.riskiest_months(where="plan=Max", as_of="2024-06-01")
    assert [(m.segment["plan"], m.month, m.at_risk, m.left) for m in found.rows] == [
        ("Max", 1, 2, 0), ("Max", 2, 2, 1), ("Max", 3, 1, 0),
        ("Pro", 1, 2, 1), ("Pro", 2, 1, 0), ("Pro", 3, 1, 1),
    ]
    assert [(m.hazard, m.low, m.high) for m in chosen.rows] == [
        (m.hazard, m.low, m.high) for m in found.rows[:3]
    ]
    assert found.as_dict()["additive"] is False


def test_interval_and_test_are_the_named_ones() -> None:
    def month(number: int, left: int, at_risk: int) -> Month:
        share = Share(left, at_risk, left / at_risk, None, None)
        return month_of({}, number, share, None, {})

    found = compared_with_others(
        [month(1, 20, 100), month(2, 4, 80), month(3, 3, 70), month(4, 2, 20)]
    )
    table = [[20, 80], [9, 161]]
    # Month 4 has too few at risk to be tested; it counts among the others. Three tests are made.
    assert found[0].p_value == pytest.approx(
        3 * fisher_exact(table, alternative="greater").pvalue
    )
    assert found[0].is_named
    assert [m.is_named for m in found[1:]] == [False] * 3
    assert found[3].p_value is None
    assert "30" in (found[3].why or "")


def _after(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return dt.date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def test_hazards_agree_with_a_count_account_by_account(tmp_path: Path) -> None:
    pick = random.Random(5)
    last = dt.date(2024, 12, 31)
    rows, lives = [], []
    for number in range(300):
        start = dt.date(2023, 1, 1) + dt.timedelta(days=pick.randrange(700))
        end = start + dt.timedelta(days=pick.randrange(1, 500)) if pick.random() < 0.7 else None
        if end is not None and pick.random() < 0.5:
            end = _after(start, pick.randrange(1, 12))
        lives.append((start, end))
        rows.append({
            "subscription_id": f"s{number}", "account_id": f"a{number}", "amount": "10",
            "starts_at": str(start), "ends_at": "" if end is None else str(end),
        })
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        found = company.cohorts.riskiest_months(as_of="2025-01-01")
    assert len(found.rows) > 20
    for month in found.rows:
        at_risk = left = 0
        for start, end in lives:
            begins, turns = _after(start, month.month - 1), _after(start, month.month)
            if turns > last or (end is not None and end <= begins):
                continue
            at_risk += 1
            left += end is not None and end <= turns
        assert (month.at_risk, month.left) == (at_risk, left), month.month
        low, high = proportion_confint(left, at_risk, method="wilson")
        assert (month.low, month.high) == pytest.approx((low, high), abs=1e-12)


def test_bad_input_is_said_in_words(tmp_path: Path) -> None:
    with build(tmp_path / "empty", {}) as company:
        assert company.cohorts.riskiest_months().as_dict()["why"].startswith("nobody has paid")
    with build(tmp_path / "p", LIVES) as company:
        with pytest.raises(UnknownNameError, match="Did you mean 'voluntary'"):
            company.cohorts.riskiest_months(end_class="volantary")
        with pytest.raises(UnknownNameError, match="Did you mean 'industry'"):
            company.cohorts.riskiest_months(by="industri")
        early = company.cohorts.riskiest_months(as_of="2024-01-20")
        assert early.rows == ()
        assert early.why == "no account has a whole month behind it yet"
        before = company.cohorts.riskiest_months(as_of="2023-06-01")
        assert (before.why or "").startswith("nobody has paid")
        one = company.cohorts.riskiest_months(as_of="2024-02-20")
    assert [(m.month, m.at_risk, m.p_value) for m in one.rows] == [(1, 2, None)]
    assert one.rows[0].base_rate is None
    assert one.rows[0].why == "there is no other month to compare with"
