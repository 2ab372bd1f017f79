"""Plans of experiments against published figures and simulation."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from staycurve.errors import UsageError
from staycurve.insights.effects.plan import hoped_of, share_of
from staycurve.insights.statistics.sequential import bounds, chances, equal, power
from staycurve.insights.statistics.trials import (
    accounts_an_arm,
    always_valid,
    estimated,
    mismatch,
    power_of,
    smallest_seen,
)
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build


def test_accounts_an_arm() -> None:
    # 10% → 5%: (1.959964 + 0.841621)² × (0.09 + 0.0475) / 0.0025 = 431.7;
    # 5% → 4%: 7.848880 × (0.0475 + 0.0384) / 0.0001 = 6,742.2.
    assert accounts_an_arm(0.10, 0.05) == 432
    assert accounts_an_arm(0.05, 0.04) == 6_743
    assert power_of(0.10, 0.05, 432) == pytest.approx(0.8, abs=0.001)
    assert smallest_seen(0.10, 432, is_rise=False) == pytest.approx(0.05, abs=1e-4)
    assert smallest_seen(0.10, 2, is_rise=False) is None


@pytest.mark.parametrize(("looks", "published"), [
    # Lan-DeMets with O'Brien-Fleming spending, two-sided 5%, as in the tables of ldbounds.
    (2, (2.963, 1.969)),
    (3, (3.710, 2.511, 1.993)),
    (4, (4.333, 2.963, 2.359, 2.014)),
    (5, (4.877, 3.357, 2.680, 2.290, 2.031)),
])
def test_bounds_are_the_published_ones(looks: int, published: tuple[float, ...]) -> None:
    assert bounds(equal(looks)) == pytest.approx(published, abs=0.001)


def test_twelve_looks_spend_five_percent_and_keep_the_power() -> None:
    information = equal(12)
    limits = bounds(information)
    assert sum(map(sum, chances(information, limits))) == pytest.approx(0.05, abs=1e-6)
    drift = 0.05 * np.sqrt(400 / (0.09 + 0.0475))
    assert power(information, limits, drift) == pytest.approx(0.76, abs=0.02)


def simulated(effect: float, *, runs: int, arm: int, seed: int) -> float:
    """The share of runs in which one of twelve looks crosses its bound."""
    rng = np.random.default_rng(seed)
    limits = np.array(bounds(equal(12)))
    sizes = np.array([round(arm * share) for share in equal(12)])
    crossed = 0
    for _ in range(runs):
        one = (rng.random(arm) < 0.10).cumsum()[sizes - 1] / sizes
        two = (rng.random(arm) < effect).cumsum()[sizes - 1] / sizes
        spread = np.sqrt((one * (1 - one) + two * (1 - two)) / sizes)
        z = np.divide(one - two, spread, out=np.zeros(12), where=spread > 0)
        crossed += bool((np.abs(z) >= limits).any())
    return crossed / runs


def test_planted_nulls_are_rarely_called_a_success() -> None:
    assert simulated(0.10, runs=400, arm=432, seed=11) <= 0.05


def test_the_planned_design_has_its_power() -> None:
    assert simulated(0.05, runs=4_000, arm=400, seed=12) == pytest.approx(0.76, abs=0.02)


def test_a_sample_ratio_mismatch() -> None:
    # (530−500)²/500 × 2 = 3.6 on one degree of freedom: 5.8%.
    assert mismatch([530, 470], [0.5, 0.5]) == pytest.approx(0.0578, abs=1e-4)
    assert mismatch([600, 400], [0.5, 0.5]) < 0.001


def test_cuped_narrows_and_moves_nothing_on_average() -> None:
    rng = np.random.default_rng(2)
    gaps, plains = [], []
    for _ in range(200):
        before = rng.normal(10, 3, 200)
        after = before + rng.normal(0, 1, 200)
        after[:100] += 1.0
        adjusted = estimated(after[:100], after[100:], (before[:100], before[100:]))
        plain = estimated(after[:100], after[100:])
        assert adjusted is not None
        assert plain is not None
        gaps.append(adjusted.difference)
        plains.append(plain.error / adjusted.error)
        assert adjusted.reduction > 0.8
    assert np.mean(gaps) == pytest.approx(1.0, abs=0.05)
    # √(9 + 1) ÷ 1
    assert np.mean(plains) == pytest.approx(np.sqrt(10), rel=0.05)
    assert estimated([1.0], [1.0, 2.0]) is None


def test_a_confidence_sequence_holds_at_every_look() -> None:
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        one, two = rng.normal(0, 1, 300), rng.normal(0, 1, 300)
        for size in range(20, 301, 20):
            found = estimated(one[:size], two[:size])
            assert found is not None
            low, high = always_valid(found, (size, size), planned=600)
            if not low <= 0 <= high:
                missed += 1
                break
    assert missed / 200 <= 0.05


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """100 accounts pay since January 2024; 26 more came in the last 13 weeks: two a week."""
    rows = [{"subscription_id": f"s{n}", "account_id": f"a{n}", "plan": "Pro", "amount": 10,
             "interval": "month", "starts_at": "2024-01-01" if n < 100 else "2024-11-15"}
            for n in range(126)]
    with build(tmp_path_factory.mktemp("plan") / "p", {"subscriptions": rows}) as made:
        yield made


def test_the_command_says_accounts_and_weeks(company: Company) -> None:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "effects", "plan", "--outcome", "churn", "--base", "10%",
        "--effect", "5%", "--looks", "1", "--as-of", "2025-01-01", "--format", "json",
    ])
    found = json.loads(done.stdout)
    assert (found["accounts_per_arm"], found["accounts"]) == (432, 864)
    assert (found["available"], found["per_week"]) == (126, 2.0)
    assert found["weeks"] == pytest.approx((864 - 126) / 2 + 30 / 7)
    # 63 an arm cannot tell 10% from any lower share with a power of 80%.
    assert found["smallest_fall"] is None or found["smallest_fall"] < 0.01
    assert found["smallest_rise"] > 0.2
    twelve = company.effects.plan(outcome="churn", base="0.1", effect="-5pt", looks=12,
                                  as_of="2025-01-01")
    assert [row.look for row in twelve.rows] == list(range(1, 13))
    assert 864 < twelve.accounts < 1.05 * 864


def test_shares_and_changes_are_read() -> None:
    assert (share_of("10%", "base"), share_of("0.1", "base")) == (0.1, 0.1)
    assert hoped_of("4%", 0.05) == 0.04
    assert hoped_of("-1pt", 0.05) == pytest.approx(0.04)
    assert hoped_of("+0.02", 0.05) == pytest.approx(0.07)
    for text in ("10", "0", "ten", "nan"):
        with pytest.raises(UsageError, match="no share"):
            share_of(text, "base")
    with pytest.raises(UsageError, match="the base itself"):
        hoped_of("5%", 0.05)
