"""Retention, lifecycle, stickiness and a funnel: staycurve, SQL by hand, and ClickHouse.

    .venv/bin/python benchmarks/usage_flows.py [--events 5000000] [--runs 3] [--python PATH]
        [--only funnel]

All three answer from the same events: staycurve from the project into which the file was loaded,
the others from the Parquet file itself. Every figure is compared before anything is timed. Each way
runs in a process of its own, with two threads and at most 4 GiB; a question is asked once to warm
up, then `--runs` times. `--only` asks one of the questions. `--python` is an interpreter that has
chdb, ClickHouse in process: the extra `bench` of this project, or any other environment with it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
AS_OF = "2026-01-01"
STEPS = ("feature_00", "feature_01", "feature_02", "feature_03")
WINDOW_DAYS = 14
FROM, TO = "2025-07-01", "2025-12-31"
QUESTIONS = ("retention", "lifecycle", "stickiness", "funnel")
Rows = list[list[float]]
Ask = Callable[[], Rows]


class DifferenceError(RuntimeError):
    """Two ways to the same figures disagree."""


def staycurve(folder: str) -> dict[str, Ask]:
    """The questions, asked of a project."""
    from staycurve.workspace import Company

    company = Company(Path(folder), clock=lambda: NOW)

    def retention() -> Rows:
        found = company.usage.retention(as_of=AS_OF)
        return [[_month(str(r.cohort)), r.age, r.returned] for r in found.rows if r.returned]

    def lifecycle() -> Rows:
        found = company.usage.lifecycle(as_of=AS_OF)
        kinds = ("new", "returning", "resurrecting", "dormant")
        return [
            [_month(str(r.period)), *(getattr(r, kind) for kind in kinds)] for r in found.rows
        ]

    def stickiness() -> Rows:
        found = company.show("stickiness", start="2025-01", end="2025-12", as_of=AS_OF)
        return [[_month(r["period"]), r["value"]] for r in found.rows]

    def funnel() -> Rows:
        found = company.usage.funnel(
            steps=STEPS, window=f"{WINDOW_DAYS}d", first=FROM, last=TO, as_of=AS_OF
        )
        return [[r.count for r in found.rows]]

    return {"retention": retention, "lifecycle": lifecycle, "stickiness": stickiness,
            "funnel": funnel}


_KINDS = """
    count(*) FILTER (WHERE is_in = 1 AND m = f),
    count(*) FILTER (WHERE is_in = 1 AND m > f AND was_in = 1),
    count(*) FILTER (WHERE is_in = 1 AND m > f AND was_in = 0),
    count(*) FILTER (WHERE is_in = 0)"""
_BY_HAND = {
    "retention": """
WITH u AS (SELECT DISTINCT user_id, year(occurred_at) * 12 + month(occurred_at) - 1 AS m
           FROM events),
f AS (SELECT user_id, min(m) AS f FROM u GROUP BY user_id)
SELECT f, m - f, count(*) FROM u JOIN f USING (user_id) GROUP BY 1, 2""",
    "lifecycle": f"""
WITH u AS (SELECT DISTINCT user_id, year(occurred_at) * 12 + month(occurred_at) - 1 AS m
           FROM events),
f AS (SELECT user_id, min(m) AS f FROM u GROUP BY user_id),
both_ AS (SELECT user_id, m, max(i) AS is_in, max(w) AS was_in
          FROM (SELECT user_id, m, 1 AS i, 0 AS w FROM u
                UNION ALL SELECT user_id, m + 1, 0, 1 FROM u) GROUP BY user_id, m)
SELECT m, {_KINDS} FROM both_ JOIN f USING (user_id) WHERE m < 2026 * 12 GROUP BY m""",
    "stickiness": """
WITH d AS (SELECT occurred_at::DATE AS day, count(DISTINCT user_id) AS n FROM events GROUP BY 1),
m AS (SELECT date_trunc('month', occurred_at)::DATE AS month, count(DISTINCT user_id) AS n
      FROM events GROUP BY 1)
SELECT year(month) * 12 + month(month) - 1, sum(d.n) / day(last_day(month)) / any_value(m.n)
FROM d JOIN m ON month = date_trunc('month', day)::DATE GROUP BY month""",
    "funnel": f"""
WITH e AS (SELECT user_id, occurred_at AS t, CAST(right(event, 2) AS INTEGER) AS s FROM events
           WHERE event IN {STEPS} AND occurred_at >= '{FROM}' AND occurred_at < '{AS_OF}'),
l2 AS (SELECT *, CASE WHEN s = 1 AND t <= b + INTERVAL {WINDOW_DAYS} DAY THEN b END AS s2
       FROM (SELECT *, max(CASE WHEN s = 0 THEN t END) OVER (PARTITION BY user_id ORDER BY t) AS b
             FROM e)),
l3 AS (SELECT *, CASE WHEN s = 2 AND t <= c + INTERVAL {WINDOW_DAYS} DAY THEN c END AS s3
       FROM (SELECT *, max(s2) OVER (PARTITION BY user_id ORDER BY t) AS c FROM l2)),
l4 AS (SELECT *, CASE WHEN s = 3 AND t <= g + INTERVAL {WINDOW_DAYS} DAY THEN g END AS s4
       FROM (SELECT *, max(s3) OVER (PARTITION BY user_id ORDER BY t) AS g FROM l3))
SELECT count(a), count(b), count(c), count(d)
FROM (SELECT min(CASE WHEN s = 0 THEN t END) AS a, min(s2) AS b, min(s3) AS c, min(s4) AS d
      FROM l4 GROUP BY user_id)""",
}


def by_hand(path: str) -> dict[str, Ask]:
    """The same by SQL written by hand for DuckDB, from the Parquet file."""
    import duckdb

    engine = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    engine.execute(f"CREATE VIEW events AS SELECT * FROM '{path}'")

    def asked(sql: str) -> Ask:
        return lambda: [list(map(float, row)) for row in engine.execute(sql).fetchall()]

    return {name: asked(sql) for name, sql in _BY_HAND.items()}


_CLICKHOUSE = {
    "retention": """
SELECT f, m - f AS k, count() FROM (
    SELECT min(mo) AS f, groupUniqArray(mo) AS ms
    FROM (SELECT user_id, toRelativeMonthNum(occurred_at) - 1 AS mo FROM events) GROUP BY user_id
) ARRAY JOIN ms AS m GROUP BY f, k""",
    "lifecycle": """
SELECT month, countIf(is_in AND month = f), countIf(is_in AND month > f AND was_in),
       countIf(is_in AND month > f AND NOT was_in), countIf(NOT is_in)
FROM (
    SELECT f, month, has(ms, month) AS is_in, has(ms, month - 1) AS was_in FROM (
        SELECT min(mo) AS f, groupUniqArray(mo) AS ms FROM (
            SELECT user_id, toRelativeMonthNum(occurred_at) - 1 AS mo FROM events
        ) GROUP BY user_id
    ) ARRAY JOIN arrayDistinct(arrayConcat(ms, arrayMap(x -> x + 1, ms))) AS month
) WHERE month < 2026 * 12 GROUP BY month""",
    "stickiness": """
SELECT toRelativeMonthNum(month) - 1, sum(n) / toDayOfMonth(toLastDayOfMonth(month)) / any(mau)
FROM (SELECT toDate(occurred_at) AS day, toStartOfMonth(day) AS month, uniqExact(user_id) AS n
      FROM events GROUP BY day) AS d
JOIN (SELECT toStartOfMonth(occurred_at) AS month, uniqExact(user_id) AS mau
      FROM events GROUP BY month) AS m USING (month)
GROUP BY month""",
    "funnel": """
SELECT countIf(l >= 1), countIf(l >= 2), countIf(l >= 3), countIf(l >= 4) FROM (
    SELECT windowFunnel({window})(toUInt64(toUnixTimestamp64Micro(occurred_at)), {steps}) AS l
    FROM events WHERE event IN {names} AND occurred_at >= '{first} 00:00:00'
      AND occurred_at < '{end} 00:00:00' GROUP BY user_id)""".format(
        window=WINDOW_DAYS * 86_400_000_000, names=STEPS, first=FROM, end=AS_OF,
        steps=", ".join(f"event = '{step}'" for step in STEPS),
    ),
}


def clickhouse(path: str) -> dict[str, Ask]:
    """The same by ClickHouse in process, from the Parquet file."""
    session = importlib.import_module("chdb.session").Session()
    limits = f"SETTINGS max_threads = 2, max_memory_usage = {4 * 2**30}"

    def asked(sql: str) -> Ask:
        text = f"{sql.replace('FROM events', f'FROM file({path!r}, Parquet)')} {limits}"

        def ask() -> Rows:
            answer = str(session.query(text, "JSONCompactEachRow"))
            return [list(map(float, json.loads(line))) for line in answer.splitlines() if line]

        return ask

    return {name: asked(sql) for name, sql in _CLICKHOUSE.items()}


WAYS: dict[str, Callable[[str], dict[str, Ask]]] = {
    "staycurve": staycurve, "by hand": by_hand, "clickhouse": clickhouse,
}


def ask_all(way: str, source: str, runs: int, names: Collection[str]) -> dict[str, Any]:
    """Each named question's answer, the seconds it took at first, and the medians of `runs` more.

    `cpu` is the time of all threads: what else the machine does weighs less on it.
    """
    found: dict[str, Any] = {}
    for name, ask in WAYS[way](source).items():
        if name not in names:
            continue
        times, costs = [], []
        for _ in range(runs + 1):
            began, used = time.perf_counter(), time.process_time()
            rows = ask()
            times.append(time.perf_counter() - began)
            costs.append(time.process_time() - used)
        found[name] = {
            "rows": sorted(rows), "first": times[0], "warm": statistics.median(times[1:]),
            "cpu": statistics.median(costs[1:]),
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"questions": found, "memory": peak}


def prepare(path: str, folder: str) -> None:
    """Load the events into a new project, and refresh it."""
    import duckdb

    from staycurve.sources.files import load_files
    from staycurve.workspace import Company

    Company.create(Path(folder), name="Benchmark", currency="USD", timezone="UTC")
    company = Company(Path(folder), clock=lambda: NOW)
    accounts = Path(path).with_suffix(".accounts.parquet")
    duckdb.execute(f"COPY (SELECT DISTINCT account_id FROM '{path}') TO '{accounts}'")
    for table, file in (("accounts", accounts), ("events", Path(path))):
        (report,) = load_files(company.lake, company.config, [file], table=table, now=NOW)
        if report.rejected:
            raise DifferenceError(f"{report.rejected} rows of {table} were set aside")
    company.refresh()


def agree(left: Rows, right: Rows, what: str) -> int:
    """How many figures two answers have in common; rates may differ by their last digits."""
    if len(left) != len(right):
        raise DifferenceError(f"{what}: {len(left)} rows against {len(right)}")
    for one, other in zip(left, right, strict=True):
        if any(abs(a - b) > 1e-9 for a, b in zip(one, other, strict=True)):
            raise DifferenceError(f"{what}: {one} against {other}")
    return sum(map(len, left))


def _month(day: str) -> int:
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _child(python: str, *words: str) -> dict[str, Any]:
    command = [python, str(Path(__file__).resolve()), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    return found


def compare(
    events: int, runs: int, python: str, path: Path, folder: Path, names: Sequence[str]
) -> None:
    """Ask all three, compare their figures, and print a table of times."""
    found = {}
    for way in WAYS:
        source = folder if way == "staycurve" else path
        interpreter = python if way == "clickhouse" else sys.executable
        found[way] = _child(interpreter, "--ask", way, str(source), str(runs), *names)
    ours = found["staycurve"]["questions"]
    count = sum(
        agree(ours[name]["rows"], found[way]["questions"][name]["rows"], f"{name}, {way}")
        for way in ("by hand", "clickhouse")
        for name in names
    )
    print(f"{count} figures are equal\n")
    print(f"| {events:,} events | staycurve | first time | by hand | ratio | ClickHouse | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        own = ours[name]
        hand, other = (found[way]["questions"][name] for way in ("by hand", "clickhouse"))
        print(
            f"| {name} | {_cost(own)} | {own['first']:.2f} s | {_cost(hand)} | {_ratio(own, hand)} "
            f"| {_cost(other)} | {_ratio(own, other)} |"
        )
    peaks = " | ".join(f"{found[way]['memory']:,.0f} MiB" for way in WAYS)
    own, hand, other = peaks.split(" | ")
    print(f"| most memory | {own} | | {hand} | | {other} | |")


def _cost(one: dict[str, Any]) -> str:
    return f"{one['warm']:.2f} s (CPU {one['cpu']:.2f})"


def _ratio(one: dict[str, Any], other: dict[str, Any]) -> str:
    return f"{one['warm'] / other['warm']:.2f} (CPU {one['cpu'] / other['cpu']:.2f})"


def main() -> None:
    """Write and load what is missing, then compare."""
    if sys.argv[1:2] == ["--ask"]:
        way, source, runs, *names = sys.argv[2:]
        print(json.dumps(ask_all(way, source, int(runs), names)))
        return
    if sys.argv[1:2] == ["--prepare"]:
        prepare(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has chdb")
    parser.add_argument("--only", choices=QUESTIONS, help="one question; all of them without it")
    parser.add_argument("--data", type=Path, default=DATA, help="where files are written")
    asked = parser.parse_args()
    path = asked.data / f"usage-{asked.events}.parquet"
    folder = asked.data / f"project-usage-{asked.events}"
    if subprocess.run([asked.python, "-c", "import chdb"], check=False).returncode:
        sys.exit(f"{asked.python} has no chdb: install the extra bench, or name another --python")
    if not path.exists():
        import usage_data

        print(f"writing {asked.events:,} events …", file=sys.stderr)
        usage_data.write(path, asked.events)
    if not folder.exists():
        print("loading them …", file=sys.stderr)
        _child(sys.executable, "--prepare", str(path), str(folder))
    compare(asked.events, asked.runs, asked.python, path, folder,
            (asked.only,) if asked.only else QUESTIONS)


if __name__ == "__main__":
    main()
