"""Pages that list the rows behind one number of a panel of findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from staycurve.i18n import N_
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.account_list import names_of, page_of
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import named
from staycurve.interfaces.web.texts import _, plural
from staycurve.metrics.base import Unit

PER_PAGE = 100
_HEADS = {"account_id": N_("Account"), "user_id": N_("User"), "lead_id": N_("Lead")}

Row = dict[str, Any]


class Kind(Enum):
    """How a column is printed."""

    TEXT = "text"
    DAY = "day"
    FLAG = "flag"


@dataclass(frozen=True)
class Listed:
    """The rows behind one number.

    Attributes
    ----------
    about : str
        Which number, in words.
    rows : sequence of dict
        Each with account_id, and with user_id or lead_id where it is one of those.
    columns : mapping
        Column → (heading, Unit or Kind), without the account's own.
    sums : sequence of str
        Columns whose sum says something.
    comes_from : str
        The address of the panel.
    """

    about: str
    rows: Sequence[Row]
    columns: Mapping[str, tuple[str, Unit | Kind]]
    comes_from: str
    sums: Sequence[str] = ()
    sql: str = ""
    total: Mapping[str, Any] = field(default_factory=dict)


def rows_page(
    address: str,
    find: Callable[[Ask], Listed],
    *,
    title: str,
    group: Group,
    options: Sequence[str],
) -> Page:
    """A page with the rows behind the numbers of another page.

    Parameters
    ----------
    find : callable
        Ask → Listed.
    options : sequence of str
        What the address says of which number it is.
    """

    def show(ask: Ask) -> Shown:
        found = find(ask)
        page, pages = page_of(ask, len(found.rows), PER_PAGE)
        rows = found.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        names = names_of(ask, list({r["account_id"] for r in rows if r.get("account_id")}))
        accounts = len({r.get("account_id") for r in found.rows})
        sums = {name: _sum(found.rows, name) for name in found.sums}
        key = _key(found.rows)
        return Shown(
            found.rows,
            {
                "about": found.about,
                "heads": [label for label, _unit in found.columns.values()],
                "kinds": [_is_text(unit) for _label, unit in found.columns.values()],
                "head": _(_HEADS[key]),
                "lines": [
                    {
                        "head": row.get(key) or _("not known"),
                        "account": "" if key == "account_id" else row.get("account_id") or "",
                        "name": row.get("name") or names.get(row.get("account_id") or "", ""),
                        "cells": [
                            _text(row.get(name), unit, ask)
                            for name, (_label, unit) in found.columns.items()
                        ],
                    }
                    for row in rows
                ],
                "sums": [
                    _text(sums[name], unit, ask) if name in sums else ""
                    for name, (_label, unit) in found.columns.items()
                ],
                "count": len(found.rows),
                "counted": _counted(len(found.rows), accounts, key),
                "comes_from": found.comes_from,
                "page": page,
                "pages": pages,
                "older": ask.url(page=str(page - 1)) if page > 1 else "",
                "newer": ask.url(page=str(page + 1)) if page < pages else "",
                "sql": found.sql,
            },
            {
                "about": found.about,
                "total": {"rows": len(found.rows), "accounts": accounts, **sums, **found.total},
            },
        )

    panel = Panel(
        "rows", N_("Rows"), N_("Together they are the number that led here."), "rows.html", show
    )
    return Page(
        address=address,
        title=title,
        question=N_("Who is behind this number?"),
        panels=(panel,),
        has_controls=False,
        is_listed=False,
        group=group,
        options=tuple(options),
    )


def _key(rows: Sequence[Row]) -> str:
    """Whose rows they are."""
    return next((key for key in ("user_id", "lead_id") if rows and key in rows[0]), "account_id")


def _counted(rows: int, accounts: int, key: str) -> str:
    n = {"n": numbers.full(rows, Unit.COUNT)}
    if key == "user_id":
        return plural("%(n)s user", "%(n)s users", rows) % n
    if key == "lead_id":
        return plural("%(n)s lead", "%(n)s leads", rows) % n
    told = plural("%(n)s account", "%(n)s accounts", accounts) % {
        "n": numbers.full(accounts, Unit.COUNT)
    }
    if rows == accounts:
        return told
    return _("%(rows)s rows of %(accounts)s") % {
        "rows": numbers.full(rows, Unit.COUNT), "accounts": told,
    }


def _sum(rows: Sequence[Row], name: str) -> float:
    return float(sum(row.get(name) or 0 for row in rows))


def _is_text(unit: Unit | Kind) -> bool:
    return isinstance(unit, Kind)


def _text(value: Any, unit: Unit | Kind, ask: Ask) -> str:
    if value is None or value == "":
        return numbers.UNKNOWN
    if unit is Kind.DAY:
        return naming.day(dt.date.fromisoformat(str(value)[:10]))
    if unit is Kind.FLAG:
        return _("yes") if value else _("no")
    if isinstance(unit, Kind):
        return named(str(value))
    return numbers.full(float(value), unit, ask.currency)
