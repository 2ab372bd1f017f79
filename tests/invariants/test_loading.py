"""How rows arrive changes no number: order, halves, repetition, and refreshing as they come."""

from __future__ import annotations

import copy
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from staycurve.tables import refresh
from staycurve.tables.views import DERIVED
from staycurve.workspace import Company
from tests.company import build, create, load
from tests.oracle.companies import Seeded, company

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def ledger(ours: Company) -> dict[str, list[str]]:
    """Every row of every derived table, in an order of its own."""
    with ours.reading() as engine:
        return {
            name: sorted(str(row) for row in engine.rows(f"SELECT * FROM {name}"))
            for name in (*DERIVED, "fx_days")
        }


def stored(ours: Company) -> dict[str, int]:
    return {row["table"]: row["rows"] for row in ours.tables()}


def split(tables: Tables, pick: random.Random) -> tuple[Tables, Tables]:
    first: dict[str, list[Mapping[str, Any]]] = {}
    second: dict[str, list[Mapping[str, Any]]] = {}
    for table, rows in tables.items():
        for row in rows:
            side = first if pick.random() < 0.5 else second
            side.setdefault(table, []).append(row)
    return first, second


@pytest.mark.parametrize("seed", range(4))
def test_order_repetition_and_halves_change_nothing(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(seed), 6, 5)
    pick = random.Random(seed)
    with build(tmp_path / "plain", tables) as plain:
        expected = ledger(plain)
        load(plain, tables)
        assert ledger(plain) == expected
        counts = stored(plain)
    shuffled = {t: pick.sample(list(rows), len(rows)) for t, rows in tables.items()}
    with build(tmp_path / "shuffled", shuffled) as ours:
        assert ledger(ours) == expected
    first, second = split(tables, pick)
    with build(tmp_path / "halves", first) as ours:
        load(ours, second)
        assert ledger(ours) == expected
        assert stored(ours) == counts


@pytest.mark.parametrize("seed", range(4))
def test_an_account_that_never_paid_changes_no_revenue(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(seed), 5, 4)
    more: dict[str, Any] = copy.deepcopy(dict(tables))
    more["accounts"] = [*more.get("accounts", []), {"account_id": "silent", "name": "Silent"}]
    names = ("mrr", "customers", "nrr", "grr", "arpa", "customer_churn_rate", "quick_ratio")
    with build(tmp_path / "less", tables) as ours:
        expected = ours.show(*names).rows
    with build(tmp_path / "more", more) as ours:
        assert ours.show(*names).rows == expected


@pytest.mark.parametrize("seed", range(4))
def test_splitting_a_span_changes_nothing(seed: int, tmp_path: Path) -> None:
    tables = company(Seeded(60 + seed), 5, 4)
    divided: dict[str, Any] = copy.deepcopy(dict(tables))
    rows = []
    for row in divided["subscriptions"]:
        start, end = str(row["starts_at"]), str(row.get("ends_at") or "")
        middle = f"{start[:8]}28"
        is_split = len(start) == 10 and start < middle and (not end or middle < end[:10])
        if is_split and row.get("status") != "past_due":
            # What is known at the end of a span stays with its last part.
            rows.append({**row, "ends_at": middle, "end_reason": "", "cancel_requested_at": ""})
            rows.append({**row, "starts_at": middle})
        else:
            rows.append(row)
    assert len(rows) > len(divided["subscriptions"])
    divided["subscriptions"] = rows
    names = (
        "mrr", "customers", "new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr",
        "voluntary_churned_mrr", "reactivation_mrr", "nrr", "grr", "committed_mrr", "trial_starts",
        "trial_conversion_rate",
    )
    # A span that begins later would move the last day that is looked at, and with it the rates.
    with build(tmp_path / "whole", tables) as ours:
        expected = ours.show(*names, as_of="2026-01-01").rows
    with build(tmp_path / "split", divided) as ours:
        assert ours.show(*names, as_of="2026-01-01").rows == expected


@st.composite
def sequences(draw: st.DrawFn) -> list[Tables]:
    """A company that arrives in pieces, some of them corrected later."""
    seed = draw(st.integers(0, 10_000))
    tables = company(Seeded(seed), 6, 5)
    pick = random.Random(seed)
    pieces: list[Tables] = []
    rest: Tables = tables
    for _ in range(draw(st.integers(1, 3))):
        piece, rest = split(rest, pick)
        pieces.append(piece)
    pieces.append(rest)
    corrected = []
    for row in tables["subscriptions"]:
        if pick.random() < 0.3:
            change = pick.choice(["amount", "status", "account_id", "end_reason"])
            new = {**row}
            if change == "amount":
                new |= {"amount": "77", "quantity": "", "unit_amount": ""}
            elif change == "status" and row.get("ends_at"):
                new["status"] = pick.choice(["active", "paused", "unpaid"])
            elif change == "account_id":
                new["account_id"] = pick.choice(tables["subscriptions"])["account_id"]
            else:
                new["end_reason"] = "payment failed"
            corrected.append(new)
    pieces.append({"subscriptions": corrected})
    accounts = [{**row} for row in tables.get("accounts", [])]
    if len(accounts) > 1:
        accounts[0]["parent_id"] = accounts[1]["account_id"]
        accounts[1]["parent_id"] = ""
    pieces.append({"accounts": accounts[:2]})
    rates = [{**row, "rate": "1.5"} for row in tables.get("fx_rates", [])[:1]]
    pieces.append({"fx_rates": rates})
    return [piece for piece in pieces if any(piece.values())]


@given(sequences())
@settings(
    max_examples=10, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_incremental_refresh_is_full_refresh(pieces: list[Tables]) -> None:
    # In a small company most accounts change at once; replace them one by one all the same.
    with (
        mock.patch.object(refresh, "FULL_SHARE", 10.0),
        tempfile.TemporaryDirectory() as folder,
        create(Path(folder) / "project") as ours,
    ):
        assert pieces
        for place, piece in enumerate(pieces):
            reports = load(ours, piece)
            assert reports.is_full == (place == 0)
            incremental = ledger(ours)
            ours.refresh(is_full=True)
            assert ledger(ours) == incremental
