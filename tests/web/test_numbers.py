"""Numbers and periods as people read them."""

from __future__ import annotations

import datetime as dt

import pytest

from staycurve.interfaces.web import numbers, periods
from staycurve.metrics.base import Unit
from staycurve.period import parse_period, period_of, periods_between


@pytest.mark.parametrize(
    ("value", "unit", "full", "compact"),
    [
        (1455885.985204, Unit.MONEY, "1,455,885.99", "1.46M"),
        (40454.14, Unit.MONEY, "40,454.14", "40.5K"),
        (999_950.0, Unit.MONEY, "999,950.00", "1.00M"),
        (999.6, Unit.MONEY, "999.60", "1.00K"),
        (967.366, Unit.MONEY, "967.37", "967"),
        (12.5, Unit.MONEY, "12.50", "12.50"),
        (-2050.0, Unit.MONEY, "−2,050.00", "−2.05K"),
        (-0.001, Unit.MONEY, "0.00", "0.00"),
        (2.5e9, Unit.MONEY, "2,500,000,000.00", "2.50B"),
        (1505.0, Unit.COUNT, "1,505", "1,505"),
        (1_250_000.0, Unit.COUNT, "1,250,000", "1.25M"),
        (0.99907, Unit.PERCENT, "99.91%", "99.9%"),
        (-0.0123, Unit.PERCENT, "−1.23%", "−1.2%"),
        (42.0, Unit.SCORE, "+42.0", "+42.0"),
        (3.456, Unit.RATIO, "3.46", "3.5"),
        (None, Unit.MONEY, "–", "–"),
    ],
)
def test_full_and_compact(value: float | None, unit: Unit, full: str, compact: str) -> None:
    assert numbers.full(value, unit, "USD") == full
    assert numbers.compact(value, unit) == compact


def test_a_currency_has_its_own_decimals() -> None:
    assert numbers.full(1234.5, Unit.MONEY, "JPY") == "1,234"
    assert numbers.full(1.2345, Unit.MONEY, "BHD") == "1.234"


@pytest.mark.parametrize(
    ("value", "before", "unit", "better", "arrow", "size", "tone"),
    [
        (110, 100, Unit.MONEY, "higher", "▲", "10.0%", "good"),
        (90, 100, Unit.MONEY, "higher", "▼", "10.0%", "bad"),
        (100.4, 100, Unit.MONEY, "higher", "≈", "0.4%", "neutral"),
        (0.03, 0.02, Unit.PERCENT, "lower", "▲", "1.0 points", "neutral"),
        (0.02, 0.03, Unit.PERCENT, "lower", "▼", "1.0 points", "neutral"),
        (0.0205, 0.02, Unit.PERCENT, "lower", "≈", "0.05 points", "neutral"),
        (50, 0, Unit.MONEY, "higher", "▲", "50.00", "good"),
        (50, -50, Unit.MONEY, "higher", "▲", "100", "good"),
        (20, 10, Unit.MONEY, "neutral", "▲", "100.0%", "neutral"),
        (30, 20, Unit.SCORE, "higher", "▲", "10.0", "good"),
    ],
)
def test_delta(
    value: float, before: float, unit: Unit, better: str, arrow: str, size: str, tone: str
) -> None:
    found = numbers.delta(value, before, unit, better)
    assert found is not None
    assert (found.arrow, found.size, found.tone) == (arrow, size, tone)


def test_there_is_no_delta_to_unknown() -> None:
    assert numbers.delta(None, 1, Unit.MONEY, "higher") is None
    assert numbers.delta(1, None, Unit.MONEY, "higher") is None


def test_sparkline_leaves_gaps_out_and_needs_two_points() -> None:
    assert numbers.sparkline([None, 1.0]) == ""
    points = numbers.sparkline([1.0, None, 3.0], width=104, height=24)
    assert points == "2.0,22.0 102.0,2.0"


@pytest.mark.parametrize("fiscal", [1, 4, 11])
@pytest.mark.parametrize("grain", ["day", "month", "quarter", "year"])
def test_an_address_names_its_period(grain: str, fiscal: int) -> None:
    year = periods_between(dt.date(2023, 1, 1), dt.date(2023, 12, 31), grain, fiscal)
    assert year
    for period in year:
        assert parse_period(periods.name(period, fiscal), fiscal) == period


def test_labels() -> None:
    day = dt.date(2025, 12, 31)
    labels = {
        grain: periods.label(period_of(day, grain))
        for grain in ("day", "week", "month", "quarter", "year")
    }
    assert labels == {
        "day": "31 Dec 2025", "week": "week of 29 Dec 2025", "month": "Dec 2025",
        "quarter": "Q4 2025", "year": "2025",
    }
    assert periods.label(period_of(day, "quarter", 4), 4) == "Q3 FY 2025"


def test_axis_names_the_year_once_and_always_the_latest_period() -> None:
    months = periods_between(dt.date(2024, 11, 1), dt.date(2025, 2, 1), "month")
    assert periods.axis(months, 12) == {
        "2024-11-01": ["Nov", "2024"], "2024-12-01": ["Dec", ""],
        "2025-01-01": ["Jan", "2025"], "2025-02-01": ["Feb", ""],
    }
    assert list(periods.axis(months, 2)) == ["2024-12-01", "2025-02-01"]
