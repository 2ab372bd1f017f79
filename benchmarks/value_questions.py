"""What questions about value cost, warm, at 200,000 accounts and 600,000 spans.

    .venv/bin/python benchmarks/value_questions.py [--accounts 200000] [--project DIR]

With a project, such as the example company, of that one. Prints CPU seconds of the second asking.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import synthetic

from staycurve.sources.files import load_files
from staycurve.workspace import Company

NOW = dt.datetime(2026, 1, 1, 5, tzinfo=dt.UTC)
MONTHS = {"start": "2025-11", "end": "2025-12"}


def made(folder: Path, accounts: int) -> Company:
    """The synthetic company, loaded and refreshed."""
    synthetic.write(folder / "files", accounts=accounts)
    Company.create(folder / "p", name="Bench", currency="USD", timezone="UTC")
    company = Company(folder / "p", clock=lambda: NOW)
    files = [folder / "files" / f"{name}.parquet" for name in ("accounts", "subscriptions")]
    load_files(company.lake, company.config, files, now=NOW)
    company.refresh()
    return company


def timed(name: str, ask: Callable[[], object]) -> None:
    """Ask twice, and print what the second time took."""
    ask()
    clock, cpu = time.perf_counter(), time.process_time()
    ask()
    sys.stdout.write(
        f"{name:44}{time.process_time() - cpu:8.2f} CPU s"
        f"{time.perf_counter() - clock:8.2f} s by the clock\n"
    )


def main() -> None:
    """Every question once to warm up, then once to be timed."""
    given = argparse.ArgumentParser()
    given.add_argument("--accounts", type=int, default=200_000)
    given.add_argument("--project", type=Path)
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        company = (
            Company(options.project, clock=lambda: NOW) if options.project
            else made(Path(folder), options.accounts)
        )
        value = company.value
        timed("value change mrr", lambda: value.change(metric="mrr", **MONTHS))
        timed("value change clv_margin", lambda: value.change(metric="clv_margin", **MONTHS))
        timed("value change nrr --by industry",
              lambda: value.change(metric="nrr", by="industry", **MONTHS))
        timed("value tree", value.tree)
        timed("value correlations", value.correlations)
        timed("value forecast, with its backtest", value.forecast)
        timed("value compare customer_churn_rate, a year", lambda: value.compare(
            metric="customer_churn_rate", by="industry", start="2025-01", end="2025-12"
        ))
        query = company.query("churned_mrr", start="2025-11", end="2025-11")
        timed("the accounts behind a month's churned MRR", lambda: company.described_rows(query))


if __name__ == "__main__":
    main()
