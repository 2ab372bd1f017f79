"""Benchmarks of staycurve: one command, one table.

    .venv/bin/python benchmarks/run.py [--accounts 200000] [--quick] [--only movements peer …]
                                       [--write]

Every step is a process of its own, measured whole: Python's start and every import count. Steps
that are compared take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve.conventions import PROFILES

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
PAGE = HERE.parent / "docs" / "explanation" / "performance.md"
PEER = "saas-metrics==0.1.0"
PEER_SECONDS = 300.0
PARTS = ("movements", "peer", "show", "refresh", "reconcile", "engines")


class StepError(RuntimeError):
    """A step failed, or two ways to the same figures disagree."""


@dataclass(frozen=True)
class Cost:
    """What one process took.

    Attributes
    ----------
    wall, cpu : float
        Seconds; `cpu` is user and system time of all threads.
    memory : float
        Peak resident memory, MiB.
    inside : float
        Seconds of the work alone, without Python's start.
    """

    wall: float
    cpu: float
    memory: float
    inside: float


@dataclass(frozen=True)
class Line:
    """One line of the table: medians of the repetitions, and the target that they stand to.

    Attributes
    ----------
    ratios : tuple of float
        To what the line is compared with: by the clock, and by CPU time; empty if to nothing.
    against : str
        What it is compared with.
    """

    part: str
    what: str
    runs: int
    cost: Cost
    ratios: tuple[float, ...] = ()
    against: str = ""
    target: str = ""


def to(cost: Cost, other: Cost) -> tuple[float, float]:
    """`cost` ÷ `other`, by the clock and by CPU time."""
    return cost.wall / other.wall, cost.cpu / other.cpu


def median(costs: list[Cost]) -> Cost:
    """The median of each number by itself; of memory the most."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
        statistics.median(cost.inside for cost in costs),
    )


def measured(
    command: list[str], *, folder: Path = HERE, limit: float | None = None
) -> tuple[Cost, str]:
    """Run a command to its end; what it took, and what it printed.

    Raises
    ------
    StepError
        If it fails.
    TimeoutError
        If it runs for more than `limit` seconds.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=errors)
        while True:
            done, status, usage = os.wait4(process.pid, 0 if limit is None else os.WNOHANG)
            if done:
                break
            if limit is not None and time.perf_counter() - began > limit:
                process.kill()
                os.wait4(process.pid, 0)
                raise TimeoutError(" ".join(command))
            time.sleep(0.02)
        wall = time.perf_counter() - began
        out.seek(0)
        errors.seek(0)
        text = out.read()
        if os.waitstatus_to_exitcode(status) != 0:
            raise StepError(f"{' '.join(command)}\n{text}{errors.read()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, wall), text


def step(
    name: str, *arguments: object, python: str = sys.executable, limit: float | None = None
) -> tuple[Cost, dict[str, Any]]:
    """Run one of `steps.py`; what it took, and what it found."""
    command = [python, str(HERE / "steps.py"), name, *map(str, arguments)]
    cost, text = measured(command, limit=limit)
    found = json.loads(text.splitlines()[-1])
    return Cost(cost.wall, cost.cpu, cost.memory, float(found["inside"])), found


def agree(ours: dict[str, Any], theirs: dict[str, Any], what: str) -> int:
    """How many figures two ways have in common, all of them equal.

    Counts and money are compared as integers, money in micro-units; a rate is a double on both
    sides and may differ by its last digits.
    """
    count = 0
    for key in ("movements", "cohorts"):
        left = sorted(map(tuple, ours[key]))
        right = sorted(map(tuple, theirs[key]))
        if left != right:
            differing = [pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]]
            raise StepError(f"{what}: {key} differ: {len(left)} and {len(right)} rows, "
                            f"first {differing[:1]}")
        count += sum(len(row) - (1 if key == "movements" else 2) for row in left)
    if theirs["yearly"]:
        known = {(name, period): value for name, period, value in ours["yearly"]}
        for name, period, value in theirs["yearly"]:
            own = known[name, period]
            if (value is None) != (own is None) or abs((value or 0) - (own or 0)) > 1e-9:
                raise StepError(f"{what}: {name} of {period} is {own} here and {value} there")
            count += 1
    return count


def fresh(folder: Path) -> Path:
    """`folder`, gone if it was there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def project(
    name: str, source: Path, tables: tuple[str, ...], *, has_features: bool = False
) -> Path:
    """A new project with the files of `source` loaded, and refreshed.

    The features of risk, one row an account and month, are a table of their own questions: a
    refresh is compared with and without them, everything else without.
    """
    folder = fresh(DATA / name)
    step("create", folder)
    if not has_features:
        with (folder / "staycurve.toml").open("a", encoding="utf-8") as config:
            config.write("\n[risk]\nkeep_from = 1000000000\n")
    _, found = step("load", folder, *(source / f"{table}.parquet" for table in tables))
    if found["rejected"]:
        raise StepError(f"{name}: {found['rejected']} rows were set aside")
    step("refresh", folder)
    return folder


def movements(accounts: int, runs: int) -> list[Line]:
    """Movements by month and the cohort matrix, against SQL written by hand."""
    source = DATA / "usd"
    step("write", fresh(source), accounts)
    folder = project("project-usd", source, ("accounts", "subscriptions"))
    _, listed = step("files", folder)
    paths = listed["files"]
    _, by_hand = step("hand", *paths)
    _, ours = step("answer", folder)
    print(f"movements: {agree(ours, by_hand, 'hand-written')} figures are equal", file=sys.stderr)
    costs: dict[str, list[Cost]] = {"hand": [], "answer": [], "refresh_answer": []}
    for _ in range(runs):
        costs["hand"].append(step("hand", *paths)[0])
        costs["answer"].append(step("answer", folder)[0])
        costs["refresh_answer"].append(step("refresh_answer", folder)[0])
    hand, answer, whole = (median(costs[key]) for key in costs)
    part, against = "movements and cohorts", "hand-written SQL"
    lines = [
        Line(part, "hand-written DuckDB SQL", runs, hand),
        Line(part, "staycurve, refreshed tables", runs, answer, to(answer, hand), against, "≤ 1.3"),
        Line(part, "staycurve, full refresh and answer", runs, whole, to(whole, hand), against),
    ]
    abroad = DATA / "fx"
    step("write", fresh(abroad), accounts, 0.2)
    folder = project("project-fx", abroad, ("accounts", "fx_rates", "subscriptions"))
    foreign = median([step("answer", folder)[0] for _ in range(runs)])
    lines.append(Line(part, "staycurve, refreshed tables, 20% in EUR and GBP", runs, foreign,
                      to(foreign, answer), "one currency", "≤ 1.5"))
    shutil.rmtree(folder)
    return lines


def peer_python() -> str:
    """The Python of an environment that holds the peer alone."""
    folder = DATA / "peer-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PEER], check=True)
    return str(python)


def peer(accounts: int, runs: int) -> list[Line]:
    """The same figures by saas-metrics, from the same monthly bills."""
    python = peer_python()
    source = DATA / "billing"
    while True:
        lines = step("write_billing", fresh(source), accounts)[1]["lines"]
        try:
            first, theirs = step(
                "peer", source / "billing.parquet", python=python, limit=PEER_SECONDS
            )
            break
        except TimeoutError:
            accounts //= 4
    part = f"peer: {lines:,} monthly bills of {accounts:,} accounts"
    costs = [first, *(
        step("peer", source / "billing.parquet", python=python)[0] for _ in range(runs - 1)
    )]
    them = median(costs)
    found = [Line(part, "saas-metrics 0.1.0, file to figures", runs, them)]
    shapes = (("subscriptions", "one span a bill"), ("spans", "one span a price"))
    for name, shape in shapes:
        costs = []
        for _ in range(runs):
            folder = fresh(DATA / f"project-{name}")
            step("create", folder)
            cost, ours = step("load_refresh_answer", folder, source / f"{name}.parquet")
            costs.append(cost)
        equal = agree(ours, theirs, name)
        print(f"peer, {shape}: {equal} figures are equal", file=sys.stderr)
        loaded = median(costs)
        answer = median([step("answer_yearly", folder)[0] for _ in range(runs)])
        for what, cost in (("file to figures", loaded), ("refreshed tables", answer)):
            target = "≥ 10" if what == "refreshed tables" else ""
            found.append(
                Line(part, f"staycurve, {shape}, {what}", runs, cost, to(them, cost),
                     "the peer ÷ this", target)
            )
        shutil.rmtree(folder)
    return found


def show(accounts: int, runs: int) -> list[Line]:
    """`staycurve show mrr` of the example company, from a cold start."""
    folder, source = fresh(DATA / "project-demo"), fresh(DATA / "demo")
    step("demo", folder, source, accounts)
    step("load", folder, *sorted(source.glob("*.parquet")))
    step("refresh", folder)
    command = [str(Path(sys.executable).parent / "staycurve"), "--project", str(folder)]
    costs = [measured([*command, "show", "mrr"])[0] for _ in range(max(runs, 5))]
    what = f"staycurve show mrr, {accounts:,} accounts"
    return [Line("cold start", what, len(costs), median(costs), target="< 1 s")]


def refresh(accounts: int, runs: int) -> list[Line]:
    """A full refresh against one after a load that touches 1% of the accounts."""
    source, change = DATA / "usd", DATA / "change"
    step("write", fresh(source), accounts)
    touched = step("write_change", fresh(change), source)[1]["touched"]
    return [
        line for has_features in (False, True)
        for line in _refreshed(accounts, runs, touched, has_features=has_features)
    ]


def _refreshed(accounts: int, runs: int, touched: int, *, has_features: bool) -> list[Line]:
    base = project("project-base", DATA / "usd", ("accounts", "subscriptions"),
                   has_features=has_features)
    costs: dict[str, list[Cost]] = {"full": [], "load": [], "some": []}
    for _ in range(runs):
        folder = fresh(DATA / "project-change")
        shutil.copytree(base, folder)
        costs["full"].append(step("refresh_full", folder)[0])
        costs["load"].append(step("load", folder, DATA / "change" / "subscriptions.parquet")[0])
        cost, found = step("refresh", folder)
        if found["is_full"] or found["accounts"] != touched:
            raise StepError(f"the refresh was not of {touched} accounts: {found}")
        costs["some"].append(cost)
    full, load, some = (median(costs[key]) for key in costs)
    shutil.rmtree(folder)
    part = f"refresh: {touched:,} of {accounts:,} accounts changed" + (
        ", with the features of risk" if has_features else "")
    both = Cost(load.wall + some.wall, load.cpu + some.cpu, max(load.memory, some.memory),
                load.inside + some.inside)
    return [
        Line(part, "full refresh", runs, full),
        Line(part, "incremental refresh", runs, some, to(some, full), "full refresh", "< 0.25"),
        Line(part, "load and incremental refresh", runs, both, to(both, full), "full refresh"),
    ]


def reconcile(accounts: int, runs: int) -> list[Line]:
    """One month's MRR against every profile, from a cold start."""
    source = DATA / "fx"
    step("write", fresh(source), accounts, 0.2)
    folder = project("project-reconcile", source, ("accounts", "fx_rates", "subscriptions"))
    command = [str(Path(sys.executable).parent / "staycurve"), "--project", str(folder)]
    lines = []
    for profile in (name for name in PROFILES if name != "staycurve"):
        ask = [*command, "reconcile", "--against", profile, "--format", "json"]
        costs = [measured(ask)[0] for _ in range(runs)]
        what = f"{accounts:,} accounts against {profile}"
        lines.append(Line("reconcile one month", what, runs, median(costs), target="< 5 s"))
    shutil.rmtree(folder)
    return lines


def engines(accounts: int, runs: int) -> list[Line]:
    """A full refresh and the figures, on DuckDB and on Spark in this process, two cores each."""
    source = DATA / "usd"
    step("write", fresh(source), accounts)
    folder = project("project-engines", source, ("accounts", "subscriptions"))
    costs: dict[tuple[str, str], list[Cost]] = {}
    found: dict[str, dict[str, Any]] = {}
    for _ in range(runs):
        for engine in ("duckdb", "spark"):
            for what in ("engine_refresh", "engine_answer"):
                cost, found[engine] = step(what, folder, engine)
                # What Java took is its own process's, and is told by the step.
                cost = Cost(cost.wall, cost.cpu + found[engine]["java_cpu"],
                            max(cost.memory, found[engine]["memory"]), cost.inside)
                costs.setdefault((what, engine), []).append(cost)
    equal = agree(found["spark"], found["duckdb"], "Spark")
    print(f"engines: {equal} figures are equal", file=sys.stderr)
    lines = []
    for what, label in (("engine_refresh", "full refresh"), ("engine_answer", "figures")):
        ours, theirs = median(costs[what, "duckdb"]), median(costs[what, "spark"])
        lines.append(Line(f"engines: {accounts:,} accounts", f"DuckDB, {label}", runs, ours))
        target = "≤ 4096 MiB" if what == "engine_refresh" else ""
        lines.append(
            Line(f"engines: {accounts:,} accounts", f"Spark local[2], {label}", runs, theirs,
                 to(theirs, ours), "DuckDB", target)
        )
    return lines


def table(lines: list[Line]) -> str:
    """The lines as a Markdown table."""
    rows = [
        "| part | what | runs | clock s | CPU s | work s | peak MiB | ratio: clock, CPU | target |",
        "|---|---|--:|--:|--:|--:|--:|---|---|",
    ]
    for line in lines:
        ratio = ", ".join(f"{value:.2f}" for value in line.ratios)
        ratio += f" ({line.against})" if line.against else ""
        cost = line.cost
        rows.append(
            f"| {line.part} | {line.what} | {line.runs} | {cost.wall:.2f} | {cost.cpu:.2f} "
            f"| {cost.inside:.2f} | {cost.memory:.0f} | {ratio} | {line.target} |"
        )
    return "\n".join(rows)


def write_table(text: str) -> None:
    """Put the table into the page that explains it, between its two marks."""
    begin, end = "<!-- table -->\n", "<!-- end of table -->"
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}{text}\n{end}{tail}", encoding="utf-8")


def main() -> None:
    """Run the parts that are asked for, and print the table."""
    parser = argparse.ArgumentParser(description="Benchmarks of staycurve.")
    parser.add_argument("--accounts", type=int, default=200_000)
    parser.add_argument("--demo-accounts", type=int, default=4_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="20,000 accounts, two runs")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    accounts = 20_000 if asked.quick else asked.accounts
    runs = 2 if asked.quick else asked.runs
    DATA.mkdir(exist_ok=True)
    lines: list[Line] = []
    for part in PARTS:
        if part not in asked.only:
            continue
        if part == "movements":
            lines += movements(accounts, runs)
        elif part == "peer":
            lines += peer(accounts, min(runs, 3))
        elif part == "show":
            lines += show(asked.demo_accounts, runs)
        elif part == "refresh":
            lines += refresh(accounts, runs)
        elif part == "engines":
            lines += engines(accounts, min(runs, 3))
        else:
            lines += reconcile(accounts, min(runs, 3))
    text = table(lines)
    print(text)
    if asked.write:
        write_table(text)


if __name__ == "__main__":
    main()
