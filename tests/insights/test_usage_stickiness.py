"""Stickiness: in how many days, weeks or months somebody did something."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.insights.usage_company import at_random, company_of, days

AS_OF = "2024-06-01"


def shown(found: Any) -> list[int]:
    return [row.count for row in found.rows]


def test_by_days_weeks_and_months_by_hand(tmp_path: Path) -> None:
    rows = days("""
        ann: 2024-01-01 2024-01-01 2024-01-02 2024-01-09 2024-02-05 2024-03-04
        ben: 2024-01-03 2024-01-04 2024-01-31
        cid: 2024-02-29""")
    with company_of(tmp_path / "p", rows) as company:
        by_day = company.usage.stickiness(first="2024-01-01", last="2024-01-04", as_of=AS_OF)
        assert shown(by_day) == [0, 2, 0, 0]
        # Each on 2 of 4 days.
        assert [row.value for row in by_day.totals] == [0.5]
        by_week = company.usage.stickiness(
            per="week", first="2024-01-01", last="2024-01-29", as_of=AS_OF)
        assert shown(by_week) == [0, 2, 0, 0, 0]
        by_month = company.usage.stickiness(
            per="month", first="2024-01", last="2024-03", as_of=AS_OF)
        assert shown(by_month) == [2, 0, 1]
        assert [row.or_more for row in by_month.rows] == [3, 1, 1]
        assert [row.value for row in by_month.rows] == pytest.approx([2 / 3, 0, 1 / 3])
        # Active are 2, 2 and 1 of the months: 5/3 on average, of 3.
        assert [(row.active, row.value) for row in by_month.totals] == [
            (3, pytest.approx(5 / 9))]
        assert [row.user_id for row in by_month.users(1, 1).rows] == ["ben", "cid"]
        twice = company.usage.stickiness(
            per="day", times=2, first="2024-01-01", last="2024-01-04", as_of=AS_OF)
        assert shown(twice) == [1, 0, 0, 0]
        to_date = company.usage.stickiness(
            per="month", first="2024-01", last="2024-03", as_of="2024-03-10")
        assert to_date.open
        assert [(row.active, row.value) for row in to_date.totals] == [(3, None)]
        assert to_date.totals[0].why


def test_by_days_of_a_month_it_is_the_metric(tmp_path: Path) -> None:
    with company_of(tmp_path / "p", at_random(4)) as company:
        found = company.usage.stickiness(first="2024-02-01", last="2024-02-29", as_of=AS_OF)
        metric = company.show("stickiness", start="2024-02", end="2024-02", as_of=AS_OF).rows[0]
        assert found.totals[0].value == pytest.approx(metric["value"])
        l28 = company.usage.activity(day="2024-02-28", as_of=AS_OF)
        same = company.usage.stickiness(first="2024-02-01", last="2024-02-28", as_of=AS_OF)
        assert shown(l28) == shown(same)
        assert sum(shown(same)) > 5


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("whose", ["user", "account"])
def test_random_events_say_what_a_plain_reading_says(
    tmp_path: Path, whose: str, times: int
) -> None:
    events = at_random(6, count=500)
    settings = '[usage.actions]\nboth = ["a", "b[platform=web]"]\n'
    first, last = dt.date(2024, 1, 15), dt.date(2024, 3, 10)
    places: dict[str, Callable[[dt.date], object]] = {
        "day": lambda day: day, "week": lambda day: (day - first).days // 7,
        "month": lambda day: day.month,
    }
    with company_of(tmp_path / "p", events, settings=settings) as company:
        for per, place in places.items():
            begin, end = (first, last) if per != "month" else (
                dt.date(2024, 1, 1), dt.date(2024, 3, 31))
            done = Counter(
                (getattr(e, whose), place(e.at.date())) for e in events
                if getattr(e, whose) and begin <= e.at.date() <= end
                and (e.name == "a" or (e.name == "b" and e.platform == "web"))
            )
            counted = Counter(
                Counter(who for (who, _), often in done.items() if often >= times).values())
            found = company.usage.stickiness(
                event="both", per=per, times=times, first=str(begin), last=str(end),
                whose=whose, as_of=AS_OF,
            )
            assert {r.active_periods: r.count for r in found.rows if r.count} == dict(counted)
            assert counted
            top = max(counted)
            assert found.users(top).total.value == counted[top]
            assert found.users(1, top).total.value == counted.total()
