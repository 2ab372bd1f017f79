"""Companies that the tests of risk share, each built once."""

from __future__ import annotations

import pytest

from staycurve.workspace import Company
from tests.company import build
from tests.insights.risk.leaving import tables


@pytest.fixture(scope="package")
def leaving(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Accounts that go silent before they leave."""
    return build(tmp_path_factory.mktemp("leaving") / "c", tables())
