"""The sources: every kind that there is, and how far the configured ones have come."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse
from typing_extensions import TypedDict

from staycurve.interfaces.api.routes import Served, router_of
from staycurve.workspace import Company

router = router_of("sources")


class StreamShape(TypedDict):
    """One stream of a configured source; `cursor` is where its next sync goes on.

    `lag_seconds` is how long ago it was last read to its end without an error.
    """

    source: str
    kind: str
    stream: str
    tables: list[str]
    cursor: str | int | None
    kept: int
    loads: int
    accepted: int
    replaced: int
    rejected: int
    last_run_at: str | None
    last_error: str | None
    last_loaded_at: str | None
    last_success_at: str | None
    lag_seconds: int | None


class KeyShape(TypedDict):
    """One key of a source's section."""

    key: str
    takes: str


class KindStreamShape(TypedDict):
    """One stream of a kind; without tables each file says which it feeds."""

    stream: str
    about: str
    tables: list[str]
    key: list[str]
    cursor: str


class KindShape(TypedDict):
    """One kind of source."""

    kind: str
    title: str
    about: str
    example: str
    keys: list[KeyShape]
    streams: list[KindStreamShape]


class SourcesShape(TypedDict):
    """The configured streams, and every kind."""

    rows: list[StreamShape]
    kinds: list[KindShape]


def sources_answer(company: Company) -> dict[str, Any]:
    """The configured streams and every kind, as `sources --format json` prints them."""
    return {
        "rows": [state.as_dict() for state in company.sources.listed()],
        "kinds": company.sources.kinds(),
    }


@router.get("/sources", response_model=SourcesShape)
def sources(company: Served) -> JSONResponse:
    """Every configured source by its streams with cursor, last run and counts; and every kind."""
    return JSONResponse(sources_answer(company))
