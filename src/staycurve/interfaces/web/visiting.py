"""Visiting: what a page says to one session alone, put into a page that many may share."""

from __future__ import annotations

import re

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response

from staycurve.interfaces.access import Visitor, visitor_of
from staycurve.interfaces.web.forms import TOKEN
from staycurve.interfaces.web.texts import _
from staycurve.state.sessions import form_token

_FORM = re.compile(rb'<form\b[^>]*\bmethod="post"[^>]*>', re.IGNORECASE)
_PLACE = b"<!--visitor-->"


def dressed(body: bytes, tag: str, request: Request) -> tuple[bytes, str]:
    """A page with the token of its session in every form that changes something, and its tag.

    Texts of users stand escaped in a page, so that a form in it is one of ours. Without a session
    the page stays as it is.
    """
    visitor = visitor_of(request)
    if not visitor.session:
        return body, tag
    token = form_token(visitor.session)
    field = f'<input type="hidden" name="{TOKEN}" value="{token}">'.encode()
    made = _FORM.sub(lambda found: found[0] + field, body.replace(_PLACE, _who(visitor), 1))
    return made, f'{tag[:-1]}-{token[:8]}"' if tag else ""


def redressed(response: Response, request: Request) -> Response:
    """The same for an answer to a form."""
    body = dressed(bytes(response.body), "", request)[0]
    headers = {k: v for k, v in response.headers.items() if k.lower() != "content-length"}
    return Response(body, response.status_code, headers)


def _who(visitor: Visitor) -> bytes:
    return (
        f'<form class="visitor" method="post" action="/logout"><span>{escape(visitor.name)}</span>'
        f' <button>{escape(_("Log out"))}</button></form>'
    ).encode()
