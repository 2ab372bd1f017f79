"""What logging in costs those who are in: passwords tried 200 times a second, and role checks.

    .venv/bin/python benchmarks/logins.py [--seconds 10] [--rate 200] [--state URL]

A server process of its own serves a small company. First pages are asked for with nobody trying
passwords, then while as many wrong ones come as said, from as many addresses as connections; the
tool prints how long pages took in both, and what became of the tries. Last, it prints what finding
out who asks, and finding the route of a page, take of the processor within the process. With
`--seconds 0` it prints that alone; with the URL of an empty database of PostgreSQL, of that.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import datetime as dt
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from staycurve.interfaces.api.admission import Doorkeeper
from staycurve.workspace import Company

PASSWORD = "four words in a row"
PAGE = "/views"
CHECKS = 500
ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def made(folder: Path, state: str = "") -> None:
    """A company without data, and somebody who may log in."""
    Company.create(folder, name="Bench", currency="USD", timezone="UTC")
    if state:
        toml = folder / "staycurve.toml"
        toml.write_text(f'{toml.read_text()}\n[state]\nurl = "{state}"\n')
    with opened(folder) as company:
        company.state.people.add("ana@acme.example", "admin", password=PASSWORD)


def opened(folder: Path) -> Company:
    return Company(folder, clock=lambda: dt.datetime.now(dt.UTC))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def told(name: str, times: list[float]) -> None:
    """Print the spread of times in milliseconds."""
    ordered = sorted(1000 * one for one in times)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    print(f"{name:34} n={len(ordered):5} median={statistics.median(ordered):7.1f} ms "
          f"p99={p99:7.1f} ms max={ordered[-1]:7.1f} ms")


async def pages(client: httpx.AsyncClient, seconds: float) -> list[float]:
    """Times of one page, asked for five times a second."""
    times, ends = [], time.perf_counter() + seconds
    while time.perf_counter() < ends:
        began = time.perf_counter()
        answer = await client.get(PAGE)
        assert answer.status_code == 200, answer.status_code
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.2)
    return times


async def tries(at: str, seconds: float, rate: int) -> collections.Counter[int]:
    """Wrong passwords at a rate, each for somebody else, so that none is throttled early."""
    found: collections.Counter[int] = collections.Counter()
    limits = httpx.Limits(max_connections=64, keepalive_expiry=2)
    # Each connection of its own loopback address: no place is throttled either.
    clients = [
        httpx.AsyncClient(base_url=at, timeout=60, transport=httpx.AsyncHTTPTransport(
            local_address=f"127.0.0.{2 + n}", limits=limits, verify=False))
        for n in range(60)
    ]

    async def one(number: int) -> None:
        data = {"email": f"p{number}@acme.example", "password": "wrong password"}
        client = clients[number % len(clients)]
        try:
            answer = await client.post("/login", data=data, headers=ORIGIN)
        except httpx.TransportError:
            found[0] += 1
        else:
            found[answer.status_code] += 1

    began, tasks = time.perf_counter(), []
    for number in range(int(seconds * rate)):
        tasks.append(asyncio.create_task(one(number)))
        await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
    await asyncio.gather(*tasks)
    for client in clients:
        await client.aclose()
    return found


async def measured(at: str, seconds: float, rate: int) -> None:
    limits = httpx.Limits(keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=at, timeout=60, limits=limits) as client:
        data = {"email": "ana@acme.example", "password": PASSWORD}
        answer = await client.post("/login", data=data, headers=ORIGIN)
        assert answer.status_code == 303, answer.text
        told("page, nobody tries", await pages(client, seconds))
        times, found = await asyncio.gather(
            pages(client, seconds), tries(at, seconds, rate)
        )
        told(f"page, {rate} wrong passwords a second", times)
        names = {401: "hashed and refused", 429: "told to wait", 0: "cut off"}
        print("   tries:", ", ".join(f"{count} {names.get(status, status)}"
                                     for status, count in sorted(found.items())))


async def checked(folder: Path) -> None:
    """What finding out who asks takes, and then finding what answers."""
    from starlette.datastructures import Headers
    from starlette.routing import Match

    from staycurve.interfaces.api.app import create_app

    with opened(folder) as company:
        (person,) = company.state.people.listed()
        session = company.state.people.begin(person, how="benchmark")
        door, headers = Doorkeeper(company), Headers({})
        await door.find(headers, session)
        for name, is_changed in (("role check, nothing changed", False),
                                 ("role check, after a change", True)):
            began = time.process_time()
            for _ in range(CHECKS):
                if is_changed:
                    door._stamp = None
                visitor = await door.find(headers, session)
                assert visitor.role == "admin"
            print(f"{name:34} {1000 * (time.process_time() - began) / CHECKS:7.3f} ms of CPU")
        app = create_app(company)
        scope = {"type": "http", "method": "GET", "path": PAGE, "root_path": "", "headers": []}
        for routes, name in ((app.router.routes, "route of a page, looked up"),
                             (app.router.routes[1:], "route of a page, all tried")):
            # What the first request builds is no cost of the others.
            for count in (1, CHECKS):
                began = time.process_time()
                for _ in range(count):
                    assert any(one.matches(dict(scope))[0] is Match.FULL for one in routes)
            print(f"{name:34} {1000 * (time.process_time() - began) / CHECKS:7.3f} ms of CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--state", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made_in:
        folder, port = Path(made_in) / "project", free_port()
        made(folder, given.state)
        if not given.seconds:
            asyncio.run(checked(folder))
            return
        words = [sys.executable, "-c", "from staycurve.interfaces.cli import main; main()",
                 "--project", str(folder), "serve", "--port", str(port)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            print(server.stdout.readline().strip())
            try:
                asyncio.run(measured(f"http://127.0.0.1:{port}", given.seconds, given.rate))
            finally:
                server.terminate()
        asyncio.run(checked(folder))


if __name__ == "__main__":
    main()
