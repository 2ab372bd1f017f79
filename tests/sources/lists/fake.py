"""A system that lists things: a server of the tests' own that pages, is busy, and fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Query = dict[str, str]
Answer = Callable[[str, Query], Any]
"""(path, query) → what is answered as JSON; None where there is nothing."""


@dataclass
class Fake:
    """What it answers, and what it was asked.

    Attributes
    ----------
    auth : tuple of (str, str)
        The header that every request must carry, and its value.
    failures : dict
        Number of a request → the status with which it fails.
    """

    answer: Answer
    auth: tuple[str, str]
    failures: dict[int, int] = field(default_factory=lambda: {2: 429, 4: 503})
    asked: list[tuple[str, Query]] = field(default_factory=list)
    origin: str = ""
    requests: int = 0


@contextmanager
def served(fake: Fake) -> Iterator[Fake]:
    """The system, reachable at `fake.origin` while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.requests += 1
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            status = fake.failures.pop(fake.requests, 200)
            if status == 200 and self.headers.get(fake.auth[0]) != fake.auth[1]:
                status = 401
            body = None
            if status == 200:
                fake.asked.append((parts.path, query))
                body = fake.answer(parts.path, query)
                status = 200 if body is not None else 404
            content = json.dumps(body if body is not None else {"message": "no"}).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "0")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    fake.origin = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


def paged(
    items: list[Mapping[str, Any]], start: str | None, size: int = 2
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Some of the items, and where the rest begins."""
    first = int(start or 0)
    last = first + size
    return items[first:last], str(last) if last < len(items) else None
