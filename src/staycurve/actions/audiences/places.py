"""Places: where files of audiences lie, and which audiences there are by their files' names."""

from __future__ import annotations

from pathlib import Path

FOLDER = "audiences"
SHIPPED = Path(__file__).parent / "shipped"
PREFIX = "audience."


def files(project: Path) -> list[tuple[Path, str]]:
    """(file, its name as errors say it) of those that are shipped, then of the project's own."""
    own = sorted((project / FOLDER).glob("*.toml"))
    return [(one, one.name) for one in sorted(SHIPPED.glob("*.toml"))] + [
        (one, f"{FOLDER}/{one.name}") for one in own
    ]


def names(project: Path) -> list[str]:
    """Every audience that has a file, by name."""
    return sorted({file.stem for file, _shown in files(project)})
