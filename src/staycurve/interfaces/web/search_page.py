"""Search: the page at /search, and what the box in the header shows while one types."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from staycurve.i18n import N_
from staycurve.insights.account.search import KINDS, LISTED, MOST, Found, Result, nearest, search
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chosen_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

_LETTERS = 60
_PART = {"user": "users", "note": "notes"}
"""Where on the page of its account a result stands."""


def _asked(ask: Ask) -> str:
    return ask.options.get("q", "").strip()


def _pages(ask: Ask, text: str) -> list[Result]:
    """Pages of their own by title and question, then the questions of insights."""
    from staycurve.interfaces.web.pages import every_page

    listed = [
        (page.address, _(page.title), _(page.question))
        for page in every_page() if "{" not in page.address
    ]
    found, _count = nearest("page", text, len(listed), listed)
    return found


def _show(ask: Ask) -> Shown:
    text = _asked(ask)
    kind = chosen_of(ask, "kind", {"": "", **KINDS}, "")
    limit = MOST if kind else LISTED
    if not text:
        return Shown((), {"q": "", "groups": [], "is_empty": False}, {"q": "", "counts": {}})
    kinds = (kind,) if kind else ("account", "user", "note", "metric")
    found: Found = answer_of(ask, search, q=text, kind=kinds, limit=limit)
    rows = [row for row in found.rows if row.kind != "page"]
    counts = {one.kind: one.found for one in found.counts if one.kind != "page"}
    if kind in ("", "page"):
        pages = _pages(ask, text)
        rows += pages[:limit]
        counts["page"] = len(pages)
    groups = []
    for name, label in KINDS.items():
        own = [row for row in rows if row.kind == name]
        if own:
            more = counts[name] - len(own)
            groups.append({
                "name": name, "label": _(label),
                "count": numbers.full(counts[name], Unit.COUNT),
                "lines": [_line(ask, row) for row in own],
                "more": numbers.full(more, Unit.COUNT) if more else "",
                "more_at": ask.url("/search", q=text, kind=name) if more and not kind else "",
            })
    return Shown(
        [{**row.as_dict(), "href": _at(ask, row)} for row in rows],
        {"q": text if len(text) <= _LETTERS else f"{text[:_LETTERS]}…", "groups": groups,
         "is_empty": not rows,
         "whole_at": ask.url("/search", q=text, kind=None) if kind else ""},
        {"q": text, "counts": counts},
    )


def _at(ask: Ask, row: Result) -> str:
    if row.kind == "metric":
        return ask.url(f"/metrics/{quote(row.id)}", q=None, kind=None)
    if row.kind == "page":
        return ask.url(row.id, q=None, kind=None)
    at, part = account_at(ask, row.account_id), _PART.get(row.kind, "")
    return f"{at}#{part}" if part and at else at


def _line(ask: Ask, row: Result) -> dict[str, Any]:
    beside = {
        "account": row.id, "metric": row.id, "page": row.id,
        "note": row.account_id or "",
        "user": row.id if row.account_id is None else _("%(user)s at %(account)s") % {
            "user": row.id, "account": row.account_id},
    }[row.kind]
    about = row.about or ""
    if row.kind == "account" and about:
        about = _("Owner: %s") % about
    return {
        "href": _at(ask, row), "name": _(row.name) if row.kind == "metric" and row.name else
        row.name or row.id, "id": beside, "about": _(about) if row.kind == "metric" else about,
    }


FOUND = Panel(
    "found", N_("Found"), N_("Accounts, users, notes, metrics and pages, best match first"),
    "found.html", _show, options=("q", "kind"),
)


def _heading(ask: Ask) -> str:
    text = _asked(ask)
    if not text:
        return _("Search")
    return _("Search: %s") % (text if len(text) <= _LETTERS else f"{text[:_LETTERS]}…")


SEARCH = Page(
    address="/search",
    place=5,
    title=N_("Search"),
    question=N_("Part of a name, an id or an e-mail address, or words of a note."),
    panels=(FOUND,),
    has_controls=False,
    is_listed=False,
    needs=(),
    heading=_heading,
    is_kept=False,
    can_be_cut=False,
)
