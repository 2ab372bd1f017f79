"""How long a first sync of Stripe takes, how much memory it needs, and what an hour's changes cost.

    .venv/bin/python benchmarks/stripe_sync.py [SUBSCRIPTIONS] [FOLDER]

A server on this machine makes up SUBSCRIPTIONS (10,000; 100,000 is what is promised) with twenty
monthly invoices each. It is a process of its own, and shares the machine's cores.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
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
            elif one:
                text = kinds[name][1](int(one.rpartition("_")[2]))
            else:
                total, made = kinds.get(name, (0, customer))
                after = asked.get("starting_after", [""])[0].rpartition("_")[2]
                start = int(after) + 1 if after else 0
                found = ",".join(made(place) for place in range(start, min(start + 100, total)))
                more = "true" if start + 100 < total else "false"
                text = f'{{"object":"list","has_more":{more},"data":[{found}]}}'
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def main() -> None:
    """Print seconds and memory of a first sync, of its refresh, and of an hour's changes."""
    from staycurve.workspace import Company

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(count)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp()) / "project"
        os.environ["STAYCURVE_BENCHMARK_KEY"] = KEY
        Company.create(folder, name="Bench", currency="USD", timezone="UTC")
        with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
            file.write(
                '\n[sources.stripe]\nkind = "stripe"\n'
                'api_key = { env = "STAYCURVE_BENCHMARK_KEY" }\n'
                f'base_url = "http://127.0.0.1:{port}"\n'
            )
        with Company(folder, clock=lambda: NOW) as company:
            begin = time.perf_counter()
            for report in company.sources.sync():
                for error in report.errors:
                    print(report.label, error.message)
            synced = time.perf_counter() - begin
            company.refresh()
            refreshed = time.perf_counter() - begin - synced
            found = company.show("mrr", start="2024-06", end="2024-06").as_dict()["rows"]
            assert found[0]["value"] == sum(10 * (place % 10 + 1) for place in range(count)), found
            import urllib.request

            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/change").read()
            begin = time.perf_counter()
            company.sources.sync()
            if company.is_due():
                company.refresh()
            changed = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({
            "subscriptions": count, "lines": count * MONTHS, "first_sync_s": round(synced, 1),
            "refresh_s": round(refreshed, 1), "changed": CHANGED, "changes_s": round(changed, 1),
            "peak_mib": round(peak),
        }))
    finally:
        server.kill()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        main()
