"""The server process: it tells its address once it answers, and why it cannot listen."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from staycurve.errors import UsageError
from staycurve.interfaces.web.server import PortError, serve
from staycurve.workspace import Company

PATIENCE = 60
"""Seconds after which a test fails rather than hangs."""
SERVE = """
import sys, staycurve
from staycurve.interfaces.web.server import serve
serve(staycurve.open(sys.argv[1]), port=0)
"""


def test_the_address_is_told_once_it_answers(company: Company) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(company.folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        address = line.removeprefix("Serving ")
        assert address.startswith("http://127.0.0.1:")
        assert httpx.get(f"{address}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
        assert httpx.get(f"{address}/", timeout=PATIENCE).status_code == 200
        headers = {"Host": "evil.example"}
        refused = httpx.get(f"{address}/healthz", headers=headers, timeout=PATIENCE)
        assert refused.status_code == 421
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def test_a_busy_port_is_an_error_that_names_the_next_step(company: Company) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError) as error:
            serve(company, "127.0.0.1", port)
    assert f"Port {port} on 127.0.0.1 is in use" in error.value.message
    assert f"--port {port + 1}" in error.value.hint


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("no such host", 8765)])
def test_what_is_no_address_is_wrong_usage(company: Company, host: str, port: int) -> None:
    with pytest.raises(UsageError):
        serve(company, host, port)
