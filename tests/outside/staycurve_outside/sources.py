"""The kind of source `guestbook`: a JSON list of companies and contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.secret import Secret
from staycurve.sections import CLOSED, Takes
from staycurve.sources.base import Pull, Source, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.mapping import Feed


@dataclass(frozen=True)
class Guestbook:
    """[sources.NAME] of the kind `guestbook`."""

    __pydantic_config__ = CLOSED

    path: Annotated[str, Takes("the path of a JSON file", 'path = "guests.json"')]
    token: Annotated[
        Secret | None, Takes("the variable that holds the token", 'token = { env = "TOKEN" }')
    ] = None
    page: Annotated[int, Takes("a whole number from 1 to 100", "page = 2", least=1, most=100)] = 2


def _place(row: dict[str, Any]) -> str:
    # Two rows may have changed at one instant: the id decides which of them comes first.
    return f"{row.get('changed')} {row.get('id')}"


def _read(kind: str, pull: Pull[Guestbook]) -> Iterator[Batch]:
    token = pull.settings.token.reveal() if pull.settings.token else ""
    listed = json.loads((pull.folder / pull.settings.path).read_text(encoding="utf-8"))
    done = "" if pull.cursor is None else str(pull.cursor.at)
    if pull.since is not None:
        done = pull.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [row for row in listed if not isinstance(row, dict) or row.get("type") == kind]
    rows = sorted(
        (row for row in rows if isinstance(row, dict) and _place(row) > done), key=_place
    )
    for start in range(0, len(rows), pull.settings.page):
        page = rows[start : start + pull.settings.page]
        if any(row.get("is_down") for row in page):
            raise RuntimeError(f"HTTP 503 from /guests?token={token}")
        sent = [{k: v for k, v in row.items() if k not in ("type", "changed")} for row in page]
        yield Batch(sent, Cursor(_place(page[-1])), id=_place(page[-1]))


def _companies(pull: Pull[Guestbook]) -> Iterator[Batch]:
    return _read("company", pull)


def _contracts(pull: Pull[Guestbook]) -> Iterator[Batch]:
    return _read("contract", pull)


GUESTBOOK = Source(
    "guestbook",
    "A guestbook",
    "Companies and their contracts, out of a JSON list.",
    Guestbook,
    (
        Stream(
            "companies", "Who signed.", _companies,
            (Feed("accounts", columns={"id": ("account_id",), "label": ("name",)}),),
            cursor="when a company changed",
        ),
        Stream(
            "contracts", "What they signed.", _contracts,
            (
                Feed(
                    "subscriptions",
                    columns={
                        "id": ("subscription_id",), "company": ("account_id",),
                        "from": ("starts_at",), "until": ("ends_at",), "monthly": ("amount",),
                    },
                    defaults={"interval": "month"},
                ),
            ),
            cursor="when a contract changed",
        ),
    ),
    '[sources.guests]\nkind = "guestbook"\npath = "guests.json"',
)
