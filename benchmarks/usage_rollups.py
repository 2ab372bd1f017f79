"""Product events at scale: the first build of the rollups, one more day, and questions to them.

    python benchmarks/usage_rollups.py [--events 50000000] [--folder DIR]

Beside each figure stands the same work written by hand for DuckDB, from the same run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import usage_data
from staycurve.tables import refresh
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace import Company

DAYS = 365
MEMORY = "2GB"
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def by_hand(events: str, folder: Path) -> tuple[float, float]:
    """The same four tables with GROUP BY and COPY."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    connection = duckdb.connect(
        config={"memory_limit": MEMORY, "temp_directory": str(folder / "spill")}
    )
    bits = (
        "bit_or(1::BIGINT << (day(day) - 1)) AS days, SUM(uses)::BIGINT AS uses, "
        "MIN(day) AS first_day"
    )
    month = "date_trunc('month', day)::DATE AS month_on"
    days = f"read_parquet('{folder}/days.parquet/**/*.parquet')"
    steps = {
        "days": f"SELECT account_id, user_id, event AS feature, occurred_on AS day, "
                f"COUNT(*) AS uses FROM read_parquet([{events}]) GROUP BY ALL",
        "users": f"SELECT account_id, user_id, {month}, {bits} FROM {days} GROUP BY ALL",
        "accounts": f"SELECT account_id, {month}, {bits} FROM {days} GROUP BY ALL",
        "features": f"SELECT account_id, feature, {month}, {bits}, "
                    f"COUNT(DISTINCT user_id) AS users FROM {days} GROUP BY ALL",
    }

    def work() -> None:
        for name, sql in steps.items():
            part = ", PARTITION_BY (day), WRITE_PARTITION_COLUMNS true" if name == "days" else ""
            connection.execute(
                f"COPY ({sql}) TO '{folder}/{name}.parquet' "
                f"(FORMAT parquet, COMPRESSION zstd{part})"
            )

    return timed(work)


def resident() -> float:
    """The most memory that this process has held, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "usage-bench")
    given = parser.parse_args()
    folder: Path = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"events-{given.events}.parquet"
    if not source.exists():
        # In a process of its own: its memory is not ours.
        subprocess.run(
            [sys.executable, usage_data.__file__, str(source), str(given.events)], check=True
        )
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    Company.create(project, name="Bench", currency="USD", timezone="UTC")
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT DISTINCT account_id, DATE '2024-12-31' AS created_at "
            f"FROM read_parquet('{source}')) TO '{folder}/accounts.parquet' (FORMAT parquet)"
        )
    from staycurve.sources.files import load_files

    company = Company(project, clock=lambda: NOW)
    load_files(company.lake, company.config, [folder / "accounts.parquet"], now=NOW)
    events = source.rename(folder / "events.parquet")
    try:
        took = timed(lambda: load_files(company.lake, company.config, [events], now=NOW))
    finally:
        events.rename(source)
    print(f"load {given.events:,} events: {took[0]:.1f} s, resident {resident():.2f} GiB")
    held = company.lake.files(company.snapshot, "events")
    listed = ", ".join(f"'{path}'" for path in held)

    def build() -> None:
        with Engine(project / ".tmp", memory=MEMORY) as engine:
            refresh.refresh(company.lake, company.config, engine, now=NOW)

    ours = timed(build)
    theirs = by_hand(listed, folder / "hand")
    print(
        f"first build: {ours[0]:.1f} s ({ours[1]:.1f} CPU), by hand {theirs[0]:.1f} s "
        f"({theirs[1]:.1f} CPU): {ours[0] / theirs[0]:.2f} × clock, "
        f"{ours[1] / theirs[1]:.2f} × CPU; resident {resident():.2f} GiB"
    )
    for table in ("usage_days", "user_months", "account_months", "feature_months"):
        print(f"  {table}: {company.lake.rows(company.snapshot, table):,} rows")

    day = usage_data.START + dt.timedelta(days=DAYS)
    new = folder / "new" / "events.parquet"
    new.parent.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 'next-' || event_id AS event_id, account_id, user_id, event, "
            f"TIMESTAMP '{day}' + (occurred_at - date_trunc('day', occurred_at)) AS occurred_at "
            f"FROM read_parquet('{source}') USING SAMPLE 50000 ROWS) TO '{new}' (FORMAT parquet)"
        )

    def one_day() -> None:
        load_files(company.lake, company.config, [new], now=NOW)
        company.refresh()

    took = timed(one_day)
    print(f"one more day of 50,000 events, loaded and refreshed: {took[0]:.2f} s "
          f"({took[1]:.2f} CPU)")

    questions: dict[str, Callable[[], object]] = {
        "mau": lambda: company.show("mau", start="2025-01", end="2025-12"),
        "stickiness": lambda: company.show("stickiness", start="2025-01", end="2025-12"),
        "active_accounts": lambda: company.show("active_accounts", start="2025-01", end="2025-12"),
        "feature_adoption by feature": lambda: company.show(
            "feature_adoption", by="feature", start="2025-01", end="2025-12"
        ),
        "dau by day": lambda: company.show("dau", grain="day", start="2025-01-01",
                                           end="2025-12-31"),
    }
    for name, question in questions.items():
        question()
        best = min(timed(question)[0] for _ in range(3))
        print(f"{name}, twelve months, warm: {best * 1000:.0f} ms")
    print(f"resident at most {resident():.2f} GiB on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
