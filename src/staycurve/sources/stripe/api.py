"""Stripe's interface: its lists page by page, one object at a time, and lists inside objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from staycurve.errors import SourceError
from staycurve.sources.base import Pull
from staycurve.sources.batches import RawObject
from staycurve.sources.http import Client, NotThereError, Pace, RefusedError, is_local
from staycurve.sources.stripe.kinds import Kind
from staycurve.sources.stripe.settings import ORIGIN, VERSION, Stripe
from staycurve.sources.stripe.shapes import Object, at, id_of, seconds

PAGE = 100
"""The most that Stripe gives at once."""
PER_SECOND = 80.0
"""Stripe takes 100 reads a second of a live account; other programs share it."""
SECRETS = ("client_secret", "confirmation_secret")
"""Fields that open a payment to whoever has them; they are not kept."""


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes
    ----------
    after : str
        The id after which the next page begins.
    """

    objects: tuple[Object, ...]
    after: str
    has_more: bool


class Api:
    """Stripe, as one source of staycurve.toml reaches it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._plain: set[str] = set()

    def pages(
        self, kind: Kind, *, after: str = "", more: tuple[tuple[str, str], ...] = ()
    ) -> Iterator[Page]:
        """The pages of a list, newest objects first, from behind the object `after`."""
        expand = tuple(f"data.{one}" for one in kind.expand)
        yield from self._pages(kind.path, (*kind.params, *more), expand, after)

    def events(self, since: int | None) -> Iterator[Page]:
        """What happened, newest first; Stripe keeps it for 30 days."""
        params = () if since is None else (("created[gte]", str(since)),)
        yield from self._pages("/v1/events", params, (), "")

    def one(self, kind: Kind, id: str) -> Object:
        """One object, whole.

        Raises
        ------
        NotThereError
            If Stripe has it no longer, or never had it.
        """
        found = self._asked(f"{kind.path}/{quote(id, safe='')}", (), kind.expand)
        if not isinstance(found, dict) or id_of(found) != id:
            raise SourceError(
                f"Stripe answered for {id} with something else.", hint="Sync again later."
            )
        return self.whole(kind, found)

    def whole(self, kind: Kind, found: Object) -> Object:
        """An object with all the elements of the lists inside it."""
        for field, (path, params) in (kind.nested or {}).items():
            held = found.get(field)
            if not isinstance(held, dict) or not held.get("has_more"):
                continue
            id = id_of(found) or ""
            own = tuple((key, value.format(id=id)) for key, value in params)
            elements = list(held.get("data") or [])
            last = id_of(elements[-1]) if elements else None
            try:
                for page in self._pages(path.format(id=quote(id, safe="")), own, (), last or ""):
                    elements += page.objects
            except NotThereError:
                # What is kept says that it is not whole, and so does every row that needs it.
                continue
            found = {**found, field: {**held, "data": elements, "has_more": False}}
        return found

    def elements(self, path: str, params: tuple[tuple[str, str], ...]) -> list[Object]:
        """All elements of a list that is asked for by parameters of its own."""
        return [one for page in self._pages(path, params, (), "") for one in page.objects]

    def _pages(
        self, path: str, params: tuple[tuple[str, str], ...], expand: tuple[str, ...], after: str
    ) -> Iterator[Page]:
        while True:
            place = (("starting_after", after),) if after else ()
            body = self._asked(path, (("limit", str(PAGE)), *params, *place), expand)
            data = body.get("data") if isinstance(body, dict) else None
            if not isinstance(data, list):
                raise SourceError(
                    f"Stripe's list {path} has no data.", hint="Is base_url Stripe's origin?"
                )
            found = tuple(one for one in data if isinstance(one, dict) and id_of(one))
            last = id_of(found[-1]) if found else None
            has_more = bool(body.get("has_more"))
            if has_more and (last is None or last == after):
                raise SourceError(
                    f"Stripe's list {path} gives the same page again.", hint="Sync again later."
                )
            yield Page(found, last or after, has_more)
            if not has_more:
                return
            after = last or ""

    def _asked(
        self, path: str, params: tuple[tuple[str, str], ...], expand: tuple[str, ...]
    ) -> Any:
        if path in self._plain:
            expand = ()
        try:
            return self.client.get(path, (*params, *(("expand[]", one) for one in expand)))
        except RefusedError:
            if not expand:
                raise
        # A version that does not know a field refuses to expand it; the ids still come.
        found = self.client.get(path, params)
        self._plain.add(path)
        return found


def raw_of(kind: Kind | None, found: Object, *, parent: str = "") -> RawObject:
    """An object as it is kept.

    Parameters
    ----------
    parent : str
        By what it is looked for, where it is of no kind that says so.
    """
    import orjson

    if any(key in found for key in SECRETS):
        found = {key: value for key, value in found.items() if key not in SECRETS}
    name = found.get("object")
    return RawObject(
        kind.object if kind else name if isinstance(name, str) else "unknown",
        id_of(found) or "", orjson.dumps(found), (kind.parent(found) or "") if kind else parent,
        seconds(found.get("created")) or 0, bool(found.get("deleted")),
    )


def gone(kind: Kind, id: str) -> RawObject:
    """What is kept of an object that Stripe has no longer."""
    return raw_of(kind, {"id": id, "object": kind.object, "deleted": True})


def is_gone(error: NotThereError) -> bool:
    """Whether Stripe itself says that an object is missing, and not that a path is."""
    return error.fields.get("code") == "resource_missing"


def opened(pull: Pull[Stripe]) -> Client:
    """A client for one source.

    Raises
    ------
    SourceError, ConfigError
        If its key is not set, or would be sent in the clear.
    """
    settings = pull.settings
    key = settings.api_key.reveal().strip()
    if settings.origin.startswith("http://") and "_live_" in key and not is_local(settings.origin):
        raise SourceError(
            "A live key is not sent to another machine over http.",
            hint=f'Write: base_url = "{ORIGIN}"',
        )
    headers = {"Authorization": f"Bearer {key}", "Stripe-Version": VERSION}
    if settings.connected_account:
        headers["Stripe-Account"] = settings.connected_account
    return Client(
        "Stripe", settings.origin, headers=headers, secrets=[key],
        key_hint=f"Is {settings.api_key.variable} a key of this account, and not revoked?",
        told=lambda status, body: at(body, "error", "message") or "",
        pace=Pace(PER_SECOND if settings.origin == ORIGIN else None),
    )
