"""Metrics that went together: against pandas and scipy, and how rarely chance is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr, t
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import acf
from typer.testing import CliRunner

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.statistics.lagged import corrected, differences, lagged
from staycurve.insights.value.correlations import kin, paired
from staycurve.interfaces.cli.app import app
from tests.company import build

if TYPE_CHECKING:
    from staycurve.workspace import Company

MONTHS = 30
NAMES = ("nps", "fcr", "visits", "new_mrr", "active_accounts", "crc")


def walks(seed: int, count: int, months: int = MONTHS) -> list[list[float]]:
    pick = np.random.default_rng(seed)
    return [list(pick.normal(size=months).cumsum()) for _ in range(count)]


def followed(series: list[float], lag: int, seed: int) -> list[float]:
    """A series whose changes follow those of another `lag` months later, with some noise."""
    pick = np.random.default_rng(seed)
    steps = np.diff(series)
    own = pick.normal(size=len(steps)) * 0.3
    own[lag:] -= steps[: len(steps) - lag]
    return [0.0, *own.cumsum()]


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_a_correlation_is_that_of_shifted_differences(lag: int) -> None:
    first, second = walks(lag, 2)
    frame = pd.DataFrame({"a": first, "b": second}).diff()
    frame["b"] = frame["b"].shift(-lag)
    frame = frame.dropna()
    found = lagged(differences(first), differences(second), lag)
    expected = spearmanr(frame["a"], frame["b"])
    assert found.months == len(frame) == MONTHS - 1 - lag
    assert found.correlation == pytest.approx(expected.statistic, abs=1e-12)
    # As many independent months as say as much, by Bartlett's variance of the correlation.
    lags = min(12, len(frame) // 4)
    own = [acf(frame[one].rank(), nlags=lags, fft=False)[1:] for one in ("a", "b")]
    worth = len(frame) / max(1.0, 1 + 2 * float(own[0] @ own[1]))
    r = abs(expected.statistic)
    p_value = 2 * t.sf(r * ((worth - 2) / (1 - r * r)) ** 0.5, worth - 2)
    assert found.chance == pytest.approx(p_value, rel=1e-9)
    assert found.chance >= expected.pvalue * (1 - 1e-9)


def test_months_without_a_value_are_left_out() -> None:
    first, second = walks(7, 2)
    gaps: list[float | None] = [None if place in (5, 6, 20) else one
                                for place, one in enumerate(first)]
    frame = pd.DataFrame({"a": gaps, "b": second}, dtype=float).diff().dropna()
    found = lagged(differences(gaps), differences(second), 0)
    assert found.months == len(frame) == MONTHS - 1 - 5
    assert found.correlation == pytest.approx(spearmanr(frame["a"], frame["b"]).statistic)


def test_the_correction_covers_every_pair_at_every_lag() -> None:
    series = [differences(one) for one in walks(3, 3)]
    found = [[lagged(a, b, lag) for lag in range(3)] for a, b in combinations(series, 2)]
    flat = [one.chance for pair in found for one in pair]
    expected = multipletests([one or 0.0 for one in flat], method="holm")[1]
    assert [one for pair in corrected(found) for one in pair] == pytest.approx(list(expected))


def test_what_follows_is_found_at_its_lag_and_the_leader_is_named_first() -> None:
    first, other = walks(11, 2)
    changes = {
        "fcr": differences(followed(first, 2, 5)), "nps": differences(first),
        "visits": differences(other),
    }
    rows, tests = paired(changes, list(combinations(changes, 2)), 6)
    assert tests == 3 * 13
    best = rows[0]
    assert (best.first, best.second, best.lag, best.is_significant) == ("nps", "fcr", 2, True)
    assert best.correlation is not None
    assert best.correlation < -0.7
    assert [one.lag for one in best.lags] == list(range(-6, 7))
    at = {one.lag: one.correlation for one in best.lags}
    assert at[2] == best.correlation
    assert not any(row.is_significant for row in rows[1:])


def noise(pick: Any) -> Any:
    return pick.normal(size=MONTHS)


def walk(pick: Any) -> Any:
    return pick.normal(size=MONTHS).cumsum()


def growth(pick: Any) -> Any:
    return np.exp(0.05 * np.arange(MONTHS) + 0.1 * pick.normal(size=MONTHS))


def outliers(pick: Any) -> Any:
    return pick.standard_t(2, size=MONTHS)


@pytest.mark.parametrize("kind", [noise, walk, growth, outliers])
def test_where_nothing_is_linked_hardly_anything_is_named(kind: Callable[[Any], Any]) -> None:
    # Twelve companies a kind, forty-eight in all; of 800 (200 a kind) 2 were named.
    named = 0
    for seed in range(12):
        pick = np.random.default_rng(seed)
        changes = {name: differences(list(kind(pick))) for name in NAMES}
        rows, tests = paired(changes, list(combinations(NAMES, 2)), 6)
        assert tests == 15 * 13
        named += any(row.is_significant for row in rows)
    assert named <= 1


def test_few_months_say_so() -> None:
    series = [differences(one) for one in walks(1, 2, 9)]
    ((row,), tests) = paired(dict(zip(("nps", "fcr"), series, strict=True)), [("nps", "fcr")], 2)
    assert tests == 0
    assert (row.p_value, row.is_significant) == (None, False)
    assert row.correlation is not None
    assert row.why == "fewer than 12 months in which both changed from the month before"


def test_metrics_of_the_same_rows_are_not_compared() -> None:
    assert kin("mrr") & kin("customer_churn_rate")
    assert kin("crc") & kin("arpa")
    assert kin("csat") & kin("response_rate")
    assert not kin("nps") & kin("csat")
    assert not kin("trial_conversion_rate") & kin("customer_churn_rate")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Visits of 2023 and 2024; each comes back as an account two months later."""
    pick = np.random.default_rng(4)
    visits = [int(one) for one in pick.integers(5, 60, 24)]
    days = [f"{2023 + place // 12}-{place % 12 + 1:02d}-05" for place in range(24)]
    spans = [
        {"subscription_id": f"s{place}-{one}", "account_id": f"a{place}-{one}", "amount": 10,
         "starts_at": days[place]}
        for place in range(2, 24) for one in range(visits[place - 2])
    ]
    reach = [{"day": day, "channel": "ads", "kind": "visits", "count": count}
             for day, count in zip(days, visits, strict=True)]
    with build(tmp_path_factory.mktemp("linked") / "p",
               {"subscriptions": spans, "reach": reach}) as made:
        yield made


def asked(company: Company, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "value", "correlations", *words, "--as-of", "2025-01-01",
        "--format", "json",
    ])
    if done.exception:
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_company_whose_visits_become_customers(company: Company) -> None:
    found = asked(company, "--lag", "3")
    assert (found["from"], found["to"], found["months"]) == ("2023-01-01", "2024-12-01", 24)
    best = found["rows"][0]
    assert (best["first"], best["second"], best["lag"]) == ("visits", "new_mrr", 2)
    assert best["is_significant"]
    assert best["months"] == 21
    assert "cause" in found["notes"][0]
    assert {one["metric"] for one in found["left_out"]} >= {"nps", "csat", "fcr"}
    answer = company.value.correlations(lag=3, as_of="2025-01-01")
    assert "later" in answer.said()[0].text
    assert company.value.correlations(lag=12, months=4, as_of="2025-01-01").tests == 0
    short = asked(company, "--months", "8", "--metrics", "visits,new_mrr")
    assert (short["months"], short["tests"]) == (8, 0)
    assert "fewer than 12 months" in short["rows"][0]["why"]


def test_what_cannot_be_compared_is_refused(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nrr'"):
        company.value.correlations(metrics="nnr,nps")
    with pytest.raises(UsageError, match="One metric"):
        company.value.correlations(metrics="nps")
    with pytest.raises(UsageError, match="no value of 'lag'"):
        company.value.correlations(lag=99)
    same = company.value.correlations(metrics="mrr,customer_churn_rate", as_of="2025-01-01")
    assert (same.rows, same.why) == (
        (), "no two metrics that rest on different rows are known by month",
    )
