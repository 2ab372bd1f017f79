"""Where MRR is heading: projections by hand, backtests, and what-ifs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.statistics import projecting
from staycurve.insights.statistics.projecting import (
    Changed,
    projected,
    tracked,
    trailing,
    until,
    widths,
)
from staycurve.interfaces.cli.app import app
from staycurve.period import month_start
from tests.company import build

if TYPE_CHECKING:

    from staycurve.workspace import Company

FIRST = 2022 * 12
MONTHS = 24


def rows(until_on: str = "9999") -> list[dict[str, Any]]:
    """Twenty accounts a month that pay 10; of each cohort two leave a month for five months.

    With `until_on` only facts of days before it.
    """
    found = []
    for month in range(MONTHS):
        for place in range(20):
            start = month_start(FIRST + month)
            end = month_start(FIRST + month + 1 + place // 2) if place < 10 else None
            row = {
                "subscription_id": f"s{month}-{place}", "account_id": f"a{month}-{place}",
                "starts_at": start, "amount": 10,
                "ends_at": end if end and str(end) < until_on else "",
            }
            if str(start) < until_on:
                found.append(row)
    return found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("ahead") / "p", {"subscriptions": rows()}) as made:
        yield made


def run(company: Company, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        app, ["--project", str(company.folder), "value", *words, "--format", "json"]
    )
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


AS_OF = "2024-01-01"


def expected(months: int) -> list[float]:
    """MRR if all goes on: a cohort is 20, 18, 16, 14, 12, 10, 10 … accounts of 10."""
    ages = [20, 18, 16, 14, 12] + [10] * 100
    return [
        10.0 * sum(ages[:MONTHS + ahead]) for ahead in range(1, months + 1)
    ]


def test_cohorts_that_are_all_alike_go_on_alike(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the pull of the ages around the chain ladder is exact here.
    monkeypatch.setattr(projecting, "PRIOR", 0)
    found = run(company, "forecast", "--as-of", AS_OF, "--months", "6")
    assert set(found) >= {"rows", "backtest"}
    assert [row["period"] for row in found["rows"]] == [
        str(month_start(FIRST + MONTHS + ahead)) for ahead in range(6)
    ]
    assert [row["value"] for row in found["rows"]] == pytest.approx(expected(6))
    assert {"value", "low", "high", "trailing", "last"} <= set(found["rows"][0])
    # December: cohorts of 24 months; from November on it rises by 100 a month.
    whole = 10 * (20 + 18 + 16 + 14 + 12 + 10 * 19)
    assert found["rows"][0]["last"] == whole
    growth = sum(100 / (whole - 100 * step) for step in (1, 2, 3)) / 3
    assert found["rows"][1]["trailing"] == pytest.approx(whole * (1 + growth) ** 2)


def test_a_forecast_shows_its_track_record(company: Company) -> None:
    found = run(company, "forecast", "customers", "--as-of", AS_OF, "--months", "3")
    record = found["backtest"]
    assert record["origins"] == MONTHS - projecting.LEAST_MONTHS
    assert 0 < record["mape"] < record["last_mape"]
    assert record["beats_plain"] is (
        record["mape"] < min(record["trailing_mape"], record["last_mape"])
    )
    assert 0 <= record["coverage"] <= 1
    for row in found["rows"]:
        assert row["low"] < row["value"] < row["high"]


def test_facts_of_later_days_do_not_move_it(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "p"
    with build(folder, {"subscriptions": rows("2023-05-20")}) as cut:
        early = run(cut, "forecast", "--as-of", "2023-05-20")
    assert early == run(company, "forecast", "--as-of", "2023-05-20")
    assert early["last_period"] == "2023-04-01"
    assert len(early["rows"]) == 12


def test_a_young_company_says_why(company: Company) -> None:
    found = run(company, "forecast", "--as-of", "2022-04-10")
    assert found["rows"] == []
    assert found["why"] == "a forecast needs 6 closed months; there are 3"
    assert found["backtest"]["origins"] == 0
    assert found["backtest"]["mape"] is None
    # Two origins are too few for an interval.
    found = run(company, "forecast", "--as-of", "2022-09-01", "--months", "2")
    assert [(row["low"], row["high"]) for row in found["rows"]] == [(None, None)] * 2
    assert "past errors" in found["rows"][0]["why"]


def test_where_a_plain_forecast_is_better_it_comes_first(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # One account pays on; new ones came for half a year, and nobody since.
    spans = [
        {"subscription_id": f"s{month}", "account_id": f"a{month}", "amount": 10, "ends_at": "",
         "starts_at": month_start(FIRST + month)} for month in range(6)
    ]
    with build(tmp_path_factory.mktemp("still") / "p", {"subscriptions": spans}) as company:
        found = company.value.forecast(as_of="2023-04-01", months=3)
    assert found.best == "last"
    assert found.backtest.beats_plain is False
    assert found.backtest.last_mape == 0
    assert "did best so far" in found.said()[0].text
    assert "does not beat it" in found.said()[1].text


def test_a_step_by_hand() -> None:
    # Two cohorts of 100: 80 of 100 stayed on, which is all there is for the ages around it too.
    # The first cohort comes to age 2, which nobody has seen: as at age 1.
    values = [[100.0, 80.0], [100.0]]
    accounts = [[1000.0, 800.0], [1000.0]]
    assert projected(values, accounts, 1) == [pytest.approx(80 * 0.8 + 100 * 0.8 + 100)]
    more = projected(values, accounts, 1, changed=Changed(price=0.1, new=0.5))
    assert more == [pytest.approx(1.1 * (64 + 80 + 150))]
    # Of 80% five points less.
    fewer = projected(values, accounts, 1, changed=Changed(churn=0.05))
    assert fewer == [pytest.approx(80 * 0.75 + 100 * 0.75 + 100)]
    assert trailing([100, 110, 121, 133.1], 2) == pytest.approx([146.41, 161.051])
    assert until([[1, 2, 3], [4, 5], [6]], 2) == [[1, 2], [4]]


def test_an_interval_knows_only_what_had_come_and_never_narrows() -> None:
    assert widths({1: [0.1] * 3}, 1) == [None]
    near, far = widths({1: [0.1, -0.1, 0.1, -0.1], 2: [0.01] * 4}, 2)
    assert near == far
    # Student's t of 4 degrees at 97.5%, as tables have it, × 0.1.
    assert near == pytest.approx(0.27764, abs=1e-5)


def test_no_past_month_is_judged_with_what_came_later() -> None:
    values = [[10.0 + place] * (12 - place) for place in range(12)]
    series = [sum(10.0 + at for at in range(place + 1)) for place in range(12)]
    whole = tracked(values, values, series, 2)
    shorter = tracked(until(values, 10), until(values, 10), series[:10], 2)
    for horizon, errors in shorter.errors.items():
        assert errors == whole.errors[horizon][: len(errors)]


def test_no_change_gives_the_forecast_itself(company: Company) -> None:
    plain = run(company, "forecast", "--as-of", AS_OF)
    for words in ((), ("--churn", "0pt", "--price", "+0%")):
        found = run(company, "whatif", *words, "--as-of", AS_OF)
        assert [row["changed"] for row in found["rows"]] == [row["value"] for row in plain["rows"]]
        assert {row["difference"] for row in found["rows"]} == {0}


def test_a_change_is_listed_and_moves_every_month(company: Company) -> None:
    found = run(company, "whatif", "--churn", "-1pt", "--price", "+5%", "--as-of", AS_OF)
    assert len(found["assumptions"]) == 3
    assert "-1pt" in found["assumptions"][0]
    priced = run(company, "whatif", "--price", "+5%", "--as-of", AS_OF)["rows"]
    for row, own in zip(priced, found["rows"], strict=True):
        assert row["changed"] == pytest.approx(1.05 * row["value"])
        assert own["changed"] > row["changed"]
    customers = run(company, "whatif", "customers", "--price", "+5%", "--as-of", AS_OF)
    assert {row["difference"] for row in customers["rows"]} == {0}
    assert any("do not move" in one for one in customers["assumptions"])


def test_what_is_no_change_is_refused(company: Company) -> None:
    for given in ({"churn": "5%"}, {"price": "5"}, {"price": "-200%"}, {"new": "x"}):
        with pytest.raises(UsageError, match="no value of"):
            company.value.whatif(**given)
    with pytest.raises(UnknownNameError, match="Did you mean 'mrr'"):
        company.value.forecast(metric="mr")
    with pytest.raises(UsageError, match="no value of 'months'"):
        company.value.forecast(months=0)


def test_few_accounts_are_drawn_towards_the_ages_around() -> None:
    # From age 1 to 2 one account of one stayed, from age 0 to 1 half of 200: together 101 of 201.
    values = [[100.0, 1.0, 1.0], [100.0, 99.0], [100.0]]
    accounts = values
    found = projected(values, accounts, 1)[0]
    first = (100 + 101 / 201 * 30) / (200 + 30)
    second = (1 + 101 / 201 * 30) / (1 + 30)
    # Age 3 has not been seen; its kin are the ages from 1 on.
    third = 101 / 201
    assert found == pytest.approx(1 * third + 99 * second + 100 * first + 100)
