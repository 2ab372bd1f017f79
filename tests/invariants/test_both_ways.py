"""Two ways to one figure: by what changed or stands in columns, and account by account."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from staycurve.metrics import cohorts, openers
from staycurve.metrics.filters import filters_of
from staycurve.workspace import Company
from tests.company import build
from tests.oracle.companies import Seeded, company

RATES = ("customer_churn_rate", "nrr", "grr", "nrr_12m")
NETTINGS = ("day", "60min", "event")


def currencies(ours: Company) -> set[str]:
    with ours.reading() as engine:
        return {currency for (currency,) in engine.rows("SELECT DISTINCT currency FROM mrr_items")}


def rates(ours: Company) -> list[Any]:
    months = ours.query("mrr").periods[-6:]
    asked = {"start": str(months[0].start), "end": str(months[-1].start)}
    found: list[Any] = []
    for by, where in (("", ""), ("plan", ""), ("plan,country", "industry=Health"),
                      ("industry", "plan=Pro")):
        rows = ours.show(*RATES, by=by, where=where, **asked).rows
        found.append([(row["metric"], row["period"], row["segment"], row["value"])
                      for row in rows])
    for by in ("plan", "industry"):
        found.append(ours.value.compare(metric="nrr", by=by, **asked).rows)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_openers_in_columns_are_those_of_each_day(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = company(Seeded(1300 + seed), 14, 8)
    conventions = {"netting": NETTINGS[seed]}
    with build(tmp_path / "project", tables, conventions=conventions) as ours:
        assert len(currencies(ours)) > 1
        monkeypatch.setattr(openers, "WIDE", range(1, 1_000))
        in_columns = rates(ours)
        sql = ours.show("nrr_12m", by="plan").sql
        monkeypatch.setattr(openers, "WIDE", range(0))
        assert sql != ours.show("nrr_12m", by="plan").sql
        # Another one remembers nothing of what the first one answered.
        with Company(ours.folder, clock=ours.clock) as beside:
            by_joins = rates(beside)
    assert all(in_columns)
    assert in_columns == by_joins


@pytest.mark.parametrize("seed", range(3))
def test_gross_cohorts_from_falls_are_those_of_each_month(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(1300 + seed), 14, 8)
    conventions = {"netting": NETTINGS[seed]}
    with build(tmp_path / "project", tables, conventions=conventions) as ours:
        assert len(currencies(ours)) > 1
        months = ours.query("mrr").periods
        whole = cohorts.CohortQuery("gross_mrr", "count", months, ours.as_of())
        for by, where in (((), ""), (("industry",), ""), (("cohort",), ""), ((), "country=US")):
            query = replace(whole, by=by, filters=filters_of(where))
            with ours.seeing(query.as_of) as engine:
                ways = [
                    cohorts.matrix(query, engine.rows(way(query, ours.config)))
                    for way in (cohorts._from_falls, cohorts._from_accounts)
                ]
            assert where or any(row["value"] for row in ways[0] if row["age"] not in (0, 1))
            assert ways[0] == ways[1], (by, where)
