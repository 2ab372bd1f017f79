"""A segment against the rest: pooled rates by hand, tests against independent counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from typer.testing import CliRunner

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.insights.statistics import clusters
from staycurve.insights.statistics.proportions import adjusted
from staycurve.interfaces.cli.app import app
from tests.company import build

if TYPE_CHECKING:
    from staycurve.workspace import Company

AS_OF = "2024-07-01"
SIZES = {"ads": 60, "press": 60, "event": 50}


def tables() -> dict[str, list[dict[str, Any]]]:
    """Accounts of three channels since January; of ads every other one leaves, a few a month.

    Amounts of press grow by half in April.
    """
    accounts, spans = [], []
    for channel, size in SIZES.items():
        for place in range(size):
            account = f"{channel}{place:02d}"
            accounts.append({"account_id": account, "channel": channel})
            month = 2 + place % 5 if channel == "ads" and place % 2 else 0
            if channel != "ads" and place % 20 == 0:
                month = 4
            end = f"2024-{month:02d}-15" if month else ""
            own = {"subscription_id": f"s-{account}", "account_id": account}
            if channel == "press" and not month:
                spans.append(own | {"starts_at": "2024-01-05", "ends_at": "2024-04-10",
                                    "amount": 10 + place})
                spans.append(own | {"starts_at": "2024-04-10", "ends_at": "",
                                    "amount": (10 + place) * 1.5})
            else:
                spans.append(own | {"starts_at": "2024-01-05", "ends_at": end,
                                    "amount": 10 + place})
    return {"accounts": accounts, "subscriptions": spans}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("beside") / "p", tables()) as made:
        yield made


def counted() -> dict[str, tuple[int, int]]:
    """Channel → (leavers, accounts at the openings of February to June), month by month."""
    found = {}
    for channel, size in SIZES.items():
        left = 0
        openings = 0
        here = size
        for month in range(2, 7):
            openings += here
            gone = sum(
                1 for place in range(size)
                if (channel == "ads" and place % 2 and 2 + place % 5 == month)
                or (channel != "ads" and place % 20 == 0 and month == 4)
            )
            left += gone
            here -= gone
        found[channel] = (left, openings)
    return found


def test_a_pooled_rate_its_interval_and_its_test(company: Company) -> None:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "value", "compare", "customer_churn_rate", "--by",
        "channel", "--as-of", AS_OF, "--format", "json",
    ])
    answer = json.loads(done.stdout)
    rows = {row["segment"]["channel"]: row for row in answer["rows"]}
    assert list(rows) == ["ads", "event", "press"]
    counts = counted()
    expected = []
    for channel in rows:
        own = counts[channel]
        rest = tuple(
            sum(counts[other][side] for other in rows if other != channel) for side in (0, 1)
        )
        row = rows[channel]
        assert row["accounts"] == SIZES[channel]
        assert row["value"] == pytest.approx(own[0] / own[1])
        assert row["rest"] == pytest.approx(rest[0] / rest[1])
        assert row["difference"] == pytest.approx(row["value"] - row["rest"])
        assert (row["low"], row["high"]) == pytest.approx(
            proportion_confint(*own, method="wilson")
        )
        assert (row["difference_low"], row["difference_high"]) == pytest.approx(
            confint_proportions_2indep(*own, *rest, method="newcomb", correction=False)
        )
        expected.append(fisher_exact([
            [own[0], own[1] - own[0]], [rest[0], rest[1] - rest[0]],
        ]).pvalue)
    holm = multipletests(expected, method="holm")[1]
    assert [row["p_value"] for row in rows.values()] == pytest.approx(list(holm))
    assert {name for name, row in rows.items() if row["is_significant"]} >= {"ads"}
    assert rows["ads"]["difference"] > 0


def test_a_range_is_pooled_and_what_is_open_is_left_out(company: Company) -> None:
    found = company.value.compare(
        metric="customer_churn_rate", by="channel", start="2024-04", end="2024-06",
        as_of="2024-06-20",
    )
    assert (found.period_from, found.period_to) == ("2024-04-01", "2024-05-01")
    # Of event all 50 open April, 3 leave in it and 47 open May.
    event = next(row for row in found.rows if row.segment["channel"] == "event")
    assert event.value == pytest.approx(3 / 97)
    young = company.value.compare(metric="nrr", by="channel", as_of="2024-01-10")
    assert young.rows == ()
    assert young.why == "no period of the range has closed"


def test_money_is_compared_with_accounts_as_what_chance_draws(company: Company) -> None:
    found = company.value.compare(metric="nrr", by="channel", as_of=AS_OF)
    assert found.method == "accounts"
    shown = company.show("nrr", start="2024-02", end="2024-06", by="channel", as_of=AS_OF)
    for row in found.rows:
        # A pooled rate lies between those of the months.
        months = [one["value"] for one in shown.rows if one["segment"] == dict(row.segment)]
        assert min(months) < row.value < max(months)
        assert row.low < row.value < row.high
        assert row.difference_low < row.difference < row.difference_high
    by_name = {row.segment["channel"]: row for row in found.rows}
    assert by_name["press"].is_significant
    assert by_name["press"].difference > 0
    assert by_name["ads"].is_significant
    assert by_name["ads"].difference < 0


def test_few_accounts_are_shown_and_not_tested(company: Company) -> None:
    found = company.value.compare(
        metric="customer_churn_rate", by="mrr_band", start="2024-02", end="2024-02",
        where="channel=event", as_of=AS_OF,
    )
    assert [(row.segment["mrr_band"], row.accounts) for row in found.rows] == [
        ("under 50", 40), ("50-199", 10),
    ]
    assert [row.why for row in found.rows] == ["fewer than 30 accounts on one side"] * 2
    assert all(row.p_value is None and row.value is not None for row in found.rows)


def test_one_segment_has_nothing_beside_it(company: Company) -> None:
    found = company.value.compare(
        metric="nrr", by="channel", where="channel=ads", as_of=AS_OF
    )
    (row,) = found.rows
    assert (row.rest, row.difference, row.p_value, row.is_significant) == (None, None, None, False)
    assert row.why == "there is no other segment to compare with"
    assert "could be tested" in found.said()[0].text


def test_a_ratio_and_its_error_by_hand() -> None:
    # Residuals of 6 / 6 are −1, 0 and 1: √(3/2 × 2) / 6.
    found = clusters.ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    assert found is not None
    assert (found.value, found.error) == (1, pytest.approx(3**0.5 / 6))
    assert clusters.ratio(np.array([1.0]), np.array([1.0])) is None


def test_a_chance_is_the_share_of_all_splits_that_are_as_far_apart() -> None:
    tops = np.array([5.0, 4.0, 6.0, 7.0, 1.0, 3.0, 2.0, 4.5])
    bottoms = np.array([6.0, 5.0, 7.0, 7.5, 3.0, 5.0, 4.0, 6.0])
    pooled = tops.sum() / bottoms.sum()

    def far(chosen: tuple[int, ...]) -> float:
        inside = np.isin(np.arange(8), chosen)
        residuals = tops - pooled * bottoms
        gap = (residuals[inside].sum() / bottoms[inside].sum()
               - residuals[~inside].sum() / bottoms[~inside].sum())
        error = ((residuals[inside] ** 2).sum() / bottoms[inside].sum() ** 2
                 + (residuals[~inside] ** 2).sum() / bottoms[~inside].sum() ** 2)
        return float(abs(gap) / error**0.5)

    own = far((0, 1, 2, 3))
    splits = [far(chosen) for chosen in combinations(range(8), 4)]
    exact = sum(one >= own - 1e-9 for one in splits) / len(splits)
    found = clusters.chances(tops, bottoms, [4, 4])
    assert found == [pytest.approx(exact, abs=0.015)] * 2


def test_where_nothing_differs_a_segment_is_rarely_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "SHUFFLES", 1_999)
    named = planted = 0
    for seed in range(100):
        pick = np.random.default_rng(seed)
        # A few accounts have most of the money, as in companies.
        bottoms = np.exp(pick.normal(3, 1, 160))
        tops = bottoms * np.where(pick.random(160) < 0.1, 0, pick.normal(1, 0.1, 160))
        named += min(adjusted(clusters.chances(tops, bottoms, [40] * 4))) <= 0.01
        if seed < 20:
            tops[:40] *= 1.5
            planted += adjusted(clusters.chances(tops, bottoms, [40] * 4))[0] <= 0.01
    assert named <= 5
    assert planted >= 15


def test_very_many_accounts_take_the_normal_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    pick = np.random.default_rng(1)
    tops, bottoms = pick.random(600), np.ones(600)
    tops[:200] += 0.08
    drawn = clusters.chances(tops, bottoms, [200, 400])
    monkeypatch.setattr(clusters, "MOST_SHUFFLED", 600)
    assert clusters.chances(tops, bottoms, [200, 400]) == pytest.approx(drawn, abs=0.01)


def test_what_cannot_be_compared_is_refused(company: Company) -> None:
    with pytest.raises(NotAnsweredError, match="no ratio of sums"):
        company.value.compare(metric="mrr", by="channel")
    with pytest.raises(NotAnsweredError, match="rest on accounts"):
        company.value.compare(metric="lead_rate", by="channel")
    with pytest.raises(UnknownNameError, match="Did you mean 'channel'"):
        company.value.compare(metric="nrr", by="chanel")
    with pytest.raises(UsageError, match="no dimension"):
        company.value.compare(metric="nrr", by="")
    with pytest.raises(UsageError, match="'by' is missing"):
        company.value.compare(metric="nrr")
