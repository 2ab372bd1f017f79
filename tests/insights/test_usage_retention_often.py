"""Retention of those who did it at least so often."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import UsageError
from staycurve.workspace import Company
from tests.insights.usage_company import Event, at_random, company_of, days

ASKED = {"first": "2024-01-15", "last": "2024-03-04", "per": "week", "as_of": "2024-06-01"}
EVENTS = at_random(8, count=500)
MONDAY = dt.date(2024, 1, 15)
WEEKS = [MONDAY + dt.timedelta(weeks=n) for n in range(8)]


def week_of(event: Event) -> dt.date:
    day = event.at.date()
    return day - dt.timedelta(days=day.weekday())


def naive(
    events: list[Event], *, start: int, back: int, starts: str, returns: str, ages: int
) -> dict[tuple[dt.date, int], int]:
    """(cohort, age) → how many, from the events one by one."""
    found: Counter[tuple[dt.date, int]] = Counter()
    for user in {e.user for e in events if e.user}:
        own = sorted((e for e in events if e.user == user), key=lambda e: (e.at, e.number))
        did = [e for e in own if e.name == "a"]
        counted = Counter(week_of(e) for e in did)
        cohorts = {week_of(did[start - 1])} if len(did) >= start else set()
        if starts == "every":
            cohorts = {week for week, times in counted.items() if times >= start}
        often = Counter(week_of(e) for e in own if e.name in ("b",))
        returned = {week for week, times in often.items() if times >= back}
        for cohort in cohorts & set(WEEKS):
            found[cohort, 0] += 1
            for age in range(1, ages + 1):
                week = cohort + dt.timedelta(weeks=age)
                is_back = any(one >= week for one in returned) if returns == "after" \
                    else week in returned
                found[cohort, age] += is_back
    return dict(found)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with company_of(tmp_path_factory.mktemp("often") / "p", EVENTS) as made:
        yield made


@pytest.mark.parametrize(("start", "back"), [(2, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("starts", ["first", "every"])
def test_it_is_what_a_plain_reading_finds(
    shop: Company, start: int, back: int, starts: str
) -> None:
    for returns in ("on", "after"):
        found = shop.usage.retention(
            start="a", back="b", start_times=start, back_times=back, starts=starts,
            returns=returns, ages=3, **ASKED,
        )
        expected = naive(EVENTS, start=start, back=back, starts=starts, returns=returns, ages=3)
        shown = {(row.cohort, row.age): row.returned for row in found.rows if row.size}
        assert shown == expected
        assert any(count for (_, age), count in expected.items() if age)
        cell = next(row for row in found.rows if row.age == 1 and row.size)
        behind = found.users(str(cell.cohort), 1)
        assert (behind.total.numerator, behind.total.denominator) == (cell.returned, cell.size)


def test_rolling_windows_count_in_each(tmp_path: Path) -> None:
    # Ann is back twice in the first seven days after, and once in the next; ben once in each.
    rows = days("""
        ann: 2024-01-15 2024-01-22 2024-01-28 2024-01-30
        ben: 2024-01-16 2024-01-24 2024-01-31""")
    with company_of(tmp_path / "p", rows) as company:
        asked = {**ASKED, "last": "2024-01-15", "windows": "rolling", "ages": 2}
        found = company.usage.retention(start="used", back_times=2, **asked)
        assert [row.returned for row in found.rows] == [2, 1, 0]
        assert found.back_times == 2
        once = company.usage.retention(start="used", **asked)
        assert [row.returned for row in once.rows] == [2, 2, 2]
        assert "back_times" not in once.as_dict()
        with pytest.raises(UsageError, match="no end"):
            company.usage.retention(start="used", back_times=2, returns="after", **asked)
