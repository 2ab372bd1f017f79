"""A live server, and the official client with another address and nothing else."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import chartmogul
import httpx
import pytest
import uvicorn

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.chartmogul.mogul import KEY, Mogul
from tests.company import NOW, create


@pytest.fixture
def mogul(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mogul]:
    monkeypatch.setenv("MOGUL_KEY", KEY)
    create(tmp_path / "project", company="").close()
    path = tmp_path / "project" / "staycurve.toml"
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[chartmogul]\napi_key = { env = "MOGUL_KEY" }\n',
        encoding="utf-8",
    )
    with Company(tmp_path / "project", clock=lambda: NOW) as company:
        server = uvicorn.Server(uvicorn.Config(create_app(company), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        address = f"http://127.0.0.1:{port}/chartmogul/v1"
        monkeypatch.setattr(chartmogul.Config, "uri", address)
        token = base64.b64encode(f"{KEY}:".encode()).decode()
        with httpx.Client(headers={"Authorization": f"Basic {token}"}) as http:
            yield Mogul(company, address, chartmogul.Config(KEY, max_retries=0), http)
        server.should_exit = True
        thread.join(20)
