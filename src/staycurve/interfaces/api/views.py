"""/api/v1/views and /api/v1/annotations: what people keep beside the numbers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from staycurve.interfaces.access import needs
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served
from staycurve.interfaces.web.addresses import kept
from staycurve.metrics.catalogue import METRICS
from staycurve.permissions import Permission

router = changing_router_of("views")
notes = changing_router_of("annotations")


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class ViewToSave(_Body):
    """A page with its filters and range, and what to call it."""

    name: str
    address: str = Field(description="Of a page, without the server: /metrics/mrr?grain=week")
    by: str = Field("", description="Who saves it")


class NewName(_Body):
    """What to call a view from now on."""

    name: str
    by: str = Field("", description="Who renames it")


class NoteToAdd(_Body):
    """A dated note."""

    day: str = Field(description="2024-05-01")
    text: str
    metric: str | None = Field(None, description="Only about this metric; every one without")
    author: str = ""


class ViewShape(TypedDict):
    """A saved view; `url` is its address on this server."""

    id: int
    name: str
    page: str
    query: str
    url: str
    created_at: str
    created_by: str


class ViewsShape(TypedDict):
    """Every saved view, by name."""

    rows: list[ViewShape]


class AnnotationShape(TypedDict):
    """A dated note; without a metric it speaks of every one."""

    id: int
    day: str
    text: str
    author: str
    metric: str | None
    created_at: str


class AnnotationsShape(TypedDict):
    """Every note, by day."""

    rows: list[AnnotationShape]


@router.get("/views", response_model=ViewsShape)
def views(company: Served) -> JSONResponse:
    """Saved views: pages with their filters and range, by name."""
    return JSONResponse({"rows": [view.as_dict() for view in company.state.views()]})


@router.post("/views", response_model=ViewShape, status_code=201)
@needs(Permission.SAVE)
def save(company: Served, sent: ViewToSave) -> JSONResponse:
    """Save a view. A name is given once."""
    page, query = kept(company, sent.address)
    made = company.state.save_view(sent.name, page, query, by=sent.by)
    return JSONResponse(made.as_dict(), status_code=201)


@router.patch("/views/{view}", response_model=ViewShape)
@needs(Permission.SAVE)
def rename(company: Served, view: int, sent: NewName) -> JSONResponse:
    """Rename a view."""
    return JSONResponse(company.state.rename_view(view, sent.name, by=sent.by).as_dict())


@router.delete("/views/{view}", status_code=204, response_class=Response)
@needs(Permission.SAVE)
def delete(company: Served, view: int) -> Response:
    """Delete a view."""
    company.state.delete_view(view)
    return Response(status_code=204)


@notes.get("/annotations", response_model=AnnotationsShape)
def annotated(
    company: Served,
    metric: Annotated[
        str, Query(description="Notes about this metric or every one", max_length=60)
    ] = "",
) -> JSONResponse:
    """Annotations: dated notes that charts show, by day."""
    if metric:
        _known = METRICS[metric]
    found = company.state.annotations(*([metric] if metric else []))
    return JSONResponse({"rows": [one.as_dict() for one in found]})


@notes.post("/annotations", response_model=AnnotationShape, status_code=201)
@needs(Permission.SAVE)
def annotate(company: Served, sent: NoteToAdd) -> JSONResponse:
    """Add a note about a day."""
    made = company.state.annotate(sent.day, sent.text, metric=sent.metric, author=sent.author)
    return JSONResponse(made.as_dict(), status_code=201)


@notes.delete("/annotations/{annotation}", status_code=204, response_class=Response)
@needs(Permission.SAVE)
def delete_annotation(company: Served, annotation: int) -> Response:
    """Delete a note."""
    company.state.delete_annotation(annotation)
    return Response(status_code=204)
