"""The playbooks that come with staycurve."""

from __future__ import annotations

from pathlib import Path

from staycurve.actions.playbooks.base import Shelf

SHIPPED = Shelf(Path(__file__).parent / "shipped")
