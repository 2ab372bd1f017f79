"""One step of a benchmark in a process of its own; `run.py` starts and times it.

    python benchmarks/steps.py STEP ARGUMENT …

A step prints one JSON object: what it found, and the seconds of the part that matters.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

AS_OF = "2026-01-01"
"""The end of the synthetic history; no step but `write` may import what made it."""
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
MOVEMENTS = (
    "opening_mrr", "new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr",
    "churned_mrr", "mrr", "customers", "new_customers", "churned_customers",
)
YEARLY = ("nrr_12m", "grr_12m")
Found = dict[str, Any]


def _company(folder: str) -> Any:
    from staycurve.workspace import Company

    return Company(Path(folder), clock=lambda: NOW)


def _figures(company: Any, *, with_yearly: bool = False) -> Found:
    """Movements by month, the cohort matrix, and with them the yearly rates; money in micro-units.

    A row of movements is (month index, *MOVEMENTS), one of cohorts (cohort, age, customers, MRR).
    """
    found: dict[str, list[int]] = {}
    metrics = (*MOVEMENTS, *YEARLY) if with_yearly else MOVEMENTS
    yearly: list[list[Any]] = []
    for row in company.show(*metrics, as_of=AS_OF).rows:
        name, value = row["metric"], row["value"]
        if name in YEARLY:
            yearly.append([name, row["period"], value])
        else:
            found.setdefault(row["period"], []).append(_whole(name, value))
    movements = [[_month(period), *values] for period, values in sorted(found.items())]
    sizes = company.cohort(value="customers", how="count", as_of=AS_OF)["rows"]
    money = company.cohort(value="net_mrr", how="count", as_of=AS_OF)["rows"]
    cohorts = [
        [_month(size["cohort"]), size["age"], size["value"], round(net["value"] * 1_000_000)]
        for size, net in zip(sizes, money, strict=True)
    ]
    return {"movements": movements, "cohorts": cohorts, "yearly": yearly}


def _whole(metric: str, value: float) -> int:
    return round(value * 1_000_000) if metric.endswith("mrr") else round(value)


def _month(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def write(folder: str, accounts: str, foreign: str = "0") -> Found:
    """Write the synthetic subscriptions."""
    import synthetic

    synthetic.write(Path(folder), accounts=int(accounts), foreign=float(foreign))
    return {}


def write_change(folder: str, source: str) -> Found:
    """Write a load that touches 1% of the accounts."""
    import synthetic

    return {"touched": synthetic.write_change(Path(folder), Path(source))}


def write_billing(folder: str, accounts: str) -> Found:
    """Write monthly bills."""
    import synthetic

    return {"lines": synthetic.write_billing(Path(folder), accounts=int(accounts))}


def create(folder: str) -> Found:
    """Make an empty project that keeps UTC and US dollars."""
    from staycurve.workspace import Company

    Company.create(Path(folder), name="Benchmark", currency="USD", timezone="UTC")
    return {}


def demo(folder: str, files: str, accounts: str) -> Found:
    """Write the example company and make its project, with nothing loaded."""
    from staycurve.demo import PROJECT_TOML, write_company
    from staycurve.workspace import Company

    write_company(Path(files), accounts=int(accounts))
    Company.create(
        Path(folder), name="Benchmark", currency="USD", timezone="America/New_York"
    )
    (Path(folder) / "staycurve.toml").write_text(PROJECT_TOML, encoding="utf-8")
    return {}


def load(folder: str, *paths: str) -> Found:
    """Load files, each into the table that its name says; nothing is refreshed."""
    from staycurve.sources.files import load_files

    company = _company(folder)
    reports = []
    for path in paths:
        table = "subscriptions" if Path(path).stem == "spans" else None
        reports += load_files(company.lake, company.config, [Path(path)], table=table, now=NOW)
    return {"rejected": sum(report.rejected for report in reports)}


def refresh(folder: str) -> Found:
    """Refresh what changed."""
    report = _company(folder).refresh()
    return {"is_full": report.is_full, "accounts": report.accounts}


def refresh_full(folder: str) -> Found:
    """Refresh everything."""
    report = _company(folder).refresh(is_full=True)
    return {"is_full": report.is_full, "accounts": report.accounts}


def answer(folder: str) -> Found:
    """Figures from refreshed tables."""
    return _figures(_company(folder))


def refresh_answer(folder: str) -> Found:
    """Refresh everything, then the figures."""
    company = _company(folder)
    company.refresh(is_full=True)
    return _figures(company)


def answer_yearly(folder: str) -> Found:
    """Figures from refreshed tables, yearly rates among them."""
    return _figures(_company(folder), with_yearly=True)


def load_refresh(folder: str, *paths: str) -> Found:
    """From files to refreshed tables in one process."""
    found = load(folder, *paths)
    report = _company(folder).refresh()
    return found | {"accounts": report.accounts}


def load_refresh_answer(folder: str, *paths: str) -> Found:
    """From files to figures in one process, yearly rates among them."""
    load(folder, *paths)
    company = _company(folder)
    company.refresh()
    return _figures(company, with_yearly=True)


def hand(*files: str) -> Found:
    """The same figures by SQL written by hand."""
    from handwritten import figures

    movements, cohorts = figures(files)
    return {"movements": movements, "cohorts": cohorts, "yearly": []}


def files(folder: str) -> Found:
    """The Parquet files in which the lake keeps subscriptions."""
    company = _company(folder)
    return {"files": company.lake.files(company.snapshot, "subscriptions")}


def peer(path: str) -> Found:
    """The same figures by the package saas-metrics; runs in that package's own environment."""
    # By name: staycurve's own environment, in which types are checked, does not have it.
    report = importlib.import_module("saas_metrics").analyze(path)
    table, triangle, rates = report.waterfall, report.retention, report.metrics
    columns = ["beginning", "new_logo", "reactivation", "expansion", "contraction", "churn",
               "ending", "active_logos", "new_logos", "churned_logos"]
    movements = [
        [_month(str(row["period_end"])), *(
            _whole(name, float(row[column]))
            for name, column in zip(MOVEMENTS, columns, strict=True)
        )]
        for _, row in table.iterrows()
    ]
    cohorts = [
        [_month(str(row["vintage"])), int(row["age"]), int(row["active_logos"]),
         _whole("mrr", float(row["revenue"]))]
        for _, row in triangle.iterrows()
    ]
    yearly = [
        [name, f"{str(row['period_end'])[:7]}-01", None if row[name] != row[name] else row[name]]
        for name in YEARLY
        for _, row in rates.iterrows()
    ]
    return {"movements": movements, "cohorts": cohorts, "yearly": yearly}


def _on(folder: str, engine: str) -> Any:
    from staycurve.engine_choice import ENGINE, SPARK

    company = _company(folder)
    options = {} if engine == "duckdb" else {"spark.master": "local[2]"}
    company.config = company.config.but(ENGINE, engine).but(SPARK, options)
    return company


def _taken() -> Found:
    """MiB that this process and those below it took at most, and CPU seconds of those below."""
    ticks = os.sysconf("SC_CLK_TCK")
    memory, cpu, found = 0.0, 0.0, [os.getpid()]
    parents: dict[int, list[int]] = {}
    stats: dict[int, list[str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue
        # The name stands in brackets and may hold blanks.
        stats[int(folder.name)] = text.rpartition(")")[2].split()
        parents.setdefault(int(stats[int(folder.name)][1]), []).append(int(folder.name))
    for process in found:
        found += parents.get(process, [])
        status = Path(f"/proc/{process}/status").read_text()
        # A process that has ended and is not waited for yet holds no memory.
        peaks = [line for line in status.splitlines() if line.startswith("VmHWM")]
        memory += sum(int(peak.split()[1]) / 1024 for peak in peaks)
        if process != os.getpid():
            cpu += (int(stats[process][11]) + int(stats[process][12])) / ticks
    return {"memory": memory, "java_cpu": cpu}


def engine_refresh(folder: str, engine: str) -> Found:
    """Refresh everything on an engine, on two cores."""
    report = _on(folder, engine).refresh(is_full=True)
    return {"is_full": report.is_full} | _taken()


def engine_answer(folder: str, engine: str) -> Found:
    """Figures from refreshed tables on an engine, on two cores."""
    return _figures(_on(folder, engine)) | _taken()


STEPS: dict[str, Callable[..., Found]] = {
    step.__name__: step
    for step in (write, write_change, write_billing, create, demo, load, refresh, refresh_full,
                 answer, refresh_answer, answer_yearly, load_refresh, load_refresh_answer, hand,
                 files, peer, engine_refresh, engine_answer)
}


if __name__ == "__main__":
    began = time.perf_counter()
    found = STEPS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(found | {"inside": time.perf_counter() - began}))
