"""Pulses, scores as they stood on their day, models that can be fitted again, and misses."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest

from staycurve.errors import NoAccountError, UnknownNameError, UsageError
from staycurve.insights.risk.frames import frame
from staycurve.insights.risk.kept import CHURNED
from staycurve.insights.risk.pulse import Pulse, standing
from staycurve.workspace import Company
from tests.company import build

JUNE, JULY = dt.datetime(2024, 6, 2, tzinfo=dt.UTC), dt.datetime(2024, 8, 2, tzinfo=dt.UTC)


def _pulse(number: int, day: str, level: str, account: str = "a") -> Pulse:
    at = dt.datetime.fromisoformat(f"{day}T09:00:00+00:00")
    return Pulse(number, account, at.date(), level, "", "Ada", at)


@pytest.mark.parametrize(("day", "level"), [
    ("2023-12-31", None), ("2024-01-01", "green"), ("2024-01-31", "green"),
    # The later one replaces the earlier one; 90 days from February 1st end before May 1st.
    ("2024-02-01", "yellow"), ("2024-04-30", "yellow"), ("2024-05-01", None),
])
def test_a_pulse_holds_for_90_days_or_until_the_next(day: str, level: str | None) -> None:
    given = [_pulse(1, "2024-01-01", "green"), _pulse(2, "2024-02-01", "yellow")]
    found = standing(given, dt.date.fromisoformat(day))
    assert (found.level if found else None) == level


def test_the_worst_account_decides_and_a_withdrawn_pulse_says_nothing() -> None:
    given = [_pulse(1, "2024-01-01", "red", "child"), _pulse(2, "2024-01-02", "green", "parent")]
    day = dt.date(2024, 1, 3)
    worst = standing(given, day)
    assert worst is not None
    assert worst.account_id == "child"
    rest = standing([*given, _pulse(3, "2024-01-03", "none", "child")], day)
    assert rest is not None
    assert rest.level == "green"
    assert standing([_pulse(1, "2024-01-01", "none")], day) is None


PARTS = {
    "accounts": "account_id parent_id\np -\nc p\nq -",
    "subscriptions": "subscription_id account_id amount starts_at ends_at\n"
                     "s p 100 2024-01-01 -\nt q 100 2024-01-01 -",
}


def test_a_pulse_is_a_feature_as_of_its_day(tmp_path: Path) -> None:
    build(tmp_path / "c", PARTS).close()
    company = Company(tmp_path / "c", clock=lambda: dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC))
    made = company.health.give_pulse("c", "red", note="No sponsor left", author="Ada")
    assert (made.day, made.expires_on) == (dt.date(2024, 3, 1), dt.date(2024, 5, 30))
    company = Company(tmp_path / "c", clock=lambda: JULY)
    days = [dt.date(2024, 2, 29), dt.date(2024, 3, 1), dt.date(2024, 5, 29), dt.date(2024, 5, 30)]
    with company.reading() as engine:
        found = frame(company, engine, days, 90)
    of = {(account, day.item()): value for account, day, value in zip(
        found.account_ids, found.days, found.values["pulse"], strict=True
    )}
    assert len(of) == 8
    assert [of["p", day] for day in days[1:3]] == [2, 2]
    assert all(np.isnan(of["p", day]) for day in (days[0], days[3]))
    assert all(np.isnan(of["q", day]) for day in days)
    # It is evidence: of q nothing is known.
    with pytest.raises(NoAccountError):
        company.health.give_pulse("nobody", "red")
    with pytest.raises(UnknownNameError):
        company.health.give_pulse("p", "orange")
    with pytest.raises(UsageError, match="note"):
        company.health.give_pulse("p", "red", note="x" * 501)
    assert len(company.health.pulses()) == 1


@pytest.fixture(scope="module")
def followed(leaving: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company of silent leavers, its scores kept at the beginning of June and of August."""
    folder = tmp_path_factory.mktemp("followed") / "c"
    shutil.copytree(leaving.folder, folder)
    for at in (JUNE, JULY):
        with Company(folder, clock=lambda at=at: at) as company:
            assert company.health.keep().is_new
    return Company(folder, clock=lambda: JULY)


def test_kept_scores_stay_as_they_stood_and_are_frozen_at_churn(followed: Company) -> None:
    days = followed.kept_days()
    assert days == (dt.date(2024, 6, 1), dt.date(2024, 8, 1))
    then = {row.account_id: row for row in followed.risk.scores(as_of="2024-06-02").rows}
    now = {row.account_id: row for row in followed.risk.scores(as_of="2024-08-02").rows}
    gone = sorted(set(then) - set(now))
    assert gone
    for account in gone:
        first, last = followed.kept_scores(account)
        assert (first.day, first.band, first.health) == (
            days[0], then[account].band, then[account].health
        )
        assert (last.day, last.band, last.probability) == (days[1], CHURNED, None)
        assert [reason["reason"] for reason in first.reasons] == [
            one.reason for one in then[account].reasons
        ]
    # A quiet account has no second row.
    still = [
        one for one in now if one in then
        and (then[one].health, then[one].band) == (now[one].health, now[one].band)
    ]
    assert still
    assert all(len(followed.kept_scores(one)) == 1 for one in still)
    again = followed.health.keep()
    assert (again.is_new, again.changed) == (False, 0)
    found = followed.risk.history(account=gone[0])
    assert [row.band for row in found.rows if row.is_kept] == [CHURNED, then[gone[0]].band]
    assert all(row.day < days[0] for row in found.rows if not row.is_kept)


def test_a_kept_model_is_fitted_again_to_the_same_coefficients(followed: Company) -> None:
    models = followed.health.models()
    assert [one.fitted_for for one in models] == [dt.date(2024, 8, 1), dt.date(2024, 6, 1)]
    assert len({one.digest for one in models}) == 2
    assert all(followed.health.refit(one.id) for one in models)
    assert all(one.data_version == followed.snapshot.seq and one.body for one in models)
    with pytest.raises(UnknownNameError):
        followed.health.refit(99)


def test_misses_add_up_to_all_who_churned(followed: Company) -> None:
    found = followed.risk.misses(as_of="2024-08-02")
    assert found.left == sum(month.left for month in found.months) > 10
    for month in found.months:
        assert month.left == (
            month.healthy + month.watch + month.at_risk + month.unknown + month.unscored
        )
        rows = followed.risk.left(month=f"{month.month:%Y-%m}", as_of="2024-08-02").rows
        assert len(rows) == month.left
        assert sum(row.band == "at_risk" for row in rows) == month.at_risk
    assert found.missed == len(found.rows) == sum(month.healthy for month in found.months)
    assert all(row.day < row.left_on and row.known for row in found.rows)
    listed = followed.risk.left(as_of="2024-08-02").rows
    late = [row for row in listed if row.left_on > dt.date(2024, 6, 1) and row.day]
    early = [row for row in listed if row.left_on <= dt.date(2024, 6, 1) and row.day]
    assert late
    assert early
    assert all(row.is_kept and row.day == dt.date(2024, 6, 1) for row in late)
    assert not any(row.is_kept for row in early)


def test_a_tenth_of_the_reliability_curve_is_its_accounts_and_days(followed: Company) -> None:
    found = followed.risk.backtest(as_of="2024-08-02")
    assert sum(one.rows for one in found.reliability) == found.tested
    last = found.reliability[-1]
    rows = followed.risk.judged_days(tenth=last.tenth, as_of="2024-08-02").rows
    assert len(rows) == last.rows > 0
    assert sum(row.has_left for row in rows) / len(rows) == pytest.approx(last.left)
    assert sum(row.probability for row in rows) / len(rows) == pytest.approx(last.probability)
    assert last.low < last.left < last.high
    # Each model on the way had learned from days whose horizon had passed before.
    assert len(found.origins) == 3
    for one in found.origins:
        assert one.trained_until + dt.timedelta(days=90) <= one.tested_from
    assert found.origins[0].trained < found.origins[-1].trained


def test_an_accounts_health_is_its_score_with_its_reasons(followed: Company) -> None:
    score = followed.risk.scores(as_of="2024-08-02").rows[0]
    found = followed.risk.account(account=score.account_id, as_of="2024-08-02")
    assert (found.band, found.health, found.probability) == (
        score.band, score.health, score.probability
    )
    assert found.low <= found.high
    assert [row.reason for row in found.rows] == [one.reason for one in score.reasons]
    assert found.trained_on > 0
    gone = next(row for row in followed.risk.left(as_of="2024-08-02").rows)
    assert followed.risk.account(account=gone.account_id, as_of="2024-08-02").band is None
