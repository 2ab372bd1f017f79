"""Derived tables hold the same rows, whichever engine computed them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.company import load
from tests.engines.beside import (
    FULL,
    Spark,
    copy,
    derived,
    differing,
    load_only,
    loaded,
    random_settings,
    random_tables,
)
from tests.oracle.test_invoice_lines import life

SEEDS = range(1, 9) if FULL else (2,)


@pytest.mark.parametrize("seed", SEEDS)
def test_full_and_incremental_refresh(seed: int, spark: Spark, tmp_path: Path) -> None:
    tables, settings = random_tables(seed, 16), random_settings(seed)
    here = loaded(tmp_path / "duckdb", tables, settings)
    there = spark.of(here, copy(here, tmp_path / "spark"))
    # Fewer than a third of the accounts change, so that not everything is computed anew.
    changed = sorted({str(row["account_id"]) for row in tables["subscriptions"]})[:2]
    later = {
        "subscriptions": [
            {**row, "unit_amount": "77.70", "amount": ""}
            for row in tables["subscriptions"]
            if row["account_id"] in changed
        ],
        "events": tables["events"][:5],
    }
    with here, there:
        first = here.refresh(), there.refresh()
        assert first[0] == first[1]
        assert first[0].is_full
        ours, theirs = derived(here), derived(there)
        assert ours["mrr_items"]
        assert ours["mrr_movements"]
        for table, rows in ours.items():
            assert not differing(rows, theirs[table]), table
        load_only(here, later)
        load_only(there, later)
        then = here.refresh(), there.refresh()
        assert then[0] == then[1]
        assert not then[0].is_full
        assert then[0].accounts
        ours, theirs = derived(here), derived(there)
        for table, rows in ours.items():
            assert not differing(rows, theirs[table]), table
        assert here.snapshot.meta["latest_at"] == there.snapshot.meta["latest_at"]
        assert here.snapshot.meta["attributes"] == there.snapshot.meta["attributes"]
        assert not there.is_due()


@pytest.mark.skipif(not FULL, reason="takes a minute; see: make test-spark")
def test_what_spark_wrote_duckdb_goes_on_with(spark: Spark, tmp_path: Path) -> None:
    tables, settings = random_tables(3, 12), random_settings(3)
    here = loaded(tmp_path / "project", tables, settings)
    changed = {"subscriptions": tables["subscriptions"][:2]}
    with here, spark.of(here) as there:
        there.refresh()
        load(here, changed)
        mixed = derived(here)
        here.refresh(is_full=True)
        assert derived(here) == mixed


def test_spans_of_invoice_lines(spark: Spark, tmp_path: Path) -> None:
    pick = random.Random(3)
    lines = [row for account in "abcdefgh" for row in life(pick, account, "s")]
    plans = [{"plan": "Pro", "valid_from": "2023-02-01", "unit_amount": "7"}]
    spans = [{"subscription_id": "p", "account_id": "p", "plan": "Pro", "quantity": "3",
              "starts_at": "2023-03-01"}]
    tables = {"invoice_lines": lines, "plans": plans, "subscriptions": spans}
    here = loaded(tmp_path / "duckdb", tables, {})
    there = spark.of(here, copy(here, tmp_path / "spark"))
    later = {"invoice_lines": [row | {"amount": "55"} for row in lines[:2]]}
    with here, there:
        for is_full in (True, False):
            then = here.refresh(), there.refresh()
            assert then[0] == then[1]
            assert then[0].is_full == is_full
            ours, theirs = derived(here), derived(there)
            assert ours["invoice_spans"]
            for table, rows in ours.items():
                assert not differing(rows, theirs[table]), table
            for company in (here, there):
                load_only(company, later)
