"""Kaplan-Meier curves, their intervals and the log-rank test, by hand and against statsmodels."""

from __future__ import annotations

import random

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from staycurve.insights.statistics.survival import counted, differ_by_chance, kaplan_meier


def drawn(seed: int, size: int = 200) -> list[tuple[int, bool]]:
    pick = random.Random(seed)
    found = []
    for _ in range(size):
        due, seen = int(pick.expovariate(0.1)), pick.randrange(1, 30)
        found.append((min(due, seen), due <= seen))
    return found


def test_a_curve_by_hand() -> None:
    # Five accounts: there on days 1, 2, 2 and 4; one seen for 3 days without.
    curve = kaplan_meier({1: (1, 0), 2: (2, 0), 3: (0, 1), 4: (1, 0)})
    assert [(p.time, p.at_risk, p.share) for p in curve.points] == [
        (1, 5, pytest.approx(1 / 5)), (2, 4, pytest.approx(3 / 5)), (4, 1, 1.0),
    ]
    assert curve.quantile(0.5)[0] == 2
    assert curve.quantile(0.75)[0] == 4
    assert curve.at(3) == curve.points[1]
    assert curve.at(5) is None


def test_who_is_seen_until_a_day_is_at_risk_on_it() -> None:
    curve = kaplan_meier({2: (1, 1)})
    assert curve.points[0].share == 0.5


def test_a_half_reached_in_three_steps_is_a_half() -> None:
    # 1 − (4/6)(3/4) is 0.5 only up to rounding.
    curve = kaplan_meier({1: (2, 0), 2: (1, 0), 3: (0, 3)})
    assert curve.quantile(0.5)[0] == 2


def test_fewer_than_half_have_no_median() -> None:
    assert kaplan_meier({1: (1, 0), 9: (0, 3)}).quantile(0.5)[0] is None
    assert kaplan_meier({}).points == ()
    assert kaplan_meier({}).at(0) is None


@pytest.mark.parametrize("seed", range(5))
def test_curves_are_those_of_statsmodels(seed: int) -> None:
    rows = drawn(seed)
    own = kaplan_meier(counted((time, there, 1) for time, there in rows))
    theirs = SurvfuncRight(
        np.array([time for time, _ in rows]), np.array([int(there) for _, there in rows])
    )
    assert [p.time for p in own.points] == list(theirs.surv_times)
    assert [1 - p.share for p in own.points] == pytest.approx(list(theirs.surv_prob))
    for share in (0.25, 0.5):
        assert own.quantile(share)[0] == theirs.quantile(share)
    # Their interval of the median, on the same log-log scale.
    low, high = theirs.quantile_ci(0.5, method="cloglog")
    assert own.quantile(0.5)[1:] == (low, high)


def test_greenwood_on_the_log_log_scale_by_hand() -> None:
    # S = 0.9 after 1 of 10: variance of log S is 1/(10 × 9); z = 1.959964.
    point = kaplan_meier({1: (1, 0), 5: (0, 9)}).points[0]
    width = 1.959964 * (1 / 90) ** 0.5 / np.log(0.9)
    assert point.low == pytest.approx(1 - 0.9 ** np.exp(width), abs=1e-6)
    assert point.high == pytest.approx(1 - 0.9 ** np.exp(-width), abs=1e-6)
    assert point.low < 0.1 < point.high


@pytest.mark.parametrize("seed", range(4))
def test_the_log_rank_test_is_that_of_statsmodels(seed: int) -> None:
    groups = [drawn(seed * 10 + part, size=60 + 10 * part) for part in range(3)]
    own = differ_by_chance([counted((t, e, 1) for t, e in group) for group in groups])
    time = np.array([t for group in groups for t, _ in group])
    there = np.array([int(e) for group in groups for _, e in group])
    label = np.array([part for part, group in enumerate(groups) for _ in group])
    assert own == pytest.approx(survdiff(time, there, label)[1])


def test_one_group_is_compared_with_nobody() -> None:
    assert differ_by_chance([{1: (1, 0)}, {}]) is None
    assert differ_by_chance([{1: (0, 1)}, {1: (0, 2)}]) is None


def test_a_chance_below_what_one_minus_a_share_can_say_is_no_zero() -> None:
    # All of one group on day 1, all of the other on day 2: (100 − 50)² / (100 × 100/199 × 1/4)
    # is 199: a chance far below 1e-16, which is what 1 − cdf can still say.
    chance = differ_by_chance([{1: (100, 0)}, {2: (100, 0)}])
    assert chance is not None
    assert 0 < chance < 1e-40


def test_a_group_gone_before_anybody_got_there_is_no_group() -> None:
    two = [{1: (5, 0), 9: (0, 9)}, {1: (1, 0), 9: (1, 3)}]
    assert differ_by_chance([*two, {0: (0, 3)}]) == differ_by_chance(two)


def test_all_at_once_speaks_for_no_difference() -> None:
    assert differ_by_chance([{1: (1, 0)}, {1: (4, 0)}]) == 1.0
