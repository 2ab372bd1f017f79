"""The certificate: what a list leaves out, what events announce, and what no row came of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from staycurve.interfaces.cli.app import app
from tests.stripe.company import company_of, synced
from tests.stripe.test_syncing import event, filled, objects


def by_object(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["object"]: row for row in rows}


def test_what_is_whole_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = filled("upgrade_prorated")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        rows = by_object(company.sources.certificate())
        told = {
            name: (row["at_source"], row["in_lake"], row["conformed"], row["is_complete"])
            for name, row in rows.items()
        }
        assert {name: told[name] for name in (
            "customer", "product", "price", "subscription", "invoice"
        )} == {
            "customer": (1, 1, 1, True), "product": (1, 1, None, True),
            "price": (2, 2, None, True), "subscription": (1, 1, 1, True),
            "invoice": (6, 6, 6, True),
        }
        (kept,) = (tmp_path / "p" / "logs" / "certificates").iterdir()
        assert by_object(json.loads(kept.read_text())["rows"]) == rows
        synced(company)
        assert len(list(kept.parent.iterdir())) == 1


def test_what_differs_is_listed_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = filled()
    # The list drops one that an event announces, and one that nothing is left of.
    other = {**objects()["subscriptions"][0], "id": "sub_2"}
    lost = {**objects()["subscriptions"][0], "id": "sub_lost", "object": "subscription"}
    odd = {**objects()["subscriptions"][0], "id": "sub_odd", "status": "hibernating"}
    fake.fill({"subscriptions": [other, odd], "events": [
        event("evt_1", "2025-06-20", "customer.subscription.created",
              {**other, "object": "subscription"}),
        event("evt_2", "2025-06-21", "customer.subscription.created", lost),
    ]})
    fake.dropped.add("sub_2")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        row = by_object(company.sources.certificate())["subscription"]
        assert {name: row[name] for name in (
            "at_source", "in_lake", "deleted", "conformed", "announced", "is_complete",
            "listed_not_kept", "kept_not_listed", "announced_not_kept", "not_conformed",
        )} == {
            "at_source": 2, "in_lake": 3, "deleted": 1, "conformed": 2, "announced": 2,
            "is_complete": False, "listed_not_kept": [], "kept_not_listed": ["sub_2"],
            "announced_not_kept": ["sub_lost"], "not_conformed": ["sub_odd"],
        }
    folder = str(tmp_path / "p")
    shown = CliRunner().invoke(app, ["--project", folder, "sources", "certificate"])
    assert "billing subscription, announced not kept: sub_lost" in shown.stdout
    printed = CliRunner().invoke(
        app, ["--project", folder, "sources", "certificate", "--format", "json"]
    )
    assert by_object(json.loads(printed.stdout)["rows"])["subscription"] == row
    doctor = CliRunner().invoke(app, ["--project", folder, "doctor", "--format", "json"])
    codes = {one["check"] for one in json.loads(doctor.stdout)["rows"]}
    assert "incomplete_source" in codes
