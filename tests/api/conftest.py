"""The company of the web tests, asked over HTTP."""

from tests.web.conftest import client, company

__all__ = ["client", "company"]
