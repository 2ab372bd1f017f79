"""Retention of use: published and hand-computed cases, and a naive count over random events."""

from __future__ import annotations

import datetime as dt
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.usage import usage_retention_sql
from staycurve.insights.usage.usage_asking import periods_of, question_of
from staycurve.insights.usage.usage_question import Doing
from staycurve.insights.usage.usage_retention_asked import RetentionQuestion
from staycurve.period import Period, period_of, periods_between
from staycurve.workspace import Company
from tests.insights.usage_company import Event, at_random, company_of, days, local

PER = {"day": 24, "week": 7 * 24, "month": 30 * 24}


def grid(rows: list[dict[str, Any]], key: str = "returned") -> list[list[Any]]:
    """Cells by cohort."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["cohort"], []).append(row[key])
    return list(found.values())


def test_days_as_posthog_publishes_them(tmp_path: Path) -> None:
    # Two people from 2020-06-10 on; the expected counts are those of PostHog's test
    # test_day_interval in test_retention_query_runner.py.
    company = company_of(tmp_path, days(
        """one: 2020-06-10 2020-06-11 2020-06-12 2020-06-15 2020-06-15 2020-06-16
           two: 2020-06-11 2020-06-12 2020-06-13 2020-06-16"""
    ))
    found = company.usage.retention(
        per="day", starts="every", first="2020-06-10", last="2020-06-20", as_of="2020-06-21"
    )
    assert grid(found.as_dict()["rows"]) == [
        [1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0],
        [2, 2, 1, 0, 1, 2, 0, 0, 0, 0],
        [2, 1, 0, 1, 2, 0, 0, 0, 0],
        [1, 0, 0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [2, 0, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0],
        [0, 0],
        [0],
    ]


def test_months_as_posthog_publishes_them(tmp_path: Path) -> None:
    # PostHog's test_month_interval: two people, months since January 2020.
    company = company_of(tmp_path, days(
        """one: 2020-01-10 2020-02-10 2020-03-10 2020-05-10 2020-06-10 2020-09-10
           two: 2020-01-10 2020-02-10 2020-03-10 2020-06-10 2020-07-10 2020-11-10"""
    ))
    found = company.usage.retention(
        starts="every", first="2020-01", last="2020-11", as_of="2020-12-01"
    )
    assert grid(found.as_dict()["rows"])[0] == [2, 2, 2, 0, 1, 2, 1, 0, 1, 0, 1]
    assert grid(found.as_dict()["rows"])[4] == [1, 1, 0, 0, 1, 0, 0]
    assert grid(found.as_dict()["rows"])[5] == [2, 1, 0, 1, 0, 1]


MONTHS = """ann: 2024-01-05 2024-02-07 2024-04-02
            bob: 2024-01-20 2024-03-01
            cid: 2024-02-11 2024-03-15
            dee: 2024-03-31"""


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return company_of(tmp_path_factory.mktemp("months"), days(MONTHS))


def test_first_starts_once_and_open_cells_are_blank(months: Company) -> None:
    found = months.usage.retention(
        first="2024-01", last="2024-04", as_of="2024-04-10"
    )
    assert grid(found.as_dict()["rows"], "size") == [[2] * 4, [1] * 3, [1] * 2, [0]]
    assert grid(found.as_dict()["rows"], "value") == [
        [1.0, 0.5, 0.5, None], [1.0, 1.0, None], [1.0, None], [None],
    ]
    last = found.as_dict()["rows"][3]
    assert (last["open"], last["returned"], last["why"]) == (True, 1, "the period is still open")
    assert [(t["age"], t["size"], t["returned"]) for t in found.as_dict()["totals"]] == [
        (0, 4, 4), (1, 3, 2), (2, 2, 1),
    ]


def test_later_counts_whoever_comes_back_at_any_time_after(months: Company) -> None:
    found = months.usage.retention(
        first="2024-01", last="2024-02", ages=3, returns="after", as_of="2024-05-01"
    )
    # Ann's last month is age 3 of January, Bob's age 2; Cid's is age 1 of February.
    assert grid(found.as_dict()["rows"]) == [[2, 2, 2, 1], [1, 1, 0]]
    assert found.notes


def test_nobody_in_a_cohort_is_an_empty_share_not_zero(months: Company) -> None:
    found = months.usage.retention(first="2024-04", last="2024-05", as_of="2024-06-01")
    april = [row for row in found.as_dict()["rows"] if row["cohort"] == "2024-04-01"]
    assert [row["value"] for row in april] == [None, None]
    assert {row["why"] for row in april} == {"nobody started in this period"}


def test_rolling_days_begin_with_everybodys_own_start(tmp_path: Path) -> None:
    events = """
    account user event occurred_at
    acme ann used 2024-01-01T20:00:00
    acme ann used 2024-01-02T10:00:00
    acme bob used 2024-01-01T08:00:00
    acme bob used 2024-01-02T10:00:00
    """
    usage = company_of(tmp_path, events).usage
    asked = {"per": "day", "first": "2024-01-01", "last": "2024-01-01", "ages": 1}
    calendar = usage.retention(**asked, as_of="2024-01-05")
    rolling = usage.retention(**asked, windows="rolling", as_of="2024-01-05")
    # Ann was back after 14 hours: the next day, but not in her second 24 hours.
    assert grid(calendar.as_dict()["rows"]) == [[2, 2]]
    assert grid(rolling.as_dict()["rows"]) == [[2, 1]]
    # A window of somebody who starts at midnight ends 48 hours later.
    early = usage.retention(**asked, windows="rolling", as_of="2024-01-03T23:59:59")
    assert [row["open"] for row in early.as_dict()["rows"]] == [False, True]
    whole = usage.retention(**asked, windows="rolling", as_of="2024-01-04")
    assert [row["open"] for row in whole.as_dict()["rows"]] == [False, False]


def test_start_and_return_are_different_things(tmp_path: Path) -> None:
    events = """
    account user event occurred_at platform
    acme ann signup 2024-01-05T12:00:00 web
    acme bob signup 2024-01-05T12:00:00 mobile
    acme ann report 2024-02-05T12:00:00 web
    acme bob other 2024-02-05T12:00:00 web
    """
    usage = company_of(tmp_path, events).usage
    asked = {"first": "2024-01", "last": "2024-01", "ages": 1, "as_of": "2024-03-01"}
    other = usage.retention(start="signup", back="report", **asked)
    assert grid(other.as_dict()["rows"]) == [[2, 1]]
    assert grid(usage.retention(start="signup", back="", **asked).as_dict()["rows"]) == [[2, 2]]
    on_web = usage.retention(start="signup[platform=web]", back="report", **asked)
    assert grid(on_web.as_dict()["rows"]) == [[1, 1]]
    assert on_web.start == "signup[platform=web]"


def test_users_without_a_name_and_excluded_accounts_do_not_count(tmp_path: Path) -> None:
    events = """
    account user event occurred_at
    acme - used 2024-01-05T12:00:00
    acme ann used 2024-01-05T12:00:00
    test zed used 2024-01-05T12:00:00
    - zoe used 2024-01-06T12:00:00
    """
    company = company_of(
        tmp_path, events, accounts="account_id name\nacme Acme\ntest test_account",
        users="user_id account_id\nann acme\nzoe test", exclude='exclude = ["name~test"]',
    )
    asked = {"first": "2024-01", "last": "2024-01", "as_of": "2024-02-01"}
    for windows in ("calendar", "rolling"):
        found = company.usage.retention(**asked, windows=windows)
        assert found.as_dict()["rows"][0]["size"] == 1
        assert company.usage.retention(
            **asked, windows=windows, whose="account"
        ).as_dict()["rows"][0]["size"] == 1


def test_segments_sum_to_the_whole_and_cells_open(tmp_path: Path) -> None:
    events = at_random(5)
    company = company_of(
        tmp_path, events,
        accounts="account_id country\nacc0 DE\nacc1 DE\nacc2 FR\nacc3 -",
    )
    asked = {"per": "week", "starts": "every", "as_of": "2024-04-01"}
    whole = company.usage.retention(**asked)
    split = company.usage.retention(**asked, by="country")
    for row in whole.as_dict()["rows"]:
        same = [
            r for r in split.as_dict()["rows"]
            if (r["cohort"], r["age"]) == (row["cohort"], row["age"])
        ]
        assert sum(r["size"] for r in same) == row["size"]
        assert sum(r["returned"] for r in same) == row["returned"]
    for row in split.as_dict()["rows"][::25]:
        members = split.users(row["cohort"], row["age"], **row["segment"])
        assert members.as_dict()["total"]["numerator"] == row["returned"]
        assert members.as_dict()["total"]["denominator"] == row["size"]
        assert sum(one.numerator for one in members.accounts) == row["returned"]
    only = company.usage.retention(**asked, where="country=DE")
    assert only.as_dict()["rows"] == [
        {**row, "segment": {}} for row in split.as_dict()["rows"]
        if row["segment"] == {"country": "DE"}
    ]


def test_a_user_of_two_accounts_counts_once(tmp_path: Path) -> None:
    events = """
    account user event occurred_at
    acme ann used 2024-01-05T12:00:00
    bolt ann used 2024-01-06T12:00:00
    bolt ann used 2024-02-06T12:00:00
    """
    found = company_of(tmp_path, events).usage.retention(
        first="2024-01", last="2024-01", ages=1, as_of="2024-03-01"
    )
    assert grid(found.as_dict()["rows"]) == [[1, 1]]
    assert "masks" in found.sql


def test_more_periods_than_an_integer_has_bits(tmp_path: Path) -> None:
    start = dt.date(2024, 1, 1)
    listed = [start + dt.timedelta(days=7 * i) for i in range(30)]
    company = company_of(tmp_path, days(f"ann: {' '.join(map(str, listed))}"))
    found = company.usage.retention(
        per="day", starts="every", first="2024-01-01", last="2024-06-30", ages=14,
        as_of="2024-08-01",
    )
    counted = [row for row in found.as_dict()["rows"] if row["returned"]]
    assert {row["age"] for row in counted} == {0, 7, 14}
    # 26 weeks of the half year, each with the next two.
    assert len(counted) == 26 * 3


def naive(
    events: list[Event], *, zone: str, per: str, cohorts: list[Period], ages: int, starts: str,
    returns: str, windows: str, whose: str, start: str, back: str, seen: dt.datetime,
) -> list[list[int]]:
    """Who was back, counted one by one."""
    acts: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda e: e.at):
        who = event.user if whose == "user" else event.account
        if who and event.at < seen:
            acts.setdefault(who, []).append(event)
    after = list(cohorts)
    while len(after) < len(cohorts) + ages:
        after.append(after[-1].next())
    found = []
    for place, cohort in enumerate(cohorts):
        cells = [0] * (ages + 1)
        for own in acts.values():
            begins = [e for e in own if not start or e.name == start]
            if starts == "first":
                begins = begins[:1]
            begins = [e for e in begins if cohort.start <= local(e, zone) < cohort.end]
            if not begins:
                continue
            cells[0] += 1
            backs = [e for e in own if not back or e.name == back]
            for age in range(1, ages + 1):
                if windows == "rolling":
                    hours = dt.timedelta(hours=PER[per])
                    low, high = begins[0].at + age * hours, begins[0].at + (age + 1) * hours
                    is_back = any(
                        e.at >= low and (returns == "after" or e.at < high) for e in backs
                    )
                else:
                    period = after[place + age]
                    is_back = any(
                        local(e, zone) >= period.start
                        and (returns == "after" or local(e, zone) < period.end)
                        for e in backs
                    )
                cells[age] += is_back
        found.append(cells)
    return found


@pytest.fixture(scope="module")
def zoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, list[Event]]:
    events = at_random(11, count=500)
    return company_of(
        tmp_path_factory.mktemp("zoned"), events, timezone="America/New_York"
    ), events


WHOM = (("user", "", ""), ("account", "a", "c"), ("user", "b", "b"))
MODES = list(product(PER, ("first", "every"), ("on", "after"), ("calendar", "rolling")))


@pytest.mark.parametrize(
    ("per", "starts", "returns", "windows", "whose", "start", "back"),
    [(*mode, *WHOM[place % 3]) for place, mode in enumerate(MODES)],
)
def test_as_a_naive_count_says(
    zoned: tuple[Company, list[Event]], per: str, starts: str, returns: str, windows: str,
    whose: str, start: str, back: str,
) -> None:
    company, events = zoned
    seen = "2024-03-10T09:00:00+00:00"
    found = company.usage.retention(
        per=per, starts=starts, returns=returns, windows=windows, whose=whose, start=start,
        back=back, first="2024-01-09", last="2024-02-20", ages=4, as_of=seen,
    )
    last = period_of(dt.date(2024, 2, 20), per)
    cohorts = periods_between(dt.date(2024, 1, 9), last.start, per)
    expected = naive(
        events, zone="America/New_York", per=per, cohorts=cohorts, ages=4, starts=starts,
        returns=returns, windows=windows, whose=whose, start=start, back=back,
        seen=dt.datetime.fromisoformat(seen),
    )
    shown = grid(found.as_dict()["rows"])
    assert shown == [cells[:len(own)] for own, cells in zip(shown, expected, strict=True)]
    assert sum(map(sum, shown)) > 0


def test_counting_rows_answers_as_the_bits_do(zoned: tuple[Company, list[Event]]) -> None:
    company, _ = zoned
    found = company.usage.retention(whose="account", as_of="2024-03-10")
    assert "masks" not in found.sql
    use = question_of(company, "account", "", "", "2024-03-10")
    periods = periods_of(company, use, "month", None, None)
    asked = RetentionQuestion(use, Doing(), Doing(), "month", periods, 11)
    with company.seeing(use.as_of) as engine:
        answer = engine.rows(usage_retention_sql.statement(asked))
    shown = {row[0]: row[1] for row in answer}
    assert {
        row.cohort: row.size for row in found.rows if row.size
    } == shown


def test_what_cannot_be_asked_says_so(zoned: tuple[Company, list[Event]]) -> None:
    usage = zoned[0].usage
    with pytest.raises(UnknownNameError, match="per 'fortnight'"):
        usage.retention(per="fortnight")
    with pytest.raises(UnknownNameError, match="Unknown event 'aa'"):
        usage.retention(start="aa")
    with pytest.raises(UnknownNameError, match="feature"):
        usage.retention(start="feature:aa")
    with pytest.raises(UnknownNameError, match="dimension 'colour'"):
        usage.retention(by="colour")
    with pytest.raises(UnknownNameError, match="whose 'team'"):
        usage.retention(whose="team")
    with pytest.raises(UsageError, match="not an event"):
        usage.retention(start="a[b")
    with pytest.raises(UsageError, match="no value of 'ages'"):
        usage.retention(per="day", ages=70)
    with pytest.raises(NotAnsweredError, match="empty"):
        usage.retention(first="2024-06", last="2024-01")
    found = usage.retention(by="country")
    with pytest.raises(NotAnsweredError, match="name the segment"):
        found.users("2024-02", 0)
    with pytest.raises(NotAnsweredError, match="not one of the periods"):
        usage.retention().users("2031-01", 0)


def test_a_company_without_events_says_so(tmp_path: Path) -> None:
    found = company_of(tmp_path, []).usage.retention(as_of="2024-02-01")
    assert (found.as_dict()["rows"], found.why) == ([], "no events are loaded")
