"""What every generated page is made of: tables, lists of names, the title."""

from __future__ import annotations

from collections.abc import Sequence


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def code(names: Sequence[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(f"`{name}`" for name in names)


def made(title: str, *parts: str) -> str:
    """A page: its title, the note that it is generated, and its parts."""
    note = "<!-- Made by docs/generate.py; change the program, then run: make docs -->"
    return "\n\n".join([f"# {title}", note, *(part for part in parts if part)]) + "\n"


def source_of(module: str) -> str:
    """The file of a module of this repository, as people look for it; another's is its name."""
    if not module.startswith("staycurve."):
        return module
    return f"src/{module.replace('.', '/')}.py"
