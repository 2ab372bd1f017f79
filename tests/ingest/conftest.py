"""A project that takes events in, asked in this process or as a server of its own."""

from __future__ import annotations

import base64
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@dataclass
class Ours:
    """A company, a client of its application, and a key."""

    company: Company
    client: TestClient
    key: str

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """Send JSON with the key."""
        pair = base64.b64encode(f"{self.key}:".encode()).decode()
        return self.client.post(path, json=body, headers={
            "Authorization": f"Basic {pair}", **headers,
        })

    def rows(self, sql: str) -> list[Any]:
        """What is loaded, once everything that was sent is."""
        self.company.events.bring()
        with self.company.reading() as engine:
            return engine.rows(sql)

    def rules(self) -> list[str]:
        """Why events were rejected."""
        self.company.events.bring()
        return [row["rule"] for row in self.company.rejects()]


def made(folder: Path, toml: str = "") -> Company:
    """An empty project."""
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write(toml)
    return Company(folder, clock=lambda: NOW)


@contextmanager
def asked(company: Company) -> Iterator[Ours]:
    """The company with a client of its application."""
    _, key = company.state.create_key("ingest")
    with company, TestClient(create_app(company)) as client:
        yield Ours(company, client, key)


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ours]:
    with asked(made(tmp_path / "project")) as found:
        yield found


@dataclass
class Server:
    """`staycurve serve` in a process of its own."""

    folder: Path
    address: str
    process: subprocess.Popen[str]


def command(folder: Path, *words: str, before: str = "") -> list[str]:
    """The command line of a staycurve command; `before` is run in its process first."""
    run = f"{before}\nfrom staycurve.interfaces.cli import main; main()"
    return [sys.executable, "-c", run, "--project", str(folder), *words]


@contextmanager
def serving(folder: Path, *, before: str = "") -> Iterator[Server]:
    """A server that has told its address."""
    process = subprocess.Popen(
        command(folder, "serve", "--port", "0", before=before), stdout=subprocess.PIPE, text=True,
        env={**os.environ, "STAYCURVE_DRAIN_EVERY": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving "), line
        yield Server(folder, line.split()[1], process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
