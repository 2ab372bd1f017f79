"""A fake of Stripe's list interface: filled from JSON, it pages, tires, fails and forgets.

It answers `GET /v1/KIND`, `/v1/KIND/ID` and the lists inside objects, in the shape of one family.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.stripe.families import seconds, shaped, timed

KEY = "sk_test_fake51H8"
KINDS = {
    "customers": "customer", "products": "product", "prices": "price", "coupons": "coupon",
    "billing/meters": "billing.meter", "promotion_codes": "promotion_code",
    "subscriptions": "subscription",
    "subscription_schedules": "subscription_schedule", "invoices": "invoice",
    "invoiceitems": "invoiceitem", "invoice_payments": "invoice_payment",
    "charges": "charge", "refunds": "refund",
    "disputes": "dispute", "credit_notes": "credit_note", "events": "event",
}


class Fake:
    """What a Stripe account holds, and how its server behaves.

    Attributes
    ----------
    objects : dict
        Path below /v1/ → id → object of the neutral shape.
    family : str
        In which shape answers come.
    missing : set of str
        Paths that this server does not have (404).
    forbidden : set of str
        Paths that the key may not read (403).
    dropped : set of str
        Ids that lists leave out, although they can be fetched.
    nested : int
        Elements of a list inside an object that come with it.
    tire_every : int
        Every so manieth request is answered 429; 0 for none.
    fail_after : int, optional
        From this request on everything is answered 500.
    page : int
        At most so many objects a page, whatever is asked for.
    repeats : bool
        Whether each page begins with the last object of the one before.
    used : list of (meter, customer, instant, value)
        Meter events.
    requests : list of str
        What was asked.
    """

    def __init__(self, family: str = "endive") -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {path: {} for path in KINDS}
        self.family = family
        self.missing: set[str] = set()
        self.forbidden: set[str] = set()
        self.dropped: set[str] = set()
        self.nested = 10
        self.tire_every = 0
        self.fail_after: int | None = None
        self.page = 100
        self.repeats = False
        self.used: list[tuple[str, str, str, int]] = []
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.origin = ""

    def fill(self, given: Mapping[str, list[dict[str, Any]]]) -> None:
        """Put objects in, or in the place of those with their ids; dates become seconds."""
        for path, objects in given.items():
            for one in objects:
                full = timed({"object": KINDS[path], **one})
                self.objects[path][full["id"]] = full

    def answer(self, path: str, asked: Mapping[str, list[str]]) -> tuple[int, Any]:
        """(status, body) of one request."""
        parts = [unquote(one) for one in path.strip("/").split("/")]
        if parts[1:2] == ["billing"]:
            parts[1:3] = ["/".join(parts[1:3])]
        if parts[0] != "v1" or len(parts) < 2:
            return 404, {"error": {"message": "Unrecognized request URL"}}
        name = parts[1]
        if name == "subscription_items":
            found = self.objects["subscriptions"].get(asked.get("subscription", [""])[0], {})
            items = self._whole(found, "items")
            return 200, self._listed(items, asked, newest=False)
        if name in self.missing or name not in self.objects:
            return 404, {"error": {"message": f"Unrecognized request URL (GET: /v1/{name})"}}
        if name in self.forbidden:
            return 403, {"error": {"message": "The provided key does not have the permissions."}}
        if len(parts) == 2:
            return 200, self._list(name, asked)
        one = self.objects[name].get(parts[2])
        if one is None:
            return 404, {"error": {
                "code": "resource_missing", "message": f"No such {KINDS[name]}: '{parts[2]}'",
            }}
        if parts[3:] == ["event_summaries"]:
            return self._summaries(one, asked)
        if len(parts) == 4:
            return 200, self._listed(self._whole(one, parts[3]), asked, newest=False)
        return 200, self._cut(shaped(one, self.family))

    def _summaries(
        self, meter: Mapping[str, Any], asked: Mapping[str, list[str]]
    ) -> tuple[int, Any]:
        start, end = (int(asked[key][0]) for key in ("start_time", "end_time"))
        if start % 60 or end % 60 or start >= end:
            return 400, {"error": {"message": "Times are whole minutes, the start before the end."}}
        whose = (meter["id"], asked["customer"][0])
        found = [
            value for name, customer, at, value in self.used
            if (name, customer) == whose and start <= seconds(at) < end
        ]
        sums = {"sum": sum, "count": len, "last": lambda values: (values or [0])[-1]}
        body = {
            "id": "mtrusg_1", "object": "billing.meter_event_summary", "meter": meter["id"],
            "start_time": start, "end_time": end, "livemode": False,
            "aggregated_value": sums[meter["default_aggregation"]["formula"]](found),
        }
        return 200, {"object": "list", "data": [body] if found else [], "has_more": False}

    def _whole(self, found: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
        shape = shaped(dict(found), self.family) if found else {}
        data: list[dict[str, Any]] = shape.get(field, {}).get("data", [])
        return data

    def _list(self, name: str, asked: Mapping[str, list[str]]) -> dict[str, Any]:
        found = [one for id, one in self.objects[name].items() if id not in self.dropped]
        least = int(asked.get("created[gte]", ["0"])[0])
        found = [one for one in found if one.get("created", 0) >= least]
        if name == "subscriptions" and asked.get("status") != ["all"]:
            found = [one for one in found if one.get("status") != "canceled"]
        if asked.get("pending") == ["true"]:
            found = [one for one in found if one.get("invoice") is None]
        body = self._listed(found, asked)
        body["data"] = [self._cut(shaped(one, self.family)) for one in body["data"]]
        return body

    def _listed(
        self, found: list[dict[str, Any]], asked: Mapping[str, list[str]], *, newest: bool = True
    ) -> dict[str, Any]:
        if newest:
            found = sorted(found, key=lambda one: (-one.get("created", 0), one["id"]))
        start = 0
        after = asked.get("starting_after", [""])[0]
        if after:
            start = 1 + [one["id"] for one in found].index(after)
            start -= self.repeats
        limit = min(int(asked.get("limit", ["10"])[0]), self.page) + (self.repeats and bool(after))
        return {
            "object": "list", "data": found[start : start + limit],
            "has_more": start + limit < len(found),
        }

    def _cut(self, found: dict[str, Any]) -> dict[str, Any]:
        """An object with the first elements of the lists inside it."""
        for field in ("items", "lines"):
            held = found.get(field)
            if isinstance(held, dict):
                data = held.get("data", [])
                found[field] = {
                    "object": "list", "data": data[: self.nested],
                    "has_more": len(data) > self.nested,
                }
        return found

    @contextmanager
    def serving(self) -> Iterator[Fake]:
        """Serve on a free port of this machine; `origin` says which."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        self.origin = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            fake.requests.append(self.path)
            fake.headers.append(dict(self.headers))
            count = len(fake.requests)
            parts = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {KEY}":
                text = f"Invalid API Key provided: {self.headers.get('Authorization')}"
                self._send(401, {"error": {"message": text}})
            elif fake.fail_after is not None and count > fake.fail_after:
                self._send(500, {"error": {"message": "Something broke."}})
            elif fake.tire_every and count % fake.tire_every == 0:
                self._send(429, {"error": {"message": "Too many requests"}}, {"Retry-After": "0"})
            else:
                self._send(*fake.answer(parts.path, parse_qs(parts.query)))

        def _send(self, status: int, body: Any, more: Mapping[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (more or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler
