"""The company of the web tests, asked over HTTP."""

from collections.abc import Iterator

import pytest

from staycurve.insights import catalogue
from staycurve.insights.catalogue import INSIGHTS
from tests.web.conftest import client, company

__all__ = ["client", "company", "made_up"]


@pytest.fixture(scope="module")
def made_up() -> Iterator[None]:
    """Let the registry hold the insights of tests/api/made_up.py too."""
    with pytest.MonkeyPatch.context() as patch:
        own = INSIGHTS.modules
        assert callable(own)
        patch.setattr(INSIGHTS, "modules", lambda: (*own(), "tests.api.made_up"))
        INSIGHTS.forget()
        assert catalogue.in_theme("weather")
        yield
    INSIGHTS.forget()
