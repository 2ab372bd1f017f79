"""Weeks that begin on Sunday, and values that nothing has, are the same on every engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from staycurve.errors import UnknownValueError
from staycurve.workspace import Company
from tests.company import build
from tests.engines.beside import Spark
from tests.metrics.test_weeks import AS_OF, NEW, TABLES


@pytest.fixture(scope="module")
def both(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    folder = tmp_path_factory.mktemp("weeks") / "project"
    here = build(folder, TABLES, company='week_start = "sunday"')
    with here, spark.of(here) as there:
        yield here, there


def test_weeks_begin_on_sunday_on_both(both: tuple[Company, Company]) -> None:
    for company in both:
        rows = company.show(
            "new_mrr", grain="week", start="2024-03-02", end="2024-03-10", as_of=AS_OF
        ).rows
        assert {r["period"]: r["value"] for r in rows} == NEW["sunday"]
    retention = [
        [(row.cohort, row.age, row.returned) for row in company.usage.retention(
            per="week", first="2024-03-03", last="2024-03-10", as_of=AS_OF).rows]
        for company in both
    ]
    assert retention[0]
    assert retention[0] == retention[1]


@pytest.mark.parametrize("where", ["name=E", "tenure=long", "cohort=2023-01", "feature=clos"])
def test_unknown_values_are_found_out_on_both(both: tuple[Company, Company], where: str) -> None:
    metric = "feature_adoption" if "feature" in where else "mrr"
    said = []
    for company in both:
        with pytest.raises(UnknownValueError) as found:
            company.show(metric, where=where, grain="month")
        said.append((found.value.message, found.value.hint))
    assert said[0] == said[1]
