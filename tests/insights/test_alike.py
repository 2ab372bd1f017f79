"""Lift among rows that are alike: by hand, beside another program, and where nothing is there."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from staycurve.insights.statistics.alike import AlikeLift, lift_alike

TABLES = (((10, 20), (10, 80)), ((6, 194), (1, 99)))
"""Of two strata: (hits, misses) with it, and without it."""


def rows_of(tables: tuple[tuple[tuple[int, int], tuple[int, int]], ...]) -> tuple[np.ndarray, ...]:
    """Outcome, exposure and stratum of the rows of some tables."""
    found = [
        (hit, exposed, stratum)
        for stratum, table in enumerate(tables)
        for exposed, counts in zip((1, 0), table, strict=True)
        for hit, count in zip((1, 0), counts, strict=True)
        for _ in range(count)
    ]
    outcome, exposed, strata = np.array(found).T
    return outcome == 1, exposed == 1, strata


def test_the_ratio_of_mantel_and_haenszel_by_hand() -> None:
    outcome, exposed, strata = rows_of(TABLES)
    found = lift_alike(outcome, exposed, np.arange(len(outcome)), strata)
    # (10 × 90/120 + 6 × 100/300) / (10 × 30/120 + 1 × 200/300)
    assert found.value == pytest.approx((7.5 + 2) / (2.5 + 2 / 3))
    # 30 × 20/120 + 200 × 7/300
    assert found.expected == pytest.approx(5 + 14 / 3)
    assert found.exposed == 230
    assert found.low < found.value < found.high
    assert found.low > 1


def test_the_chance_is_that_of_cochran_mantel_and_haenszel_where_rows_are_accounts() -> None:
    many = (((130, 870), (100, 900)), ((44, 956), (35, 965)))
    outcome, exposed, strata = rows_of(many)
    found = lift_alike(outcome, exposed, np.arange(len(outcome)), strata)
    theirs = StratifiedTable([np.array(table) for table in many])
    two_sided = theirs.test_null_odds(correction=False).pvalue
    assert 0.01 < two_sided < 0.05
    assert found.p_value == pytest.approx(two_sided / 2, rel=0.1)


def test_rows_that_repeat_an_account_add_nothing() -> None:
    outcome, exposed, strata = rows_of(TABLES)
    accounts = np.arange(len(outcome))
    once = lift_alike(outcome, exposed, accounts, strata)
    thrice = lift_alike(*(np.tile(one, 3) for one in (outcome, exposed, accounts, strata)))
    assert (thrice.value, thrice.exposed) == (pytest.approx(once.value), once.exposed)
    assert (thrice.low, thrice.high, thrice.p_value) == (
        pytest.approx(once.low), pytest.approx(once.high), pytest.approx(once.p_value)
    )


def test_what_stands_beside_nobody_is_not_compared() -> None:
    outcome, exposed, strata = rows_of(TABLES)
    accounts = np.arange(len(outcome))
    alone = ~((strata == 0) & ~exposed)
    found = lift_alike(outcome[alone], exposed[alone], accounts[alone], strata[alone])
    # The second stratum alone: 6 of 200 against 1 of 100.
    assert (found.value, found.exposed) == (pytest.approx(3), 200)
    nobody = np.zeros(5, dtype=bool)
    assert lift_alike(nobody, nobody, np.arange(5), np.zeros(5, dtype=int)) == AlikeLift(0, 0.0)
    none = np.array([], dtype=int)
    assert lift_alike(none.astype(bool), none.astype(bool), none, none) == AlikeLift(0, 0.0)


def test_what_goes_with_the_stratum_alone_is_chance() -> None:
    # 2% leave in one stratum and 20% in the other, where the sign is four times as frequent.
    draw = np.random.default_rng(5)
    strata = draw.integers(0, 2, 6000)
    exposed = draw.random(6000) < np.where(strata == 1, 0.4, 0.1)
    outcome = draw.random(6000) < np.where(strata == 1, 0.2, 0.02)
    assert outcome[exposed].mean() > 1.5 * outcome[~exposed].mean()
    found = lift_alike(outcome, exposed, np.arange(6000), strata)
    assert found.low < 1 < found.high
    assert found.p_value > 0.05
