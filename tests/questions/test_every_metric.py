"""Every metric by every dimension: a number or a reason, never a fault."""

from __future__ import annotations

from collections import defaultdict

from staycurve.metrics.catalogue import METRICS
from staycurve.workspace import Company
from tests.questions.whole_company import bundles, dimensions, dimensions_of


def test_every_metric_of_the_whole_company_has_data(whole: Company) -> None:
    # A year back there was no data yet.
    empty = {
        name for name, metric in METRICS.items()
        if all(row["value"] is None for row in whole.show(
            name, grain="month" if "month" in metric.grains else metric.grains[-1]
        ).rows)
    }
    assert empty <= {
        "nrr_12m", "grr_12m", "gross_margin", "cac_payback", "clv_margin", "ltv_cac",
    }


def test_every_metric_is_split_and_filtered_by_every_dimension_it_carries(
    whole: Company, filters: dict[str, str]
) -> None:
    assert len(filters) == len(dimensions(whole)) > 20
    asked = 0
    for dim, where in filters.items():
        together: dict[str, list[str]] = defaultdict(list)
        for name, metric in METRICS.items():
            if dim in dimensions_of(whole, name):
                together["month" if "month" in metric.grains else metric.grains[-1]].append(name)
        for grain, names in together.items():
            rows = whole.show(*names, by=dim, grain=grain).rows
            assert {row["metric"] for row in rows} <= set(names)
            asked += len(rows)
            # Cohorts and what changes with time are joined in another way as filters.
            if [dim] in bundles(list(filters)):
                asked += len(whole.show(*names, where=where, by=dim, grain=grain).rows)
    assert asked > 10_000


def test_the_accounts_behind_every_metric_are_filtered_by_every_dimension_at_once(
    whole: Company, filters: dict[str, str]
) -> None:
    asked = 0
    for name, metric in METRICS.items():
        where = ",".join(filters[dim] for dim in sorted(dimensions_of(whole, name)))
        grain = "month" if "month" in metric.grains else metric.grains[-1]
        found = whole.accounts(name, period="2024-03", grain=grain, where=where)
        asked += 1
        assert found.sql
    assert asked > 50
