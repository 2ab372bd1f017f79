"""Lists over HTTP: what a system's list interface is like, declared, and the stream that reads it.

A pass begins where the last one ended and goes page by page. Each page is committed with the place
of the next, so that a pass that was killed goes on there. Objects are kept as they came beside the
rows that they become.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from staycurve.errors import SourceError
from staycurve.i18n import N_
from staycurve.section_faults import Wrong
from staycurve.sections import Takes
from staycurve.sources.base import Pull, Stream
from staycurve.sources.batches import Batch, RawObject, Row, Unreadable, partial_batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.http import Client, Params, RefusedError, is_local
from staycurve.sources.mapping import Feed
from staycurve.sources.options import ReadOptions
from staycurve.tables.conformed import CONFORMED

S = TypeVar("S", bound="Reached")
Object = Mapping[str, Any]
# What was kept does not change while a stream is read.
_KNOWN: weakref.WeakKeyDictionary[Any, dict[str, dict[str, str]]] = weakref.WeakKeyDictionary()

OWN_ID = Annotated[
    str, Takes(N_("the field of theirs that holds the account's id with you"),
               'account_id = "customer_id"')
]
BASE_URL = Annotated[str, Takes(N_("another origin than the system's own"),
                                'base_url = "http://127.0.0.1:9000"')]


class Reached(Protocol):
    """What every section of a system that is reached over HTTP has."""

    @property
    def base_url(self) -> str:
        """The origin, where it is not the system's own."""
        ...


@dataclass(frozen=True)
class Page:
    """A place in a list: parameters that are sent beside those of every page.

    Attributes
    ----------
    path : str
        Where it stands, if not at the list's own address.
    """

    params: Params
    path: str = ""

    def as_kept(self) -> list[Any]:
        """As a cursor keeps it."""
        return [self.path, [list(pair) for pair in self.params]]

    @classmethod
    def of(cls, kept: Any) -> Page | None:
        """Out of what a cursor kept."""
        if not kept:
            return None
        return cls(tuple((str(key), str(value)) for key, value in kept[1]), str(kept[0]))


Next = Callable[[Any, Page, int], Page | None]
"""(body, the page that it is, how many entries it has) → the next page; None after the last."""


@dataclass(frozen=True, eq=False)
class Listing(Generic[S]):
    """One list of a system.

    Attributes
    ----------
    name : str
        The stream's name.
    object : str
        The kind under which objects are kept.
    path : callable
        Settings → the list's address.
    entries : str
        Where the list stands in an answer: `data.items`; empty where the answer is the list.
    table : str
        The table that its rows feed.
    row : callable
        (object, pull) → a row by our columns, several of them, or None for one that is none.
    next : callable
        Finds the next page.
    params : callable
        (pull, from when on) → what is sent with every page.
    changed : str
        The field that says when an object last changed; empty where none does.
    id : str
        The field that names an object.
    options : ReadOptions
        How the rows' values are written.
    """

    name: str
    about: str
    object: str
    path: Callable[[S], str]
    entries: str
    table: str
    row: Callable[[Object, Pull[S]], Row | Sequence[Row] | None]
    next: Next
    params: Callable[[Pull[S], dt.datetime | None], Params] = lambda pull, since: ()
    changed: str = ""
    id: str = "id"
    options: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True, eq=False)
class System(Generic[S]):
    """One outside system: how it is reached, and its lists."""

    title: str
    origin: Callable[[S], str]
    headers: Callable[[S], Mapping[str, str]]
    secrets: Callable[[S], Sequence[str]]
    key_hint: str
    told: Callable[[int, Any], str] = lambda status, body: ""
    login: Callable[[S], Mapping[str, str]] = field(default=lambda settings: {})

    def stream(self, listing: Listing[S]) -> Stream[S]:
        """The stream that reads a list."""
        names = [column.name for column in CONFORMED[listing.table].columns]
        feed = Feed(listing.table, columns={name: (name,) for name in names})

        def read(pull: Pull[S]) -> Iterator[Batch]:
            return _read(self, listing, pull)

        return Stream(
            listing.name, listing.about, read, (feed,),
            cursor=N_("when the newest object changed, and the next page of a pass"),
            options=listing.options,
        )

    def client(self, settings: S) -> Client:
        """What asks it."""
        headers = {**self.headers(settings), **self.login(settings)}
        return Client(
            self.title, (settings.base_url or self.origin(settings)), headers=headers,
            secrets=[*self.secrets(settings), *headers.values()], key_hint=self.key_hint,
            told=self.told,
        )


def _read(system: System[S], listing: Listing[S], pull: Pull[S]) -> Iterator[Batch]:
    cursor = None if pull.since else pull.cursor
    before = str(cursor.at) if cursor else ""
    kept = cursor.kept if cursor else {}
    since = pull.since or (instant(before) if before else None)
    newest = max(before, str(kept.get("newest") or ""))
    resumed = Page.of(kept.get("page"))
    page = resumed or Page(())
    seen = {repr(page)}
    with system.client(pull.settings) as client:
        shared = listing.params(pull, since)
        while True:
            try:
                body = client.get(page.path or listing.path(pull.settings),
                                  page.params if page.path else (*shared, *page.params))
            except RefusedError:
                if resumed is None:
                    raise
                # The place of a pass that was interrupted does not hold for ever.
                resumed, page = None, Page(())
                continue
            resumed = None
            entries = at(body, listing.entries) if listing.entries else body
            if not isinstance(entries, list):
                raise SourceError(
                    f"{system.title} answered {listing.name} with something that is no list.",
                    hint="If this stays, please report it.",
                )
            batch, newest = _batch(listing, entries, pull, since, newest)
            following = listing.next(body, page, len(entries))
            if following is None:
                yield batch(Cursor(newest, {"page": None, "newest": None}))
                return
            if repr(following) in seen:
                raise SourceError(
                    f"{system.title} gives the same page of {listing.name} again and again.",
                    hint="What was committed stays; sync again later.",
                )
            seen.add(repr(following))
            yield batch(Cursor(before, {"page": following.as_kept(), "newest": newest}))
            page = following


def _batch(
    listing: Listing[S], entries: Sequence[Any], pull: Pull[S], since: dt.datetime | None,
    newest: str,
) -> tuple[Callable[[Cursor], Batch], str]:
    """What a page brings; and the newest change that was seen up to it."""
    import orjson

    rows: list[Row | Unreadable] = []
    objects: list[RawObject] = []
    for entry in entries:
        if not isinstance(entry, Mapping) or at(entry, listing.id) in (None, ""):
            rows.append(Unreadable(str(entry)[:80], f"is no {listing.object} with an id"))
            continue
        number = str(at(entry, listing.id))
        changed = written(at(entry, listing.changed)) if listing.changed else ""
        newest = max(newest, changed)
        if changed and since is not None and changed < (written(since) or ""):
            # A list that cannot be asked for changes shows what is known already.
            continue
        objects.append(RawObject(listing.object, number, orjson.dumps(entry)))
        try:
            made = listing.row(entry, pull)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            told = f"has a shape that is not known: {type(error).__name__}"
            rows.append(Unreadable(f"{listing.object} {number}", told))
            continue
        for row in () if made is None else (made,) if isinstance(made, Mapping) else made:
            rows.append({key: value for key, value in row.items() if value not in (None, "")})

    def batch(cursor: Cursor) -> Batch:
        made = Batch(rows, cursor, objects=tuple(objects))
        # A CRM does not take away what billing knows of an account.
        return partial_batch("accounts", made) if listing.table == "accounts" else made

    return batch, newest


def at(body: Any, path: str) -> Any:
    """What stands at a path of names with dots, numbers for places in lists; None where nothing."""
    for part in path.split(".") if path else ():
        if isinstance(body, Mapping):
            body = body.get(part)
        elif isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body


def instant(value: object) -> dt.datetime | None:
    """An instant as systems write them: ISO 8601, or seconds since 1970; UTC without an offset.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if value in (None, ""):
        return None
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    if isinstance(value, int | float):
        seconds = value / 1000 if abs(value) > 10**11 else value
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    found = dt.datetime.fromisoformat(str(value).strip().replace("+0000", "+00:00"))
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def written(value: object) -> str:
    """An instant as cursors and rows have it, so that texts compare; empty for none."""
    try:
        found = instant(value)
    except ValueError:
        return ""
    return found.isoformat(timespec="microseconds") if found else ""


def token(path: str, param: str) -> Next:
    """The next page is named by a text in the answer."""

    def following(body: Any, page: Page, count: int) -> Page | None:
        del page, count
        found = at(body, path)
        return Page(((param, str(found)),)) if found not in (None, "") else None

    return following


def address(path: str) -> Next:
    """The next page is at an address in the answer; its path is followed, never its host."""

    def following(body: Any, page: Page, count: int) -> Page | None:
        del page, count
        found = at(body, path)
        if found in (None, ""):
            return None
        parts = urlsplit(str(found))
        return Page(tuple(parse_qsl(parts.query, keep_blank_values=True)), parts.path)

    return following


def numbered(param: str, size: int, *, most: int = 10**6) -> Next:
    """Pages have numbers from 1 to at most `most`; one that is not full is the last.

    Raises
    ------
    SourceError
        If there are more: the rest would be missing in silence.
    """

    def following(body: Any, page: Page, count: int) -> Page | None:
        del body
        number = int(dict(page.params).get(param, 1))
        if count < size:
            return None
        if number >= most:
            raise SourceError(
                f"The list goes on beyond page {most}, the last that is answered.",
                hint="Sync with --since a later day, then go on in pieces.",
            )
        return Page(((param, str(number + 1)),))

    return following


def check_origin(base_url: str) -> None:
    """Refuse an address over which a key would be readable on its way."""
    if not base_url:
        return
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise Wrong("is no origin.", 'Write: base_url = "https://example.com"', "base_url")
    if parts.scheme == "http" and not is_local(base_url):
        raise Wrong("would send the key unencrypted.", "Write https://…", "base_url")


def check_site(value: str, key: str, what: str = "subdomain") -> None:
    """Refuse a name that is to stand in an address and cannot."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise Wrong(f"is no {what}.", f'Write: {key} = "acme"', key)


def basic(user: str, password: str = "") -> str:
    """The header `Authorization` of a name and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def account_of(pull: Pull[Any], number: object, own: object = None) -> str | None:
    """The account that one of their companies is: your own id, else theirs under the source's name.

    So a company that nobody has matched is never taken for an account of the same number.
    """
    if own not in (None, ""):
        return str(own)
    return None if number in (None, "") else f"{pull.name}:{number}"


def accounts_by(pull: Pull[Any], kind: str, own: Callable[[Object], object]) -> Mapping[str, str]:
    """Their company's id → the account, of those that name your own id; asked once a stream."""
    import orjson

    known = _KNOWN.setdefault(pull.kept, {})
    if kind not in known:
        rows = pull.kept.rows(
            "SELECT id, arg_max(body, load) FROM raw_objects "
            f"WHERE object = '{kind}' GROUP BY id ORDER BY id"
        )
        named = ((str(number), own(orjson.loads(body))) for number, body in rows)
        known[kind] = {
            number: str(value) for number, value in named if value not in (None, "")
        }
    return known[kind]
