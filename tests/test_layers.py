"""Imports go down the floors, never up."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "staycurve"

GROUND = (
    "errors", "period", "money", "config", "sections", "section_faults", "section_values",
    "company", "conventions", "switches", "end_reasons", "behaviour", "lifecycle_rules",
    "engine_choice", "lake_place",
    "registry", "i18n", "version", "faults", "secret", "state_place", "chartmogul_keys",
    "permissions", "personal", "login_settings", "retention_rules", "mail_settings",
    "support_hours", "experiments",
)
ALLOWED: dict[str, set[str]] = {
    # floor → the floors it may import besides itself and the ground
    "tables": set(),
    "sources": {"tables"},
    "metrics": {"tables"},
    "insights": {"tables", "sources", "metrics"},
    "state": {"tables", "sources", "metrics", "insights"},
    "actions": {"tables", "sources", "metrics", "insights", "state"},
    "demo": set(),
    "workspace": {"tables", "sources", "metrics", "insights", "state", "actions"},
    "interfaces": {
        "tables", "sources", "metrics", "insights", "state", "actions", "workspace", "demo",
    },
    "__init__": {"workspace"},
} | {name: set() for name in GROUND}

ONLY_IN = {
    "duckdb": {"tables/duckdb_engine.py"},
    "pyspark": {"tables/spark.py", "tables/spark_errors.py", "tables/spark_session.py"},
    "deltalake": {"tables/delta.py"},
    "sqlite3": {"tables/pointer.py", "sources/inbox.py", "tables/person/files.py"},
    "sqlalchemy": {
        f"state/{name}.py"
        for name in (
            "models", "database", "migrating", "copying", "views", "annotations", "dismissals",
            "keys", "audit", "imports", "goals", "alerts", "members", "milestones", "outbox",
            "work_models", "work_reading", "personal", "personal_models", "survey_models",
            "surveys", "survey_mails", "voice_models", "voice", "people_models", "people",
            "sessions", "links", "survey_invitations", "survey_answers", "survey_occasions",
            "occasion_models", "arms", "effects_models", "health", "health_models",
        )
    } | {str(path.relative_to(SRC)) for path in SRC.glob("state/migrations/versions/*.py")}
    | {
        "sources/database.py", "state/matching.py", "state/matching_models.py",
        "state/metadata.py",
    },
    "alembic": {"state/migrating.py", "state/migrations/env.py"}
    | {str(path.relative_to(SRC)) for path in SRC.glob("state/migrations/versions/*.py")},
}


def floor_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(SRC.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_imports_go_down_the_floors(path: Path) -> None:
    floor = floor_of(path)
    allowed = ALLOWED[floor] | {floor} | set(GROUND)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "staycurve" and len(parts) > 1 and (SRC / parts[1]).exists() | (
            (SRC / f"{parts[1]}.py").exists()
        ):
            assert parts[1] in allowed, f"{floor} must not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_engine_and_storage_are_known_in_one_file(path: Path) -> None:
    own = str(path.relative_to(SRC))
    for name in imported(path):
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert own in ONLY_IN[library], f"{own} must not import {library}"


def test_every_floor_is_listed() -> None:
    assert {floor_of(path) for path in FILES} == set(ALLOWED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_only_interfaces_read_the_clock(path: Path) -> None:
    if floor_of(path) in ("interfaces", "__init__"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow"):
            assert not (
                isinstance(node.value, ast.Attribute | ast.Name)
                and (getattr(node.value, "attr", None) or getattr(node.value, "id", None))
                in ("datetime", "date", "dt")
            ), f"{path} reads the clock"


CIRCLES: dict[str, str] = {}
"""An import that may close a circle, as `importer -> imported`, and why it may."""


def module_of(path: Path) -> str:
    parts = ("staycurve", *path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(paths: Sequence[Path]) -> dict[str, set[str]]:
    """Module → those it imports: on top, for the type checker alone, or inside a function."""
    modules = {module_of(path): path for path in paths}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        assert not [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.level
        ], f"{path} imports by a relative name, which this graph does not follow"
        named = {name if name in modules else name.rpartition(".")[0] for name in imported(path)}
        graph[module] = {
            name for name in named & set(modules) if f"{module} -> {name}" not in CIRCLES
        } - {module}
    return graph


def circles(graph: Mapping[str, Set[str]]) -> list[list[str]]:
    """Every circle's modules: those that reach one another."""
    reached = {module: _reached(graph, module) for module in graph}
    found = {
        tuple(sorted(other for other in reached[module] if module in reached[other]))
        for module in graph
    }
    return [list(circle) for circle in sorted(found) if circle]


def _reached(graph: Mapping[str, Set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph[module]
    return found


def test_a_circle_is_found_however_long_and_a_diamond_is_none() -> None:
    made = {
        "a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set(),
        "x": {"y"}, "y": {"z", "d"}, "z": {"x"}, "above": {"x", "a"}, "p": {"q"}, "q": {"p"},
    }
    assert circles(made) == [["p", "q"], ["x", "y", "z"]]


def test_the_graph_counts_imports_inside_functions_and_for_the_type_checker() -> None:
    graph = import_graph(FILES)
    assert "staycurve.metrics.charts" in graph["staycurve.metrics.result"]
    assert "staycurve.workspace.measured" in graph["staycurve.workspace.books"]
    assert len(graph) == len(FILES)


def test_imports_run_in_no_circle() -> None:
    assert circles(import_graph(FILES)) == []
