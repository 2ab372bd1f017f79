"""Paths from the start of a session, and to an end."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UsageError
from tests.insights.usage_company import Event, at_random, company_of

RANGE = {"first": "2024-01", "last": "2024-03", "as_of": "2024-06-01"}
SESSION = '[usage]\nsession = "session"\n'

# Half an hour of silence ends a session; the next event begins one.
ROWS = """account user event occurred_at platform session
acme ann home 2024-02-01T10:00:00 web s1
acme ann plan 2024-02-01T10:20:00 web s1
acme ann buy 2024-02-01T10:50:00 web s1
acme ann home 2024-02-01T11:20:01 ios s1
acme ben home 2024-02-02T10:00:00 ios s2
acme ben home 2024-02-02T10:01:00 ios s2
acme ben plan 2024-02-02T10:02:00 ios s3
acme ben help 2024-02-02T10:03:00 ios s3"""


def shown(found: Any) -> dict[tuple[str, ...], int]:
    return {row.path: row.count for row in found.rows}


def test_from_the_start_of_a_session_by_hand(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", ROWS) as company:
        found = company.usage.paths(size=3, within="30m", **RANGE)
        assert found.anchor == "start of a session"
        assert shown(found) == {
            ("home", "plan", "buy"): 1, ("home",): 1, ("home", "home", "plan"): 1}
        assert [row.count for row in found.totals] == [3]
        alone = company.usage.paths(size=3, within="30m", repeats="drop", **RANGE)
        assert shown(alone) == {
            ("home", "plan", "buy"): 1, ("home",): 1, ("home", "plan", "help"): 1}
        split = company.usage.paths(size=1, within="30m", by="property:platform", **RANGE)
        assert {row.segment["property:platform"]: row.count for row in split.totals} == {
            "web": 1, "ios": 2}
        behind = found.users(("home",))
        assert [(row.user_id, row.event_id) for row in behind.rows] == [("ann", "e00003")]


def test_a_named_session_is_one(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", ROWS, settings=SESSION) as company:
        found = company.usage.paths(size=4, **RANGE)
        assert shown(found) == {
            ("home", "plan", "buy", "home"): 1, ("home", "home"): 1, ("plan", "help"): 1}


def test_to_an_end_those_alone_that_get_there(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", ROWS) as company:
        found = company.usage.paths(size=3, within="30m", end="plan", **RANGE)
        assert found.end == "plan"
        assert shown(found) == {("home", "plan"): 1, ("home", "home", "plan"): 1}
        two = company.usage.paths(size=2, within="30m", end="plan", **RANGE)
        assert shown(two) == {("home", "plan"): 1}
        of_event = company.usage.paths(anchor="home", size=2, within="1h", end="buy", **RANGE)
        assert shown(of_event) == {("plan", "buy"): 1}
        # It is done 50 minutes after: not within the time.
        late = company.usage.paths(anchor="home", size=2, within="40m", end="buy", **RANGE)
        assert late.rows == ()
        with pytest.raises(UsageError, match="asked of an event"):
            company.usage.paths(way="before", **RANGE)


def naive(events: list[Event], size: int, end: str) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for user in {e.user for e in events if e.user}:
        own = sorted((e for e in events if e.user == user), key=lambda e: (e.at, e.number))
        sessions: list[list[Event]] = []
        for event in own:
            if sessions and event.at - sessions[-1][-1].at <= dt.timedelta(hours=3):
                sessions[-1].append(event)
            else:
                sessions.append([event])
        for session in sessions:
            names = [e.name for e in session][:size]
            if not end:
                found[tuple(names)] += 1
            elif end in names:
                found[tuple(names[:names.index(end) + 1])] += 1
    return found


@pytest.mark.parametrize("end", ["", "b"])
def test_random_sessions_say_what_a_plain_reading_says(tmp_path: Path, end: str) -> None:
    events = at_random(9, count=500)
    with company_of(tmp_path / "p", events) as company:
        found = company.usage.paths(size=3, within="3h", end=end or None, listed=500, **RANGE)
        expected = naive(events, 3, end)
        assert shown(found) == dict(expected)
        assert max(map(len, expected)) == 3
