"""Soak: events over HTTP into a server that loads them meanwhile.

    python benchmarks/ingest_soak.py [--seconds 120] [--batch 50] [--senders 4] [--kills 0]

Prints events and requests a second, the resident memory of the server and of its loader at their
highest, the time of answers (median, 99th percentile), and what was lost or doubled. With --kills
the server is killed (-9) and started again at random moments, its loader too or before it by
chance; what it had acknowledged must all be there once.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import http.client
import json
import multiprocessing as mp
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from staycurve.workspace import Company

_RUN = "from staycurve.interfaces.cli import main; main()"


def send(address: str, key: str, name: str, *, batch: int, ends: float, out: Connection) -> None:
    """Send until the time is up or the server is gone; hand back what was acknowledged."""
    connection = http.client.HTTPConnection(address.partition("://")[2], timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    times: list[float] = []
    refused = number = 0
    events = [
        {"type": "track", "userId": f"user-{n}", "event": "Report viewed",
         "properties": {"plan": "Pro", "rows": n, "title": "Revenue by month"},
         "context": {"library": {"name": "soak", "version": "1"}}}
        for n in range(batch)
    ]
    while time.time() < ends:
        at = dt.datetime.now(dt.UTC).isoformat()
        for place, event in enumerate(events):
            event |= {"messageId": f"{name}-{number}-{place}", "timestamp": at}
        body = json.dumps({"batch": events, "sentAt": at})
        began = time.perf_counter()
        try:
            connection.request("POST", "/v1/batch", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            break
        if answer.status == 200:
            times.append(time.perf_counter() - began)
            number += 1
        else:
            refused += 1
            time.sleep(0.2)
    out.send((name, number, times, refused))


class Server:
    """`staycurve serve` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "--project", str(folder), "serve", "--port", "0"],
            stdout=subprocess.PIPE, text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]

        self.most = self.most_loader = self.most_both = 0
        self._spent: dict[int, float] = {}
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def loader(self) -> int:
        """The process that loads; 0 where there is none now."""
        # A process is listed with the thread that started it.
        for thread in Path(f"/proc/{self.process.pid}/task").glob("*"):
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    return int(child)
        return 0

    def seconds(self) -> float:
        """Of the processor, of both so far: what a machine that has more to do lets them have."""
        return sum(self._spent.values())

    def _look(self) -> None:
        """Keep what both take at their highest, in KiB; nothing where the system does not tell."""
        while not self._ended.wait(0.05):
            loader = self.loader()
            own, other = (_resident(one) if one else 0 for one in (self.process.pid, loader))
            self.most, self.most_loader = max(self.most, own), max(self.most_loader, other)
            self.most_both = max(self.most_both, own + other)
            for one in filter(None, (self.process.pid, loader)):
                self._spent[one] = max(self._spent.get(one, 0.0), _seconds(one))

    def end(self, *, how: str = "server") -> None:
        """Kill it: the server alone, both at once, or the loader a moment before."""
        loader = self.loader()
        self._ended.set()
        self._watch.join()
        if loader and how != "server":
            with contextlib.suppress(ProcessLookupError):
                os.kill(loader, signal.SIGKILL)
            if how == "loader first":
                time.sleep(0.5)
        self.process.kill()
        self.process.wait()


def _resident(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def _seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run the soak, and print what was measured."""
    parser = argparse.ArgumentParser()
    for option, default in (("seconds", 120), ("batch", 50), ("senders", 4), ("kills", 0)):
        parser.add_argument(f"--{option}", type=int, default=default)
    asked = parser.parse_args()
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "project"
        Company.create(folder, name="Soak", currency="USD", timezone="UTC")
        with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
            key = company.state.create_key("ingest")[1]
        known: dict[str, int] = {}
        times: list[float] = []
        refused = 0
        highest = (0, 0, 0)
        took = busy = 0.0
        hows = ("server", "both", "loader first")
        for turn in range(asked.kills + 1):
            server = Server(folder)
            length = chance.uniform(3, 12) if asked.kills else asked.seconds
            ends = time.time() + length + (60 if asked.kills else 0)
            began, before = time.time(), server.seconds()
            senders = []
            for number in range(asked.senders):
                there, here = mp.Pipe(duplex=False)
                process = mp.Process(
                    target=send, args=(server.address, key, f"{turn}-{number}"),
                    kwargs={"batch": asked.batch, "ends": ends, "out": here},
                )
                process.start()
                senders.append((process, there))
            if asked.kills:
                time.sleep(length)
                server.end(how=chance.choice(hows))
            for process, there in senders:
                name, count, own, no = there.recv()
                known[name] = count
                times += own
                refused += no
                process.join()
            took += time.time() - began
            if not asked.kills:
                busy = server.seconds() - before
                server.end()
            now = (server.most, server.most_loader, server.most_both)
            highest = tuple(map(max, highest, now))
            print(f"turn {turn}: {sum(known.values()) * asked.batch:,} events acknowledged so far",
                  file=sys.stderr, flush=True)
        sent = sum(known.values()) * asked.batch
        times.sort()
        print(f"{sent / took:,.0f} events/s, {len(times) / took:,.0f} requests/s, "
              f"{refused} told to wait; {sent:,} events acknowledged in {took:.0f} s")
        if busy:
            print(f"{sent / busy:,.0f} events a second of both processes' time of the processor")
        own, other, both = (one / 1024 for one in highest)
        print(f"resident at most: server {own:.0f} MiB, loader {other:.0f} MiB, both at once "
              f"{both:.0f} MiB; answers: median "
              f"{times[len(times) // 2] * 1000:.1f} ms, p99 "
              f"{times[int(len(times) * 0.99)] * 1000:.1f} ms")
        with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
            company.events.bring()
            with company.reading() as engine:
                rows = [row[0] for row in engine.rows("SELECT event_id FROM events")]
        there_now = set(rows)
        lost = sum(
            f"{name}-{number}-{place}" not in there_now
            for name, count in known.items()
            for number in range(count) for place in range(asked.batch)
        )
        print(f"{asked.kills} kills, {lost} acknowledged events lost, "
              f"{len(rows) - len(there_now)} doubled")
        sys.exit(1 if lost or len(rows) != len(there_now) else 0)


if __name__ == "__main__":
    main()
