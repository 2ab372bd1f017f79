"""Readers side by side: pages a second and the 95th percentile with 1, 4 and 16 readers.

    .venv/bin/python benchmarks/readers.py [--accounts 1500] [--seconds 8] [--source DIR]

The example company is served in a process of its own over loopback; `--source` names the src folder
of another checkout, so that two versions can be measured by one client in one run. Warm readers ask
for pages that are kept; cold ones each time for a page that nobody has asked for. `beside` is the
time of `/healthz` and of a kept page while a question is answered that takes seconds.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
READERS = (1, 4, 16)
COMMAND = "from staycurve.interfaces.cli import main; main()"
WARM = ("/", "/metrics/mrr", "/metrics/nrr", "/cohorts")
LONG = "/api/v1/switches"


def run(source: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a command of the version in `source`."""
    environment = os.environ | {"PYTHONPATH": str(source)}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def served(source: Path, project: Path) -> Iterator[str]:
    """The address of a server of the version in `source`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    process = run(source, "--project", str(project), "serve", "--port", str(port))
    try:
        for _attempt in range(600):
            try:
                get(address + "/healthz")
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def get(url: str) -> float:
    """Seconds that an answer takes."""
    begun = time.perf_counter()
    with urllib.request.urlopen(url, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - begun


def asked(readers: int, seconds: float, url: Callable[[], str]) -> tuple[float, float]:
    """Answers a second, and the 95th percentile of their seconds."""
    times: list[float] = []
    ends = time.perf_counter() + seconds

    def read() -> None:
        while time.perf_counter() < ends:
            times.append(get(url()))

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(times)
    return len(times) / seconds, ordered[int(0.95 * (len(ordered) - 1))]


def measure(source: Path, project: Path, seconds: float) -> list[str]:
    """Lines of a table for one version."""
    lines = []
    with served(source, project) as address:
        for path in WARM:
            get(address + path)
        turns, fresh = count(), count()

        def warm() -> str:
            return address + WARM[next(turns) % len(WARM)]

        def cold() -> str:
            place = next(fresh)
            return (
                f"{address}/api/v1/metrics/nrr?by=industry&from={2022 + place % 3}"
                f"&as_of=2025-0{1 + place % 6}-{1 + place // 6 % 28:02}"
            )

        for kind, url in (("warm pages", warm), ("cold questions", cold)):
            for readers in READERS:
                rate, late = asked(readers, seconds, url)
                lines.append(f"{kind:15} {readers:3} readers  {rate:8.1f}/s  p95 {late:6.3f} s")
        long = threading.Thread(target=get, args=(address + LONG,))
        long.start()
        time.sleep(0.2)
        for path in ("/healthz", "/"):
            beside = [get(address + path) for _ in range(5)] if long.is_alive() else []
            middle = f"{statistics.median(beside):.3f} s" if beside else "not measured: too short"
            lines.append(f"beside a long question  {path:10} {middle}")
        long.join()
    return lines


def main() -> None:
    """Measure this version, and another beside it where one is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1500)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--source", type=Path, help="the src folder of another checkout")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for source in filter(None, (given.source, SRC)):
            project = Path(folder) / source.parent.name
            built = run(source, "--project", str(project), "demo", "--accounts",
                        str(given.accounts), "--no-serve")
            if built.wait():
                sys.exit(f"The example company could not be built with {source}.")
            print(source.parent.name)
            for line in measure(source, project, given.seconds):
                print(" ", line)


if __name__ == "__main__":
    main()
