"""Onboarding: sign-up, first value with censoring, the checklist, and a brute force."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.workspace import Company
from tests.company import build

Rows = list[dict[str, Any]]

SETTINGS = """
[activation]
events = ["made"]
window_days = 7
checklist = ["signed", "made", "invited"]
"""

HAND = {
    "accounts": """
        account_id created_at channel
        acme       2024-01-01 ads
        bolt       2024-01-01 ads
        crux       2024-01-10 web
        dune       2024-02-25 web
        eden       -          web
        fern       -          web
        gull       2024-01-20 ads""",
    "subscriptions": """
        subscription_id account_id starts_at  ends_at    status   amount
        s1              acme       2024-01-03 -          active   100
        s2              bolt       2024-01-01 2024-02-01 active   50
        s3              eden       2024-01-15 2024-01-29 trialing 0""",
    # gull made something a day before it signed up.
    "events": """
        event_id account_id event   occurred_at
        e1       acme       signed  2024-01-01T10:00:00Z
        e2       acme       made    2024-01-03T12:30:00Z
        e3       acme       invited 2024-01-03T12:45:00Z
        e4       bolt       invited 2024-01-02T08:00:00Z
        e5       bolt       signed  2024-01-02T09:00:00Z
        e6       bolt       made    2024-01-20T09:00:00Z
        e7       crux       signed  2024-01-10T09:00:00Z
        e8       eden       made    2024-01-15T09:00:00Z
        e9       gull       made    2024-01-19T09:00:00Z
        e10      dune       signed  2024-02-25T09:00:00Z
        e11      acme       made    2024-01-05T09:00:00Z
        e12      acme       view    2024-03-25T09:00:00Z""",
}


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("hand") / "p", HAND, end_reasons=SETTINGS) as company:
        yield company


def test_time_to_first_value_by_hand(hand: Company) -> None:
    found = hand.onboarding.time_to_value(as_of="2024-03-01")
    whole = found.whole[0]
    # fern never signed up as far as is known; eden did with its trial.
    assert (found.unknown_signup, found.activated_before_signup) == (1, 1)
    assert (whole.size, whole.activated) == (6, 4)
    # Days 0 (eden, gull), 2 (acme), 19 (bolt); dune 4 and crux 50 days without.
    assert [(p.time, p.at_risk, p.events) for p in whole.curve] == [
        (0, 6, 2), (2, 4, 1), (19, 2, 1)
    ]
    # Left: 4/6, 3/6, 3/6 × 1/2.
    assert [p.share for p in whole.curve] == pytest.approx([1 / 3, 1 / 2, 3 / 4])
    row = whole
    assert (row.q25.value, row.median.value, row.q75.value) == (0, 2, 19)
    # Within 7 days: acme, eden and gull, of the five whose window has passed.
    assert (row.rate.count, row.rate.size) == (3, 5)
    january, february = found.rows
    assert (january.month, january.size, february.size) == ("2024-01", 5, 1)
    assert (february.rate.value, february.rate.why) == (
        None, "nobody's window has passed yet"
    )
    assert february.median.value is None


def test_it_is_the_metric(hand: Company) -> None:
    found = hand.onboarding.time_to_value(as_of="2024-03-01")
    shown = hand.show(
        "time_to_first_value", "activation_rate", start="2024-01", end="2024-01",
        as_of="2024-03-01",
    )
    theirs = {row["metric"]: row["value"] for row in shown.rows}
    january = found.rows[0]
    assert january.rate.value == theirs["activation_rate"]
    assert january.median.value == theirs["time_to_first_value"]


def test_the_numbers_open(hand: Company) -> None:
    names = {
        part: [
            row.account_id
            for row in hand.onboarding.accounts(part=part, as_of="2024-03-01").rows
        ]
        for part in ("activated", "waiting", "mature", "in_window", "late", "unknown", "before")
    }
    assert names == {
        "activated": ["acme", "bolt", "eden", "gull"], "waiting": ["crux", "dune"],
        "mature": ["acme", "bolt", "crux", "eden", "gull"],
        "in_window": ["acme", "eden", "gull"], "late": ["bolt", "crux"], "unknown": ["fern"],
        "before": ["gull"],
    }
    february = hand.onboarding.accounts(cohort="2024-02", as_of="2024-03-01")
    assert [one.as_dict() for one in february.rows] == [
        {"account_id": "dune", "signup_on": "2024-02-25", "activated_on": None, "days": 4}
    ]


def test_an_earlier_as_of_sees_less(hand: Company) -> None:
    found = hand.onboarding.time_to_value(as_of="2024-01-16")
    assert (found.whole[0].size, found.whole[0].activated) == (4, 2)


def test_segments_are_told_apart(hand: Company) -> None:
    found = hand.onboarding.time_to_value(by="channel", as_of="2024-03-01")
    assert [(one.segment, one.size) for one in found.whole] == [
        ({"channel": "ads"}, 3), ({"channel": "web"}, 3)
    ]
    assert found.p_value is not None
    ads = hand.onboarding.time_to_value(where="channel=ads", as_of="2024-03-01")
    assert ads.whole[0].size == 3


def test_the_checklist_by_hand(hand: Company) -> None:
    found = hand.onboarding.checklist(as_of="2024-03-01")
    signed, made, invited = found.rows
    # acme, bolt, crux, eden and gull; in order: acme all, bolt up to made, crux signed.
    assert signed.in_order.size == 5
    assert [row.in_order.count for row in found.rows] == [3, 2, 1]
    assert [row.any_order.count for row in found.rows] == [3, 4, 2]
    # bolt made something on day 19, after the window of 7 days.
    assert [row.in_window.count for row in found.rows] == [3, 3, 2]
    assert [row.stopped for row in found.rows] == [2, 1, 1]
    assert [row.is_largest_loss for row in found.rows] == [True, False, False]
    # From signed to made: acme 50.5 hours, bolt 18 days; the mean of the two in the middle.
    assert signed.median_hours is None
    assert made.median_hours == pytest.approx((50.5 + 18 * 24) / 2)
    assert invited.median_hours == 0.25
    asked = {"as_of": "2024-03-01"}
    stopped = hand.onboarding.step_accounts(step="invited", state="stopped", **asked).rows
    assert [(row.account_id, row.steps_in_order) for row in stopped] == [("bolt", 2)]
    assert stopped[0].steps["invited"] == "2024-01-02T08:00:00+00:00"
    for place, name in enumerate(("signed", "made", "invited")):
        for state, key in (("reached", "in_order"), ("any_order", "any_order"),
                           ("in_window", "in_window")):
            opened = hand.onboarding.step_accounts(step=name, state=state, **asked)
            assert len(opened.rows) == getattr(found.rows[place], key).count


def test_who_stays_three_months_later(hand: Company) -> None:
    # Known on 11 April: acme, bolt (1 April) and crux (10 April).
    found = hand.onboarding.checklist(as_of="2024-04-11")
    made = found.rows[1]
    assert (made.paying.users.size, made.paying.users.count) == (1, 1)
    assert (made.paying.others.size, made.paying.others.count) == (2, 0)
    # acme was seen on 25 March, within the 28 days up to 1 April.
    assert made.active.users.count == 1
    assert made.paying.verdict == "not tested"


def test_what_is_missing_says_so(tmp_path: Path, hand: Company) -> None:
    with build(tmp_path / "p", {"accounts": "account_id\nacme"}) as company:
        steps = company.onboarding.checklist()
        assert steps.why == "staycurve.toml states no [activation] checklist"
        found = company.onboarding.time_to_value()
        assert (found.why, found.unknown_signup) == ("no events are loaded", 1)
        assert found.whole == found.rows == ()
        with pytest.raises(UsageError, match="no steps"):
            company.onboarding.step_accounts(step="signed")
    assert hand.onboarding.checklist(as_of="2024-01-02").why == "nobody's window has passed yet"
    with pytest.raises(UnknownNameError, match="step"):
        hand.onboarding.step_accounts(step="sign")
    with pytest.raises(UnknownNameError, match="part"):
        hand.onboarding.accounts(part="gone")
    with pytest.raises(NotAnsweredError, match="cannot be cut by plan"):
        hand.onboarding.time_to_value(by="plan")


# A brute force: every step of every account, chained by hand.

STEPS = ("one", "two", "three")


def drawn(seed: int) -> dict[str, Rows]:
    pick = random.Random(seed)
    accounts, events, spans = [], [], []
    for number in range(80):
        account, created = f"a{number:02}", dt.date(2024, 1, 1) + dt.timedelta(pick.randrange(90))
        accounts.append({"account_id": account, "created_at": created})
        if pick.random() < 0.6:
            starts = created + dt.timedelta(pick.randrange(30))
            ends = starts + dt.timedelta(pick.randrange(20, 120)) if pick.random() < 0.5 else None
            spans.append({"subscription_id": f"s{number}", "account_id": account, "amount": 10,
                          "starts_at": starts, "ends_at": ends, "plan": pick.choice("AB")})
        at = dt.datetime.combine(created, dt.time(8), dt.UTC)
        for _ in range(pick.randrange(9)):
            at += dt.timedelta(minutes=pick.randrange(60 * 24 * 12))
            events.append({"event_id": f"e{len(events)}", "account_id": account,
                           "event": pick.choice((*STEPS, "view")), "occurred_at": at.isoformat()})
    return {"accounts": accounts, "events": events, "subscriptions": spans}


@pytest.mark.parametrize("seed", range(2))
def test_the_checklist_is_what_a_brute_force_finds(seed: int, tmp_path: Path) -> None:
    tables = drawn(seed)
    settings = '[activation]\nwindow_days = 10\nchecklist = ["one", "two", "three"]\n'
    with build(tmp_path / "p", tables, end_reasons=settings) as company:
        rows = company.onboarding.checklist(as_of="2024-06-01").rows
    seen, last = dt.datetime(2024, 6, 1, tzinfo=dt.UTC), dt.date(2024, 5, 31)
    chains: list[list[dt.datetime]] = []
    beside = {(p, o): [0, 0, 0, 0] for p in range(3) for o in ("paying", "active")}
    done = [0, 0, 0]
    timely = [0, 0, 0]
    for account in tables["accounts"]:
        own = sorted(
            (dt.datetime.fromisoformat(e["occurred_at"]), e["event"])
            for e in tables["events"] if e["account_id"] == account["account_id"]
        )
        own = [(at, name) for at, name in own if at < seen]
        chain: list[dt.datetime] = []
        for at, name in own:
            if len(chain) < 3 and name == STEPS[len(chain)]:
                chain.append(at)
        chains.append(chain)
        end = account["created_at"] + dt.timedelta(days=10)
        month = account["created_at"].month + 2
        later = account["created_at"].replace(year=2024, month=month % 12 + 1, day=1)
        days = (later.replace(month=later.month % 12 + 1) - dt.timedelta(days=1)).day
        later = later.replace(day=min(account["created_at"].day, days))
        pays = any(
            s["account_id"] == account["account_id"] and s["starts_at"] <= later
            and (s["ends_at"] is None or s["ends_at"] > later) for s in tables["subscriptions"]
        )
        is_active = any(later - dt.timedelta(days=27) <= at.date() <= later for at, _ in own)
        for place, step in enumerate(STEPS):
            first = min((at for at, name in own if name == step), default=None)
            done[place] += first is not None
            is_timely = first is not None and first.date() <= end
            timely[place] += is_timely
            if later <= last:
                for outcome, holds in (("paying", pays), ("active", is_active)):
                    cell = beside[place, outcome]
                    cell[0 if is_timely else 2] += 1
                    cell[1 if is_timely else 3] += holds
    for place, row in enumerate(rows):
        reached = [chain for chain in chains if len(chain) > place]
        assert row.in_order.size == 80
        assert row.in_order.count == len(reached)
        assert row.any_order.count == done[place]
        assert row.in_window.count == timely[place]
        if place and reached:
            hours = [(chain[place] - chain[place - 1]).total_seconds() / 3600 for chain in reached]
            assert row.median_hours == pytest.approx(statistics.median(hours))
        for outcome in ("paying", "active"):
            found = getattr(row, outcome)
            assert beside[place, outcome] == [
                found.users.size, found.users.count, found.others.size,
                found.others.count,
            ]
