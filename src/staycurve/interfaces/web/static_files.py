"""Style sheet, icon and htmx: files that never change while the server runs."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from staycurve.errors import ProjectError

OWN = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def _htmx() -> Path:
    """htmx as its package ships it; finding the package does not import it, nor what it needs."""
    spec = find_spec("js_lib_htmx")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "static" / "htmx" / "htmx.min.js"
        if path.is_file():
            return path
    raise ProjectError(
        "The package django-js-lib-htmx, which ships htmx, is not installed.",
        hint="Install it: pip install django-js-lib-htmx",
    )


@cache
def read(name: str) -> tuple[bytes, str] | None:
    """A file's bytes and media type; None where there is none of this name."""
    path = _htmx() if name == "htmx.min.js" else OWN / Path(name).name
    if path.suffix not in _TYPES or not path.is_file():
        return None
    return path.read_bytes(), _TYPES[path.suffix]


@cache
def address(name: str) -> str:
    """Where pages find a file; the address changes with its content."""
    found = read(name)
    mark = hashlib.sha256(found[0]).hexdigest()[:10] if found else ""
    return f"/static/{name}?v={mark}"


def serve(request: Request) -> Response | None:
    """A static file; None where there is none."""
    found = read(request.path_params["name"])
    if found is None:
        return None
    body, kind = found
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(body, media_type=kind, headers=headers)
