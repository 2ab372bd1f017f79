"""Addresses of pages that people keep: checked, and written as the page itself writes them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from staycurve.errors import UsageError
from staycurve.interfaces.web.ask import Ask, read
from staycurve.interfaces.web.page import Page
from staycurve.interfaces.web.pages import PAGES
from staycurve.metrics.catalogue import METRICS
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
    page = page_at(parts.path)
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


def page_at(path: str) -> Page:
    """The page that answers at a path."""
    for _name, page in PAGES.items():
        start, _, end = page.address.partition("{name}")
        if path == page.address:
            return page
        if end or "{name}" not in page.address or not path.startswith(start):
            continue
        name = unquote(path.removeprefix(start))
        if "/" not in name:
            _known = METRICS[name]
            return page
    raise UsageError(
        f"There is no page at {path}.", hint="Write the address of a page, such as /cohorts"
    )
