"""Churn models beside the plain baseline, and what features and scores cost.

    .venv/bin/python benchmarks/risk.py --project DIR [--as-of DAY] [--horizon DAYS]
    .venv/bin/python benchmarks/risk.py [--accounts 200000]

With a project it prints the figures of every form on the same days, and the difference in AUC to
the baseline (a logistic regression over recency, tenure and plan) with its interval. Without, it
builds a synthetic company with subscriptions alone, and prints CPU seconds and the peak of memory.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from value_questions import made

import staycurve
from staycurve.insights.risk.frames import frames
from staycurve.workspace import Company

MONTHS = 60


def timed(name: str, ask: Callable[[], object]) -> None:
    """Ask, and print what it took."""
    clock, cpu = time.perf_counter(), time.process_time()
    ask()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(
        f"{name:44}{time.process_time() - cpu:8.1f} CPU s{time.perf_counter() - clock:8.1f} s by "
        f"the clock{peak:8.2f} GiB\n"
    )
    sys.stdout.flush()


def features(company: Company) -> int:
    """The features of every paying account at the ends of 60 months."""
    seen = company.as_of(None)
    month, days = seen.last_day.replace(day=1), []
    while len(days) < MONTHS:
        days.append(month - dt.timedelta(days=1))
        month = days[-1].replace(day=1)
    with company.seeing(seen) as engine:
        return sum(len(part) for part in frames(company, engine, days[::-1], 90))


def record(company: Company, as_of: str | None, horizon: int) -> None:
    """Every form of model on the same days."""
    for form in ("points", "boosting"):
        found = company.risk.backtest(form=form, as_of=as_of, horizon=horizon)
        if found.why:
            sys.stdout.write(f"{found.why}\n")
            return
        if form == "points":
            sys.stdout.write(
                f"learned {found.trained_from} to {found.trained_until} ({found.trained} rows, "
                f"{found.left_trained} churned), tested {found.tested_from} to "
                f"{found.tested_until} ({found.tested} rows, {found.left_tested} churned)\n"
            )
            for row in found.rows:
                sys.stdout.write(
                    f"{row.form:10} AUC {row.auc:.3f}  PR-AUC {row.pr_auc:.3f}  Brier "
                    f"{row.brier:.4f}  calibration {row.calibration_error:.3f}  lift "
                    f"{row.lift_top_decile:.2f}\n"
                )
        sys.stdout.write(
            f"{form} less baseline: {found.difference:+.3f} ({found.difference_low:+.3f} to "
            f"{found.difference_high:+.3f}): "
            f"{'better' if found.beats_baseline else 'does not beat it'}\n"
        )


def main() -> None:
    """The track record of a project, or the cost at a size."""
    given = argparse.ArgumentParser()
    given.add_argument("--accounts", type=int, default=200_000)
    given.add_argument("--project", type=Path)
    given.add_argument("--as-of")
    given.add_argument("--horizon", type=int, default=90)
    options = given.parse_args()
    if options.project:
        record(staycurve.open(options.project), options.as_of, options.horizon)
        return
    with tempfile.TemporaryDirectory() as folder:
        company = made(Path(folder), options.accounts)
        timed("features, 60 months", lambda: features(company))
        timed("backtest and scores", company.risk.scores)
        timed("scores, models kept", company.risk.scores)


if __name__ == "__main__":
    main()
