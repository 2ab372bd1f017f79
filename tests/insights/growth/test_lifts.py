"""Lifts by hand: of groups that add something, and of rows of which several are of one account."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import fisher_exact

from staycurve.insights.growth.additions import Counts
from staycurve.insights.growth.crosssell import compared
from staycurve.insights.statistics.clustered import clustered_lift


def test_the_lift_of_a_group_against_the_rest() -> None:
    counts = {("product", "Storage"): Counts(
        at_risk={("Team", "large"): 60, ("Team", "small"): 40, ("Basic", "small"): 200},
        added={("Team", "large"): 18, ("Team", "small"): 2, ("Basic", "small"): 10},
    )}
    rows, untested = compared(counts)
    found = {row.group: row for row in rows}
    assert set(found) == {("Team", None), ("Team", "large"), ("Team", "small"), ("Basic", None)}
    assert untested == 0
    team = found["Team", None]
    # 20 of 100 against 10 of 200; log 4 ± 1.96 × √(1/20 − 1/100 + 1/10 − 1/200).
    assert (team.share, team.rest, team.lift) == (0.2, 0.05, 4.0)
    half = 1.959964 * math.sqrt(0.05 - 0.01 + 0.1 - 0.005)
    assert team.low == pytest.approx(4 * math.exp(-half), rel=1e-5)
    assert team.high == pytest.approx(4 * math.exp(half), rel=1e-5)
    # Holm: of four tests the smallest chance counts four times, the next ones three and two times.
    tables = {
        ("Team", "large"): [[18, 42], [12, 228]], ("Team", None): [[20, 80], [10, 190]],
        ("Basic", None): [[10, 190], [20, 80]], ("Team", "small"): [[2, 38], [28, 232]],
    }
    chances = {group: fisher_exact(table).pvalue for group, table in tables.items()}
    assert found["Team", "large"].p_value == pytest.approx(4 * chances["Team", "large"])
    assert team.p_value == pytest.approx(3 * chances["Team", None])
    assert found["Team", "small"].p_value == pytest.approx(chances["Team", "small"])
    assert team.is_significant
    assert not team.why
    assert "not add it significantly" in str(found["Team", "small"].why)


def test_what_few_added_or_few_could_add_is_not_tested() -> None:
    rows, untested = compared({
        ("product", "rare"): Counts({("A", "x"): 50, ("B", "x"): 50}, {("A", "x"): 4}),
        ("product", "small"): Counts({("A", "x"): 19, ("B", "x"): 50}, {("A", "x"): 9}),
    })
    assert rows == ()
    # One segment alone is its plan: two plans, two things.
    assert untested == 4


ACCOUNTS = np.array([0, 0, 1, 1, 2, 2, 3, 3])
EXPOSED = ACCOUNTS < 2
OUTCOME = np.array([True, True, False, True, False, False, False, True])


def test_lift_over_accounts_with_several_rows() -> None:
    found = clustered_lift(OUTCOME, EXPOSED, ACCOUNTS)
    assert (found.exposed, found.others, found.expected) == (2, 2, 2.0)
    assert (found.share, found.rest, found.value) == (0.75, 0.25, 3.0)
    # Scores of accounts: ½, 0, ½, 0. Their sum is 1, its variance 4/3 × (¼ + ¼) = 2/3; Student's
    # distribution with one degree of freedom is Cauchy's.
    assert found.p_value == pytest.approx(1 - 2 / math.pi * math.atan(math.sqrt(1.5)))
    # Parts of log 3: 1/6, −1/6, ½, −½; the 97.5% point of Cauchy's distribution is tan(0.475 π).
    half = math.tan(0.475 * math.pi) * math.sqrt(4 / 3 * (2 / 36 + 2 / 4))
    assert found.low == pytest.approx(3 * math.exp(-half))
    assert found.high == pytest.approx(3 * math.exp(half))


def test_repeated_rows_of_the_same_accounts_prove_nothing_more() -> None:
    once = clustered_lift(OUTCOME, EXPOSED, ACCOUNTS)
    often = clustered_lift(*(np.tile(one, 50) for one in (OUTCOME, EXPOSED, ACCOUNTS)))
    assert (often.p_value, often.low) == (pytest.approx(once.p_value), pytest.approx(once.low))


def test_one_side_alone_has_no_lift() -> None:
    found = clustered_lift(OUTCOME, np.zeros(8, dtype=bool), ACCOUNTS)
    assert (found.exposed, found.others, found.value, found.p_value) == (0, 4, None, None)


def test_accounts_that_differ_for_no_reason_are_seldom_named() -> None:
    draw = np.random.default_rng(3)
    chances = []
    for _ in range(600):
        own = np.repeat(np.arange(80), draw.integers(3, 15, 80))
        # Some accounts always grow and others never do: rows are far from independent.
        outcome = draw.random(len(own)) < draw.beta(0.5, 2.0, 80)[own]
        found = clustered_lift(outcome, (draw.random(80) < 0.25)[own], own)
        chances.append(found.p_value)
    assert np.mean(np.array(chances) < 0.05) < 0.075
    assert np.mean(np.array(chances) < 0.01) < 0.025
