"""Scores and their track record: what they may know, and what they say where nothing is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UnknownNameError
from staycurve.insights.risk.track import band_of
from staycurve.workspace import Company
from tests.company import NOW, build
from tests.insights.risk.leaving import tables

AS_OF = "2024-07-01"
LATER = "2024-07-01"
"""As the as-of: nothing of that day or after it is loaded in the other company."""


def _until(given: dict[str, Any], later: str) -> dict[str, Any]:
    """The same rows without any fact from an instant on."""
    firsts = {"subscriptions": "starts_at", "events": "occurred_at", "tickets": "opened_at"}
    kept: dict[str, Any] = {}
    for name, rows in given.items():
        kept[name] = [
            {key: "" if key.endswith("_at") and str(value) >= later else value
             for key, value in row.items()}
            for row in rows if str(row[firsts[name]]) < later
        ]
        assert kept[name]
    return kept


def test_scores_know_nothing_of_what_comes_after(leaving: Company, tmp_path: Path) -> None:
    then = build(tmp_path / "then", _until(tables(), LATER))
    known = leaving.risk.scores(as_of=AS_OF)
    assert known.form is not None
    assert len(known.rows) > 30
    assert then.risk.scores(as_of=AS_OF).as_dict() == known.as_dict()
    # Nor do the other forms, what is said of the past, and who stands under a trigger.
    asked = [("scores", {"form": form}) for form in ("boosting", "by_stage")]
    asked += [(name, {}) for name in ("triggers", "fired", "stages", "misses", "judged")]
    for name, given in asked:
        one, other = (getattr(each.risk, name)(as_of=AS_OF, **given) for each in (leaving, then))
        assert one.rows, name
        assert other.as_dict() == one.as_dict(), name


def test_the_same_data_gives_the_same_track_record(leaving: Company) -> None:
    first = leaving.risk.backtest(as_of=AS_OF)
    again = Company(leaving.folder, clock=lambda: NOW).risk.backtest(as_of=AS_OF)
    assert first.auc is not None
    assert again.as_dict() == first.as_dict()


def test_training_ends_one_horizon_before_the_first_test_day(leaving: Company) -> None:
    found = leaving.risk.backtest(as_of=AS_OF)
    assert found.trained_until is not None
    assert found.tested_from is not None
    assert (found.tested_from - found.trained_until).days >= 90
    assert found.tested_until is not None
    assert found.tested_until.isoformat() <= "2024-04-01"
    assert found.left_trained >= 20
    assert found.left_tested >= 10
    # Silence is planted, and the baseline sees it as well: what is shown is said first.
    assert found.auc > 0.8
    assert found.difference_low <= found.difference <= found.difference_high
    assert not (found.beats_baseline and found.difference_low <= 0)
    shown = leaving.risk.scores(as_of=AS_OF).form
    assert shown == ("points" if found.beats_baseline else "baseline")


def test_who_left_while_healthy_is_listed(leaving: Company) -> None:
    found = leaving.risk.backtest(as_of=AS_OF)
    assert sum(day.missed for day in found.days) >= len(found.missed)
    assert bool(found.missed) == any(day.missed for day in found.days)
    for row in found.missed:
        assert row.day < row.left_on
    assert sum(day.accounts for day in found.days) == found.tested


def test_an_account_that_nothing_is_known_of_is_unknown(tmp_path: Path) -> None:
    given = tables()
    del given["events"], given["tickets"]
    rows = build(tmp_path / "c", given).risk.scores(as_of=AS_OF).rows
    assert rows
    assert {row.band for row in rows} == {"unknown"}
    assert all(row.probability is None and row.health is None and row.why for row in rows)


def test_points_for_what_is_no_feature_are_an_error(tmp_path: Path) -> None:
    company = build(tmp_path / "c", tables(5), end_reasons="[risk.points]\nold_ticket = 3")
    with pytest.raises(UnknownNameError, match="Did you mean 'old_tickets'"):
        company.risk.scores(as_of=AS_OF)


TRIALS = """
subscription_id account_id plan amount status   starts_at  ends_at
s1              a          Pro  100    trialing 2024-01-10 2024-02-10
s2              b          Pro  100    trialing 2024-02-10 -
"""


def test_too_little_to_learn_from_says_what_is_missing(tmp_path: Path) -> None:
    small = build(tmp_path / "small", tables(12))
    found = small.risk.backtest(as_of=AS_OF)
    assert found.auc is None
    assert "20 and 10 are needed" in found.why
    assert "months, at this churn" in found.why
    rows = small.risk.scores(as_of=AS_OF).rows
    assert rows
    assert {row.band for row in rows} == {"unknown"}


def test_a_company_without_customers_or_churn_gets_a_clear_answer(tmp_path: Path) -> None:
    trials = build(tmp_path / "trials", {"subscriptions": TRIALS})
    assert trials.risk.scores(as_of=AS_OF).why == "no account pays"
    assert trials.risk.scores(as_of=AS_OF).rows == ()
    assert trials.risk.backtest(as_of=AS_OF).why == "no account pays"
    assert trials.risk.triggers(as_of=AS_OF).why
    assert trials.risk.fired(as_of=AS_OF).why == "no account pays"
    loyal = tables(30)
    for row in loyal["subscriptions"]:
        row["ends_at"] = ""
    company = build(tmp_path / "loyal", loyal)
    assert "no account has churned" in company.risk.backtest(as_of=AS_OF).why
    rows = company.risk.scores(as_of=AS_OF).rows
    assert rows
    assert all(row.band == "unknown" and row.why for row in rows)


@pytest.mark.parametrize(("probability", "base", "band"), [
    (0.04, 0.05, "healthy"), (0.05, 0.05, "watch"), (0.10, 0.05, "at_risk"),
    # Where most leave, twice the rate would be more than certain.
    (0.85, 0.6, "at_risk"), (0.7, 0.6, "watch"),
])
def test_bands_stand_against_the_companys_own_churn(
    probability: float, base: float, band: str
) -> None:
    assert band_of(probability, base, 2.0) == band
