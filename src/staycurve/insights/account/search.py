"""Search: accounts, users, metrics and questions by name or id, and notes by their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve import personal
from staycurve.i18n import N_
from staycurve.insights.answers import AccountOrNoneField, Answer, Key, Kind, Row, Said, Table, col
from staycurve.insights.base import Param, insight
from staycurve.insights.voice.kept import Listener
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.tables.engine import quoted

KINDS = {
    "account": N_("Accounts"), "user": N_("Users"), "note": N_("Notes"),
    "metric": N_("Metrics"), "page": N_("Pages"),
}
LISTED = 8
"""Results of each kind that are listed at first: they fit a screen."""
MOST = 100
_OF_USERS = ("kind", ("user", "note"))
_EXCERPT = 100
"""Letters of a note that a result shows."""


@dataclass(frozen=True, kw_only=True)
class Result(Row):
    """One thing that was found."""

    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    id: Annotated[str, col(N_("Id"), is_personal=True, stands_in=True, personal_if=_OF_USERS)]
    name: Annotated[
        str | None, col(N_("Name"), is_personal=True, personal_if=_OF_USERS)
    ]
    about: Annotated[
        str | None,
        col(N_("About"), about=N_("Owner, e-mail, day and author, or what it means."),
            is_personal=True, personal_if=_OF_USERS),
    ]
    account_id: AccountOrNoneField = None


@dataclass(frozen=True, kw_only=True)
class Count(Row):
    """How many of one kind there are."""

    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    found: Annotated[int, col(N_("Found"), Unit.COUNT)]
    more: Annotated[int, col(N_("Not listed"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Found(Answer):
    """What was found: the nearest first, within each kind."""

    q: Annotated[str, Key(N_("The text that was looked for."))]
    rows: Annotated[tuple[Result, ...], Table(N_("Found"), is_main=True)]
    counts: Annotated[tuple[Count, ...], Table(N_("By kind"))] = ()

    def title(self) -> Said:
        return Said(N_("Search: %(q)s"), {"q": (self.q[:60], Kind.TEXT)})


@insight("search", needs="", has_history=False)
def search(
    company: Listener, *,
    q: Annotated[
        str,
        Param(N_("Part of a name, an id or an e-mail address, as it is written."),
              metavar="TEXT", is_argument=True, examples="acme"),
    ],
    kind: Annotated[
        Sequence[str], Param(N_("Only results of these kinds."), choices=tuple(KINDS))
    ] = (),
    limit: Annotated[
        int, Param(N_("How many of each kind are listed at most."), least=1, most=MOST)
    ] = LISTED,
) -> Found:
    """Which accounts, users, metrics and pages have this text in their name or id?

    Of notes on accounts those are found that have all its words, whatever their capitals and
    accents, the newest first.

    The text is looked for as it is written, in any case of letters: % and _ are letters too.
    What is called so exactly comes first, then what begins so, then what has a word that does.
    """
    text = q.strip()
    chosen = tuple(kind) or tuple(KINDS)
    rows: list[Result] = []
    counts = []
    for one in KINDS:
        if one not in chosen or not text:
            continue
        if one in _OF_USERS[1] and not personal.is_shown():
            # That somebody is found tells that they are there.
            continue
        found, count = _LOOK[one](company, text, limit)
        rows += found
        counts.append(Count(kind=one, found=count, more=count - len(found)))
    return Found(q=q, rows=tuple(rows), counts=tuple(counts))


def _accounts(company: Listener, text: str, limit: int) -> tuple[list[Result], int]:
    return _looked(
        company, "account", "accounts", ("account_id", "name"), text, limit,
        columns="account_id, name, owner, account_id",
    )


def _users(company: Listener, text: str, limit: int) -> tuple[list[Result], int]:
    return _looked(
        company, "user", "users", ("user_id", "name", "email"), text, limit,
        columns="user_id, name, email, account_id",
    )


def _looked(
    company: Listener, kind: str, table: str, names: Sequence[str], text: str, limit: int, *,
    columns: str,
) -> tuple[list[Result], int]:
    if not company.lake.rows(company.snapshot, table):
        return [], 0
    with company.reading() as engine:
        found = engine.rows(statement(table, names, text, limit, columns=columns))
    return [
        Result(kind=kind, id=own, name=name, about=about, account_id=account)
        for own, name, about, account, _count in found
    ], int(found[0][4]) if found else 0


def statement(table: str, names: Sequence[str], text: str, limit: int, *, columns: str) -> str:
    """SQL of the rows that have a text in one of `names`, nearest first, and how many there are.

    The text is compared letter by letter: there is no pattern in it that could be read as one.
    """
    sought = quoted(text.lower())
    at = [f"strpos(lower(coalesce({name}, '')), {sought})" for name in names]
    exact = " OR ".join(f"lower({name}) = {sought}" for name in names)
    begins = " OR ".join(f"{place} = 1" for place in at)
    word = " OR ".join(
        f"strpos(lower(coalesce({name}, '')), {quoted(' ' + text.lower())}) > 0" for name in names
    )
    key = names[0]
    return f"""SELECT {columns}, CAST(COUNT(*) OVER () AS BIGINT) AS found
FROM {table}
WHERE {" OR ".join(f"{place} > 0" for place in at)}
ORDER BY CASE WHEN {exact} THEN 0 WHEN {begins} THEN 1 WHEN {word} THEN 2 ELSE 3 END,
         lower(coalesce(name, {key})), {key}
LIMIT {limit}"""


def _notes(company: Listener, text: str, limit: int) -> tuple[list[Result], int]:
    found = company.account_notes(text=text)
    return [
        Result(
            kind="note", id=str(one.id), name=_excerpt(one.text),
            about=", ".join(part for part in (one.day.isoformat(), one.author) if part),
            account_id=one.account_id,
        )
        for one in reversed(found[-limit:])
    ], len(found)


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}…"


def _metrics(company: Listener, text: str, limit: int) -> tuple[list[Result], int]:
    del company
    return nearest("metric", text, limit, (
        (name, metric.label, metric.about) for name, metric in METRICS.items()
    ))


def _pages(company: Listener, text: str, limit: int) -> tuple[list[Result], int]:
    from staycurve.insights.catalogue import INSIGHTS

    del company
    return nearest("page", text, limit, (
        (one.page, one.question, one.name) for _name, one in INSIGHTS.items()
    ))


def nearest(
    kind: str, text: str, limit: int, named: Iterable[tuple[str, str, str]]
) -> tuple[list[Result], int]:
    """Of (id, name, about) those with a text in id or name, nearest first, and how many."""
    sought = text.lower()
    ranked = []
    for own, name, about in named:
        texts = (own.lower(), own.lower().replace("_", " "), name.lower())
        if any(sought in one for one in texts):
            rank = 0 if sought in texts else 1 if any(
                one.startswith(sought) for one in texts
            ) else 2 if any(f" {sought}" in one for one in texts) else 3
            ranked.append((rank, name.lower(), own, name, about))
    ranked.sort()
    return [
        Result(kind=kind, id=own, name=name, about=about)
        for _rank, _key, own, name, about in ranked[:limit]
    ], len(ranked)


_LOOK: Mapping[str, Any] = {
    "account": _accounts, "user": _users, "note": _notes, "metric": _metrics, "page": _pages,
}
