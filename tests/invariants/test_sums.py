"""Opening + movements = closing and segments sum to totals, exactly, in every cut."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tests.company import build
from tests.oracle.companies import Seeded, company

MOVED = (
    "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr",
)
NAMES = ("opening_mrr", *MOVED, "entering_mrr", "leaving_mrr", "net_new_mrr", "fx_impact", "mrr")
CUTS = (
    "", "plan", "product", "kind", "interval", "currency", "industry", "country", "cohort",
    "tenure", "mrr_band", "plan,tenure", "interval,mrr_band,country", "tenure_now",
    "tenure,mrr_band_now",
)
SCALE = 1_000_000


def micro(value: float) -> int:
    return round(value * SCALE)


@pytest.mark.parametrize("seed", range(6))
def test_movements_explain_every_segment(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(500 + seed), 8, 6)
    for row in tables["subscriptions"]:
        row["currency"] = "USD"
    netting = ("day", "60min", "event")[seed % 3]
    with build(tmp_path / "project", tables, conventions={"netting": netting}) as ours:
        for grain in ("week", "month", "year"):
            totals = {
                (row["metric"], row["period"]): micro(row["value"])
                for row in ours.show(*NAMES, grain=grain).rows
            }
            for by in CUTS:
                found: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
                sums: dict[tuple[str, str], int] = defaultdict(int)
                for row in ours.show(*NAMES, grain=grain, by=by).rows:
                    place = (row["period"], str(row["segment"]))
                    found[place][row["metric"]] = micro(row["value"])
                    sums[row["metric"], row["period"]] += micro(row["value"])
                for place, value in found.items():
                    # In one currency nothing may be left to exchange rates.
                    assert value["fx_impact"] == 0, (grain, by, place)
                    explained = (
                        value["opening_mrr"] + value["new_mrr"] + value["reactivation_mrr"]
                        + value["expansion_mrr"] - value["contraction_mrr"]
                        - value["churned_mrr"] + value["entering_mrr"] - value["leaving_mrr"]
                    )
                    assert explained == value["mrr"], (grain, by, place)
                for key, total in totals.items():
                    if key[0] not in ("entering_mrr", "leaving_mrr"):
                        assert sums[key] == total, (grain, by, key)
                for _, period in totals:
                    assert sums["entering_mrr", period] == sums["leaving_mrr", period]


@pytest.mark.parametrize("seed", range(4))
def test_currencies_sum_to_the_micro_unit(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(700 + seed), 8, 6)
    with build(tmp_path / "project", tables) as ours:
        totals = {
            (row["metric"], row["period"]): micro(row["value"]) for row in ours.show(*NAMES).rows
        }
        for by in CUTS[1:]:
            sums: dict[tuple[str, str], int] = defaultdict(int)
            for row in ours.show(*NAMES, by=by).rows:
                sums[row["metric"], row["period"]] += micro(row["value"])
            for key, total in totals.items():
                if key[0] not in ("entering_mrr", "leaving_mrr"):
                    assert sums[key] == total, (by, key)


@pytest.mark.parametrize("seed", range(4))
def test_a_filter_is_the_segment_of_the_cut(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(900 + seed), 8, 6)
    with build(tmp_path / "project", tables) as ours:
        names = (*NAMES, "customers", "nrr", "grr", "customer_churn_rate")
        for by in ("plan", "interval", "industry", "tenure", "mrr_band", "mrr_band_now"):
            rows = ours.show(*names, by=by).rows
            for value in {row["segment"][by] for row in rows}:
                alone = ours.show(*names, where=f"{by}={value or ''}").rows
                cut = [row for row in rows if row["segment"][by] == value]
                assert [(r["metric"], r["period"], r["value"]) for r in alone] == [
                    (r["metric"], r["period"], r["value"]) for r in cut
                ]


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_sum_to_the_whole(seed: int, tmp_path: Path) -> None:
    with build(tmp_path / "project", company(Seeded(40 + seed), 8, 6)) as ours:
        whole = {row["period"]: row["value"] for row in ours.show("mrr").rows if not row["open"]}
        new = {row["period"]: row["value"] for row in ours.show("new_mrr").rows}
        layers: dict[str, int] = defaultdict(int)
        for row in ours.show("mrr", by="cohort").rows:
            layers[row["period"]] += micro(row["value"])
        assert all(layers[period] == micro(value) for period, value in whole.items())
        cells: dict[str, int] = defaultdict(int)
        starts: dict[str, int] = {}
        for row in ours.cohort(value="net_mrr", how="count")["rows"]:
            year, month = (int(part) for part in row["cohort"].split("-")[:2])
            index = year * 12 + month - 1 + row["age"]
            period = f"{index // 12:04d}-{index % 12 + 1:02d}-01"
            if row["age"] == 0:
                starts[period] = -1 if row["value"] is None else micro(row["value"])
            elif row["value"] is not None:
                cells[period] += micro(row["value"])
        for period, value in new.items():
            if period in starts and starts[period] >= 0:
                assert starts[period] == micro(value)
        for period in whole:
            old = sum(
                micro(row["value"])
                for row in ours.show("mrr", by="cohort", start=period[:7], end=period[:7]).rows
                if row["segment"]["cohort"] != period[:7]
            )
            assert cells[period] == old
