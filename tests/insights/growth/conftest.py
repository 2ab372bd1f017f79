"""Companies that the tests of growth share, each built once."""

from __future__ import annotations

import pytest

from staycurve.workspace import Company
from tests.company import build
from tests.insights.growth.growing import SETTINGS, tables


@pytest.fixture(scope="package")
def growing(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Accounts that reach a limit before they move up; their features are kept."""
    keep = f"{SETTINGS}\n[risk]\nkeep_from = 0\n"
    return build(tmp_path_factory.mktemp("growing") / "c", tables(), end_reasons=keep)
