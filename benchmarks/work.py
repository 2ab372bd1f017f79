"""What work costs at 200,000 accounts and 20,000 open alerts; and a dry run of the playbooks.

    .venv/bin/python benchmarks/work.py [--accounts 200000] [--alerts 20000]
    .venv/bin/python benchmarks/work.py --project DIR      # a dry run on its history

Each address is asked once cold and many times warm, of a server in this process; a line has the
median of the warm ones. CPU seconds count all threads; the clock is disturbed by what else runs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from fastapi.testclient import TestClient
from value_questions import NOW, made

from staycurve.actions.ownership import Owner
from staycurve.actions.playbooks.finding import About, Findings, Found
from staycurve.actions.playbooks.opening import open_alerts
from staycurve.actions.settings import Working
from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company

PEOPLE = 50
WARM = 50
MEMBERS = 300
FEW = 3
TARGETS = {"/work": 0.150, "members": 0.005}
"""The most that they may take warm, in seconds."""
LINE = "{:44}{:>10}{:>10}{:>10}{:>10}  {}\n"
PLAYBOOKS = ("payment-failing", "renewal", "usage-falling")


def opened(company: Company, count: int) -> None:
    """Open so many alerts, each with the tasks of its playbook, as a night's run would."""
    seen = company.as_of()
    with company.seeing(seen) as engine:
        accounts = tuple(one for (one,) in engine.rows(
            "SELECT DISTINCT account_id FROM mrr_items WHERE ends_on IS NULL ORDER BY account_id "
            f"LIMIT {count}"
        ))
    read = company.work.playbooks()
    named = {one.name: one for one in read.playbooks}
    (own,) = [one for one in read.playbooks if one.name == PLAYBOOKS[0]]
    about = {
        one: About(one, Owner(f"Person {place % PEOPLE}", "own"), float(place % 997), "Team")
        for place, one in enumerate(accounts)
    }
    facts = {(own.name, one): {"payment_failing_days": 3, "mrr": 10.0} for one in accounts}
    findings = Findings(seen.at, seen.last_day, (Found(own, accounts, len(accounts) * 10),),
                        about, facts)
    with company.state.database.writing() as session:
        done = open_alerts(
            session, findings, by_name=named, now=NOW,
            working=Working(per_person_a_day=len(accounts)),
        )
    sys.stdout.write(f"{len(done.alerts):,} open alerts, {PEOPLE} people\n")


def taken(ask: TestClient, address: str) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    answer = ask.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return time.perf_counter() - clock, time.process_time() - cpu


def measured(company: Company, name: str, address: str, times: int, target: str = "") -> None:
    """Print a line of one address."""
    ask = TestClient(create_app(company))
    cold = taken(ask, address)
    warm = [taken(ask, address) for _ in range(times)]
    clock, cpu = (median(one[k] for one in warm) for k in (0, 1))
    missed = "target missed" if target and cpu > TARGETS[target] else ""
    sys.stdout.write(LINE.format(name, f"{cold[0]:.3f}", f"{cold[1]:.3f}", f"{clock * 1000:.1f}",
                                 f"{cpu * 1000:.1f}", missed))
    sys.stdout.flush()


def dry(folder: Path) -> None:
    """Print what a dry run of the playbooks on a project's history takes."""
    with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
        for turn in ("first", "again"):
            clock, cpu = time.perf_counter(), time.process_time()
            found = company.work.dry_run()
            sys.stdout.write(
                f"dry run of {len(found.rows)} playbooks, {turn}: {time.process_time() - cpu:.1f} "
                f"CPU s, {time.perf_counter() - clock:.1f} s by the clock\n"
            )


def main() -> None:
    """My work, alerts, audiences and a run at a size; or a project's dry run."""
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--accounts", type=int, default=200_000)
    given.add_argument("--alerts", type=int, default=20_000)
    given.add_argument("--project", type=Path)
    options = given.parse_args()
    if options.project:
        dry(options.project)
        return
    with tempfile.TemporaryDirectory() as folder:
        made(Path(folder), options.accounts).close()
        with Company(Path(folder) / "p", clock=lambda: NOW) as company:
            opened(company, options.alerts)
            sys.stdout.write(LINE.format("", "cold s", "CPU s", "warm ms", "CPU ms", ""))
            measured(company, "My work", "/work", WARM, "/work")
            measured(company, "My work of one person", "/work?owner=Person+7", WARM, "/work")
            measured(company, "Alerts", "/alerts", WARM)
            measured(company, "one alert", "/alerts/7", WARM)
            measured(company, "audience member, GET", "/api/v1/audiences/customers/members/"
                     "a0000007", MEMBERS, "members")
            measured(company, "a hundred alerts, GET", "/api/v1/alerts?limit=100", FEW)
            clock, cpu = time.perf_counter(), time.process_time()
            company.work.run(only="renewal")
            sys.stdout.write(
                f"a run of one playbook beside them: {time.process_time() - cpu:.1f} CPU s, "
                f"{time.perf_counter() - clock:.1f} s by the clock\n"
            )


if __name__ == "__main__":
    main()
