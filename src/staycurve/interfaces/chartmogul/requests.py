"""Requests: what a program asked, and the ways to refuse it as ChartMogul does."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.sources.chartmogul.rows import instant
from staycurve.state.imports import Imported, Imports
from staycurve.workspace import Company
from staycurve.workspace.imports import ImportDesk

MOST = 200
"""Entries on one page, as many as ChartMogul gives."""
LONGEST = 200
"""Letters of an id."""

Answer = tuple[int, Any]
"""Status, and what is sent as JSON; None for no body."""


class Refused(Exception):
    """A request that is refused.

    Attributes
    ----------
    status : int
        401, 404, 409 or 422.
    errors : mapping
        Field → what is wrong with it.
    body : object, optional
        Sent in the place of the errors alone.
    """

    def __init__(
        self, status: int, message: str, *, errors: Mapping[str, str] | None = None,
        hint: str = "", body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = dict(errors or {})
        self.hint = hint
        self.body = body


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes
    ----------
    path : mapping
        What stands in the places of its address.
    query : mapping
        Parameters behind the `?`, `start-date` as `start_date`.
    body : object
        What its JSON says; an empty object without one.
    """

    company: Company
    desk: ImportDesk
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body as an object."""
        if not isinstance(self.body, Mapping):
            raise Refused(422, "The body is not a JSON object.", errors={"body": "is no object."})
        return self.body


Handler = Callable[[Request], Answer]
ROUTES: list[tuple[str, str, Handler]] = []
"""(method, address, handler); of two that fit, the first."""


def route(method: str, address: str) -> Callable[[Handler], Handler]:
    """Let a function answer an address below /chartmogul/v1."""

    def kept(handler: Handler) -> Handler:
        ROUTES.append((method, address, handler))
        return handler

    return kept


def missing(what: str) -> Refused:
    """There is no such object."""
    return Refused(404, f"{what} not found.", hint="Was it sent to this server, and not deleted?")


def found(imports: Imports, kind: str, uuid: str, what: str) -> Imported:
    """The object of this name.

    Raises
    ------
    Refused
        With 404, if there is none.
    """
    one = imports.get(kind, uuid)
    if one is None:
        raise missing(what)
    return one


def by_external_id(request: Request, imports: Imports, kind: str, what: str) -> Imported:
    """The object that `data_source_uuid` and `external_id` of the query name."""
    source, external = request.query.get("data_source_uuid"), request.query.get("external_id")
    if not source or not external:
        raise Refused(422, "Name it by data_source_uuid and external_id.", errors={
            "external_id": "can't be blank", "data_source_uuid": "can't be blank",
        })
    one = imports.named(kind, source, external)
    if one is None:
        raise missing(what)
    return one


def check(errors: Mapping[str, str], what: str) -> None:
    """Refuse with 422 if any field is wrong."""
    if errors:
        listed = "; ".join(f"{field} {text}" for field, text in errors.items())
        raise Refused(422, f"{what} cannot be taken: {listed}.", errors=errors)


def blanks(fields: Mapping[str, Any], *names: str) -> dict[str, str]:
    """An error for each of these fields that holds nothing."""
    return {name: "can't be blank" for name in names if fields.get(name) in (None, "")}


def odd_instants(fields: Mapping[str, Any], *names: str) -> dict[str, str]:
    """An error for each of these fields that holds something, and no instant."""
    wrong = {}
    for name in names:
        try:
            instant(fields.get(name))
        except ValueError:
            wrong[name] = "is not a date in ISO 8601"
    return wrong


def odd_ids(fields: Mapping[str, Any], *names: str) -> dict[str, str]:
    """An error for each of these fields that is no id."""
    wrong = {}
    for name in names:
        value = fields.get(name)
        if value is not None and not isinstance(value, str | int):
            wrong[name] = "is not a text"
        elif value is not None and len(str(value)) > LONGEST:
            wrong[name] = f"is longer than {LONGEST} letters"
    return wrong


def odd_wholes(fields: Mapping[str, Any], *names: str) -> dict[str, str]:
    """An error for each of these fields that holds something, and no whole number."""
    return {
        name: "must be an integer" for name in names
        if fields.get(name) is not None and whole(fields[name]) is None
    }


def whole(value: object) -> int | None:
    """A whole number that fits into 64 bits, however it is written; None for anything else."""
    try:
        number = int(str(value)) if not isinstance(value, bool) else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < 2**53 else None


def said(at: dt.datetime | str | None) -> str | None:
    """An instant as ChartMogul writes it."""
    moment = instant(at) if isinstance(at, str) else at
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page_of(
    request: Request, fetch: Callable[[int, int], Sequence[Imported]]
) -> tuple[Sequence[Imported], dict[str, Any]]:
    """One page, and what says whether there is another.

    Parameters
    ----------
    fetch : callable
        Called with the number after which to begin, and how many are wanted at most.
    """
    most = whole(request.query.get("per_page", MOST)) or MOST
    most = max(1, min(most, MOST))
    after = cursor_at(request.query.get("cursor"))
    entries = fetch(after, most + 1)
    has_more = len(entries) > most
    entries = entries[:most]
    cursor = cursor_of(entries[-1].id) if entries else None
    return entries, {"has_more": has_more, "cursor": cursor}


def cursor_of(number: int) -> str:
    """Where the next page begins, as a text of its own."""
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode().rstrip("=")


def cursor_at(text: str | None) -> int:
    """The number behind a cursor; 0 without one.

    Raises
    ------
    Refused
        For a text that is no cursor.
    """
    if not text:
        return 0
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        word, _, number = plain.partition(":")
        if word == "after":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise Refused(422, "The cursor is none of this server's.", errors={"cursor": "is invalid"})
