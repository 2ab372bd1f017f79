"""Where an account's page is: whatever shows an account's id links there."""

from __future__ import annotations

from urllib.parse import quote

from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.reading import Cell

START = "/accounts/"


def account_at(ask: Ask, account: str | None) -> str:
    """The address of an account's page, as of the same instant; empty for no account."""
    if not account:
        return ""
    kept = {name: ask.options.get(name) for name in ("as_of", "known_at")}
    return link(START + quote(account, safe=""), kept, ())


def account_cell(ask: Ask, account: str, name: str | None = None) -> Cell:
    """An account's id, with its name beneath, as a link to its page."""
    return Cell(account, account_at(ask, account), beneath=name or "", is_text=True)
