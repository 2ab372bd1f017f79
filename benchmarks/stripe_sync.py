"""What a first sync of Stripe costs, what a kill at half of it, and what an hour's changes.

    .venv/bin/python benchmarks/stripe_sync.py [SUBSCRIPTIONS] [--resume] [--folder FOLDER]

A server on this machine makes up SUBSCRIPTIONS (10,000; 100,000 is what is promised) with twenty
monthly invoices each. It is a process of its own, whose CPU seconds are told apart; so is each
step, whose memory is the most that it held. With --resume another project is synced, killed when
half of the invoices were served, and synced again: its tables have to be the same.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

MONTHS = 20
FIRST = 2023 * 12 + 10
KEY = "sk_test_benchmark"
CHANGED = 500
STARTS = [
    int(dt.datetime(month // 12, month % 12 + 1, 1, tzinfo=dt.UTC).timestamp())
    for month in range(FIRST, FIRST + MONTHS + 1)
]
NOW = dt.datetime.fromtimestamp(STARTS[-1] - 86_400, dt.UTC)
PRICE = (
    '{"id":"price_%d","object":"price","currency":"usd","product":"prod_1","nickname":"Plan %d",'
    '"billing_scheme":"per_unit","unit_amount":%d,"type":"recurring","recurring":{"interval":'
    '"month","interval_count":1,"usage_type":"licensed"}}'
)


def price(place: int) -> str:
    """One of ten prices, as JSON."""
    number = place % 10
    return PRICE % (number, number, 1000 * (number + 1))


def customer(place: int) -> str:
    return (
        f'{{"id":"cus_{place:07}","object":"customer","created":{STARTS[0]},"name":"C {place}",'
        f'"email":"c{place}@example.com","currency":"usd",'
        f'"metadata":{{"industry":"I{place % 9}"}}}}'
    )


def subscription(place: int) -> str:
    return (
        f'{{"id":"sub_{place:07}","object":"subscription","customer":"cus_{place:07}",'
        f'"created":{STARTS[0]},"start_date":{STARTS[0]},"status":"active","currency":"usd",'
        '"cancel_at":null,"canceled_at":null,"ended_at":null,"trial_end":null,"discounts":[],'
        f'"items":{{"object":"list","has_more":false,"data":[{{"id":"si_{place:07}",'
        f'"object":"subscription_item","created":{STARTS[0]},"quantity":1,"price":{price(place)},'
        f'"current_period_start":{STARTS[-2]},"current_period_end":{STARTS[-1]}}}]}}}}'
    )


def invoice(place: int) -> str:
    month, own = place % MONTHS, place // MONTHS
    start, end, amount = STARTS[month], STARTS[month + 1], 1000 * (own % 10 + 1)
    return (
        f'{{"id":"in_{place:08}","object":"invoice","customer":"cus_{own:07}","status":"paid",'
        f'"created":{start},"currency":"usd","discounts":[],"status_transitions":'
        f'{{"finalized_at":{start}}},"parent":{{"type":"subscription_details",'
        f'"subscription_details":{{"subscription":"sub_{own:07}"}}}},"lines":{{"object":"list",'
        f'"has_more":false,"data":[{{"id":"il_{place:08}","object":"line_item","amount":{amount},'
        f'"currency":"usd","quantity":1,"period":{{"start":{start},"end":{end}}},'
        f'"discount_amounts":[],"pricing":{{"type":"price_details","unit_amount_decimal":"{amount}",'
        f'"price_details":{{"price":"price_{own % 10}","product":"prod_1"}}}},"parent":{{"type":'
        '"subscription_item_details","subscription_item_details":{"proration":false,'
        f'"subscription":"sub_{own:07}","subscription_item":"si_{own:07}"}}}}}}]}}}}'
    )


def serve(count: int) -> None:
    """Answer until killed; the port is the first line printed."""
    kinds = {
        "customers": (count, customer), "subscriptions": (count, subscription),
        "invoices": (count * MONTHS, invoice), "prices": (10, price),
        "products": (1, lambda _: '{"id":"prod_1","object":"product","name":"Suite"}'),
        "events": (0, lambda place: (
            f'{{"id":"evt_{place}","object":"event","created":{STARTS[-1]},"type":"x.updated",'
            f'"data":{{"object":{subscription(place)}}}}}'
        )),
    }

    served = {"invoices": 0}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = parse_qs(parts.query)
            name, _, one = parts.path.removeprefix("/v1/").partition("/")
            if name == "change":
                kinds["events"] = (CHANGED, kinds["events"][1])
                text = "{}"
            elif name == "told":
                text = json.dumps({**served, "cpu_s": time.process_time()})
            elif one and name in kinds:
                text = kinds[name][1](int(one.rpartition("_")[2]))
            else:
                total, made = kinds.get(name, (0, customer))
                after = asked.get("starting_after", [""])[0].rpartition("_")[2]
                start = int(after) + 1 if after else 0
                found = ",".join(made(place) for place in range(start, min(start + 100, total)))
                if name in served:
                    served[name] += min(start + 100, total) - start
                more = "true" if start + 100 < total else "false"
                text = f'{{"object":"list","has_more":{more},"data":[{found}]}}'
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            # A client that is killed says no goodbye.
            return

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def step(name: str, folder: Path) -> None:
    """Do one step in a process of its own, and print its seconds."""
    from staycurve.workspace import Company

    begin = time.perf_counter()
    with Company(folder, clock=lambda: NOW) as company:
        if name != "refresh":
            wrong = [error for report in company.sources.sync() for error in report.errors]
            assert not wrong, wrong
        if name != "sync" and company.is_due():
            company.refresh()
    print(json.dumps({"clock_s": time.perf_counter() - begin}), flush=True)


def run(name: str, folder: Path) -> dict[str, float]:
    """Seconds and memory of a step."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--step", name, "--folder", str(folder)],
        stdout=subprocess.PIPE, text=True,
    )
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, child.returncode
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "clock_s": round(json.loads(told)["clock_s"], 1),
        "peak_mib": round(used.ru_maxrss / 1024),
    }


def made(folder: Path, port: int) -> Path:
    """A project whose only source is the server."""
    from staycurve.workspace import Company

    Company.create(folder, name="Bench", currency="USD", timezone="UTC")
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[sources.stripe]\nkind = "stripe"\n'
            'api_key = { env = "STAYCURVE_BENCHMARK_KEY" }\n'
            f'base_url = "http://127.0.0.1:{port}"\n'
        )
    return folder


def told(port: int, what: str = "told") -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/{what}") as answer:
        found: dict[str, float] = json.load(answer)
        return found


def tables(folder: Path) -> dict[str, tuple[int, ...]]:
    """Table → how many rows it has, and one number made of all that they say."""
    from staycurve.tables.conformed import CONFORMED
    from staycurve.tables.duckdb_engine import Engine
    from staycurve.workspace import Company

    found = {}
    with Company(folder, clock=lambda: NOW) as company, Engine(folder / ".tmp") as engine:
        for table in ("accounts", "invoice_lines", "subscriptions"):
            stored = [column for column in CONFORMED[table].stored if column[0][0] != "_"]
            scan = company.lake.scan(
                company.lake.pointer.latest(), table, CONFORMED[table].stored
            )
            listed = ", ".join(name for name, _ in stored)
            found[table] = engine.rows(
                f"SELECT COUNT(*), bit_xor(hash(({listed}))) FROM ({scan})"
            )[0]
    return found


def resumed(folder: Path, port: int, whole: Path, invoices: int) -> dict[str, object]:
    """What a kill at half of the invoices costs, and whether the tables are the same."""
    made(folder, port)
    before = told(port)["invoices"]
    child = subprocess.Popen([sys.executable, __file__, "--step", "sync", "--folder", str(folder)])
    while told(port)["invoices"] - before < invoices / 2 and child.poll() is None:
        time.sleep(0.05)
    child.kill()
    child.wait()
    half = told(port)["invoices"]
    again = run("sync", folder)
    return {
        **again, "killed_at": int(half - before), "asked_again": int(told(port)["invoices"] - half),
        "is_same": tables(folder) == tables(whole),
    }


def main(count: int, folder: Path | None, is_resumed: bool) -> None:
    """Print seconds and memory of a first sync, of its refresh, and of an hour's changes."""
    from staycurve.workspace import Company

    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(count)], stdout=subprocess.PIPE, text=True
    )
    place = folder or Path(tempfile.mkdtemp()) / "project"
    os.environ["STAYCURVE_BENCHMARK_KEY"] = KEY
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        found: dict[str, object] = {"subscriptions": count, "lines": count * MONTHS}
        made(place, port)
        found["first_sync"] = run("sync", place)
        found["server_cpu_s"] = round(told(port)["cpu_s"], 1)
        print(json.dumps(found), flush=True)
        if is_resumed:
            found["resumed"] = resumed(place.with_name("killed"), port, place, count * MONTHS)
        found["refresh"] = run("refresh", place)
        with Company(place, clock=lambda: NOW) as company:
            rows = company.show("mrr", start="2024-06", end="2024-06").as_dict()["rows"]
        wanted = sum(10 * (place % 10 + 1) for place in range(count))
        assert rows[0]["value"] == wanted, (rows, wanted)
        told(port, "change")
        found["changed"] = {"objects": CHANGED, **run("change", place)}
        print(json.dumps(found, indent=1))
    finally:
        server.kill()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("subscriptions", nargs="?", type=int, default=10_000)
    asked.add_argument("--resume", action="store_true")
    asked.add_argument("--folder", type=Path)
    asked.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked.add_argument("--step", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.serve is not None:
        serve(given.serve)
    elif given.step:
        step(given.step, given.folder)
    else:
        main(given.subscriptions, given.folder, given.resume)
