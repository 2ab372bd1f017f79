"""/s/TOKEN: where people answer surveys, on a phone, without JavaScript and without an account.

A GET shows and changes nothing: mail scanners open every link of a message, several times. The
token itself is what opens a page; no browser sends it by itself, as it does cookies, so that a form
needs no other proof of where it came from. Mail programs send none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from staycurve.actions.surveys import answers
from staycurve.actions.surveys.answers import BadAnswerError
from staycurve.errors import StaycurveError, UsageError
from staycurve.interfaces.chartmogul.app import Loader
from staycurve.interfaces.web import forms
from staycurve.interfaces.web.texts import _
from staycurve.state.survey_answers import AnsweredError
from staycurve.state.survey_models import COMMENT
from staycurve.workspace import Company
from staycurve.workspace.survey_answering import (
    ANSWERED,
    EXPIRED,
    FIRST,
    FURTHER,
    OPEN,
    UNKNOWN,
    LinkError,
    Opened,
)

LARGEST = 4 * 1024 * 1024
"""Bytes of an answer that are read; of a text that is too long, what was written is shown again."""
_HEADERS = {
    "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
_STATUS = {OPEN: 200, ANSWERED: 200, EXPIRED: 410, UNKNOWN: 404}


class Links:
    """Answers at /s/… for one company."""

    def __init__(self, company: Company, loader: Loader, templates: Any) -> None:
        self.company = company
        self.loader = loader
        self.templates = templates

    def show(self, request: Request) -> Response:
        """The page of a link; nothing is recorded."""
        token = request.path_params["token"]
        found = self.company.surveys.answering.open(token)
        score = request.query_params.get("score", "")
        return self._page(token, found, step=request.query_params.get("step", ""), score=score)

    async def take(self, request: Request) -> Response:
        """Record what was sent."""
        token = request.path_params["token"]
        try:
            form = await _form(request)
        except UsageError as error:
            status = 413 if error.fields.get("status") == 413 else 422
            return await run_in_threadpool(self._refused, token, {}, error, status)
        return await run_in_threadpool(self._taken, token, form)

    def _taken(self, token: str, form: Mapping[str, str]) -> Response:
        try:
            self.company.surveys.answering.take(token, form)
        except BadAnswerError as error:
            return self._refused(token, form, error, 422)
        except AnsweredError:
            found = self.company.surveys.answering.open(token)
            return self._page(token, found, status=409)
        except LinkError:
            return self._page(token, self.company.surveys.answering.open(token))
        self.loader.wake()
        return RedirectResponse(f"/s/{token}", status_code=303, headers=_HEADERS)

    def _refused(
        self, token: str, form: Mapping[str, str], error: UsageError, status: int
    ) -> Response:
        found = self.company.surveys.answering.open(token)
        if found.status != OPEN:
            return self._page(token, found)
        return self._page(
            token, found, step=form.get("step", ""), form=form, fault=error, status=status
        )

    def unsubscribing(self, request: Request) -> Response:
        """The page that asks whether to unsubscribe; it does nothing by itself."""
        token = request.path_params["token"]
        is_known = self.company.surveys.answering.is_known(token)
        return self._unsubscribe(token, is_known=is_known, is_done=False)

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribe: by the button of the page, or by the mail program's own (RFC 8058)."""
        token = request.path_params["token"]
        is_known = await run_in_threadpool(self.company.surveys.answering.unsubscribe, token)
        return self._unsubscribe(token, is_known=is_known, is_done=is_known)

    def _unsubscribe(self, token: str, *, is_known: bool, is_done: bool) -> Response:
        return self._rendered("survey_unsubscribe.html", 200 if is_known else 404, {
            "token": token, "is_known": is_known, "is_done": is_done, "language": "en",
            "is_rtl": False, "title": _("Unsubscribe"),
        })

    def _page(
        self, token: str, found: Opened, *, step: str = "", score: str = "",
        form: Mapping[str, str] | None = None, fault: StaycurveError | None = None,
        status: int | None = None,
    ) -> Response:
        what, heard = found.definition, found.response
        is_begun = heard is not None and found.status == OPEN
        shown = FURTHER if is_begun and step != FIRST else FIRST
        typed = dict(form or {})
        chosen = None
        if what is not None:
            chosen = answers.preselected(what, typed.get("score", "") or score)
            if chosen is None and not typed and heard is not None:
                chosen = heard.score
        if not typed and heard is not None:
            typed["comment"] = heard.comment
            typed |= {f"answer_{place}": text for place, text in enumerate(heard.further, 1)}
        return self._rendered("survey.html", _STATUS[found.status] if status is None else status, {
            "token": token, "state": found.status, "survey": what, "step": shown,
            "chosen": chosen, "typed": typed, "fault": fault,
            "wrong": fault.fields.get("field", "") if fault else "",
            "language": what.language if what else "en", "is_rtl": bool(what and what.is_rtl),
            "most": COMMENT, "title": what.question if what else _("Survey"),
        })

    def _rendered(self, name: str, status: int, view: Mapping[str, Any]) -> Response:
        body = self.templates.get_template(name).render(
            company=self.company.config.company, **view
        )
        return Response(
            body, status_code=status, media_type="text/html; charset=utf-8", headers=_HEADERS
        )


def install(app: FastAPI, company: Company, templates: Any) -> Loader:
    """Let an application answer at /s/…; what brings the answers into the lake."""
    loader = Loader(company.surveys.desk)
    links = Links(company, loader, templates)
    for address, show, take in (
        ("/s/{token}", links.show, links.take),
        ("/s/{token}/unsubscribe", links.unsubscribing, links.unsubscribe),
    ):
        app.add_route(address, show, methods=["GET"], include_in_schema=False)
        app.add_route(address, take, methods=["POST"], include_in_schema=False)
    return loader


async def _form(request: Request) -> dict[str, str]:
    """The fields that were sent, by a form or as JSON.

    Raises
    ------
    UsageError
        If there are more bytes than are read, or they are neither.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise UsageError(
                f"What was sent is larger than {LARGEST // 2**20} MB.",
                hint="Shorten it, and send it again.", status=413,
            )
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/json"):
        return forms.fields_of(kind or "application/x-www-form-urlencoded", bytes(body))
    try:
        given = json.loads(bytes(body))
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise UsageError("What was sent is no JSON object.", hint="Send score and comment.")
    return {str(key): "" if value is None else str(value) for key, value in given.items()}
