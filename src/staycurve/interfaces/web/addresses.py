"""Addresses of pages that people keep: checked, and written as the page itself writes them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from staycurve.errors import UsageError
from staycurve.interfaces.web.ask import Ask, read
from staycurve.interfaces.web.page import Page
from staycurve.interfaces.web.pages import PAGES
from staycurve.workspace import Company

MOST = 4000
"""Letters of an address; a longer one names hundreds of values."""
FIELDS = 200
PASSING = ("panel", "page", "done")
"""Parameters that say where one is on a page, not what it shows."""

_LOCAL = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f]*")


def is_local(address: str) -> bool:
    """Whether an address leads to this server, whatever a browser makes of it."""
    return len(address) <= MOST and _LOCAL.fullmatch(address) is not None


def of(ask: Ask) -> str:
    """The address of what a page shows."""
    return ask.url(**dict.fromkeys(PASSING))


def kept(company: Company, address: str) -> tuple[str, str]:
    """Page and query of an address on this server.

    Raises
    ------
    UsageError
        If no page answers to it, or not with these filters and this range.
    """
    if not is_local(address):
        raise UsageError(
            "That is not the address of a page.", hint="Write it as: /metrics/mrr?grain=week"
        )
    parts = urlsplit(address)
    page = page_at(company, parts.path)
    try:
        params = parse_qsl(
            parts.query, keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
        )
    except ValueError:
        raise UsageError("The address cannot be read.", hint="Copy it from the page.") from None
    ask = read(company, parts.path, params, page.takes)
    page.check(ask)
    path, _, query = of(ask).partition("?")
    return path, query


def page_at(company: Company, path: str) -> Page:
    """The page that answers at a path."""
    pages = [page for _name, page in PAGES.items()]
    for page in pages:
        if path == page.address:
            return page
    for page in pages:
        start, mark, rest = page.address.partition("{")
        if not mark or not path.startswith(start) or page.look_up is None:
            continue
        name = page.name_in(path)
        if "/" not in name or rest.endswith(":path}"):
            page.look_up(company, name)
            return page
    raise UsageError(
        f"There is no page at {path}.", hint="Write the address of a page, such as /cohorts"
    )
