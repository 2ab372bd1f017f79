"""The application: the API, the pages, and what tells whether they are well."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from staycurve.errors import StaycurveError
from staycurve.interfaces import logs
from staycurve.interfaces.api import (
    digests,
    errors,
    goals,
    health,
    lookup,
    matches,
    observe,
    people,
    persons,
    recaps,
    routes,
    sources,
    survey_links,
    surveys,
    views,
    voice,
    webhooks,
    work,
)
from staycurve.interfaces.api.admission import Admission, Doorkeeper
from staycurve.interfaces.api.asking import router as insights
from staycurve.interfaces.api.one_request import OneRequest
from staycurve.interfaces.api.patience import Unhurried
from staycurve.interfaces.api.security import Guard, Heads
from staycurve.interfaces.ingest.gate import Gate
from staycurve.version import VERSION
from staycurve.workspace import Company, asking


def create_app(
    company: Company, *, hosts: Collection[str] | None = None, is_local: bool = True
) -> FastAPI:
    """What the server answers for one company.

    Parameters
    ----------
    company : Company
        Asked from several threads.
    hosts : collection of str, optional
        The Host names that are answered, lower case and without port; any without it.
    is_local : bool
        Whether this machine alone is answered: then nobody has to log in while nobody was added.

    Returns
    -------
    FastAPI
        `/` and the other pages, `/api/v1`, `/api/openapi.json`, `/healthz`, `/readyz`, `/metrics`.
        `app.state.site` is the Site that renders the pages.
    """
    from staycurve.interfaces.chartmogul import app as chartmogul
    from staycurve.interfaces.web.login import Login
    from staycurve.interfaces.web.site import Site
    from staycurve.interfaces.web.throttle import Doorstep

    app = declared()
    requests = observe.Requests()
    site = Site(company)
    app.state.company = company
    app.state.site = site
    errors.install(app, site.present)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(OneRequest, seconds=asking.number_of("STAYCURVE_TIME_LIMIT", 60))
    doorkeeper = Doorkeeper(company, is_local=is_local)
    app.state.doorkeeper = doorkeeper
    app.add_middleware(Admission, doorkeeper=doorkeeper, present=site.present)
    login = Login(company, site.templates)
    app.add_middleware(Doorstep, throttle=login.throttle, page=login.waiting)
    app.add_middleware(Unhurried)
    # Before what serves pages: an event waits for no page, and no page for an event.
    app.add_middleware(Gate, company=company)
    app.add_middleware(observe.Observe, requests=requests)
    app.add_middleware(Heads)
    app.add_middleware(
        Guard, hosts=hosts, present=site.present, clock=company.clock, folder=company.folder
    )
    # Outermost: what is refused has a number as well.
    app.add_middleware(logs.Traced)
    _add_health(app, company, requests)
    chartmogul.install(app, company)
    app.state.survey_loader = survey_links.install(app, company, site.templates)
    site.install(app)
    login.install(app)
    lookup.install(app)
    return app


def declared() -> FastAPI:
    """What /api/openapi.json declares, without a company that answers."""
    app = FastAPI(
        title="staycurve",
        version=VERSION,
        description="Subscription and retention metrics, saved views, annotations, goals, surveys.",
        openapi_url="/api/openapi.json",
        # Its pages for reading the schema load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    # First: what is written by hand gives way to what is declared.
    app.include_router(insights())
    app.include_router(routes.router)
    app.include_router(sources.router)
    app.include_router(matches.router)
    app.include_router(webhooks.router)
    app.include_router(views.router)
    app.include_router(views.notes)
    app.include_router(goals.router)
    # An address with a name in it comes after those that are words.
    app.include_router(surveys.product)
    app.include_router(surveys.router)
    for address in ("due", "shown", "answers"):
        app.add_route(
            f"/api/v1/surveys/{address}", surveys.preflight, methods=["OPTIONS"],
            include_in_schema=False,
        )
    app.include_router(voice.codebook)
    app.include_router(voice.notes)
    app.include_router(health.router)
    app.include_router(work.router)
    app.include_router(recaps.router)
    app.include_router(digests.router)
    app.include_router(people.router)
    app.include_router(persons.router)
    return app


def _add_health(app: FastAPI, company: Company, requests: observe.Requests) -> None:
    # Neither takes a worker thread or a reader: both answer while every one of them is busy.
    async def healthz(request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        """The lake can be read."""
        try:
            seq = company.snapshot.seq
        except StaycurveError as error:
            _, code, message, hint = errors.fault_of(error)
            return errors.answer((503, code, message, hint))
        return JSONResponse({"status": "ready", "snapshot": seq})

    def metrics(request: Request) -> Response:
        """Prometheus text."""
        lines = [*requests.text(), *observe.data_text(company)]
        return PlainTextResponse(observe.page(lines), media_type=observe.CONTENT_TYPE)

    app.add_route("/healthz", healthz)
    app.add_route("/readyz", readyz)
    app.add_route("/metrics", metrics)
