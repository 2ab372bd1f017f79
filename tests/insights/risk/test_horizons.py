"""Churn within 30 and within 90 days, side by side."""

from __future__ import annotations

import numpy as np
import pytest

from staycurve.insights.risk.frames import frames, history, moment_of
from staycurve.insights.risk.scoring import Chances, capped
from staycurve.workspace import Company
from tests.insights.risk.test_models import drawn

AS_OF = "2024-07-01"


def _chances(probability: list[float], low: list[float], high: list[float]) -> Chances:
    return Chances(np.array(probability), np.array(low), np.array(high), "points", None)


def test_who_leaves_within_30_days_leaves_within_90() -> None:
    near = _chances([0.1, 0.5, np.nan], [0.0, 0.4, np.nan], [0.3, 0.7, np.nan])
    far = _chances([0.2, 0.4, np.nan], [0.1, 0.3, np.nan], [0.4, 0.5, np.nan])
    found, lowered = capped(near, far)
    assert lowered == 1
    assert found.probability[:2].tolist() == [0.1, 0.4]
    assert found.low[:2].tolist() == [0.0, 0.3]
    assert found.high[:2].tolist() == [0.3, 0.5]
    assert np.isnan(found.probability[2])


def test_a_shorter_horizon_forgets_who_left_later() -> None:
    frame = drawn(1)
    left = np.datetime64("2024-01-31") + np.arange(len(frame)) % 120
    near = type(frame)(**{**vars(frame), "left_on": left}).within(30)
    assert near.has_left.sum() == (np.arange(len(frame)) % 120 <= 30).sum()


@pytest.mark.parametrize("horizon", [30, 60, 90, 120])
def test_history_that_horizons_share_is_what_each_would_read(
    leaving: Company, horizon: int
) -> None:
    seen = leaving.as_of(AS_OF)
    with leaving.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        shared = history(leaving, engine, moment, horizon)
        own = list(frames(leaving, engine, moment.past, horizon))
    for name in ("account_ids", "days", "left_on"):
        one = np.concatenate([getattr(part, name) for part in shared])
        other = np.concatenate([getattr(part, name) for part in own])
        assert len(one)
        # NaT is not equal to itself.
        assert (one.astype(str) == other.astype(str)).all()


def test_both_stand_side_by_side_each_with_its_backtest(leaving: Company) -> None:
    found = leaving.risk.scores(as_of=AS_OF)
    assert [row.horizon for row in found.horizons] == [30, 90]
    near, far = found.horizons
    assert far.form == found.form
    for row in found.horizons:
        assert row.auc is not None
        assert row.difference_low <= row.difference <= row.difference_high
    alone = {row.account_id: row for row in leaving.risk.scores(horizon=30, as_of=AS_OF).rows}
    assert found.rows
    lowered = 0
    for row in found.rows:
        own = alone[row.account_id]
        assert row.probability_30 == min(own.probability, row.probability)
        lowered += own.probability > row.probability
    assert near.lowered == lowered
    own = leaving.risk.backtest(horizon=30, as_of=AS_OF)
    shown = own.rows[0] if near.form == "points" else own.baseline
    assert (near.auc, near.brier) == (shown.auc, shown.brier)
    record = leaving.risk.backtest(as_of=AS_OF)
    assert [row.auc for row in record.horizons] == [row.auc for row in found.horizons]
    assert not record.horizons[0].lowered


def test_an_expected_lifetime_states_its_horizon_and_interval(leaving: Company) -> None:
    rows = leaving.risk.scores(as_of=AS_OF).rows
    known = [row for row in rows if row.expected_months is not None]
    assert known
    for row in known:
        assert 0 <= row.expected_low <= row.expected_months <= row.expected_high
        assert row.expected_high <= row.expected_horizon <= 24
        own = leaving.risk.account(account=row.account_id, as_of=AS_OF)
        assert own.expected_months == row.expected_months
        assert own.probability_30 == row.probability_30
        break
    assert all(row.expected_why for row in rows if row.expected_months is None)
    other = leaving.risk.scores(horizon=60, as_of=AS_OF).rows
    assert all(row.expected_months is None and "30 and 90 days" in row.expected_why
               for row in other)
    short = leaving.risk.scores(horizon=14, as_of=AS_OF).rows
    assert all(row.probability_30 is None and "shorter than 30" in row.why_30 for row in short)
