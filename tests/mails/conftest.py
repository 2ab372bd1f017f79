"""A company with owners, contacts and a clock that a test can set, beside a real mail server."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import load
from tests.surveys.test_mail import Box
from tests.work.conftest import made, playbook

MONDAY = dt.datetime(2024, 7, 1, 9, tzinfo=dt.UTC)
USERS = """
    user_id account_id email           name           left_at    bounced_at reports
    ann     big        ann@big.example Annabel_Archer -          -          true
    bob     big        bob@big.example Bob    -          -          -
    cid     big        -               Cid    -          -          true
    dee     big        dee@big.example Dee    2024-05-01 -          true
    eli     big        eli@big.example Eli    -          2024-05-01 true
    mia     mid        mia@mid.example Mia    -          -          true"""
TICKETS = """
    ticket_id account_id opened_at  solved_at  reopened_at
    zen:1     big        2024-05-01 2024-05-02 -
    zen:9     mid        2024-05-01 2024-05-02 2024-05-03"""


@dataclass
class Clock:
    """Tells the time that a test has set."""

    at: dt.datetime = MONDAY

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_(self, **by: float) -> None:
        """Let time pass, as timedelta says it."""
        self.at += dt.timedelta(**by)


@dataclass
class Office:
    """The company of a test, with its clock and a client of its server."""

    company: Company
    clock: Clock = field(default_factory=Clock)
    served: TestClient | None = None

    @property
    def work(self) -> Any:
        return self.company.work

    def client(self) -> TestClient:
        """A client of its server."""
        self.served = self.served or TestClient(
            create_app(self.company), raise_server_exceptions=False, follow_redirects=False
        )
        return self.served

    def open(self, name: str = "large", least: int = 300, more: str = "") -> list[dict[str, Any]]:
        """Run a playbook for accounts with so much MRR; its alerts."""
        playbook(self.company, f"""title = "Large"
type = "risk"
reasons = ["helped", "lost"]
{more}
[[when]]
fact = "mrr"
at_least = {least}
[[tasks]]
title = "Call"
due_in_days = 1
""", name)
        self.work.run(as_of="2024-07-01")
        found: list[dict[str, Any]] = self.work.alerts()
        return found


@pytest.fixture(scope="session")
def office_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for tests that copy it."""
    folder = tmp_path_factory.mktemp("office") / "project"
    with made(folder) as company:
        load(company, {"users": USERS, "tickets": TICKETS})
    return folder


@pytest.fixture
def settings() -> str:
    """What a test's staycurve.toml has besides."""
    return ""


@pytest.fixture
def office(office_project: Path, settings: str, tmp_path: Path) -> Iterator[Office]:
    """The company of one test."""
    folder = tmp_path / "project"
    shutil.copytree(office_project, folder)
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    clock = Clock()
    with Company(folder, clock=clock) as company:
        yield Office(company, clock)


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
    return found


@pytest.fixture(scope="session")
def server() -> Iterator[Controller]:
    """An SMTP server on a free port."""
    found = Controller(Box(), hostname="127.0.0.1", port=free_port())
    found.start()
    yield found
    found.stop()


@pytest.fixture
def box(server: Controller) -> Box:
    """What arrives at it."""
    found: Box = server.handler
    found.mails, found.says = [], {}
    return found


@pytest.fixture
def mail(server: Controller) -> str:
    """[mail] of that server."""
    return (f'\n[mail]\nhost = "127.0.0.1"\nport = {server.port}\n'
            'from = "Acme <hi@test.example>"\n')
