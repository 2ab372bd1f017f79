"""How often the time of bare Python with DuckDB `staycurve show mrr` takes, from a cold start.

    .venv/bin/python benchmarks/cold_start.py PROJECT [RUNS]

Runs take turns, so that what else the machine does weighs on both alike; the ratio is that of each
pair, and its median is printed. A ratio says the same on a fast machine and on a slow one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

BARE = "import duckdb; print(duckdb.sql('select 1').fetchall())"
SHOW = "from staycurve.interfaces.cli import main; main()"
FEWEST = 10
# An installed command finds its bytecode; a machine that writes none compiles everything each time.
ENV = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(*arguments: str) -> float:
    """Wall-clock seconds of one fresh interpreter."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=ENV)
    return time.perf_counter() - begin


def main() -> None:
    """Print the medians of both, and of their ratio."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    project, runs = sys.argv[1], max(int(sys.argv[2]) if len(sys.argv) > 2 else 0, FEWEST)
    show = ("-c", SHOW, "--project", project, "show", "mrr")
    # Once for nothing: bytecode is compiled, and files are read from the disk.
    pairs = [(seconds("-c", BARE), seconds(*show)) for _ in range(runs + 1)][1:]
    bare, own = (median(side) for side in zip(*pairs, strict=True))
    ratio = median(own / bare for bare, own in pairs)
    print(f"bare {bare:.3f} s   show mrr {own:.3f} s   ratio {ratio:.2f}   ({runs} pairs)")


if __name__ == "__main__":
    main()
