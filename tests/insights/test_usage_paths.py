"""Paths: hand-computed cases, and a naive walk over random events."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.usage.paths import Paths
from staycurve.workspace import Company
from tests.insights.unlabelled import unlabelled
from tests.insights.usage_company import Event, at_random, company_of

WALKS = """
account user event occurred_at platform session
acme ann open 2024-03-01T10:00:00 web s1
acme ann read 2024-03-01T10:01:00 web s1
acme ann read 2024-03-01T10:02:00 web s1
acme ann send 2024-03-01T10:03:00 web s1
acme ann open 2024-03-01T10:20:00 web s2
acme ann send 2024-03-01T13:00:00 web s2
bolt bob open 2024-03-01T10:00:00 web s1
bolt bob read 2024-03-01T10:05:00 web s1
bolt bob read 2024-03-01T10:06:00 web s1
bolt bob send 2024-03-01T10:07:00 web s1
"""


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company_of(tmp_path_factory.mktemp("walks"), WALKS)


def asked(company: Company, anchor: str = "open", **how: Any) -> Paths:
    how = {"first": "2024-03-01", "last": "2024-03-01", "as_of": "2024-04-01", "size": 2} | how
    return company.usage.paths(anchor=anchor, **how)


def listed(found: Paths) -> list[tuple[str, int, int | None]]:
    return [(" ".join(row["path"]), row["count"], row["people"]) for row in found.as_dict()["rows"]]


def test_next_things_within_half_an_hour(walks: Company) -> None:
    found = asked(walks)
    assert found.within == "30m"
    assert listed(found) == [("read read", 2, 2), ("", 1, 1)]
    assert [row.value for row in found.rows] == [pytest.approx(2 / 3), pytest.approx(1 / 3)]
    assert found.as_dict()["totals"] == [{"segment": {}, "count": 3}]
    assert found.as_dict()["links"] == [
        {"segment": {}, "position": 1, "from": "open", "to": "read", "count": 2},
        {"segment": {}, "position": 2, "from": "read", "to": "read", "count": 2},
    ]
    assert listed(asked(walks, within="3h")) == [("read read", 2, 2), ("send", 1, 1)]


def test_runs_count_once_where_repeats_are_dropped(walks: Company) -> None:
    # Ann's second opening comes 17 minutes after she sent.
    assert listed(asked(walks, repeats="drop")) == [("read send", 2, 2), ("", 1, 1)]


def test_what_came_before(walks: Company) -> None:
    found = asked(walks, "send", way="before", size=3)
    assert listed(found) == [("read read open", 2, 2), ("", 1, 1)]


def test_the_others_stand_together(walks: Company) -> None:
    found = asked(walks, "read", size=1, listed=1)
    # Two of four readings are followed by a reading, two by sending: of equals the first by name.
    assert [(r["path"], r["count"], r["is_other"]) for r in found.as_dict()["rows"]] == [
        (["read"], 2, False), ([], 2, True),
    ]
    assert found.as_dict()["rows"][1]["paths"] == 1


def test_within_the_session_that_events_name(tmp_path: Path) -> None:
    company = company_of(tmp_path, WALKS, settings='[usage]\nsession = "session"\n')
    found = asked(company, size=3)
    assert found.within == "session"
    assert listed(found) == [("read read send", 2, 2), ("send", 1, 1)]


def test_paths_open_into_their_occurrences(walks: Company) -> None:
    members = asked(walks).users(["read", "read"])
    assert unlabelled(members.as_dict()["rows"]) == [
        {"user_id": "ann", "account_id": "acme", "done_at": "2024-03-01T10:00:00+00:00",
         "event_id": "e00000"},
        {"user_id": "bob", "account_id": "bolt", "done_at": "2024-03-01T10:00:00+00:00",
         "event_id": "e00006"},
    ]
    assert asked(walks).users([]).as_dict()["accounts"] == [{"account_id": "acme", "value": 1}]


@pytest.mark.parametrize("way", ["after", "before"])
@pytest.mark.parametrize("whose", ["user", "account"])
def test_as_a_naive_walk_finds(tmp_path: Path, way: str, whose: str) -> None:
    events = at_random(9, count=500)
    company = company_of(tmp_path, events)
    expected: Counter[tuple[str, ...]] = Counter()
    acts: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda e: (e.at, e.number)):
        who = event.user if whose == "user" else event.account
        if who:
            acts.setdefault(who, []).append(event)
    window = dt.timedelta(days=2)
    for own in acts.values():
        for place, event in enumerate(own):
            if event.name != "b" or not dt.date(2024, 1, 15) <= event.at.date() <= dt.date(
                2024, 2, 20
            ):
                continue
            near = own[place + 1:place + 4] if way == "after" else own[:place][::-1][:3]
            path = [e.name for e in near if abs(e.at - event.at) <= window]
            expected[tuple(path)] += 1
    found = asked(
        company, "b", way=way, whose=whose, size=3, within="2d", first="2024-01-15",
        last="2024-02-20", listed=500,
    )
    assert {tuple(row["path"]): row["count"] for row in found.as_dict()["rows"]} == expected
    assert found.as_dict()["totals"][0]["count"] == expected.total() > 20


def test_what_cannot_be_asked_says_so(walks: Company) -> None:
    with pytest.raises(UsageError, match="asked of an event"):
        asked(walks, "", way="before")
    with pytest.raises(UsageError, match="no value of 'size'"):
        asked(walks, size=11)
    with pytest.raises(UsageError, match="no value of 'listed'"):
        asked(walks, listed=0)
    with pytest.raises(UnknownNameError, match="way"):
        asked(walks, way="around")
    with pytest.raises(NotAnsweredError, match="which session"):
        asked(walks, within="session")
    nobody = asked(walks, first="2024-02-01", last="2024-02-02")
    assert (nobody.as_dict()["rows"], nobody.why) == ([], "it was not done in the range")
