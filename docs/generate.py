"""Write docs/reference from what the program itself knows; `make docs` runs it.

The glossary is written by hand. Everything else in docs/reference is made here: docs/generating has
a file for each kind of page.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Run as a script, Python looks beside this file, not in the directory above it.
    sys.path.insert(0, str(Path(__file__).parent.parent))

import staycurve.workspace  # noqa: F401 - it adds the dimensions of the upper floors
from docs.generating.api_page import api_page
from docs.generating.command_pages import cli_page, commands
from docs.generating.configuration_pages import configuration_page, conventions_page
from docs.generating.decisions import DECISIONS
from docs.generating.export_pages import exports_page
from docs.generating.insight_pages import insights_index, insights_page, themes
from docs.generating.metric_pages import metric_page, metrics_index
from docs.generating.table_pages import sources_page, tables_page
from staycurve.metrics.catalogue import METRICS

__all__ = ["DECISIONS", "REFERENCE", "commands", "main", "pages", "stray"]

REFERENCE = Path(__file__).parent / "reference"
BY_HAND = ("glossary.md",)


def pages() -> dict[Path, str]:
    """Path → text of every generated page."""
    found = {
        REFERENCE / "metrics" / "index.md": metrics_index(),
        REFERENCE / "tables.md": tables_page(),
        REFERENCE / "cli.md": cli_page(),
        REFERENCE / "api.md": api_page(),
        REFERENCE / "conventions.md": conventions_page(),
        REFERENCE / "configuration.md": configuration_page(),
        REFERENCE / "sources.md": sources_page(),
        REFERENCE / "exports.md": exports_page(),
    }
    found[REFERENCE / "insights" / "index.md"] = insights_index()
    for theme, insights in themes().items():
        found[REFERENCE / "insights" / f"{theme}.md"] = insights_page(theme, insights)
    for name, metric in METRICS.items():
        found[REFERENCE / "metrics" / f"{name}.md"] = metric_page(name, metric)
    return found


def stray() -> list[Path]:
    """Pages in docs/reference that nothing makes and nobody wrote by hand."""
    known = {*pages(), *(REFERENCE / name for name in BY_HAND)}
    return [path for path in sorted(REFERENCE.rglob("*.md")) if path not in known]


def main() -> None:
    """Write the pages, and remove those of what is no longer there."""
    for path in stray():
        path.unlink()
    made = pages()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"Wrote {len(made)} pages to {REFERENCE}\n")


if __name__ == "__main__":
    main()
