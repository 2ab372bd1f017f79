"""The whole company, asked over HTTP and from Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.questions.whole_company import made, values


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = made(tmp_path_factory.mktemp("whole") / "project")
    yield company
    company.close()


@pytest.fixture(scope="session")
def asker(whole: Company) -> TestClient:
    """A client that turns what nobody caught into an answer of 500."""
    return TestClient(create_app(whole), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def filters(whole: Company) -> dict[str, str]:
    """Dimension to a filter on one of its values, as `where` writes it."""
    return values(whole)
