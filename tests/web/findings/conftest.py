"""A company with every kind of row that the pages of findings read, served without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import create
from tests.web.findings.making import made


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Sixty accounts in the first eight months of 2024."""
    company = made(tmp_path_factory.mktemp("findings") / "project")
    yield company
    company.close()


@pytest.fixture(scope="session")
def findings(found: Company) -> TestClient:
    """A client of the application that serves them."""
    return TestClient(create_app(found), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a company into which nothing was loaded."""
    company = create(tmp_path_factory.mktemp("nothing") / "project")
    yield TestClient(create_app(company), raise_server_exceptions=False)
    company.close()
