"""One small company, served without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build

ACCOUNTS = [
    {"account_id": "acme", "name": "Acme Inc", "industry": "EdTech", "country": "US"},
    {"account_id": "bolt", "name": "<script>alert(1)</script>", "industry": "EdTech",
     "country": "DE"},
    {"account_id": "crux", "name": 'Crux & "Co"', "industry": "Health, Care", "country": "US"},
    {"account_id": "dune", "name": "=1+1", "industry": "Health, Care", "country": "DE"},
]
SUBSCRIPTIONS = """
    subscription_id account_id plan  starts_at  ends_at    amount
    s1              acme       Pro   2024-01-05 2024-03-10 100
    s1              acme       Pro   2024-03-10 -          150
    s2              bolt       Basic 2024-01-20 2024-03-15 40
    s3              crux       Basic 2024-02-03 2024-04-01 60
    s3              crux       Pro   2024-04-01 -          90
    s4              dune       Basic 2024-02-11 2024-03-31 30
    s4              dune       Basic 2024-04-20 -          20"""
"""MRR at the closes of January to March: 140, 230, 210; on 20 April, the last day, 260."""


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Four accounts in the first months of 2024."""
    folder = tmp_path_factory.mktemp("served")
    made = build(folder / "project", {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS})
    yield made
    made.close()


@pytest.fixture(scope="session")
def client(company: Company) -> TestClient:
    """A client of the whole application, whose failures are answers."""
    return TestClient(create_app(company), raise_server_exceptions=False)
