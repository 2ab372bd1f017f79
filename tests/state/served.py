"""The small company of the web tests in a project of its own, for tests that change something."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.company import build
from tests.web.conftest import ACCOUNTS, SUBSCRIPTIONS

ADDRESS = "http://testserver"
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


def served(folder: Path) -> Company:
    """The company, loaded and refreshed."""
    return build(folder / "project", {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS})


def client_of(company: Company) -> TestClient:
    """A client that follows no redirect, and whose failures are answers."""
    return TestClient(
        create_app(company), raise_server_exceptions=False, follow_redirects=False
    )


def hidden(html: str, name: str) -> list[str]:
    """The values of the hidden fields of a name."""
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)"', html)
