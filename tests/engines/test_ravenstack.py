"""RavenStack, where it is there: every derived table and the figures are those of DuckDB."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from staycurve.sources.files import load_files
from staycurve.sources.mapping import read_mapping
from tests.company import NOW, create
from tests.engines.beside import FULL, Spark, copy, derived, differing

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(os.environ.get("STAYCURVE_RAVENSTACK", ROOT.parent / "shared/data/ravenstack"))
MAPPINGS = ROOT / "docs" / "how-to" / "ravenstack"
ASKED = ("mrr", "new_mrr", "churned_mrr", "nrr", "grr", "customers", "customer_churn_rate", "mau")

pytestmark = [
    pytest.mark.skipif(not FOLDER.exists(), reason=f"no {FOLDER}"),
    pytest.mark.skipif(not FULL, reason="takes minutes; see: make test-spark"),
]


def test_on_both_engines(spark: Spark, tmp_path: Path) -> None:
    here = create(tmp_path / "here")
    # Use belongs to subscriptions, and these to accounts.
    for name in ("accounts", "subscriptions", "feature_usage", "churn_events", "support_tickets"):
        file, mapping = FOLDER / f"ravenstack_{name}.csv", read_mapping(MAPPINGS / f"{name}.toml")
        load_files(here.lake, here.config, [file], mapping=mapping, now=NOW)
    there = spark.of(here, copy(here, tmp_path / "there"))
    with here, there:
        here.refresh()
        there.refresh()
        ours, theirs = derived(here), derived(there)
        assert ours["mrr_movements"]
        assert ours["usage_days"]
        for table, rows in ours.items():
            assert not differing(rows, theirs[table]), table
        for by in ("", "industry", "plan"):
            names = ASKED if by != "plan" else ASKED[:-1]
            rows = here.show(*names, by=by).rows
            assert rows
            assert not differing(rows, there.show(*names, by=by).rows)
        (month,) = here.show("mrr", start="2024-11", end="2024-11").rows
        assert month["value"] == 8_460_824
