"""A company with a handful of people to ask, and a clock that a test can set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
"""A Monday."""
ACCOUNTS = """
    account_id name country
    acme       Acme US
    bolt       Bolt DE
    crux       Crux -"""
SUBSCRIPTIONS = """
    subscription_id account_id plan  starts_at  amount
    s1              acme       Pro   2024-01-05 100
    s2              bolt       Basic 2024-01-20 40
    s3              crux       Basic 2026-11-01 60"""
USERS = """
    user_id account_id email             name     timezone     left_at
    ann     acme       ann@acme.example  Ann_A.   -            -
    bob     acme       bob@acme.example  Bob      Asia/Tokyo   -
    cid     acme       -                 Cid      -            -
    dora    bolt       dora@bolt.example Dora     -            -
    eve     bolt       eve@bolt.example  Eve      -            2026-05-01
    finn    crux       finn@crux.example Finn     -            -"""


@dataclass
class Clock:
    """Tells the time that a test has set."""

    at: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_(self, **by: float) -> None:
        """Let time pass, as timedelta says it."""
        self.at += dt.timedelta(**by)


@dataclass
class Shop:
    """The company of a test, with its clock and a client of its server."""

    company: Company
    clock: Clock
    client: TestClient

    @property
    def surveys(self) -> Any:
        return self.company.surveys

    def create(self, **said: Any) -> Any:
        from staycurve.actions.surveys import definition

        body = {"name": "nps", "kind": "nps", "question": "Would you recommend us?"} | said
        return self.surveys.save(definition.of(body))[0]

    def links(self, survey: Any, where: str = "") -> dict[str, str]:
        """User → the path of their link, by CSV."""
        found = self.surveys.asking.export(survey, where)
        return {
            one.person.user_id: one.link.removeprefix("http://127.0.0.1:8765")
            for one in found if one.link
        }

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the lake, with everything drained into it."""
        self.surveys.desk.drain()
        with self.company.reading() as engine:
            return engine.rows(sql)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its people loaded, for tests that copy it."""
    folder = tmp_path_factory.mktemp("surveys") / "project"
    build(folder, {
        "accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, "users": USERS,
    }).close()
    return folder


@pytest.fixture
def settings() -> str:
    """What a test's staycurve.toml has besides."""
    return ""


@pytest.fixture
def shop(project: Path, settings: str, tmp_path: Path) -> Iterator[Shop]:
    """The company of one test."""
    import shutil

    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    clock = Clock()
    company = Company(folder, clock=clock)
    app = create_app(company)
    # Tests drain when they want to.
    app.state.survey_loader.wake = lambda: None
    yield Shop(
        company, clock,
        TestClient(app, raise_server_exceptions=False, follow_redirects=False),
    )
    company.close()
