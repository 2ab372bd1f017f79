"""What is loaded last changes every number that rests on it, whichever table that is."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from staycurve.sources.files import load_files
from staycurve.tables.views import DERIVED, USAGE
from staycurve.workspace import Company
from tests.company import NOW, create, rows_of, write_csv

TABLES = {
    "subscriptions": rows_of("""
        subscription_id account_id starts_at  interval amount
        s1              a          2024-01-01 month    10
        s2              ours       2024-01-01 month    100
    """),
    "events": rows_of("""
        event_id user_id event occurred_at
        e1       u1      view  2024-01-10T10:00:00
        e2       u2      view  2024-01-11T10:00:00
    """),
    "users": rows_of("""
        user_id account_id email
        u1      a          one@customer.com
        u2      ours       two@ourco.com
    """),
}


def load(company: Company, tables: dict[str, list[dict[str, Any]]]) -> None:
    """As `staycurve load` does: refresh where that is due."""
    folder = company.folder / "files"
    folder.mkdir(exist_ok=True)
    for table, rows in tables.items():
        path = write_csv(folder / f"{table}.csv", rows)
        load_files(company.lake, company.config, [path], now=NOW)
        if company.is_due():
            company.refresh()


def value(company: Company, metric: str, month: str = "2024-01") -> float | None:
    rows = company.show(metric, start=month, end=month).rows
    assert len(rows) == 1
    found: float | None = rows[0]["value"]
    return found


def derived(company: Company) -> dict[str, list[Any]]:
    with company.reading() as engine:
        return {
            table: sorted(engine.rows(f"SELECT * FROM {table}"), key=str)
            for table in (*DERIVED, *USAGE)
        }


@pytest.mark.parametrize("order", list(permutations(TABLES)), ids="-".join)
def test_exclusion_by_a_users_address_holds_in_any_order(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    rule = 'exclude = ["email~@ourco.com"]'
    with create(tmp_path / "p", company=rule) as company:
        load(company, {table: TABLES[table] for table in order})
        assert value(company, "mrr") == 10
        assert value(company, "active_accounts") == 1
        assert not company.is_due()
        before = derived(company)
        company.refresh(is_full=True)
        assert derived(company) == before


@pytest.mark.parametrize("order", list(permutations(TABLES)), ids="-".join)
def test_users_tell_whose_an_event_is_in_any_order(tmp_path: Path, order: tuple[str, ...]) -> None:
    with create(tmp_path / "p") as company:
        load(company, {table: TABLES[table] for table in order})
        assert value(company, "mrr") == 110
        assert value(company, "active_accounts") == 2
        assert not company.is_due()


def test_a_parent_takes_the_events_of_its_parts_users_along(tmp_path: Path) -> None:
    with create(tmp_path / "p") as company:
        load(company, TABLES)
        assert value(company, "active_accounts") == 2
        child = [{"account_id": "ours", "parent_id": "a"}]
        load(company, {"accounts": child})
        assert value(company, "active_accounts") == 1
        load(company, {"accounts": [{"account_id": "ours", "parent_id": ""}]})
        assert value(company, "active_accounts") == 2


def test_a_user_whose_address_changes_brings_the_account_back(tmp_path: Path) -> None:
    rule = 'exclude = ["email~@ourco.com"]'
    with create(tmp_path / "p", company=rule) as company:
        ours = {"user_id": "u2", "account_id": "ours", "email": "two@ourco.com"}
        only = {name: rows[1:] for name, rows in TABLES.items()}
        load(company, only | {"users": [ours]})
        # Nobody counts yet, so nothing is kept of what is used.
        assert value(company, "active_accounts") in (0, None)
        load(company, {"users": [ours | {"email": "two@customer.com"}]})
        assert value(company, "active_accounts") == 1
        assert value(company, "mrr") == 100


def test_any_table_moves_the_default_as_of(tmp_path: Path) -> None:
    with create(tmp_path / "p") as company:
        load(company, TABLES)
        assert str(company.as_of().last_day) == "2024-01-11"
        load(company, {"tickets": rows_of("""
            ticket_id account_id opened_at
            t1        a          2024-02-05
        """)})
        assert str(company.as_of().last_day) == "2024-02-05"
        assert not company.is_due()
