"""Clients that send a byte now and then: they are cut off, and keep nobody else waiting."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from staycurve.interfaces.api import patience
from tests.access.test_fuzz import address_of, run

PATIENCE = 30
"""Seconds after which a test fails rather than hangs."""


@pytest.fixture(scope="module")
def port(app: Any) -> Iterator[int]:
    """A server that loses patience soon."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.setattr(patience, "HEAD", 0.5)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(app, http=patience.Protocol, log_level="critical", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


def begun(port: int, sent: bytes) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    made.sendall(sent)
    return made


def answered(one: socket.socket) -> bool:
    """Whether an answer has come to its end."""
    body = b""
    while b'{"status":"ok"}' not in body:
        more = one.recv(10_000)
        assert more
        body += more
    return body.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [
    b"", b"GET /health", b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    b"GET /healthz HTTP/1.1\r\nX-A: b",
])
def test_headers_that_do_not_end_are_not_waited_for(port: int, sent: bytes) -> None:
    slow = [begun(port, sent) for _ in range(20)]
    # Meanwhile everybody else is answered.
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE).status_code == 200
    for one in slow:
        assert one.recv(100) == b""
        one.close()


def test_a_second_request_on_a_connection_is_waited_for_no_longer(port: int) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    one = begun(port, whole)
    assert answered(one)
    one.sendall(whole)
    assert answered(one)
    one.sendall(whole[:20])
    assert one.recv(100) == b""
    one.close()


def test_a_body_that_does_not_end_is_answered(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BODY", 0.05)
    for path, kind in (("/login", "application/x-www-form-urlencoded"),
                       ("/webhooks/stripe/main", "application/json")):
        assert sent_slowly(app, address_of(path), kind) == 408, path


def sent_slowly(app: Any, path: str, kind: str) -> int:
    """The status of the answer to a body of which nothing comes after its first byte."""
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": b"a", "more_body": True}]
    headers = {"host": "testserver", "content-type": kind, "sec-fetch-site": "same-origin"}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.3", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.sleep(PATIENCE)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    run(app(scope, receive, send))
    assert statuses
    return statuses[0]
