"""Activity: windows, days and sessions by hand, and against a naive count."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.workspace import Company
from tests.insights.unlabelled import unlabelled
from tests.insights.usage_company import Event, at_random, company_of, days, local


def test_windows_count_their_last_day(tmp_path: Path) -> None:
    company = company_of(tmp_path, days(
        """ann: 2024-03-28 2024-03-27 2024-03-01
           bob: 2024-03-22
           cid: 2024-03-21
           dee: 2024-02-29 2024-02-28"""
    ))
    found = company.usage.activity(day="2024-03-28", as_of="2024-04-01")
    # The 28 days are those of March; Dee was active on the 28 before.
    assert {f["figure"]: (f["value"], f["before"]) for f in found.as_dict()["figures"]} == {
        "dau": (1, 1), "wau": (2, 1), "mau": (3, 1),
    }
    assert {row.active_days: row.count for row in found.rows if row.count} == {1: 2, 3: 1}
    assert len(found.as_dict()["rows"]) == 28
    assert unlabelled(found.users(3, 28).as_dict()["rows"]) == [
        {"user_id": "ann", "account_id": "acme", "active_days": 3}
    ]
    assert found.users().as_dict()["accounts"] == [{"account_id": "acme", "value": 3}]


def test_power_users_by_days_then_uses(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at
    acme ann view 2024-03-01T10:00:00
    acme ann view 2024-03-02T10:00:00
    acme bob view 2024-03-01T10:00:00
    acme bob view 2024-03-02T11:00:00
    acme bob send 2024-03-02T12:00:00
    acme cid view 2024-03-02T10:00:00
    """)
    found = company.usage.activity(day="2024-03-02", top=2, as_of="2024-04-01")
    assert unlabelled(found.as_dict()["power"]) == [
        {"user_id": "bob", "account_id": "acme", "active_days": 2, "uses": 3, "features": 2,
         "last_on": "2024-03-02"},
        {"user_id": "ann", "account_id": "acme", "active_days": 2, "uses": 2, "features": 1,
         "last_on": "2024-03-02"},
    ]


SESSIONS = """
account user event occurred_at platform session
acme ann view 2024-03-01T10:00:00 web s1
acme ann send 2024-03-01T10:02:00 web s1
acme ann view 2024-03-01T15:00:00 web s2
acme bob view 2024-03-01T10:00:00 web s1
acme bob view 2024-03-01T10:01:00 web s1
acme bob view 2024-03-01T10:10:00 web s1
acme bob view 2024-03-01T10:11:00 web -
"""


def test_sessions_of_two_users_may_have_one_name(tmp_path: Path) -> None:
    company = company_of(tmp_path, SESSIONS, settings='[usage]\nsession = "session"\n')
    (found,) = company.usage.activity(day="2024-03-28", as_of="2024-04-01").as_dict()["sessions"]
    # Two minutes, none, ten minutes; Bob's last event names no session.
    assert found == {
        "segment": {}, "sessions": 3, "people": 2, "events": 6, "mean_events": 2.0,
        "median_events": 2.0, "mean_seconds": 240.0, "median_seconds": 120.0,
    }


def test_who_had_the_sessions(tmp_path: Path) -> None:
    company = company_of(tmp_path, SESSIONS, settings='[usage]\nsession = "session"\n')
    found = company.usage.activity(day="2024-03-28", as_of="2024-04-01").session_users()
    assert unlabelled(found.as_dict()["rows"]) == [
        {"user_id": "ann", "account_id": "acme", "sessions": 2, "events": 3, "seconds": 120},
        {"user_id": "bob", "account_id": "acme", "sessions": 1, "events": 3, "seconds": 600},
    ]
    whole = company.usage.activity(day="2024-03-28", whose="account", as_of="2024-04-01")
    assert [(row.account_id, row.sessions) for row in whole.session_users().rows] == [
        ("acme", 3)
    ]


def test_without_a_property_for_sessions_there_are_none(tmp_path: Path) -> None:
    found = company_of(tmp_path, SESSIONS).usage.activity(day="2024-03-28", as_of="2024-04-01")
    assert found.sessions == ()
    assert found.why_no_sessions is not None
    assert "[usage] session" in found.why_no_sessions
    with pytest.raises(NotAnsweredError, match="No session is known"):
        found.session_users()


@pytest.fixture(scope="module")
def zoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Event]]:
    events = at_random(31, count=500)
    return company_of(
        tmp_path_factory.mktemp("zoned"), events, timezone="America/Los_Angeles",
        accounts="account_id country\nacc0 DE\nacc1 DE\nacc2 FR\nacc3 -",
    ), events


@pytest.mark.parametrize("whose", ["user", "account"])
@pytest.mark.parametrize("day", ["2024-02-14", "2024-03-01", "2024-03-20"])
def test_as_a_naive_count_says(
    zoned: tuple[Company, list[Event]], whose: str, day: str
) -> None:
    company, events = zoned
    last = dt.date.fromisoformat(day)
    active: dict[str, set[dt.date]] = {}
    uses: Counter[str] = Counter()
    for event in events:
        who = event.user if whose == "user" else event.account
        own = local(event, "America/Los_Angeles")
        if who and last - dt.timedelta(days=28) < own <= last:
            active.setdefault(who, set()).add(own)
            uses[who] += 1
    found = company.usage.activity(day=day, whose=whose, top=3, as_of="2024-04-10")
    shown = {row["active_days"]: row["count"] for row in found.as_dict()["rows"] if row["count"]}
    assert shown == Counter(len(listed) for listed in active.values())
    for figure in found.as_dict()["figures"]:
        first = last - dt.timedelta(days=figure["days"] - 1)
        assert figure["value"] == sum(max(listed) >= first for listed in active.values())
    ranked = sorted(active, key=lambda who: (-len(active[who]), -uses[who], who))[:3]
    assert [row[f"{whose}_id"] for row in found.as_dict()["power"]] == ranked
    assert found.users().as_dict()["total"]["value"] == len(active)


def test_segments_sum_to_the_whole(zoned: tuple[Company, list[Event]]) -> None:
    usage = zoned[0].usage
    whole = usage.activity(day="2024-03-01", as_of="2024-04-10")
    split = usage.activity(day="2024-03-01", by="country", as_of="2024-04-10")
    assert whole.as_dict()["figures"]
    for figure in whole.as_dict()["figures"]:
        parts = [f["value"] for f in split.as_dict()["figures"] if f["figure"] == figure["figure"]]
        assert sum(parts) == figure["value"]


def test_a_day_that_is_not_over_is_open(zoned: tuple[Company, list[Event]]) -> None:
    found = zoned[0].usage.activity(as_of="2024-03-01T20:00:00+00:00")
    assert found.day == dt.date(2024, 3, 1)
    assert found.is_open
    assert all(figure["open"] for figure in found.as_dict()["figures"])


def test_what_cannot_be_asked_says_so(zoned: tuple[Company, list[Event]]) -> None:
    usage = zoned[0].usage
    with pytest.raises(NotAnsweredError, match="lies after"):
        usage.activity(day="2025-03-01")
    with pytest.raises(UsageError, match="no value of 'top'"):
        usage.activity(top=0)
