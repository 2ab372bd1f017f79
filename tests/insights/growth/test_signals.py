"""Signals of growth: which stand, since when, on what evidence, and what is left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NoAccountError
from staycurve.insights.growth.signals import SIGNALS
from staycurve.insights.growth.upsell import Adding, adding
from staycurve.workspace import Company
from tests.company import build

SETTINGS = """
[[limits]]
feature = "report"
plan = "Team"
allowance = 10
[growth.next_plans]
Team = "Pro"
[growth.features]
Pro = ["sso"]
"""
AS_OF = "2024-06-16"


def used(account: str, name: str, days: list[str], *, users: int = 1) -> list[dict[str, Any]]:
    return [
        {"event_id": f"{account}-{name}-{place}", "account_id": account, "event": name,
         "user_id": f"{account}-u{place % users}", "occurred_at": f"{day}T10:00:00"}
        for place, day in enumerate(days)
    ]


def june(*days: int) -> list[str]:
    return [f"2024-06-{day:02}" for day in days]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    may = [f"2024-05-{day:02}" for day in range(2, 14)]
    subscriptions = [
        {"subscription_id": f"s-{account}", "account_id": account, "plan": "Team",
         "product": "Flow", "quantity": seats, "unit_amount": 10, "starts_at": "2024-01-05"}
        for account, seats in (("over", 5), ("near", 5), ("past", 5), ("under", 5), ("full", 4),
                               ("one", 1), ("tries", 9))
    ]
    pro = [
        {"subscription_id": f"s-p{place}", "account_id": f"p{place}", "plan": "Pro",
         "product": "Flow", "quantity": 5, "unit_amount": 18, "starts_at": "2024-01-05"}
        for place in range(6)
    ]
    left = {"subscription_id": "s-left", "account_id": "left", "plan": "Team", "product": "Flow",
            "quantity": 5, "unit_amount": 10, "starts_at": "2024-01-05", "ends_at": "2024-06-10"}
    events = [
        *used("over", "report", june(*range(2, 15))), *used("near", "report", june(*range(3, 11))),
        *used("past", "report", may), *used("under", "report", june(*range(2, 9))),
        *used("left", "report", june(*range(1, 10), 9, 9)),
        *used("full", "board", june(*range(2, 8)), users=5),
        *used("one", "board", june(2, 3, 4), users=3),
        *used("tries", "sso", ["2024-04-02", "2024-06-03", "2024-06-05"]),
        # What comes after the as-of is not known yet.
        *used("near", "report", ["2024-06-20", "2024-06-21", "2024-06-22"]),
    ]
    for place, event in enumerate(events):
        event["event_id"] = f"{place}-{event['event_id']}"
    folder = tmp_path_factory.mktemp("signals") / "c"
    return build(folder, {
        "subscriptions": [*subscriptions, *pro, left], "events": events,
    }, end_reasons=SETTINGS)


def test_each_signal_has_its_evidence_and_its_day(company: Company) -> None:
    found = company.growth.signals(as_of=AS_OF)
    assert {(row.account_id, row.signal): (row.what, str(row.since), row.evidence, row.gain)
            for row in found.rows} == {
        # The tenth report was run on 11 June, the eighth of `near` on the 10th.
        ("over", "limit_reached"): ("report", "2024-06-11", "report: 13 of 10 in 2024-06", 40.0),
        ("near", "limit_near"): ("report", "2024-06-10", "report: 8 of 10 in 2024-06", 40.0),
        ("past", "limit_reached"): ("report", "2024-05-11", "report: 12 of 10 in 2024-05", 40.0),
        # One more person than the four that were paid for.
        ("full", "seats_taken"): (
            "", "2024-06-15", "5 people active in 28 days, 4 seats bought", 10.0
        ),
        ("tries", "next_plan_feature"): (
            "sso", "2024-04-02", "sso, used on 2 of the last 28 days: Pro has it", 72.0
        ),
    }
    assert found.counts == {
        "limit_reached": 2, "limit_near": 1, "seats_taken": 1, "seats_near": 0,
        "next_plan_feature": 1, "similar_added": 0,
    }
    assert found.accounts == 5
    # Gains that are known stand first, the largest of them on top.
    assert [row.gain for row in found.rows] == [72.0, 40.0, 40.0, 40.0, 10.0]
    assert found.rows[0].how == "9 × 18.00 USD a month on Pro, less 90.00 now"


def test_one_account_or_one_kind_of_signal(company: Company) -> None:
    one = company.growth.signals(account="full", as_of=AS_OF)
    assert [row.signal for row in one.rows] == ["seats_taken"]
    kind = company.growth.signals(signal="limit_reached", as_of=AS_OF)
    assert [row.account_id for row in kind.rows] == ["over", "past"]
    assert set(SIGNALS) == set(kind.counts)
    gone = company.growth.signals(account="left", as_of=AS_OF)
    assert (gone.rows, gone.why) == ((), "the account pays nothing")
    with pytest.raises(NoAccountError, match="fulll"):
        company.growth.signals(account="fulll", as_of=AS_OF)


def test_what_cannot_be_looked_for_is_said(tmp_path: Path) -> None:
    rows = [
        {"subscription_id": f"s{place}", "account_id": f"a{place}", "plan": "Team", "amount": 50,
         "starts_at": "2024-01-05"} for place in range(3)
    ]
    found = build(tmp_path / "c", {"subscriptions": rows}).growth.signals(as_of=AS_OF)
    assert found.rows == ()
    told = " ".join(found.notes)
    for word in ("no usage is known", "Seats:", "The next plan:", "Cross-sell:"):
        assert word in told
    empty = build(tmp_path / "e", {"subscriptions": [
        {**rows[0], "status": "trialing", "ends_at": "2024-02-05"}
    ]}).growth.signals(as_of=AS_OF)
    assert empty.why == "no account pays"


def test_a_feature_of_the_next_plan_is_used_there_and_hardly_before() -> None:
    sizes = {"Team": 100, "Pro": 100, "Max": 100}
    users = {
        ("Team", "sso"): 5, ("Pro", "sso"): 60, ("Team", "board"): 50, ("Pro", "board"): 90,
        ("Team", "rare"): 0, ("Pro", "rare"): 3, ("Max", "audit"): 99, ("Pro", "audit"): 1,
    }
    following = {"Team": ("Pro", 9), "Pro": ("Max", 9)}
    # `board` is more frequent on Pro, and half of Team use it: it belongs to both.
    assert adding(following, {}, sizes, users) == [
        Adding("Pro", "Max", "audit", 0.99, 0.01), Adding("Team", "Pro", "sso", 0.6, 0.05),
    ]
    stated = adding(following, {"Pro": ["api"]}, sizes, users)
    assert Adding("Team", "Pro", "api") in stated
    assert "sso" not in {one.feature for one in stated}


FIRST = dt.date(2023, 1, 2)


def cross(accounts: int = 160) -> dict[str, Any]:
    """Accounts on Team come to buy Storage, each at its own time; those on Basic never do."""
    rows = []
    for place in range(accounts):
        start = FIRST + dt.timedelta(days=place % 40)
        own = {"subscription_id": f"s{place}", "account_id": f"a{place:03}", "product": "Flow",
               "plan": "Team" if place % 2 else "Basic", "starts_at": str(start), "amount": 100}
        rows.append(own)
        if place % 2 and place % 8 != 7:
            later = start + dt.timedelta(days=60 + (place * 37) % 560)
            rows.append({**own, "item_id": "more", "kind": "addon", "product": "Storage",
                         "starts_at": str(later), "amount": 25})
    return {"subscriptions": rows}


def test_similar_accounts_say_what_comes_next(tmp_path: Path) -> None:
    company = build(tmp_path / "c", cross())
    found = company.growth.next(as_of="2024-10-01")
    rows = {(row.kind, row.thing, row.of_plan, row.of_segment): row for row in found.rows}
    team = rows["product", "Storage", "Team", None]
    assert team.is_significant
    assert team.lift > 5
    assert team.low > 1
    assert team.rest == 0
    # Looked at one horizon apart, nobody's addition counts twice.
    assert found.looks[0] == dt.date(2024, 6, 30)
    assert all((one - two).days >= 90
               for one, two in zip(found.looks, found.looks[1:], strict=False))
    assert team.added <= 70
    signals = company.growth.signals(as_of="2024-10-01")
    assert signals.rows
    assert {row.signal for row in signals.rows} == {"similar_added"}
    bought = {
        row["account_id"] for row in cross()["subscriptions"]
        if row["product"] == "Storage" and row["starts_at"] <= "2024-09-30"
    }
    # Those on Team that have not got it, and nobody else.
    assert {row.account_id for row in signals.rows} == {
        f"a{place:03}" for place in range(1, 160, 2)
    } - bought
    assert {row.gain for row in signals.rows} == {25.0}
    assert f"added Storage within 90 days: {team.share:.1%}" in signals.rows[0].evidence
    by_country = company.growth.next(segment="country", as_of="2024-10-01")
    # Nobody's country is known: all on the plan are compared.
    assert {row.of_segment for row in by_country.rows} == {None}


def test_additions_know_nothing_of_what_comes_after(tmp_path: Path) -> None:
    day = "2024-06-01"
    whole = build(tmp_path / "whole", cross()).growth.next(as_of=day)
    assert whole.tested
    rows = [row for row in cross()["subscriptions"] if row["starts_at"] < day]
    assert len(rows) < len(cross()["subscriptions"])
    then = build(tmp_path / "then", {"subscriptions": rows}).growth.next(as_of=day)
    assert then.as_dict() == whole.as_dict()
