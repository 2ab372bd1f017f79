"""Share from history by quarter and its forecast, computed by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from staycurve.errors import UnknownNameError
from staycurve.insights.cohorts.history_forecast import Quarter, expected, half_width, tried
from staycurve.period import parse_period
from tests.company import build
from tests.oracle.companies import Seeded, company as random_company


def quarter(name: str, old_then: int, new_then: int, old: int | None, new: int | None) -> Quarter:
    return Quarter(parse_period(name), old_then, new_then, old, new)


SERIES = [
    quarter("2023-Q1", 0, 0, 0, 100),
    quarter("2023-Q2", 100, 0, 90, 30),
    quarter("2023-Q3", 120, 0, 110, 30),
    quarter("2023-Q4", 140, 0, 130, 40),
    quarter("2024-Q1", 170, 0, 147, 20),
    quarter("2024-Q2", 167, 10, 150, 45),
]
"""Forecasts begin in the quarter after four with something to keep: in 2024-Q2."""


def test_the_forecast_by_hand() -> None:
    # Kept of 100 + 120 + 140 + 170 = 530: 90 + 110 + 130 + 147 = 477, 90%. Added: 120 / 4 = 30.
    assert expected(SERIES[5], SERIES[:5]) == pytest.approx(150.3 / (150.3 + 40))
    assert expected(SERIES[4], SERIES[:4]) is None


def test_the_record_uses_only_what_was_known() -> None:
    record = tried(SERIES)
    assert [t.period for t in record] == [dt.date(2024, 4, 1)]
    assert record[0].actual == pytest.approx(150 / 195)
    assert record[0].plain == pytest.approx(147 / 167)
    # What comes later moves no earlier forecast.
    later = [*SERIES, quarter("2024-Q3", 1, 1, 1, 999)]
    assert tried(later)[0] == record[0]


def test_the_interval_is_a_rank_of_earlier_errors() -> None:
    assert half_width([0.01, 0.02, 0.03]) is None
    # The fourth of four: (4 + 1) × 0.8 = 4. The eighth of nine: (9 + 1) × 0.8 = 8.
    assert half_width([0.03, 0.01, 0.04, 0.02]) == 0.04
    assert half_width([n / 100 for n in range(1, 10)]) == 0.08


def _growing(quarters: int) -> list[dict[str, str]]:
    """Each quarter 20 accounts begin on its second month's tenth; each stays for ever."""
    rows = []
    for number in range(quarters):
        year, place = divmod(number, 4)
        for account in range(20):
            name = f"{number}-{account}"
            rows.append({
                "subscription_id": name, "account_id": name, "amount": "10",
                "starts_at": f"{2022 + year}-{place * 3 + 2:02d}-10",
            })
    return rows


def test_a_steady_company_is_forecast_to_the_digit(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"subscriptions": _growing(11)}) as company:
        found = company.cohorts.history(as_of="2024-10-01")
        inside = company.cohorts.history(as_of="2024-08-20")
    # 11 quarters of 200: at the close of 2024-Q3, 2,000 of 2,200 come from earlier quarters.
    assert [row.value for row in found.rows] == [
        *(pytest.approx(n / (n + 1)) for n in range(11)), None,
    ]
    assert found.rows[-1].period == dt.date(2024, 10, 1)
    assert found.rows[-1].open
    assert found.rows[-1].why == "the period is still open"
    # A share of 0 that could be nothing else is no year to compare with.
    assert found.rows[4].year_over_year is None
    assert "was the first" in (found.rows[4].why_no_year or "")
    assert found.rows[5].year_over_year == pytest.approx(5 / 6 - 1 / 2)
    assert found.rows[3].year_over_year is None
    assert found.rows[3].why_no_year == "there is no quarter four earlier"
    forecast = found.forecasts[0]
    assert forecast.value == pytest.approx(2200 / 2400)
    assert forecast.error == pytest.approx(0, abs=1e-12)
    assert forecast.beats_plain
    # On 20 August the quarter's accounts are there already, and none is added after that day.
    assert inside.forecasts[0].period == dt.date(2024, 7, 1)
    assert inside.forecasts[0].value == pytest.approx(2000 / 2200)
    assert (forecast.low, forecast.high) == (pytest.approx(11 / 12), pytest.approx(11 / 12))


def test_a_forecast_that_does_not_beat_the_plain_guess_says_so(tmp_path: Path) -> None:
    # New business alternates between nothing and a lot, then stands still: the mean of four
    # quarters keeps expecting what no longer comes.
    rows = []
    for number, count in enumerate([20, 40, 0, 40, 0, 1, 1, 1, 1, 1, 1, 1]):
        year, place = divmod(number, 4)
        rows += [
            {"subscription_id": f"{number}-{n}", "account_id": f"{number}-{n}", "amount": "10",
             "starts_at": f"{2022 + year}-{place * 3 + 1:02d}-10"}
            for n in range(count)
        ]
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        forecast = company.cohorts.history(as_of="2025-01-01").forecasts[0]
    assert forecast.beats_plain is False
    assert forecast.note is not None
    assert "does not beat the plain guess" in forecast.note
    assert forecast.as_dict()["note"] == forecast.note


@pytest.mark.parametrize("fiscal", ["", "fiscal_year_start = 3"])
def test_quarters_are_those_of_the_metric(tmp_path: Path, fiscal: str) -> None:
    tables = random_company(Seeded(7), accounts=60)
    with build(tmp_path / "p", tables, company=fiscal) as company:
        found = company.cohorts.history(as_of="2024-11-20")
        shown = company.show("share_from_history", "mrr", grain="quarter", as_of="2024-11-20")
        cut = company.cohorts.history(by="industry", as_of="2024-11-20")
        parts = company.show(
            "share_from_history", grain="quarter", by="industry", as_of="2024-11-20"
        )
    share = {r["period"]: r["value"] for r in shown.rows if r["metric"] == "share_from_history"}
    mrr = {r["period"]: r["value"] for r in shown.rows if r["metric"] == "mrr" and not r["open"]}
    assert {str(row.period): row.value for row in found.rows} == pytest.approx(share)
    assert {str(r.period): r.mrr or 0 for r in found.rows if not r.open} == mrr
    assert {
        (str(row.period), row.segment["industry"]): row.value for row in cut.rows
    } == pytest.approx({(r["period"], r["segment"]["industry"]): r["value"] for r in parts.rows})
    for row in found.rows:
        if not row.open:
            own = [r for r in cut.rows if r.period == row.period]
            assert round(sum(r.history_mrr or 0 for r in own), 6) == row.history_mrr
            assert round(sum(r.mrr or 0 for r in own), 6) == row.mrr


def test_bad_input_is_said_in_words(tmp_path: Path) -> None:
    with build(tmp_path / "empty", {}) as company:
        empty = company.cohorts.history()
        assert empty.rows == ()
        assert (empty.why or "").startswith("nobody has paid")
    with build(tmp_path / "p", {"subscriptions": _growing(2)}) as company:
        with pytest.raises(UnknownNameError, match="Did you mean 'plan'"):
            company.cohorts.history(by="plam")
        found = company.cohorts.history(as_of="2022-08-20")
    assert found.rows[-1].open
    forecast = found.forecasts[0]
    assert forecast.value is None
    assert forecast.why == "a forecast needs 4 closed quarters after the first one; there are 1"
    assert forecast.beats_plain is None
