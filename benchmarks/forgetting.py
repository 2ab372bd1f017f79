"""Forgetting one person among many, at a large table of events.

    python benchmarks/forgetting.py [--events 5000000] [--folder DIR]

The person is the one with the most events, so that as many files as possible are written anew.
Beside it stands the scan floor: DuckDB reading the same columns of the same files once, by hand.
"""

from __future__ import annotations

import argparse
import datetime as dt
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
from staycurve.sources.files import load_files
from staycurve.workspace import Company

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def main() -> None:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "forget-bench")
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
            "COPY (SELECT DISTINCT account_id, DATE '2024-12-31' AS created_at "
            f"FROM read_parquet('{source}')) TO '{folder}/accounts.parquet' (FORMAT parquet)"
        )
        connection.execute(
            "COPY (SELECT user_id, MIN(account_id) AS account_id, user_id || '@mail.example' AS "
            f"email, 'Name ' || user_id AS name FROM read_parquet('{source}') GROUP BY 1) "
            f"TO '{folder}/users.parquet' (FORMAT parquet)"
        )
        busiest, own = connection.execute(
            f"SELECT user_id, COUNT(*) FROM read_parquet('{source}') GROUP BY 1 ORDER BY 2 DESC, 1 "
            "LIMIT 1"
        ).fetchall()[0]
    company = Company(project, clock=lambda: NOW)
    load_files(
        company.lake, company.config, [folder / "accounts.parquet", folder / "users.parquet"],
        now=NOW,
    )
    events = source.rename(folder / "events.parquet")
    try:
        took = timed(lambda: load_files(company.lake, company.config, [events], now=NOW))
    finally:
        events.rename(source)
    print(f"load {given.events:,} events: {took[0]:.1f} s ({took[1]:.1f} CPU)", flush=True)
    took = timed(company.refresh)
    print(f"refresh: {took[0]:.1f} s ({took[1]:.1f} CPU)", flush=True)
    files = company.lake.files(company.snapshot, "events")
    listed = ", ".join(f"'{path}'" for path in files)
    users = company.lake.rows(company.snapshot, "users")

    def floor() -> None:
        with duckdb.connect(config={"memory_limit": "1200MB"}) as connection:
            connection.execute(
                f"SELECT COUNT(*) FROM read_parquet([{listed}]) WHERE user_id = '{busiest}' "
                f"OR contains(properties, '{busiest}')"
            ).fetchall()

    scanned = timed(floor)
    took = timed(lambda: company.personal.forget(busiest))
    print(
        f"forget one of {users:,} people, with {own:,} of {given.events:,} events in {len(files):,}"
        f" files: {took[0]:.1f} s ({took[1]:.1f} CPU), {took[0] / scanned[0]:.1f} × the scan "
        f"floor ({scanned[0]:.1f} s)"
    )
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"resident at most {held / 1024**2:.2f} GiB")
    assert not company.is_due()


if __name__ == "__main__":
    main()
