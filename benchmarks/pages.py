"""What pages cost at 200,000 accounts and 600,000 spans, cold and warm: one table.

    .venv/bin/python benchmarks/pages.py [--accounts 200000] [--project DIR] [--only WORD …]

Each page is asked of a server of its own in this process that has computed nothing yet (cold; what
it imports is loaded), and then once more (warm). What comes late into a page is a line of its own,
marked by its panel. CPU seconds count all threads; the clock is disturbed by what else runs.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from pathlib import Path

from fastapi.testclient import TestClient
from value_questions import NOW, made

from staycurve.demo import PROJECT_TOML, write_company
from staycurve.interfaces.api.app import create_app
from staycurve.sources.files import load_files
from staycurve.workspace import Company

COLD, WARM = 3.0, 0.1
"""The most that a page may take, in seconds."""

ACCOUNT = "{account}"
PAGES: dict[str, str] = {
    "Overview": "/",
    "Overview, ten metrics": "/?panel=ten",
    "Overview of one plan": "/?plan=Team",
    "Overview of one plan, ten metrics": "/?panel=ten&plan=Team",
    "Overview of one industry": "/?industry=Retail",
    "a metric: MRR": "/metrics/mrr",
    "a metric: MRR by industry": "/metrics/mrr?by=industry",
    "a metric: NRR": "/metrics/nrr",
    "a metric: customer churn rate": "/metrics/customer_churn_rate",
    "a metric: why it changed": "/metrics/mrr?panel=changed",
    "a metric: segments compared": "/metrics/customer_churn_rate?panel=compared",
    "accounts behind churned MRR": "/accounts?metric=churned_mrr&period=2025-11",
    "cohorts": "/cohorts",
    "cohorts in gross MRR": "/cohorts?cohort_value=gross_mrr",
    "reconcile": "/reconcile?against=chartmogul",
    "list of accounts": "/accounts",
    "an account": f"/accounts/{ACCOUNT}",
    "search": "/search?q=a01234",
    "value": "/value",
    "value: lifetime": "/value?panel=lifetime",
    "value: forecast": "/value?panel=forecast",
    "value: metric tree": "/value?panel=tree",
    "risk": "/risk",
    "risk: scores": "/risk?panel=scores",
    "risk: track record": "/track-record",
    "growth": "/growth",
    "growth: worklist": "/growth?panel=worklist",
    "profile": "/profile",
    "profile: traits": "/profile?panel=traits",
    "usage": "/usage",
    "usage: funnel": "/usage?panel=funnel",
    "features": "/features",
    "activation": "/activation",
    "satisfaction": "/satisfaction",
    "feedback": "/feedback",
    "support": "/support",
    "renewals": "/renewals",
    "lifecycle": "/lifecycle",
}


def timed(client: TestClient, address: str) -> tuple[float, float, int]:
    """Seconds by the clock and of CPU, and the status of the answer."""
    clock, cpu = time.perf_counter(), time.process_time()
    status = client.get(address).status_code
    return time.perf_counter() - clock, time.process_time() - cpu, status


def account_of(company: Company) -> str:
    """An account that pays."""
    with company.seeing(company.query("mrr").as_of) as engine:
        return str(engine.value("SELECT MAX(account_id) FROM mrr_items WHERE ends_on IS NULL"))


def imported() -> None:
    """Ask every page of a small example company: what pages import is no page's own cost.

    Of another company, since those of one process remember together what they found.
    """
    with tempfile.TemporaryDirectory() as folder:
        files, project = Path(folder) / "files", Path(folder) / "p"
        write_company(files, accounts=400)
        Company.create(project, name="Example", currency="USD", timezone="America/New_York")
        (project / "staycurve.toml").write_text(PROJECT_TOML, encoding="utf-8")
        with Company(project, clock=lambda: NOW) as company:
            load_files(company.lake, company.config, sorted(files.glob("*.parquet")), now=NOW)
            company.refresh()
            client, account = TestClient(create_app(company)), account_of(company)
            for address in PAGES.values():
                client.get(address.replace(ACCOUNT, account))


def measured(folder: Path, only: list[str]) -> None:
    """Print a line a page as it is measured."""
    imported()
    with Company(folder, clock=lambda: NOW) as company:
        account = account_of(company)
    line = "{:32}{:>10}{:>10}{:>10}{:>10}{:>8}  {}\n"
    sys.stdout.write(line.format(
        "page", "cold s", "CPU s", "warm s", "CPU s", "status", "target missed"
    ))
    for name, address in PAGES.items():
        if only and not any(word in name for word in only):
            continue
        with Company(folder, clock=lambda: NOW) as own:
            asked = TestClient(create_app(own))
            # Else a page pays for the making of its server, and some for those before it.
            asked.get("/favicon.ico")
            gc.collect()
            address = address.replace(ACCOUNT, account)
            cold, warm = timed(asked, address), timed(asked, address)
        missed = [
            word for word, found, most in (("cold", cold, COLD), ("warm", warm, WARM))
            if found[1] > most
        ]
        sys.stdout.write(line.format(
            name, *(f"{one:.3f}" for one in (*cold[:2], *warm[:2])), cold[2], ", ".join(missed)
        ))
        sys.stdout.flush()


def main() -> None:
    """Every page once cold and once warm."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--accounts", type=int, default=200_000)
    given.add_argument("--project", type=Path)
    given.add_argument("--only", nargs="*", default=[], help="words of the pages' names")
    options = given.parse_args()
    if options.project:
        measured(options.project, options.only)
        return
    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder), options.accounts).close()
        measured(Path(folder) / "p", options.only)


if __name__ == "__main__":
    main()
