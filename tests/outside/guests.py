"""A project with a source that the outside package declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from staycurve.workspace import Company
from tests.company import NOW

GUESTS: list[Any] = [
    {"type": "company", "id": "acme", "label": "Acme", "changed": "2024-01-01T00:00:00Z"},
    {"type": "company", "id": "bolt", "label": "Bolt", "changed": "2024-01-02T00:00:00Z"},
    {"type": "company", "id": "cube", "label": "Cube", "changed": "2024-01-03T00:00:00Z"},
    {"type": "contract", "id": "c1", "company": "acme", "from": "2024-01-05", "monthly": 100,
     "changed": "2024-01-05T00:00:00Z"},
    {"type": "contract", "id": "c2", "company": "bolt", "from": "2024-02-05", "monthly": 50,
     "changed": "2024-02-05T00:00:00Z"},
]


def project(folder: Path) -> Path:
    """A project whose staycurve.toml has a guestbook; the package is installed."""
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with (folder / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.guests]\nkind = "guestbook"\npath = "guests.json"\n')
    write(folder, GUESTS)
    return folder


def write(folder: Path, guests: list[Any]) -> None:
    """What the system keeps now."""
    (folder / "guests.json").write_text(json.dumps(guests), encoding="utf-8")


def opened(folder: Path) -> Company:
    """The company of a project."""
    return Company(folder, clock=lambda: NOW)
