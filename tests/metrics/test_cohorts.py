"""The cohort matrix, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve.errors import UnknownNameError
from tests.company import build

LIVES = {"subscriptions": """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-05 2024-02-10 100
    s1              acme       Pro  2024-04-01 -          80
    s2              bolt       Pro  2024-01-20 2024-03-05 50
    s2              bolt       Max  2024-03-05 -          90
    s3              crux       Max  2024-02-01 2024-02-15 30
    s4              dune       Pro  2024-02-02 -          10
    s5              dune       Max  2024-02-02 -          20"""}


def cells(company: object, **words: str) -> dict[tuple[str, int], float | None]:
    rows = company.cohort(as_of="2024-05-01", **words)["rows"]  # type: ignore[attr-defined]
    return {(row["cohort"][:7], row["age"]): row["value"] for row in rows}


def test_a_returner_stays_in_its_first_cohort(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        found = cells(company, value="customers", how="count")
    assert [found["2024-01", age] for age in range(4)] == [2, 1, 1, 2]
    # crux left within its first month: it is in the size, and in no later cell.
    assert [found["2024-02", age] for age in range(3)] == [2, 1, 1]


def test_net_mrr_starts_with_new_mrr(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        found = cells(company, value="net_mrr", how="count")
        share = cells(company, value="net_mrr", how="share")
    assert [found["2024-01", age] for age in range(4)] == [150, 50, 90, 170]
    assert [found["2024-02", age] for age in range(3)] == [60, 30, 30]
    assert share["2024-01", 3] == pytest.approx(170 / 150)


def test_gross_mrr_never_rises_again(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        found = cells(company, value="gross_mrr", how="count")
        change = cells(company, value="gross_mrr", how="change")
    assert [found["2024-01", age] for age in range(4)] == [150, 50, 50, 50]
    assert change["2024-01", 1] == pytest.approx(50 / 150 - 1)
    assert change["2024-01", 0] is None


def test_a_plan_is_the_one_of_the_first_paid_day(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        answer = company.cohort(value="customers", how="count", by="plan", as_of="2024-05-01")
        sizes = {
            (row["segment"]["plan"], row["cohort"][:7]): row["size"] for row in answer["rows"]
        }
        chosen = cells(company, value="customers", how="count", where="plan=Pro|Max")
    # dune began with both plans and counts in each.
    assert sizes == {("Pro", "2024-01"): 2, ("Max", "2024-02"): 2, ("Pro", "2024-02"): 1}
    assert answer["additive"] is False
    assert chosen["2024-02", 0] == 2


def test_the_month_that_is_still_open_is_empty(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        rows = company.cohort(value="customers", how="count", as_of="2024-04-15")["rows"]
    last = [row for row in rows if row["cohort"] == "2024-01-01"][-1]
    assert last["age"] == 3
    assert last["value"] is None
    assert last["why"]


def test_an_unknown_value_is_named(tmp_path: Path) -> None:
    with build(tmp_path / "p", LIVES) as company:
        with pytest.raises(UnknownNameError, match="net_mrr"):
            company.cohort(value="net_mr")
        with pytest.raises(UnknownNameError, match="industry"):
            company.cohort(by="industri")
