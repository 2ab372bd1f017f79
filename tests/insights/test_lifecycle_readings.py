"""Stages, moves, time in stage, stuck accounts and indicators: small cases, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.lifecycle.stage_indicators import INDICATORS
from staycurve.insights.lifecycle.stuck import threshold
from staycurve.workspace import Company
from tests.company import build

ACCOUNTS = """
    account_id name owner industry created_at
    acme       Acme Ana   EdTech   2024-01-01
    bolt       Bolt Ben   EdTech   2024-01-10
    crux       Crux Ana   Health   2024-02-01"""
SUBSCRIPTIONS = """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-11 2024-03-01 100
    s2              acme       2024-03-11 -          120
    s3              bolt       2024-02-10 -          50"""
AS_OF = "2024-04-01"
"""No events: acme pays from 01-11 (purchase), lapses 03-01 to 03-11, and pays again; bolt pays
from 02-10; crux is aware from 02-01."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("stages") / "project"
    with build(folder, {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS}) as made:
        yield made


def test_the_stages_at_each_close(company: Company) -> None:
    found = company.lifecycle.stages(start="2024-01", end="2024-03", as_of=AS_OF)
    counts = {
        (str(r.period), r.stage): (r.accounts, r.mrr) for r in found.rows if r.accounts
    }
    assert counts == {
        ("2024-01-01", "awareness"): (1, 0), ("2024-01-01", "purchase"): (1, 100),
        ("2024-02-01", "awareness"): (1, 0), ("2024-02-01", "purchase"): (2, 150),
        ("2024-03-01", "awareness"): (1, 0), ("2024-03-01", "purchase"): (2, 170),
    }
    first = next(r for r in found.rows if r.stage == "purchase")
    assert (first.share, first.is_small, first.open) == (0.5, True, False)
    assert company.lifecycle.accounts(
        stage="purchase", period="2024-03", as_of=AS_OF
    ).as_dict()["rows"][0] == {
        "account_id": "acme", "name": "Acme", "owner": "Ana", "stage": "purchase",
        "label": "Purchase", "since": "2024-03-11", "days": 21, "visit": 2, "reason": "pays",
        "mrr": 120, "plan": None,
    }
    assert "No events are loaded" in found.notes[0]


def test_stages_by_segment_sum_to_the_whole(company: Company) -> None:
    whole = company.lifecycle.stages(start="2024-01", end="2024-03", as_of=AS_OF)
    split = company.lifecycle.stages(start="2024-01", end="2024-03", by="industry", as_of=AS_OF)
    for row in whole.rows:
        parts = [r for r in split.rows
                 if (r.period, r.stage) == (row.period, row.stage)]
        assert sum(r.accounts for r in parts) == row.accounts
        assert sum(r.mrr for r in parts) == row.mrr
    kept = company.lifecycle.stages(start="2024-03", where="industry=Health", as_of=AS_OF)
    assert [(r.stage, r.accounts) for r in kept.rows if r.accounts] == [("awareness", 1)]
    own = company.lifecycle.accounts(stage="purchase", where="industry=EdTech", as_of=AS_OF).rows
    assert [r.account_id for r in own] == ["acme", "bolt"]


def test_an_open_period_is_marked(company: Company) -> None:
    rows = company.lifecycle.stages(start="2024-02", end="2024-02", as_of="2024-02-10").rows
    assert {r.open for r in rows} == {True}
    assert [(r.stage, r.accounts) for r in rows if r.accounts] == [
        ("awareness", 2), ("purchase", 1),
    ]


def test_moves_by_hand(company: Company) -> None:
    found = company.lifecycle.transitions(start="2024-01", end="2024-03", as_of=AS_OF)
    assert found.matrix() == {
        "": {"awareness": 3},
        "awareness": {"purchase": 2},
        "purchase": {"lapsed": 1},
        "lapsed": {"purchase": 1},
    }
    assert found.matrix("2024-03") == {"purchase": {"lapsed": 1}, "lapsed": {"purchase": 1}}
    march = {r.stage: r for r in found.stages if str(r.period) == "2024-03-01"}
    own = march["purchase"]
    assert (own.opening, own.entered, own.left, own.closing) == (2, 1, 1, 2)
    assert company.lifecycle.movers(
        before="purchase", after="lapsed", period="2024-03", as_of=AS_OF
    ).as_dict()["rows"] == [{
        "account_id": "acme", "name": "Acme", "owner": "Ana", "day": "2024-03-01",
        "from": "purchase", "to": "lapsed", "days": 50, "plan": None,
    }]
    arrived = company.lifecycle.movers(period="2024-01", before="", as_of=AS_OF)
    assert [(r.account_id, r.before, r.days) for r in arrived.rows] == [
        ("acme", None, None), ("bolt", None, None),
    ]


def test_time_in_stage_censors_who_is_still_in_it(company: Company) -> None:
    rows = {r.stage: r for r in company.lifecycle.times(as_of=AS_OF).rows}
    purchase = rows["purchase"]
    # Visits of 50 days (ended), 21 (acme's second, running) and 51 (bolt's, running): at risk on
    # day 50 are two, one leaves, so half have left after 50 days.
    assert (purchase.visits, purchase.left, purchase.still) == (3, 1, 2)
    assert purchase.median_days == 50
    assert purchase.is_small
    # 10 and 31 days, and crux since 60 days.
    assert (rows["awareness"].median_days, rows["awareness"].still) == (31, 1)
    assert rows["retention"].why == "no account has been in this stage"
    assert rows["lapsed"].median_days == 10
    still = company.lifecycle.times(as_of="2024-02-15").rows
    assert next(r for r in still if r.stage == "purchase").why == (
        "more than half of the visits have not ended as far as they are seen"
    )


def test_the_limit_is_the_day_by_which_most_had_left() -> None:
    ended = {days: (1, 0) for days in range(1, 21)}
    assert threshold(ended, 80) == 16
    assert threshold(ended, 81) == 17
    assert threshold({**ended, 3: (1, 500)}, 80) == 16  # who is still in it does not count
    assert threshold({days: (1, 0) for days in range(1, 20)}, 80) is None


def test_stuck_are_those_beyond_the_limit(tmp_path: Path) -> None:
    accounts, subscriptions = [], []
    for number in range(20):
        # Aware for 1, 2, … 20 days, then paying.
        accounts.append({"account_id": f"a{number}", "created_at": "2024-01-01"})
        subscriptions.append({
            "account_id": f"a{number}", "subscription_id": f"s{number}", "amount": 10,
            "starts_at": f"2024-01-{number + 2:02}",
        })
    accounts += [
        {"account_id": "slow", "created_at": "2024-02-01", "owner": "Ana"},
        {"account_id": "fresh", "created_at": "2024-02-02", "owner": "Ben"},
    ]
    with build(tmp_path, {"accounts": accounts, "subscriptions": subscriptions}) as made:
        # 16 days hold 80% of the 20 visits that ended; on 02-17 slow is in its 17th day.
        found = made.lifecycle.stuck(as_of="2024-02-18")
        assert [(r.account_id, r.days, r.threshold_days, r.owner, r.mrr)
                for r in found.rows] == [("slow", 17, 16, "Ana", 0)]
        assert made.lifecycle.stuck(as_of="2024-02-17").rows == ()
        limits = {one.stage: one for one in found.thresholds}
        assert (limits["awareness"].stuck, limits["awareness"].left) == (1, 20)
        assert limits["purchase"].why == "ended visits: 0, too few to say what is long"
        assert "80%" in found.rule
        assert made.lifecycle.stuck(where="owner=Ben", as_of="2024-02-18").rows == ()


def test_indicators_are_the_metrics_of_the_catalogue(company: Company) -> None:
    found = company.lifecycle.indicators(period="2024-03", as_of=AS_OF)
    assert [(r.stage, r.metric) for r in found.rows] == [
        (stage, name) for stage, names in INDICATORS.items() for name in names
    ]
    for row in found.rows:
        shown = company.show(row.metric, start="2024-02", end="2024-03", as_of=AS_OF).rows
        assert (row.previous, row.value) == (shown[0]["value"], shown[1]["value"])
        assert row.value is not None or row.why
    assert str(found.rows[0].period) == "2024-03-01"
    cut = company.lifecycle.indicators(period="2024-03", where="industry=EdTech", as_of=AS_OF)
    by_name = {r.metric: r for r in cut.rows}
    assert by_name["arpa"].value == 85
    assert "cannot be cut by industry" in by_name["visits"].why


def test_bad_questions_are_refused(company: Company) -> None:
    with pytest.raises(NotAnsweredError, match="cannot be cut by plan"):
        company.lifecycle.stages(by="plan")
    with pytest.raises(NotAnsweredError, match="cannot be cut by lifecycle"):
        company.lifecycle.times(where="lifecycle=adoption")
    with pytest.raises(UnknownNameError, match="Did you mean 'industry'"):
        company.lifecycle.transitions(by="industri")
    with pytest.raises(UnknownNameError, match="Unknown stage 'lapse'"):
        company.lifecycle.accounts(stage="lapse")
    with pytest.raises(UnknownNameError, match="Unknown account"):
        company.lifecycle.history(account="nobody")
    with pytest.raises(NotAnsweredError, match="range"):
        company.lifecycle.stages(start="2024-03", end="2024-01")
    with pytest.raises(NotAnsweredError, match="after the as-of"):
        company.lifecycle.accounts(period="2024-06", as_of=AS_OF)
