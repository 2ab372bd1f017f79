"""What the server tells about itself: request counts and times, and the data it serves.

The text format is Prometheus' exposition format 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from staycurve.workspace import Company

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; from a page in the cache to a cold one of a large company."""


@dataclass
class Requests:
    """Counts and times of requests, by route."""

    counts: dict[tuple[str, str, int], int] = field(default_factory=dict)
    buckets: dict[str, list[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        with self.lock:
            key = (method, route, status)
            self.counts[key] = self.counts.get(key, 0) + 1
            self.seconds[route] = self.seconds.get(route, 0.0) + seconds
            found = self.buckets.setdefault(route, [0] * (len(BUCKETS) + 1))
            place = next((i for i, edge in enumerate(BUCKETS) if seconds <= edge), len(BUCKETS))
            found[place] += 1

    def text(self) -> list[str]:
        """Lines of the exposition format."""
        with self.lock:
            lines = _head("staycurve_requests_total", "counter", "Requests answered.")
            for (method, route, status), count in sorted(self.counts.items()):
                labels = _labels(method=method, route=route, status=str(status))
                lines.append(f"staycurve_requests_total{labels} {count}")
            name = "staycurve_request_seconds"
            lines += _head(name, "histogram", "Time to the end of the answer.")
            for route, counts in sorted(self.buckets.items()):
                total = 0
                for edge, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
                    total += count
                    lines.append(f"{name}_bucket{_labels(route=route, le=str(edge))} {total}")
                lines.append(f"{name}_sum{_labels(route=route)} {self.seconds[route]:.6f}")
                lines.append(f"{name}_count{_labels(route=route)} {total}")
        return lines


class Observe:
    """Counts what passes through."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self.app = app
        self.requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        finally:
            self.requests.add(
                scope["method"], route_of(scope), status, time.perf_counter() - began
            )


def route_of(scope: Scope) -> str:
    """The route that answered, never a raw path: those would grow without bound."""
    if "endpoint" not in scope:
        return "other"
    path = str(scope["path"])
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(str(value), f"{{{name}}}", 1)
    return path


def data_text(company: Company) -> list[str]:
    """Lines about the snapshot that readers see now."""
    lines = _head("staycurve_snapshot_seq", "gauge", "Number of the snapshot that is served.")
    lines.append(f"staycurve_snapshot_seq {company.snapshot.seq}")
    tables = company.tables()
    for name, key, about in (
        ("staycurve_table_rows", "rows", "Rows of a conformed table."),
        ("staycurve_table_set_aside", "set_aside", "Rejected rows of a table."),
    ):
        lines += _head(name, "gauge", about)
        lines += [f"{name}{_labels(table=row['table'])} {row[key]}" for row in tables]
    lines += _ages(company)
    if company.events.is_there:
        waiting, failed = company.events.waiting()
        lines += _head("staycurve_inbox_events", "gauge", "Events that wait in the inbox.")
        lines.append(f"staycurve_inbox_events {waiting}")
        lines += _head("staycurve_inbox_failed", "gauge", "Requests that cannot be loaded.")
        lines.append(f"staycurve_inbox_failed {failed}")
    return lines


def _ages(company: Company) -> list[str]:
    """How old the snapshot is, how long a refresh took, and how far sources are behind."""
    lines: list[str] = []
    now = company.clock()
    if company.snapshot.moved_at:
        age = (now - dt.datetime.fromisoformat(company.snapshot.moved_at)).total_seconds()
        lines += _head("staycurve_snapshot_age_seconds", "gauge", "Since the snapshot was made.")
        lines.append(f"staycurve_snapshot_age_seconds {max(age, 0.0):.3f}")
    if company.refresh_seconds is not None:
        name = "staycurve_refresh_seconds"
        lines += _head(name, "gauge", "How long the last refresh of this process took.")
        lines.append(f"{name} {company.refresh_seconds:.6f}")
    states = [one for one in company.sources.listed() if one.last_run_at]
    if states:
        lag, failed = "staycurve_sync_lag_seconds", "staycurve_sync_failed"
        lines += _head(lag, "gauge", "Since a stream of a source was last asked.")
        for one in states:
            ran = dt.datetime.fromisoformat(str(one.last_run_at))
            labels = _labels(source=one.source, stream=one.stream)
            lines.append(f"{lag}{labels} {max((now - ran).total_seconds(), 0.0):.3f}")
        lines += _head(failed, "gauge", "Whether that failed.")
        lines += [
            f"{failed}{_labels(source=one.source, stream=one.stream)} {int(bool(one.last_error))}"
            for one in states
        ]
    return lines


def page(lines: Iterable[str]) -> str:
    """The whole answer."""
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]


def _labels(**labels: str) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{k}="{escaped(v)}"' for k, v in labels.items()) + "}"
