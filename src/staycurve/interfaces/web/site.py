"""Site: pages over HTTP, each as HTML, JSON and CSV, kept by snapshot and address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from staycurve import personal
from staycurve.errors import StaycurveError, UnknownNameError, UsageError
from staycurve.insights.lifecycle.lifecycle_spans import SPANS
from staycurve.interfaces.access import CURRENT, require
from staycurve.interfaces.api.errors import Fault, fault_of
from staycurve.interfaces.web import (
    addresses,
    choices,
    drawing,
    forms,
    lacking,
    panel_sheets,
    static_files,
    uploads,
    visiting,
)
from staycurve.interfaces.web.ask import Ask, read
from staycurve.interfaces.web.beside import Reader
from staycurve.interfaces.web.page import Empty, Group, Laid, Page, Panel, twin
from staycurve.interfaces.web.pages import PAGES, every_page
from staycurve.interfaces.web.texts import _, plural
from staycurve.workspace import Company
from staycurve.workspace.cache import Cache

TEMPLATES = Path(__file__).parent / "templates"
KEPT_PAGES = 128
LONG = 6
"""Panels from which on a page has an index."""
HTMX = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    # Pages hold a company's numbers: they are not to stay in the browser's storage.
    "historyCacheSize": 0,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "[45]..", "swap": True, "error": True},
    ],
}
_MEDIA = {
    "html": "text/html; charset=utf-8", "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}


@dataclass(frozen=True)
class Rendered:
    """A page's bytes, their tag, and the address that says the same without empty parameters."""

    body: bytes
    tag: str
    address: str
    is_personal: bool = False


@cache
def templates() -> Environment:
    """Every template of the pages, compiled once for all sites of a process."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    # Plain callables: each asks which language the request has.
    made.install_gettext_callables(_, plural, newstyle=False)  # type: ignore[attr-defined]
    made.globals |= {
        "has_wide": panel_sheets.has_wide,
        "static": static_files.address,
        "htmx": json.dumps(HTMX),
        "navigation": _Navigation(),
    }
    return made


class Site:
    """Renders the pages of one company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._kept: Cache[Rendered] = Cache(KEPT_PAGES)
        self._beside = Reader(company)
        self.templates = templates()

    def install(self, app: FastAPI) -> None:
        """Give every page its addresses."""
        app.add_route("/static/{name}", self._static, include_in_schema=False)
        app.add_route("/favicon.ico", self._icon, include_in_schema=False)
        for page in every_page():
            serve = self._server(page)
            twins = ["/.json", "/index.json"] if page.address == "/" else [page.address + ".json"]
            for address in (*twins, page.address):
                app.add_route(address, serve, include_in_schema=False)
                if page.takes_forms:
                    take = self._taker(page)
                    app.add_route(address, take, methods=["POST"], include_in_schema=False)

    def warm(self) -> None:
        """Load what draws, make the overview once, and keep the visits of lifecycle stages."""
        drawing.warm()
        page = PAGES["OVERVIEW"]
        self._page(page, page.address, [], "html")
        # Else the first reader of each page waits while its templates are compiled.
        for name in self.templates.list_templates():
            self.templates.get_template(name)
        if self.company.config.engine == "duckdb":
            # Every account's page names them, and they take seconds; another engine keeps no file.
            with self.company.reading() as engine:
                engine.value(f"SELECT COUNT(*) FROM {SPANS}")

    def _static(self, request: Request) -> Response:
        found = static_files.serve(request)
        if found is None:
            raise HTTPException(404)
        return found

    def _icon(self, request: Request) -> Response:
        request.path_params["name"] = "icon.svg"
        return self._static(request)

    def _server(self, page: Page) -> Callable[[Request], Response]:
        def serve(request: Request) -> Response:
            require(request, page.permission)
            if page.look_up is not None:
                name = request.path_params[page.placeholder].removesuffix(".json")
                page.look_up(self.company, name)
            address, params, form = _asked(page, request)
            part = _part(request, params) if form == "html" else ""
            made = self._page(page, address, params, form, part)
            body, tag = visiting.dressed(made.body, made.tag, request) if form == "html" else (
                made.body, made.tag)
            headers = _headers(page) | {"ETag": tag, "Cache-Control": "private, no-cache"}
            if part == "main":
                headers["HX-Push-Url"] = made.address
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers=headers)
            if form == "csv":
                name = (address.strip("/") or "overview").replace("/", "-")
                panel = dict(params).get("panel", "")
                name += f"-{panel}" if panel.isidentifier() else ""
                headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
            return Response(body, media_type=_MEDIA[form], headers=headers)

        return serve

    def _taker(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Answers a form that was sent to a page; nothing of it is kept."""

        async def take(request: Request) -> Response:
            require(request, page.permission)
            require(request, page.changes)
            address, params, form = _asked(page, request)
            fields = (
                await uploads.read(request, self.company.folder) if page.takes_files
                else await forms.read(request)
            )
            forms.check_token(request, fields.pop(forms.TOKEN, ""))
            made = await run_in_threadpool(self._taken, page, address, params, form, fields)
            if form == "html" and made.status_code != 303:
                made = visiting.redressed(made, request)
            return made

        return take

    def _taken(
        self, page: Page, address: str, params: Sequence[tuple[str, str]], form: str,
        fields: Mapping[str, str],
    ) -> Response:
        read_as = read(self.company, address, params, page.takes)
        ask = replace(read_as, form=fields, beside=self._beside.now())
        status = 200
        try:
            if page.act is not None:
                headers = _headers(page) | {"Cache-Control": "no-store"}
                return RedirectResponse(page.act(ask), status_code=303, headers=headers)
            body = self._render(page, ask, form)
        except UsageError as error:
            if form != "html":
                raise
            # People get the page back, with what they wrote and what is wrong with it.
            status, *_words = fault_of(error)
            body = self._render(page, replace(ask, fault=error), form)
        headers = _headers(page) | {"Cache-Control": "no-store"}
        return Response(body, status_code=status, media_type=_MEDIA[form], headers=headers)

    def _page(
        self, page: Page, address: str, params: Sequence[tuple[str, str]], form: str,
        part: str = "",
    ) -> Rendered:
        snapshot = self.company.snapshot
        given = dict(params).get("as_of")
        # Data of today has an as-of that moves with the clock: such a page is kept for a minute.
        seen = self.company.as_of(given).at.replace(second=0, microsecond=0)
        beside = self._beside.now()
        visitor = CURRENT.get()
        key = (
            snapshot.seq, seen, address, tuple(sorted(params)), form, part, beside, visitor.role,
            personal.is_shown(),
        )

        def make() -> Rendered:
            ask = replace(read(self.company, address, params, page.takes), beside=beside)
            text, is_personal = personal.noted(lambda: self._render(page, ask, form, part))
            body = text.encode()
            tag = hashlib.sha256(body).hexdigest()[:24]
            return Rendered(body, f'W/"{tag}"', ask.url(), is_personal)

        found = self._kept.get(key, make) if page.is_kept else make()
        if found.is_personal:
            personal.note()
        return found

    def _render(self, page: Page, ask: Ask, form: str, part: str = "") -> str:
        empty = self._missing(page, ask)
        if part == "panel" and not empty:
            return self._panel(page, ask)
        if form == "csv":
            is_named = "panel" in ask.options
            one = None if empty else (
                self._one(page, ask) if is_named else page.first_with_rows(ask)
            )
            return panel_sheets.sheet(one, ask)
        # Who sends a form waits for the answer to it alone.
        is_hasty = form == "html" or bool(ask.form)
        laid = page.lay(ask, is_hasty=is_hasty, has_data=not empty)
        if page.has_controls and not empty and ask.filters and not _has_values(laid):
            empty, laid = Empty.NOTHING_MATCHES, []
        lacks = None
        if empty is Empty.NOTHING_CONNECTED:
            lacks = lacking.checklist(self.company, page.needed(ask), every_page())
        if form == "json":
            return twin(page, ask, laid, empty, lacking.told(lacks) if lacks else None)
        return self._html(page, ask, laid, empty, is_part=part != "", lacks=lacks)

    def _one(self, page: Page, ask: Ask) -> Laid:
        one = page.lay_one(ask)
        if one is None:
            names = [panel.name for panel in page.panels]
            raise UnknownNameError("panel", ask.options["panel"], names)
        return one

    def _panel(self, page: Page, ask: Ask) -> str:
        """One panel of a page, for a page that came without it."""
        one = self._one(page, ask)
        template = self.templates.get_template("panel.html")
        return template.render(one=one, ask=ask, company=self.company.config.company)

    def _missing(self, page: Page, ask: Ask) -> Empty | None:
        """Why there is nothing to compute with, if so."""
        needs = page.needed(ask)
        if lacking.is_lacking(self.company, needs):
            return Empty.NOTHING_CONNECTED
        snapshot = self.company.snapshot
        is_computed = not needs or "mrr_movements" in snapshot.tables
        return None if is_computed else Empty.STILL_COMPUTING

    def _html(
        self, page: Page, ask: Ask, laid: Sequence[Laid], empty: Empty | None, *, is_part: bool,
        lacks: Mapping[str, Any] | None = None,
    ) -> str:
        has_controls = page.has_controls and empty in (None, Empty.NOTHING_MATCHES)
        segments = choices.segments(ask) if has_controls else []
        controls: dict[str, Any] | None = None
        if has_controls:
            controls = {
                "grains": choices.grains(ask),
                "ranges": choices.ranges(ask),
                "presets": choices.presets(ask),
                "comparison": [choices.comparison(ask)] if page.has_comparison else [],
                "segments": segments,
                "unlisted": choices.unlisted(ask, segments),
            }
        template = self.templates.get_template("part.html" if is_part else "page.html")
        return template.render(
            page=page,
            ask=ask,
            company=self.company.config.company,
            title=page.title_of(ask),
            laid=laid,
            empty=empty.value if empty else None,
            lacks=lacks,
            controls=controls,
            chips=choices.chips(ask),
            cleared=ask.cleared(),
            own_address=addresses.of(ask),
            shown=_shown(page, ask, laid),
            crumbs=_crumbs(page, ask),
            index=_index(laid),
        )

    def present(self, request: Request, fault: Fault) -> Response | None:
        """A fault as a page, where a person with a browser asks for a page."""
        path = request.url.path
        wants = "text/html" in request.headers.get("accept", "") or _wants_part(request)
        if not wants or path.startswith(("/api/", "/v1/")) or path.endswith(".json"):
            return None
        status, code, message, hint = fault
        is_part = _wants_part(request)
        name = "error_part.html" if is_part else "error.html"
        panel = request.query_params.get("panel", "")
        if _part(request, request.query_params.multi_items()) == "panel":
            # It takes the place of the panel alone; the page around it stands.
            name = "error_panel.html"
        state = Empty.NOT_PERMITTED.value if status in (401, 403) else None
        try:
            text = self.templates.get_template(name).render(
                company=self.company.config.company, message=message, hint=hint, code=code,
                status=status, empty=state, lacks=None, is_part=is_part, panel=panel,
            )
        except StaycurveError:
            # Without htmx's file not even an error page stands.
            return None
        headers = {"Cache-Control": "no-store", "Vary": "HX-Request"}
        body = visiting.dressed(text.encode(), "", request)[0]
        return Response(body, status_code=status, media_type=_MEDIA["html"], headers=headers)


class _Navigation:
    """The pages that are listed and that the one who asks may see, under their groups."""

    def __init__(self) -> None:
        self._listed = [page for page in every_page() if page.is_listed]

    def __iter__(self) -> Iterator[tuple[Group, list[Page]]]:
        visitor = CURRENT.get()
        listed = [page for page in self._listed if visitor.may(page.permission)]
        found = [(group, [page for page in listed if page.group is group]) for group in Group]
        return iter([(group, pages) for group, pages in found if pages])


def _asked(page: Page, request: Request) -> tuple[str, list[tuple[str, str]], str]:
    """Address, parameters and form (html, json or csv) that a request asks for."""
    address = quote(request.scope["path"].removesuffix(".json"), safe="/")
    if page.address == "/":
        address = "/"
    params = request.query_params.multi_items()
    form = "json" if request.scope["path"].endswith(".json") else dict(params).get("format", "")
    return address, params, form if form in _MEDIA else "html"


def _headers(page: Page) -> dict[str, str]:
    """What every answer of a page carries."""
    found = {"Vary": "HX-Request, HX-Target"}
    if page.takes_forms or page.can_be_cut:
        # Without a referrer a browser names no origin either, and the form would come from nowhere.
        found["Referrer-Policy"] = "same-origin"
    return found


def _crumbs(page: Page, ask: Ask) -> list[tuple[str, str]]:
    """Title and address of the pages above one, the overview first; none above that."""
    first = PAGES["OVERVIEW"]
    if page is first:
        return []
    above = list(page.above(ask)) if page.above else [
        (_(one.title), ask.at(one.address, can_be_cut=one.can_be_cut))
        for one in (_page_above(page),)
        if one is not None
    ]
    return [(_(first.title), ask.at(first.address)), *above]


def _page_above(page: Page) -> Page | None:
    """The page whose address begins that of another."""
    start = page.address.rpartition("/")[0]
    return next((one for _name, one in PAGES.items() if start and one.address == start), None)


def _index(laid: Sequence[Laid]) -> list[Panel]:
    """The panels of a page that is too long to be seen at once."""
    found = [one.panel for one in laid if one.shown.rows or not one.panel.is_quiet]
    return found if len(found) >= LONG else []


def _shown(page: Page, ask: Ask, laid: Sequence[Laid]) -> str:
    """Which time a page shows, for those who hear it: that of its figures, and its range."""
    views = (one.shown.view for one in laid)
    whens = (view.get("period") or getattr(view.get("reading"), "when", "") for view in views)
    parts = [str(when) for when in whens if when][:1]
    if page.has_controls:
        first, last = ask.label(ask.periods[0]), ask.label(ask.periods[-1])
        parts.append(first if first == last else _("over time %(first)s to %(last)s") % {
            "first": first, "last": last})
    return ", ".join(parts) or _("as of %s") % ask.seen_words()


def _wants_part(request: Request) -> bool:
    """Whether htmx asks for the main part alone; going back asks for the whole page."""
    asked = request.headers
    return asked.get("hx-request") == "true" and asked.get("hx-history-restore-request") != "true"


def _part(request: Request, params: Sequence[tuple[str, str]]) -> str:
    """What htmx asks for: `main`, a late `panel`, or nothing less than the page."""
    if not _wants_part(request):
        return ""
    named = dict(params).get("panel")
    return "panel" if named and request.headers.get("hx-target") == named else "main"


def _has_values(laid: Sequence[Laid]) -> bool:
    return any(row.get("value") for one in laid for row in one.shown.rows) or any(
        one.refusal for one in laid
    )
