"""One example company for all tests of this folder, read back from its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from staycurve.demo import Truth, write_company

TABLES = (
    "accounts",
    "users",
    "subscriptions",
    "payments",
    "events",
    "leads",
    "reach",
    "spend",
    "tickets",
    "answers",
    "invitations",
    "fx_rates",
)

# Independent of the generator: an account pays while a base item is active or past due, is not
# on the free plan and is not discounted away; it leaves where no base span touches the end.
LIVES = """
create table paying as
select account_id, subscription_id, plan, interval, term_months, quantity, unit_amount, currency,
       starts_at, coalesce(ends_at, timestamptz '2026-01-01 05:00:00+00') as ends_at,
       ends_at is not null and not exists (
           select 1 from subscriptions t
           where t.subscription_id = s.subscription_id and t.kind = 'base'
             and t.starts_at = s.ends_at) as is_end,
       end_reason is not distinct from 'payment failed' as is_involuntary
from subscriptions s
where kind = 'base' and product = 'Flow' and status in ('active', 'past_due') and plan <> 'Free'
  and coalesce(discount_percent, 0) < 100;
create table risk as
select p.*, a.industry, a.channel, a.employees, a.name,
       date_diff('second', p.starts_at, p.ends_at) / 86400 / 30.44 as months,
       (is_end and not is_involuntary)::int as has_left
from paying p join accounts a using (account_id) where not contains(a.name, 'test ');
create table lives as
select account_id, min(starts_at) as starts_at, min(case when is_end then ends_at end) as left_at,
       bool_or(is_involuntary) as is_involuntary
from paying group by account_id
having bool_and(interval in ('month') and term_months is null);
create table steps as
select account_id, starts_at,
       date_diff('month', starts_at, coalesce(left_at, timestamptz '2026-01-01 05:00:00+00'))
           as lasted,
       (left_at is not null and not is_involuntary)::int as has_left
from lives
"""


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A company of 2,500 accounts: folder and truth."""
    folder = tmp_path_factory.mktemp("company")
    return folder, write_company(folder, accounts=2500, seed=7)


@pytest.fixture(scope="session")
def ask(company: tuple[Path, Truth]) -> Callable[[str], list[tuple[Any, ...]]]:
    """Rows of a statement over the company's files."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for table in TABLES:
        file = company[0] / f"{table}.parquet"
        connection.execute(f"create table {table} as select * from read_parquet('{file}')")
    for statement in LIVES.split(";"):
        connection.execute(statement)

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return connection.execute(statement).fetchall()

    return rows
