"""Expected lifetime: against curves whose area is known, and what is not known of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from staycurve.insights.risk.remaining import ages, ahead, followed
from staycurve.insights.statistics.lifetimes import LifeMonth, life_table


def curve(leave: float, months: int) -> tuple[LifeMonth, ...]:
    """A life table in which a share leaves every month, of a million accounts."""
    found, at_risk = [], 1_000_000.0
    for month in range(1, months + 1):
        left = at_risk * leave
        found.append(LifeMonth(month, round(at_risk), round(left), 0, 0, 0))
        at_risk -= left
    return tuple(found)


def of(probability: float) -> list[np.ndarray]:
    """A probability that is known exactly."""
    return [np.array([probability])] * 3


def test_where_the_same_share_leaves_every_month_the_area_is_a_geometric_sum() -> None:
    found = ahead(curve(0.02, 40), np.array([7]), of(0.02), of(1 - 0.98 ** 3))
    stays = [0.98 ** month for month in range(25)]
    expected = sum((one + other) / 2 for one, other in pairwise(stays))
    assert found.months[0] == pytest.approx(expected, rel=1e-4)
    assert found.upto[0] == 24
    assert found.low[0] < expected < found.high[0]
    # A million accounts leave next to no doubt.
    assert found.high[0] - found.low[0] < 0.1


def test_an_account_at_risk_has_less_ahead_by_what_its_own_months_take() -> None:
    months = curve(0.02, 40)
    calm = ahead(months, np.array([7]), of(0.02), of(0.06)).months[0]
    sure = ahead(months, np.array([7]), of(0.5), of(0.9)).months[0]
    # Half are gone after a month and nine tenths after three: the months between follow the root.
    near = (1 + 0.5) / 2 + (0.5 + (0.5 * 0.1) ** 0.5) / 2 + ((0.5 * 0.1) ** 0.5 + 0.1) / 2
    stays = [0.1 * 0.98 ** month for month in range(22)]
    assert sure == pytest.approx(
        near + sum((one + other) / 2 for one, other in pairwise(stays)), rel=1e-4
    )
    assert sure < calm


def test_it_counts_no_further_than_accounts_were_followed() -> None:
    months = curve(0.02, 20)
    found = ahead(months, np.array([0, 10, 16, 17, 30]), *([np.full(5, 0.02)] * 3,
                                                            [np.full(5, 0.06)] * 3))
    assert found.upto.tolist() == [20, 10, 4, 0, 0]
    assert np.isnan(found.months).tolist() == [False, False, False, True, True]


def test_months_with_few_accounts_end_what_is_relied_on() -> None:
    months = [LifeMonth(month, at_risk, 0, 1, 1, 1)
              for month, at_risk in ((1, 30), (2, 10), (3, 9), (4, 12))]
    assert [one.month for one in followed(months)] == [1, 2]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(11)
    stays = [0.95 ** month for month in range(25)]
    truth = sum((one + other) / 2 for one, other in pairwise(stays))
    held, tries = 0, 200
    for _ in range(tries):
        counts: dict[int, tuple[int, int]] = {}
        # Lives of a constant monthly chance, seen for 26 to 40 months.
        for life, seen in zip(draw.geometric(0.05, 150), draw.integers(26, 41, 150), strict=True):
            left, still = counts.get(int(min(life, seen)), (0, 0))
            counts[int(min(life, seen))] = (
                (left + 1, still) if life <= seen else (left, still + 1)
            )
        months = followed(life_table(counts).months)
        found = ahead(months, np.array([0]), of(0.05), of(1 - 0.95 ** 3))
        if found.upto[0] == 24:
            held += bool(found.low[0] <= truth <= found.high[0])
        else:
            tries -= 1
    assert tries > 150
    assert 0.90 <= held / tries <= 0.99


@pytest.mark.parametrize(("first", "day", "months"), [
    ("2024-01-15", "2024-02-14", 0), ("2024-01-15", "2024-02-15", 1),
    # The 31st turns on a month's last day.
    ("2024-01-31", "2024-02-28", 0), ("2024-01-31", "2024-02-29", 1),
    ("2023-12-31", "2024-12-31", 12), ("2024-05-01", "2024-05-01", 0),
])
def test_whole_months_turn_on_the_day_of_the_first(first: str, day: str, months: int) -> None:
    found = ages(np.array([first], "datetime64[D]"), np.array([day], "datetime64[D]"))
    assert found.tolist() == [months]
