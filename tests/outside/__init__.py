"""An outside package, put where Python looks for installed ones; nothing is installed."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def write_metadata(folder: Path, package: Path = HERE) -> None:
    """The dist-info that an installer would write, with the entry points of its pyproject.toml."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        encoding="utf-8",
    )
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in named.items())
        for group, named in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points, encoding="utf-8")


@contextmanager
def installed(folder: Path, *registries: Any, package: Path = HERE) -> Iterator[None]:
    """As if the package were installed, for registries that look for it anew before and after."""
    write_metadata(folder, package)
    own = [str(folder), str(package)]
    sys.path[:0] = own
    importlib.invalidate_caches()
    for registry in registries:
        registry.forget()
    try:
        yield
    finally:
        sys.path[:] = [path for path in sys.path if path not in own]
        importlib.invalidate_caches()
        for registry in registries:
            registry.forget()
