"""The matrix filtered or split by the cohort itself is a part of the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import build

SPANS = """
    subscription_id account_id starts_at  ends_at    amount
    s1              a          2024-01-05 -          10
    s2              b          2024-01-07 2024-02-20 30
    s3              c          2024-02-03 -          20
"""


@pytest.fixture(scope="module", params=["day", "month"])
def company(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("cohorts") / "p"
    with build(folder, {"subscriptions": SPANS}, conventions={"netting": request.param}) as made:
        yield made


def cells(answer: dict[str, Any]) -> list[tuple[str, int, float | None]]:
    return [(row["cohort"], row["age"], row["value"]) for row in answer["rows"]]


@pytest.mark.parametrize(
    ("value", "first", "later"),
    [("customers", 2, 1), ("net_mrr", 40, 10), ("gross_mrr", 40, 10)],
)
def test_one_cohort_is_its_row(company: Company, value: str, first: float, later: float) -> None:
    found = company.cohort(
        value=value, how="count", where="cohort=2024-01", as_of="2024-03-01"
    )
    assert cells(found) == [("2024-01-01", 0, first), ("2024-01-01", 1, later)]


@pytest.mark.parametrize("value", ["customers", "net_mrr", "gross_mrr"])
def test_split_by_cohort_each_segment_is_one_row(company: Company, value: str) -> None:
    whole = company.cohort(value=value, how="count", as_of="2024-03-01")
    split = company.cohort(value=value, how="count", by="cohort", as_of="2024-03-01")
    assert whole["rows"]
    assert sorted(cells(split)) == sorted(cells(whole))
    assert all(row["segment"] == {"cohort": row["cohort"][:7]} for row in split["rows"])


def test_all_cohorts_but_one(company: Company) -> None:
    found = company.cohort(how="count", where="cohort!=2024-01", as_of="2024-03-01")
    assert cells(found) == [("2024-02-01", 0, 1)]
