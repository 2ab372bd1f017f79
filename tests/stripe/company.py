"""A company whose billing is a fake Stripe: synced, it answers as any other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from staycurve.workspace import Company
from tests.stripe.fake import KEY, Fake

NOW = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)
DEFAULT = "https://api.stripe.com"
VARIABLE = "STAYCURVE_TEST_STRIPE_KEY"


@contextmanager
def company_of(
    folder: Path, fake: Fake, monkeypatch: Any, *, now: dt.datetime = NOW, settings: str = ""
) -> Iterator[Company]:
    """An open project whose only source is the fake."""
    monkeypatch.setenv(VARIABLE, KEY)
    if not (folder / "staycurve.toml").exists():
        Company.create(folder, name="Acme", currency="USD", timezone="UTC")
    toml = folder / "staycurve.toml"
    text = toml.read_text(encoding="utf-8").split("[sources.")[0].rstrip()
    toml.write_text(
        f'{text}\n\n[sources.billing]\nkind = "stripe"\napi_key = {{ env = "{VARIABLE}" }}\n'
        f'base_url = "{fake.origin or DEFAULT}"\n{settings}', encoding="utf-8",
    )
    with Company(folder, clock=lambda: now) as company:
        yield company


def synced(company: Company, **more: Any) -> list[Any]:
    """Sync and refresh; the reports, of which none may have failed."""
    reports = company.sources.sync(**more)
    wrong = [(one.label, str(error)) for one in reports for error in one.errors]
    assert wrong == []
    if company.is_due():
        company.refresh()
    return reports


def spans(company: Company) -> list[tuple[Any, ...]]:
    """(subscription, item, from, until, status, amount) of every row of subscriptions."""
    columns = (
        "subscription_id, item_id, strftime(starts_at, '%Y-%m-%d'), "
        "strftime(ends_at, '%Y-%m-%d'), status, amount / 1000000.0"
    )
    return rows(company, "subscriptions", columns, "subscription_id, item_id, starts_at")


def rows(company: Company, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    """Rows of a conformed table as they are in the lake now."""
    from staycurve.tables.conformed import CONFORMED
    from staycurve.tables.duckdb_engine import Engine

    lake = company.lake
    scan = lake.scan(lake.pointer.latest(), table, CONFORMED[table].stored)
    with Engine(company.folder / ".tmp") as engine:
        return engine.rows(f"SELECT {columns} FROM ({scan}) ORDER BY {order}")


def mrr(company: Company, start: str, end: str) -> dict[str, float]:
    """Month → MRR at its close."""
    found = company.show("mrr", start=start, end=end, as_of="2025-07-01")
    return {str(row["period"])[:7]: row["value"] for row in found.as_dict()["rows"]}
