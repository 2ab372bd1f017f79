"""A project that has one person in every place that a project can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.person.test_forgetting import planted


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory, for tests that copy it."""
    folder = tmp_path_factory.mktemp("planted") / "project"
    planted(folder).close()
    return folder
