"""Invoice lines to refreshed tables, beside the same lines given as spans: one ratio.

    .venv/bin/python benchmarks/invoices.py [--accounts 200000] [--runs 3]

Monthly bills of accounts over five years, once as invoice_lines and once as subscriptions of a
month each. Both are loaded into a new project and refreshed, in turns, and their figures compared.
A third project gets the bills with prorated upgrades among them, which spans cannot state alike.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import duckdb
from run import DATA, Cost, StepError, agree, fresh, median, step, to

TARGET = 2.0
SPANS, LINES, PRORATED = "subscriptions", "invoice_lines", "prorated"
ONE_IN = 20
"""One bill in so many has an upgrade in the middle of its month: a credit and a prorated line."""


def write_lines(folder: Path) -> None:
    """Write the spans of `subscriptions.parquet` as paid lines, and with upgrades among them."""
    spans = folder / f"{SPANS}.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"""
            CREATE TEMP TABLE bills AS
            SELECT printf('il_%08d', place) AS line_id, printf('in_%08d', place) AS invoice_id,
                   account_id, subscription_id, starts_at AS period_start, ends_at AS period_end,
                   amount, FALSE AS is_proration, starts_at AS billed_at, 'paid' AS invoice_status
            FROM (SELECT *, row_number() OVER (ORDER BY starts_at, account_id) AS place
                  FROM read_parquet('{spans}'))
            ORDER BY place""")
        middle = "period_start + (period_end - period_start) / 2"
        _copy(engine, "SELECT * FROM bills", folder / f"{LINES}.parquet")
        (folder / PRORATED).mkdir()
        _copy(engine, f"""
            SELECT * FROM bills
            UNION ALL
            SELECT * EXCLUDE (part, factor)
                   REPLACE (line_id || part AS line_id, invoice_id || 'p' AS invoice_id,
                            {middle} AS period_start, amount * factor AS amount,
                            TRUE AS is_proration)
            FROM bills, (VALUES ('c', -0.5), ('u', 0.75)) parts(part, factor)
            WHERE hash(line_id) % {ONE_IN} = 0""", folder / PRORATED / f"{LINES}.parquet")


def _copy(engine: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
    engine.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def main() -> None:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    source = DATA / "billing"
    lines = step("write_billing", fresh(source), asked.accounts)[1]["lines"]
    write_lines(source)
    files = {
        SPANS: source / f"{SPANS}.parquet", LINES: source / f"{LINES}.parquet",
        PRORATED: source / PRORATED / f"{LINES}.parquet",
    }
    costs: dict[str, list[Cost]] = {shape: [] for shape in files}
    projects = {shape: DATA / f"project-{shape}" for shape in files}
    for _ in range(asked.runs):
        for shape, folder in projects.items():
            step("create", fresh(folder))
            cost, found = step("load_refresh", folder, files[shape])
            if found["rejected"]:
                raise StepError(f"{shape}: {found['rejected']} rows were rejected")
            costs[shape].append(cost)
    equal = agree(*(step("answer", projects[shape])[1] for shape in (LINES, SPANS)), "lines, spans")
    print(f"{lines:,} monthly bills of {asked.accounts:,} accounts; {equal:,} figures are equal")
    spans = median(costs[SPANS])
    for shape, found_costs in costs.items():
        cost = median(found_costs)
        wall, cpu = to(cost, spans)
        print(f"{shape:14} {cost.wall:6.1f} s  {cost.cpu:6.1f} CPU s  {cost.memory:6.0f} MiB  "
              f"ratio {wall:.2f} clock, {cpu:.2f} CPU")
    verdict = "met" if max(to(median(costs[LINES]), spans)) <= TARGET else "missed"
    print(f"target of {LINES}: <= {TARGET:.0f} by both, {verdict}")
    for folder in projects.values():
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
