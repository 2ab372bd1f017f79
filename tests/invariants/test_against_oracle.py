"""Every number against an independent day-by-day computation, on random companies."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

import pytest

from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.relations import RELATIONS
from staycurve.tables.views import USAGE as USAGE_TABLES
from staycurve.workspace import Company
from tests.company import build
from tests.oracle import Oracle
from tests.oracle.companies import SWITCHES, Seeded, add_people, company

SEEDS = int(os.environ.get("STAYCURVE_ORACLE_SEEDS", "14"))
END_REASONS = {
    "voluntary": ["customer request", "too expensive"],
    "involuntary": ["payment failed"],
}
TOML = """[end_reasons]
voluntary = ["customer request", "too expensive"]
involuntary = ["payment failed"]
"""
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin")
DIMS = ("plan", "interval", "currency", "kind", "industry", "country", "cohort")
# Where the two minds chose otherwise, and both say so: an item that ends several times within one
# day may carry any of its reasons, and a ticket reopened before it was last solved.
REASONED = {
    "voluntary_churned_mrr", "involuntary_churned_mrr", "paused_churned_mrr",
    "unknown_churned_mrr", "fcr",
}
# Both rest on a survival curve; tests/metrics and tests/insights compute it by hand.
LIFETIMES = {"clv_margin", "ltv_cac"}
# The use of the product is counted by hand in tests/metrics/test_usage_metrics.py.
USAGE = {
    name
    for name, metric in METRICS.items()
    if any(RELATIONS[m.relation].source in (*USAGE_TABLES, "accounts") for m in metric.measures())
}
OF_ITEMS = {
    "movements", "closing", "opening", "openers", "year_openers", "rolling_openers", "base",
}


def close(ours: float | None, theirs: object) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return abs(ours - float(str(float(theirs)))) <= 1e-6 * max(1.0, abs(ours))  # type: ignore[arg-type]


def setup(seed: int, folder: Path) -> tuple[Company, Oracle, random.Random, str | None]:
    pick = random.Random(seed)
    tables = company(Seeded(seed), 5, 5)
    add_people(Seeded(seed + 1), tables, 12)
    switches = (
        {name: pick.choice(values) for name, values in SWITCHES.items() if pick.random() < 0.25}
        if seed % 3
        else {}
    )
    zone = pick.choice(ZONES)
    at = pick.choice([None, None, "2024-04-01", "2024-05-15T13:37:00", "2024-06-30"])
    ours = build(folder, tables, timezone=zone, conventions=switches, end_reasons=TOML)
    seen = {} if at is None else {"as_of": at}
    theirs = Oracle(
        tables, timezone=zone, conventions=switches, end_reasons=END_REASONS, **seen
    )
    return ours, theirs, pick, at


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_metric_agrees_with_the_oracle(seed: int, tmp_path: Path) -> None:
    ours, theirs, pick, at = setup(seed, tmp_path / "project")
    differences, compared = [], 0
    with ours:
        nets_months = ours.config.convention("netting") == "month"
        loaded = {row["table"] for row in ours.tables() if row["rows"]}
        for grain in ("month", pick.choice(["day", "week"]), pick.choice(["quarter", "year"])):
            if nets_months and grain in ("day", "week"):
                continue
            names = [
                name
                for name, metric in METRICS.items()
                if grain in metric.grains
                and name not in REASONED | USAGE | LIFETIMES
                and (name not in ("visits", "social_engagements", "mentions") or "reach" in loaded)
                and (name != "demo_requests" or "leads" in loaded)
            ]
            of_items = [
                name
                for name in names
                if {m.relation for m in METRICS[name].measures()} <= OF_ITEMS
            ]
            for by, chosen in (("", names), (pick.choice(DIMS), of_items)):
                rows = ours.show(*chosen, grain=grain, by=by, as_of=at).rows
                if grain == "day":
                    days = sorted({row["period"] for row in rows})
                    kept = set(pick.sample(days, min(6, len(days))))
                    rows = [row for row in rows if row["period"] in kept]
                for row in rows:
                    segment = {
                        dim: f"{value}-01" if dim == "cohort" and value else value
                        for dim, value in row["segment"].items()
                    }
                    expected = theirs.value(row["metric"], grain, row["period"], segment)
                    compared += 1
                    if not close(row["value"], expected):
                        differences.append((row, expected))
    assert compared
    assert not differences[:5], f"{len(differences)} of {compared} differ"


@pytest.mark.parametrize("seed", range(100, 100 + max(2, SEEDS // 2)))
def test_cohorts_and_accounts_agree_with_the_oracle(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, pick, at = setup(seed, Path(folder) / "project")
        with ours:
            for value in ("customers", "net_mrr", "gross_mrr"):
                for how in ("count", "share", "change"):
                    expected = {
                        (str(cell.cohort), cell.age): cell.value
                        for cell in theirs.cohort(value, how)
                    }
                    rows = ours.cohort(value=value, how=how, as_of=at)["rows"]
                    assert {(row["cohort"], row["age"]) for row in rows} == set(expected)
                    for row in rows:
                        assert close(row["value"], expected[row["cohort"], row["age"]]), row
            for name in pick.sample([name for name in METRICS if name not in USAGE], 25):
                rows = ours.show(name, as_of=at).rows
                row = pick.choice(rows)
                found = ours.accounts(name, period=row["period"][:7], as_of=at)
                assert close(found.total["value"], row["value"])
                if row["value"] is not None and "numerator" in found.total:
                    numerator = sum(r["numerator"] for r in found.rows)
                    denominator = sum(r["denominator"] for r in found.rows)
                    assert close(numerator / denominator, row["value"])
                elif row["value"] is not None:
                    assert close(sum(r["value"] for r in found.rows), row["value"])
