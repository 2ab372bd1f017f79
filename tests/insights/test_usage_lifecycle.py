"""Lifecycle of use: a published case, cases by hand, and a naive count over random events."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.usage.usage_lifecycle import KINDS
from staycurve.period import Period, period_of, periods_between
from staycurve.workspace import Company
from tests.insights.usage_company import Event, at_random, company_of, days, local


def test_days_as_posthog_publishes_them(tmp_path: Path) -> None:
    # PostHog's test_lifecycle_trend in test_lifecycle_query_runner.py: four people, each created
    # on the day of the first event; there dormant is below zero.
    company = company_of(tmp_path, days(
        """p1: 2020-01-11 2020-01-12 2020-01-13 2020-01-15 2020-01-17 2020-01-19
           p2: 2020-01-09 2020-01-12
           p3: 2020-01-12
           p4: 2020-01-15"""
    ))
    found = company.usage.lifecycle(
        per="day", first="2020-01-12", last="2020-01-19", as_of="2020-01-20"
    )
    shown = {kind: [row[kind] for row in found.as_dict()["rows"]] for kind in KINDS}
    assert shown == {
        "new": [1, 0, 0, 1, 0, 0, 0, 0],
        "returning": [1, 1, 0, 0, 0, 0, 0, 0],
        "resurrecting": [1, 0, 0, 1, 0, 1, 0, 1],
        "dormant": [0, 2, 1, 0, 2, 0, 1, 0],
    }


def test_an_open_period_has_no_dormant_yet(tmp_path: Path) -> None:
    company = company_of(tmp_path, days("ann: 2024-01-05 2024-02-03\nbob: 2024-01-06"))
    found = company.usage.lifecycle(first="2024-01", last="2024-02", as_of="2024-02-10")
    january, february = found.as_dict()["rows"]
    assert (january["new"], january["dormant"], january["change"]) == (2, 0, 2)
    assert january["why"] == "division by zero: nobody went dormant"
    assert february == {
        "period": "2024-02-01", "segment": {}, "new": 0, "returning": 1, "resurrecting": 0,
        "dormant": None, "active": 1, "active_before": 2, "change": None, "quick_ratio": None,
        "open": True, "why": "the period is still open",
    }


def test_new_to_a_feature_is_new_even_if_long_active(tmp_path: Path) -> None:
    company = company_of(tmp_path, """
    account user event occurred_at platform
    acme ann view 2024-01-05T12:00:00 web
    acme ann report 2024-02-05T12:00:00 web
    acme ann report 2024-03-05T12:00:00 mobile
    """)
    asked = {"first": "2024-02", "last": "2024-03", "as_of": "2024-04-01"}
    everything = company.usage.lifecycle(**asked).as_dict()["rows"]
    assert [(r["new"], r["returning"]) for r in everything] == [(0, 1), (0, 1)]
    reports = company.usage.lifecycle(event="report", **asked).as_dict()["rows"]
    assert [(r["new"], r["returning"]) for r in reports] == [(1, 0), (0, 1)]
    on_mobile = company.usage.lifecycle(event="report[platform=mobile]", **asked).as_dict()["rows"]
    assert [(r["new"], r["returning"]) for r in on_mobile] == [(0, 0), (1, 0)]


def naive(
    events: list[Event], *, zone: str, periods: list[Period], whose: str, event: str,
    seen: dt.datetime,
) -> list[tuple[int, int, int, int]]:
    acts: dict[str, list[dt.date]] = {}
    for one in events:
        who = one.user if whose == "user" else one.account
        if who and one.at < seen and (not event or one.name == event):
            acts.setdefault(who, []).append(local(one, zone))
    found = []
    for period in periods:
        before = period.previous()
        sums = dict.fromkeys(KINDS, 0)
        for listed in acts.values():
            is_in = any(period.start <= day < period.end for day in listed)
            was_in = any(before.start <= day < before.end for day in listed)
            if is_in and min(listed) >= period.start:
                sums["new"] += 1
            elif is_in:
                sums["returning" if was_in else "resurrecting"] += 1
            elif was_in:
                sums["dormant"] += 1
        found.append(tuple(sums.values()))
    return found


@pytest.fixture(scope="module")
def zoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Event]]:
    events = at_random(21, count=350)
    return company_of(
        tmp_path_factory.mktemp("zoned"), events, timezone="Asia/Tokyo",
        accounts="account_id country\nacc0 DE\nacc1 DE\nacc2 FR\nacc3 -",
    ), events


@pytest.mark.parametrize("per", ["day", "week", "month"])
@pytest.mark.parametrize(("whose", "event"), [("user", ""), ("account", ""), ("user", "c")])
def test_as_a_naive_count_says(
    zoned: tuple[Company, list[Event]], per: str, whose: str, event: str
) -> None:
    company, events = zoned
    seen = dt.datetime(2024, 3, 20, 9, tzinfo=dt.UTC)
    first = dt.date(2024, 1, 8)
    found = company.usage.lifecycle(
        per=per, whose=whose, event=event, first=str(first), last="2024-03-31",
        as_of=seen.isoformat(),
    )
    periods = periods_between(first, period_of(dt.date(2024, 3, 20), per).start, per)
    expected = naive(
        events, zone="Asia/Tokyo", periods=periods, whose=whose, event=event, seen=seen
    )
    assert len(found.as_dict()["rows"]) == len(expected)
    rows = found.as_dict()["rows"]
    for row, (new, returning, resurrecting, dormant) in zip(rows, expected, strict=True):
        assert (row["new"], row["returning"], row["resurrecting"]) == (
            new, returning, resurrecting
        )
        assert row["active_before"] - row["returning"] == dormant
        assert row["open"] or row["dormant"] == dormant


@pytest.mark.parametrize("per", ["day", "month"])
def test_an_exact_partition(zoned: tuple[Company, list[Event]], per: str) -> None:
    found = zoned[0].usage.lifecycle(per=per, first="2024-01-08", last="2024-03-20")
    assert len(found.as_dict()["rows"]) > 1
    for before, row in zip(found.as_dict()["rows"], found.as_dict()["rows"][1:], strict=False):
        assert before["active"] == row["active_before"]
        if not row["open"]:
            assert row["active"] == before["active"] + row["change"]


def test_segments_sum_to_the_whole_and_every_count_opens(
    zoned: tuple[Company, list[Event]]
) -> None:
    usage = zoned[0].usage
    asked = {"per": "month", "first": "2024-01", "last": "2024-02", "as_of": "2024-03-02"}
    whole, split = usage.lifecycle(**asked), usage.lifecycle(**asked, by="country")
    for row in whole.as_dict()["rows"]:
        for kind in KINDS:
            parts = [r[kind] for r in split.as_dict()["rows"] if r["period"] == row["period"]]
            assert sum(parts) == row[kind]
            members = whole.users(row["period"], kind)
            assert members.as_dict()["total"] == {"value": row[kind]}
            assert sum(one.value for one in members.accounts) == row[kind]
    row = split.as_dict()["rows"][0]
    assert split.users("2024-01", "new", **row["segment"]).total.value == row["new"]


def test_what_cannot_be_asked_says_so(zoned: tuple[Company, list[Event]]) -> None:
    usage = zoned[0].usage
    with pytest.raises(UnknownNameError, match="per 'fortnight'"):
        usage.lifecycle(per="fortnight")
    with pytest.raises(UnknownNameError, match="kind 'lost'"):
        usage.lifecycle(per="month", as_of="2024-03-02").users("2024-02", "lost")
    with pytest.raises(NotAnsweredError, match="empty"):
        usage.lifecycle(first="2024-06", last="2024-01")
