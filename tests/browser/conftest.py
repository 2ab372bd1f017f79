"""A real browser against a real server; skipped, with the reason, where there is none."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.security import LOOPBACK
from staycurve.workspace import Company
from tests.web.conftest import company

__all__ = ["company"]

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]


@contextmanager
def served(company: Company) -> Iterator[str]:
    """Where a company is served on a port of its own, while the block runs."""
    config = uvicorn.Config(
        create_app(company, hosts=LOOPBACK), host="127.0.0.1", port=0, log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def address(company: Company) -> Iterator[str]:
    """Where the small company is served."""
    with served(company) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as Debian ships it."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which says what of a page assistive technology cannot use.

    It comes from npm into a folder of the test run; no copy of it is kept here.
    """
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, and axe-core comes from there")
    folder = tmp_path_factory.mktemp("axe")
    (folder / "package.json").write_text('{"name": "reads", "private": true}')
    try:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"],
            cwd=folder, capture_output=True, text=True, timeout=120,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not answer")
    if done.returncode:
        pytest.skip(f"npm cannot install: {(done.stderr.strip().splitlines() or ['?'])[0]}")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def found_by(axe: str, page: Any) -> list[str]:
    """What axe finds on an open page: its rule, the element, and what is wrong with it."""
    page.evaluate(axe)
    told: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    # Where no rule applied nothing was looked at.
    assert len(told["passes"]) > 10
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for rule in told["violations"] for node in rule["nodes"]
    ]
