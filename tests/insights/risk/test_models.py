"""Models on frames whose rule is known, and figures worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame
from staycurve.insights.risk.judging import auc_difference, figures, local_rates, top_lift
from staycurve.insights.risk.models import fit_baseline, fit_points
from staycurve.insights.risk.track import fitted

ACCOUNTS = 1500


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


def drawn(seed: int, *, effect: float = 2.5) -> Frame:
    """Accounts with old tickets leave more often; nothing else matters."""
    draw = np.random.default_rng(seed)
    values = {
        name: draw.integers(0, 20, ACCOUNTS).astype(np.float32) for name in features()
    }
    values["old_tickets"] = (draw.random(ACCOUNTS) < 0.3).astype(np.float32)
    chance = 1 / (1 + np.exp(2.5 - effect * values["old_tickets"]))
    left = np.full(ACCOUNTS, np.datetime64("NaT"), dtype="datetime64[D]")
    left[draw.random(ACCOUNTS) < chance] = np.datetime64("2024-03-01")
    return Frame(
        np.array([f"a{place}" for place in range(ACCOUNTS)], dtype=object),
        np.full(ACCOUNTS, np.datetime64("2024-01-31")), np.array(["Pro", "Basic"] * 750, object),
        np.full(ACCOUNTS, 1_000_000), np.zeros(ACCOUNTS, dtype=bool),
        np.full(ACCOUNTS, 10, dtype=np.float32), left, values,
    )


def test_points_name_the_planted_cause_first_and_beat_the_baseline() -> None:
    train, test = drawn(1), drawn(2)
    points = fit_points(train, {})
    table = {one.name: one for one in points.factors}
    planted = table["old_tickets"]
    spreads = {one.name: np.ptp(one.points[:-1]) for one in points.factors}
    assert max(spreads, key=lambda name: spreads[name]) == "old_tickets"
    # Odds of e^2.5 are 36 points where 10 double them; the ridge takes some away.
    assert 24 <= planted.points[1] - planted.points[0] <= 40
    assert planted.said(1) == "1 or more"
    own, plain = points.probability(test), fit_baseline(train).probability(test)
    gap, low, high = auc_difference(own, plain, test.has_left, test.account_ids)
    assert 0 < low < gap < high
    assert own.mean() == pytest.approx(test.has_left.mean(), abs=0.03)
    boosted = figures(fitted("boosting", train, {}).probability(test), test.has_left)
    assert boosted.auc > figures(plain, test.has_left).auc + 0.1
    effects = points.effects(test)
    strongest = max(effects, key=lambda name: float(np.abs(effects[name]).mean()))
    assert strongest == "old_tickets"


def test_where_nothing_matters_nothing_beats_the_baseline() -> None:
    train, test = drawn(3, effect=0), drawn(4, effect=0)
    own = fit_points(train, {}).probability(test)
    plain = fit_baseline(train).probability(test)
    _gap, low, high = auc_difference(own, plain, test.has_left, test.account_ids)
    assert low < 0 < high


def test_a_refit_gives_the_same_coefficients() -> None:
    assert fit_points(drawn(1), {}) == fit_points(drawn(1), {})
    one, again = fit_baseline(drawn(1)), fit_baseline(drawn(1))
    assert (one.weights == again.weights).all()
    assert one.intercept == again.intercept


def test_points_by_hand_replace_what_is_fitted() -> None:
    points = fit_points(drawn(1), {"old_tickets": 10.0})
    assert "old_tickets" not in {one.name for one in points.factors}
    frame = drawn(1)
    had = frame.values["old_tickets"].copy()
    frame.values["old_tickets"][:] = 0
    without = points.score(frame)
    frame.values["old_tickets"][:] = 2
    assert points.score(frame) - without == pytest.approx(20)
    assert had.any()


def test_figures_by_hand() -> None:
    probability = np.array([0.1, 0.4, 0.35, 0.8])
    left = np.array([False, False, True, True])
    found = figures(probability, left)
    # Of four pairs of leaver and stayer three stand in the right order.
    assert found.auc == 0.75
    # Leavers stand first and third: (1 / 1 + 2 / 3) / 2.
    assert found.pr_auc == pytest.approx(5 / 6)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    # Tenths of four rows hold one each: the mean of |0.1|, |0.4|, |0.65|, |0.2|.
    assert found.calibration_error == pytest.approx(1.35 / 4)
    assert found.lift_top_decile == 2


def test_an_interval_is_that_of_the_most_similar_rows_to_the_very_ends() -> None:
    # 1,000 accounts in order: nobody leaves below 0.9, every tenth up to 0.98, and the last 20.
    probability = np.arange(1000) / 1000
    left = (probability >= 0.9) & (np.arange(1000) % 10 == 0) | (probability >= 0.98)
    low, high = local_rates(np.array([0.0, 0.5, 0.93, 0.9995]), probability, left, 1000)
    # In the middle the tenth around it: 102 rows, of which none left; around 930 nine did.
    assert (low[1], high[1]) == (0, pytest.approx(1 - 1 / (1 + 1.959964 ** 2 / 102)))
    assert left[879:981].sum() == 9
    assert low[2] < 9 / 102 < high[2]
    # At the ends a fiftieth: of the last 22 rows 20 left, of the last tenth three in ten.
    assert low[3] < 20 / 22 < high[3]
    assert low[3] > left[900:].mean()
    assert (low[0], high[0]) == (0, pytest.approx(1 - 1 / (1 + 1.959964 ** 2 / 22)))


def test_the_top_tenth_takes_its_part_of_rows_with_equal_probability() -> None:
    left = np.array([True] + [False] * 9 + [True] * 5 + [False] * 5)
    # Two of twenty rows, all equal: whatever is taken has the churn rate of all.
    assert top_lift(np.full(20, 0.3), left) == pytest.approx(1)
