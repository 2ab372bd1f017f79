"""Periods as the company counts them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from staycurve.errors import StaycurveError
from staycurve.period import align, as_of, parse_instant, parse_period, period_of, periods_between

D = dt.date


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", D(2024, 1, 1), D(2025, 1, 1)),
        ("2024-Q1", D(2024, 1, 1), D(2024, 4, 1)),
        ("2024-02", D(2024, 2, 1), D(2024, 3, 1)),
        ("2024-02-29", D(2024, 2, 29), D(2024, 3, 1)),
    ],
)
def test_a_period_is_half_open(text: str, start: dt.date, end: dt.date) -> None:
    period = parse_period(text)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize("text", ["", "2024-13", "2024-02-30", "24-01", "Q1", "2024-Q5", "now"])
def test_what_is_no_period_is_said(text: str) -> None:
    with pytest.raises(StaycurveError, match="not a period"):
        parse_period(text)


def test_weeks_begin_on_monday() -> None:
    assert period_of(D(2024, 3, 3), "week").start == D(2024, 2, 26)


def test_a_fiscal_year_moves_quarters_and_years() -> None:
    assert period_of(D(2024, 3, 31), "year", 4).start == D(2023, 4, 1)
    assert period_of(D(2024, 5, 1), "quarter", 2).start == D(2024, 5, 1)
    assert period_of(D(2024, 4, 30), "quarter", 2).start == D(2024, 2, 1)
    assert parse_period("2024-Q1", 4).start == D(2024, 4, 1)


def test_a_coarse_text_means_its_first_or_last_period() -> None:
    assert align("2024", "month", is_last=False).start == D(2024, 1, 1)
    assert align("2024", "month", is_last=True).start == D(2024, 12, 1)
    assert align("2024-02-15", "month", is_last=True).start == D(2024, 2, 1)


def test_ranges_have_no_gaps() -> None:
    found = periods_between(D(2023, 11, 5), D(2024, 2, 1), "month")
    assert [p.start for p in found] == [
        D(2023, 11, 1), D(2023, 12, 1), D(2024, 1, 1), D(2024, 2, 1),
    ]


def test_a_date_is_the_start_of_the_local_day() -> None:
    zone = ZoneInfo("America/New_York")
    assert parse_instant("2024-03-01", zone) == dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)
    assert parse_instant("2024-03-01T00:00:00Z", zone) == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def test_midnight_belongs_to_the_day_before() -> None:
    zone = ZoneInfo("America/New_York")
    seen = as_of(dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC), zone)
    assert seen.last_day == D(2024, 2, 29)
    assert seen.is_whole
    assert not seen.is_open(parse_period("2024-02"))
    assert seen.is_open(parse_period("2024-03"))
    inside = as_of(dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), zone)
    assert inside.is_open(parse_period("2024-02"))
