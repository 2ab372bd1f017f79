"""Forms that people send to a page: only from our own pages, and only small ones."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from staycurve.errors import StaycurveError, UsageError
from staycurve.interfaces.access import visitor_of
from staycurve.state.sessions import form_token

LIMIT = 256_000
"""Bytes; twenty years of every metric by month are half of it."""
DRAINED = 32 * LIMIT
"""A browser shows an answer only once it has sent what it sends; past this much it is cut off."""
FIELDS = 24
TOKEN = "csrf"
"""The field of a session's token."""


class ForeignFormError(StaycurveError):
    """A form that did not come from one of our own pages."""

    code = "foreign_form"


async def read(request: Request) -> dict[str, str]:
    """The fields of a form; a body that is no form is the one field `text`.

    Raises
    ------
    ForeignFormError
        If the form was sent from elsewhere.
    UsageError
        If it is too large, or not UTF-8.
    """
    kind = request.headers.get("content-type", "")
    check_origin(request.headers, kind)
    body = b""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LIMIT:
            body += chunk
        if size > DRAINED:
            break
    if size > LIMIT:
        raise UsageError(
            f"What was sent is larger than {LIMIT // 1000} KB.",
            hint="Send fewer lines at a time, or use the command line, which has no limit.",
        )
    return fields_of(kind, body)


def check_token(request: Request, token: str) -> None:
    """Refuse what comes without the token of the session that it is sent in.

    A page elsewhere can make a browser send a session's cookie, and cannot read its pages. Who
    sends a key has no session, and needs no token.
    """
    session = visitor_of(request).session
    if session and not hmac.compare_digest(form_token(session).encode(), token.encode()):
        raise ForeignFormError(
            "This form is not of your session, so it was not read.",
            hint="Open the page again and send it from there; a program sends a key, or the "
            "page's token as X-CSRF-Token.",
        )


def check_origin(headers: Mapping[str, str], kind: str) -> None:
    """Refuse a form that a page elsewhere made a browser send.

    `Sec-Fetch-Site` is the browser's own word; where it is missing, as over plain HTTP in a
    network, `Origin` must name the host that was asked. Bodies that are no form cannot be sent
    across origins without being asked for first, and that is never granted.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        is_own = site == "same-origin"
    elif origin is not None:
        is_own = urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    else:
        is_own = kind.startswith(("text/csv", "application/json"))
    if not is_own:
        raise ForeignFormError(
            "This form did not come from a page of this server, so it was not read.",
            hint="Open the page here and send it again; a program sends Content-Type: text/csv "
            "or application/json.",
        )


def fields_of(kind: str, body: bytes) -> dict[str, str]:
    """Name → text of each field; the text of a file that was chosen is its field's.

    Raises
    ------
    UsageError
        If a text is not UTF-8.
    """
    if kind.startswith("multipart/form-data"):
        message = BytesParser(policy=policy.HTTP).parsebytes(
            b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body
        )
        found: dict[str, str] = {}
        for part in list(message.iter_parts())[:FIELDS]:
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                found[name] = _text(content)
        return found
    if kind.startswith("application/x-www-form-urlencoded"):
        try:
            pairs = parse_qsl(
                _text(body), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
            )
        except ValueError:
            raise UsageError("The form cannot be read.", hint="Send it from the page.") from None
        return dict(pairs)
    return {"text": _text(body)}


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(
            "The text is not UTF-8.", hint="Save the file as CSV in UTF-8, and send it again."
        ) from None
