"""Soak: events over HTTP into a server that loads them meanwhile.

    python benchmarks/ingest_soak.py [--seconds 120] [--batch 50] [--senders 4] [--kills 0]
                                     [--rate 0] [--backlog 0]

Prints events and requests a second, the time of answers (median, 99th percentile), the memory of
the server and of its loader, how long an event takes from its answer to the API and to a page, and
what was lost or doubled.

- Memory: the highest VmRSS of each process (VmHWM, which the kernel keeps), and the highest sum of
  both processes' PSS at one moment: pages that they share, such as libraries, count once.
- Arrival: every few seconds one event of a name of its own is sent among the others, and
  /api/v1/usage/trends, then the page /usage, are asked until they count it.
- `--rate` holds the senders to so many events a second in all, `--backlog` lets so many wait in
  the inbox before the server starts.
- With `--kills` the server is killed (-9) and started again at random moments, its loader too or
  before it by chance; what it had acknowledged must all be there once.
"""

from __future__ import annotations

import argparse
import base64
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
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import quote

_RUN = "from staycurve.interfaces.cli import main; main()"


def made(batch: int) -> list[dict[str, Any]]:
    """Events as a program sends them, without their ids and times."""
    return [
        {"type": "track", "userId": f"user-{n}", "event": "Report viewed",
         "properties": {"plan": "Pro", "rows": n, "title": "Revenue by month"},
         "context": {"library": {"name": "soak", "version": "1"}}}
        for n in range(batch)
    ]


def send(
    address: str, key: str, name: str, *, batch: int, ends: float, rate: float, out: Connection
) -> None:
    """Send until the time is up or the server is gone; hand back what was acknowledged."""
    connection = http.client.HTTPConnection(address.partition("://")[2], timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    times: list[float] = []
    refused = number = 0
    events = made(batch)
    first = time.time()
    while time.time() < ends:
        if rate:
            time.sleep(max(0.0, first + number * batch / rate - time.time()))
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
        while not self._ended.wait(0.1):
            loader = self.loader()
            self.most = max(self.most, _memory(self.process.pid, "status", "VmHWM"))
            if loader:
                self.most_loader = max(self.most_loader, _memory(loader, "status", "VmHWM"))
            both = [one for one in (self.process.pid, loader) if one]
            shared = sum(_memory(one, "smaps_rollup", "Pss") for one in both)
            self.most_both = max(self.most_both, shared)
            for one in both:
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


def _memory(process: int, file: str, what: str) -> int:
    """KiB, as a line of a file in /proc says."""
    try:
        lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{what}:")), 0)


def _seconds(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Arrivals:
    """Sends one marked event after the other, and waits until the API and a page count each."""

    def __init__(self, address: str, key: str, *, every: float = 5.0) -> None:
        self.host = address.partition("://")[2]
        self.headers = {
            "Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}",
            "Content-Type": "application/json",
        }
        self.to_api: list[float] = []
        self.to_page: list[float] = []
        self.waits = 0.0
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Send no more; who still waits is counted with the time that it has waited."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        account = {"userId": "marked", "groupId": "marked", "traits": {"name": "Marked"}}
        self._ask("POST", "/v1/group", account)
        number = 0
        while not self._ended.wait(self._every):
            number += 1
            name = f"Marked {number}"
            self._ask("POST", "/v1/track", {"userId": "marked", "event": name})
            began = time.monotonic()
            today = dt.datetime.now(dt.UTC).date()
            asked = f"?event={quote(name)}&per=day&from={today}&to={today}"
            self._wait(began, f"/api/v1/usage/trends{asked}", _is_counted, self.to_api)
            self._wait(began, f"/usage?event={quote(name)}", bool, self.to_page)

    def _wait(
        self, began: float, path: str, is_there: Callable[[bytes], bool], taken: list[float]
    ) -> None:
        # The page refuses an event of which it knows no use.
        while not is_there(self._ask("GET", path)):
            self.waits = time.monotonic() - began
            if self._ended.wait(0.5):
                return
        taken.append(time.monotonic() - began)
        self.waits = 0.0

    def _ask(self, method: str, path: str, body: Any = None) -> bytes:
        """What it answers with 200, else nothing."""
        connection = http.client.HTTPConnection(self.host, timeout=120)
        try:
            connection.request(method, path, json.dumps(body) if body else None, self.headers)
            answer = connection.getresponse()
            found = answer.read()
            return found if answer.status == 200 else b""
        except (OSError, http.client.HTTPException):
            return b""
        finally:
            connection.close()


def _is_counted(answer: bytes) -> bool:
    totals = json.loads(answer or b"{}").get("totals")
    return bool(totals) and totals[0]["times"] == 1


def _let_wait(folder: Path, count: int) -> None:
    """Put events into the inbox of a project that nobody serves."""
    from staycurve.sources.sent import segment
    from staycurve.sources.sent.facts import Facts
    from staycurve.workspace import Company

    with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
        for number in range(0, count, 1000):
            now = dt.datetime.now(dt.UTC)
            events = [
                {**event, "messageId": f"backlog-{number}-{place}", "timestamp": now.isoformat()}
                for place, event in enumerate(made(min(1000, count - number)))
            ]
            facts = Facts()
            segment.tell_all(events, facts, received_at=now, sent_at=None)
            company.events.put(
                facts, dialect="segment", received_at=now.isoformat()
            ).result(timeout=60)


def main() -> None:
    """Run the soak, and print what was measured."""
    # Here: each sender reads this file anew, and would take seconds to begin.
    from staycurve.workspace import Company

    parser = argparse.ArgumentParser()
    for option, default in (("seconds", 120), ("batch", 50), ("senders", 4), ("kills", 0),
                            ("rate", 0), ("backlog", 0)):
        parser.add_argument(f"--{option}", type=int, default=default)
    asked = parser.parse_args()
    chance = random.Random(7)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "project"
        Company.create(folder, name="Soak", currency="USD", timezone="UTC")
        with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
            key = company.state.create_key("ingest")[1]
        _let_wait(folder, asked.backlog)
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
            arrivals = None if asked.kills else Arrivals(server.address, key)
            senders = []
            for number in range(asked.senders):
                there, here = mp.Pipe(duplex=False)
                # Threads of this process may hold locks that a fork would hold for ever.
                process = mp.get_context("spawn").Process(
                    target=send, args=(server.address, key, f"{turn}-{number}"),
                    kwargs={"batch": asked.batch, "ends": ends, "out": here,
                            "rate": asked.rate / asked.senders},
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
            if arrivals is not None:
                arrivals.end()
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
        print(f"answers: median {times[len(times) // 2] * 1000:.1f} ms, p99 "
              f"{times[int(len(times) * 0.99)] * 1000:.1f} ms")
        print(f"resident at most (VmHWM): server {own:.0f} MiB, loader {other:.0f} MiB; "
              f"both at once, what they share counted once (PSS): {both:.0f} MiB")
        if arrivals is not None:
            for what, taken in (("the API", arrivals.to_api), ("a page", arrivals.to_page)):
                ordered = sorted(taken) or [float("nan")]
                print(f"from its answer until {what} counts an event: median "
                      f"{ordered[len(ordered) // 2]:.1f} s, most {ordered[-1]:.1f} s, "
                      f"of {len(taken)}")
            if arrivals.waits:
                print(f"the last one was not counted after {arrivals.waits:.1f} s")
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
