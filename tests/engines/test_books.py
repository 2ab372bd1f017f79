"""Months close, and are restated, whichever engine computes them; the parts of MRR add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import LoadError, NotAnsweredError
from staycurve.workspace import Company
from tests.books.keeping import Bookkeeper
from tests.engines.beside import FULL, Spark, loaded, random_settings, random_tables

HEAD = "subscription_id account_id starts_at ends_at amount end_reason\n"
BEGUN = """s1 a 2024-01-01 - 10 -
s2 b 2024-01-01 2024-02-10 20 too_expensive
s3 c 2024-03-05 - 5 -
"""
PARTS = (
    "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
    "churned_mrr", "entering_mrr", "leaving_mrr", "fx_impact", "mrr",
)
SIGNS = (1, 1, 1, 1, -1, -1, 1, -1, 1, -1)


@pytest.fixture
def books(spark: Spark, tmp_path: Path) -> Iterator[Bookkeeper]:
    found = Bookkeeper(tmp_path)
    there = spark.of(found.company)
    there.clock = lambda: found.now
    found.company = there
    found.load(subscriptions=HEAD + BEGUN)
    yield found
    found.company.close()


def found_changes(company: Company) -> dict[str, Any]:
    return {
        one.month: {
            account.account_id: {
                metric: change.difference for metric, change in account.changes.items()
            }
            for account in one.accounts
        }
        for one in company.books.restatements().rows
    }


@pytest.mark.skipif(not FULL, reason="takes minutes; see: make test-spark")
def test_a_month_that_closes_and_is_changed(books: Bookkeeper) -> None:
    company = books.company
    with pytest.raises(NotAnsweredError):
        company.books.close(f"{books.now:%Y-%m}")
    for month in ("2024-01", "2024-02"):
        company.books.close(month)
    assert company.books.restatements().rows == ()
    books.load(subscriptions=HEAD + BEGUN.replace("a 2024-01-01 - 10", "a 2024-01-01 - 12"))
    assert found_changes(company) == {
        "2024-01": {"a": {"mrr": 2.0, "new_mrr": 2.0}},
        "2024-02": {"a": {"mrr": 2.0, "opening_mrr": 2.0}},
    }
    (cause,) = company.books.restatements().rows[0].accounts[0].causes
    assert (cause.load, cause.rows) == (2, ("changed s1, 2024-01-01",))
    assert books.mrr("2024-01") == 32.0
    before = (books.now - dt.timedelta(minutes=30)).isoformat()
    assert books.mrr("2024-01", known_at=before) == 30.0
    # A closed month rests on the first load.
    with pytest.raises(LoadError):
        books.undo(1)
    books.undo(2)
    assert company.books.restatements().rows == ()
    assert books.mrr("2024-01") == 30.0


@pytest.mark.parametrize("seed", range(20, 23) if FULL else (21,))
def test_parts_explain_every_segment(seed: int, spark: Spark, tmp_path: Path) -> None:
    here = loaded(tmp_path / "project", random_tables(seed, 12), random_settings(seed))
    with spark.of(here) as there:
        there.refresh()
        for by in ("", "plan", "currency", "mrr_band", "tenure_now") if FULL else ("mrr_band",):
            found: dict[tuple[str, str], dict[str, int]] = {}
            for row in there.show(*PARTS, by=by).rows:
                place = (row["period"], str(row["segment"]))
                found.setdefault(place, {})[row["metric"]] = round(row["value"] * 1_000_000)
            assert sum(values["mrr"] for values in found.values()) > 0
            for place, values in found.items():
                parts = (values[name] * sign for name, sign in zip(PARTS, SIGNS, strict=True))
                assert sum(parts) == 0, (by, place)
