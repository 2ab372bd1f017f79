"""Life tables and the shifted-beta-geometric model, by hand and against what was published."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from staycurve.errors import UsageError
from staycurve.insights.statistics.lifetimes import life_table
from staycurve.insights.statistics.sbg import ShiftedBetaGeometric, fit
from staycurve.insights.statistics.survival import log_rank

# Fader & Hardie (2007), table 1: of 1,000 "high end" customers, those still there after each year.
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)


def high_end() -> ShiftedBetaGeometric:
    left = [before - after for before, after in pairwise(HIGH_END)]
    found = fit(HIGH_END[:-1], left)
    assert found is not None
    return found


def test_a_life_table_by_hand() -> None:
    # Ten accounts: two leave in month 1, one is seen for no month and one for one, three leave in
    # month 2 and three are seen for three months.
    table = life_table({0: (0, 1), 1: (2, 1), 2: (3, 0), 3: (0, 3)})
    assert [(m.month, m.at_risk, m.left) for m in table.months] == [(1, 9, 2), (2, 6, 3), (3, 3, 0)]
    assert [m.survival for m in table.months] == pytest.approx([7 / 9, 7 / 18, 7 / 18])
    assert (table.accounts, table.followed, table.left, table.median) == (10, 3, 5, 2)
    assert table.restricted_mean(1) == 1
    assert table.restricted_mean(3) == pytest.approx(1 + 7 / 9 + 7 / 18)


def test_a_mean_goes_no_further_than_what_was_seen() -> None:
    table = life_table({1: (2, 0), 2: (0, 5)})
    assert table.median is None
    with pytest.raises(UsageError, match="only for 2"):
        table.restricted_mean(3)


def test_where_nobody_is_left_the_curve_is_known_for_ever() -> None:
    table = life_table({1: (1, 0), 3: (1, 0)})
    # One paid for one month, the other for three.
    assert table.restricted_mean(3) == table.restricted_mean(90) == 2


@pytest.mark.parametrize("seed", range(3))
def test_a_mean_is_the_area_under_the_curve_of_statsmodels(seed: int) -> None:
    pick = random.Random(seed)
    lives = [(pick.randrange(1, 25), pick.random() < 0.6) for _ in range(300)]
    counts: dict[int, tuple[int, int]] = {}
    for month, has_left in lives:
        left, censored = counts.get(month, (0, 0))
        counts[month] = (left + has_left, censored + (not has_left))
    table = life_table(counts)
    theirs = SurvfuncRight(
        np.array([month for month, _ in lives]), np.array([int(left) for _, left in lives])
    )
    steps = dict(zip(theirs.surv_times, theirs.surv_prob, strict=True))
    area, height = 0.0, 1.0
    for month in range(table.followed):
        height = steps.get(month, height)
        area += height
    assert table.restricted_mean(table.followed) == pytest.approx(area)


def test_the_log_rank_test_by_hand() -> None:
    # Two leave of three at month 1 on one side and none of three on the other: expected 1 of the
    # first side, variance 2·(3·3/36)·(4/5) = 0.4. So (2 − 1)² / 0.4.
    found = log_rank([{1: (2, 1)}, {1: (0, 3)}])
    assert found is not None
    assert found.statistic == pytest.approx(2.5)
    assert found.p_value == pytest.approx(0.113846, abs=1e-6)


def test_the_model_is_that_of_the_paper() -> None:
    model = high_end()
    assert (round(model.alpha, 3), round(model.beta, 3)) == (0.668, 3.806)
    assert [round(one, 3) for one in model.survival(12)[8:]] == [0.460, 0.436, 0.414, 0.395, 0.378]


def test_the_discounted_residual_lifetime_is_that_of_the_paper() -> None:
    # Fader & Hardie (2010): at 10%, of who was there after seven periods and is about to renew.
    assert round(high_end().discounted_residual(7, 0.1), 3) == 7.530


def test_a_discounted_mean_is_the_sum_of_its_terms() -> None:
    model = high_end()
    terms = sum(share / 1.1**month for month, share in enumerate(model.survival(3000)))
    assert model.discounted_mean(0.1) == pytest.approx(terms)
    assert model.mean(3) == pytest.approx(1 + model.survival(2)[1] + model.survival(2)[2])


def test_cohorts_of_any_age_go_together() -> None:
    # The same customers twice over, the second half seen for four years alone.
    left = [before - after for before, after in pairwise(HIGH_END)]
    at_risk = [size * (2 if year < 4 else 1) for year, size in enumerate(HIGH_END[:-1])]
    both = fit(at_risk, [gone * (2 if year < 4 else 1) for year, gone in enumerate(left)])
    assert both is not None
    assert both.survival(7) == pytest.approx(high_end().survival(7), abs=0.015)


def test_customers_who_are_all_alike_leave_at_one_rate() -> None:
    at_risk = [round(100_000 * 0.95**month) for month in range(12)]
    model = fit(at_risk, [round(size * 0.05) for size in at_risk])
    assert model is not None
    assert model.survival(24)[24] == pytest.approx(0.95**24, rel=1e-3)


@pytest.mark.parametrize(("at_risk", "left"), [
    ([100, 90, 80], [0, 0, 0]), ([100, 97, 94], [3, 3, 3]), ([100, 60], [40, 20]), ([], []),
])
def test_too_little_is_not_projected(at_risk: list[int], left: list[int]) -> None:
    assert fit(at_risk, left) is None
