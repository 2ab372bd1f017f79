"""What holds for every test: a fault that nobody foresaw is a failure, never a line in a log."""

from __future__ import annotations

import os

import pytest

from staycurve import faults

os.environ.setdefault(faults.VARIABLE, "raise")


@pytest.fixture
def told_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults are told and kept in a log, as they are to users."""
    monkeypatch.setenv(faults.VARIABLE, "tell")
