"""What the growth worklist costs, with features kept in the lake and models not made yet.

    .venv/bin/python benchmarks/growth.py [--accounts 200000] [--project DIR]

It builds a synthetic company with subscriptions alone, or takes a project, and prints CPU seconds
and the peak of memory of each question in the order in which the page Growth asks them. What one
has read is kept for the next, as in a server. Last it prints how good the probabilities are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from risk import timed
from value_questions import made

import staycurve
from staycurve.insights.risk.kept_table import kept_days
from staycurve.workspace import Company


def asked(company: Company) -> None:
    """Every question of the page."""
    sys.stdout.write(f"{len(kept_days(company))} days of features are kept\n")
    growth = company.growth
    timed("growth worklist", growth.worklist)
    timed("growth worklist, models kept", growth.worklist)
    timed("growth signals", growth.signals)
    timed("growth expansion", growth.expansion)
    timed("growth backtest", growth.backtest)
    timed("growth next", growth.next)
    timed("growth drivers", growth.drivers)
    found = growth.expansion()
    if found.why:
        sys.stdout.write(f"{found.why}\n")
        return
    for row in found.models:
        sys.stdout.write(
            f"{row.form:10} AUC {row.auc:.3f}  PR-AUC {row.pr_auc:.3f}  Brier {row.brier:.4f}  "
            f"calibration {row.calibration_error:.3f}  lift {row.lift_top_decile:.2f}\n"
        )
    money = growth.backtest()
    if money.ratio is not None:
        sys.stdout.write(
            f"expected {money.expected:,.0f} of MRR, {money.followed:,.0f} followed: "
            f"{money.ratio:.2f} ({money.ratio_low:.2f} to {money.ratio_high:.2f})\n"
        )
    sys.stdout.write(
        f"points less baseline: {found.difference:+.3f} ({found.difference_low:+.3f} to "
        f"{found.difference_high:+.3f})\n"
    )


def main() -> None:
    """The questions of a project, or of a company of a size."""
    given = argparse.ArgumentParser()
    given.add_argument("--accounts", type=int, default=200_000)
    given.add_argument("--project", type=Path)
    options = given.parse_args()
    if options.project:
        asked(staycurve.open(options.project))
        return
    with tempfile.TemporaryDirectory() as folder:
        company = made(Path(folder), options.accounts)
        asked(company)


if __name__ == "__main__":
    main()
