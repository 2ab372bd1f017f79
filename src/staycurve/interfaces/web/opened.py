"""Pages that list the accounts behind one number of a panel of findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.answers import Kind as Kind
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.account_list import names_of, page_of
from staycurve.interfaces.web.accounts_at import account_at
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Shown
from staycurve.interfaces.web.reading import named
from staycurve.interfaces.web.texts import _, plural
from staycurve.metrics.base import Unit

PER_PAGE = 100
_HEADS = {"account_id": N_("Account"), "user_id": N_("User"), "lead_id": N_("Lead")}
_NAMES = {"account_id": "accounts", "user_id": "users", "lead_id": "leads"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """The accounts behind one number.

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
    beside : sequence of (str, str)
        Label and address of what the number is compared with, or is a part of.
    number : str
        The column whose sum is the number; without one it is how many rows there are.
    head : tuple of str, optional
        Column and heading of what each row begins with, where that is no account, user or lead.
    names : mapping
        Column → what its values are called.
    notes : sequence of str
        What a reader must know besides.
    """

    about: str
    rows: Sequence[Row]
    columns: Mapping[str, tuple[str, Unit | Kind]]
    comes_from: str
    sums: Sequence[str] = ()
    sql: str = ""
    total: Mapping[str, Any] = field(default_factory=dict)
    beside: Sequence[tuple[str, str]] = ()
    head: tuple[str, str] | None = None
    number: str = ""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: Sequence[str] = ()


def shown_rows(ask: Ask, found: Listed) -> Shown:
    """One page of the rows, with what all of them come to."""
    page, pages = page_of(ask, len(found.rows), PER_PAGE)
    rows = found.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    names = names_of(ask, list({r["account_id"] for r in rows if r.get("account_id")}))
    sums = {name: _sum(found.rows, name) for name in found.sums}
    key, head = found.head or (_key(found.rows), "")
    return Shown(
        found.rows,
        {
            "about": found.about,
            "heads": [label for label, _unit in found.columns.values()],
            "kinds": [_class_of(unit) for _label, unit in found.columns.values()],
            "head": head or _(_HEADS[key]),
            "lines": [
                {
                    "head": _begins(row.get(key), ask, is_own=bool(head)),
                    "href": account_at(ask, row["account_id"])
                    if key == "account_id" and row.get(key) else "",
                    "account": "" if key == "account_id" else row.get("account_id") or "",
                    "account_href": account_at(ask, row.get("account_id")),
                    "name": row.get("name") or names.get(row.get("account_id") or "", ""),
                    "cells": [
                        _text(_called(found, name, row), unit, ask)
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
            "counted": _counted(found.rows, key, has_head=bool(head)),
            "beside": found.beside,
            "number": _text(
                sums[found.number], found.columns[found.number][1], ask
            ) if found.number in sums else "",
            "comes_from": found.comes_from,
            "page": page,
            "pages": pages,
            "older": ask.url(page=str(page - 1)) if page > 1 else "",
            "newer": ask.url(page=str(page + 1)) if page < pages else "",
            "sql": found.sql,
            "notes": found.notes,
        },
        {
            "about": found.about,
            "total": {
                "rows": len(found.rows), **_distinct(found.rows), **sums, **found.total,
            },
        },
        template="rows.html",
    )


def _called(found: Listed, column: str, row: Row) -> Any:
    """A value of a row, by its name where values have some."""
    value = row.get(column)
    name = found.names.get(column, {}).get(str(value))
    return _(name) if name else value


def _key(rows: Sequence[Row]) -> str:
    """Whose rows they are."""
    return next((key for key in ("user_id", "lead_id") if rows and key in rows[0]), "account_id")


def _distinct(rows: Sequence[Row]) -> dict[str, int]:
    """How many accounts, users and leads the rows are of, whichever they name."""
    return {
        name: len({row[key] for row in rows if row.get(key) is not None})
        for key, name in _NAMES.items()
        if key == "account_id" or (rows and key in rows[0])
    }


def _begins(value: Any, ask: Ask, *, is_own: bool) -> str:
    if value is None:
        return _("not known")
    return _text(value, Kind.DAY, ask) if is_own else str(value)


def _counted(rows: Sequence[Row], key: str, *, has_head: bool) -> str:
    told_rows = plural("%(n)s row", "%(n)s rows", len(rows)) % {
        "n": numbers.full(len(rows), Unit.COUNT)
    }
    if has_head:
        return told_rows
    number = len({row[key] for row in rows if row.get(key) is not None})
    n = {"n": numbers.full(number, Unit.COUNT)}
    if key == "user_id":
        told = plural("%(n)s user", "%(n)s users", number) % n
    elif key == "lead_id":
        told = plural("%(n)s lead", "%(n)s leads", number) % n
    else:
        told = plural("%(n)s account", "%(n)s accounts", number) % n
    if len(rows) == number:
        return told
    return _("%(rows)s of %(whom)s") % {"rows": told_rows, "whom": told}


def _sum(rows: Sequence[Row], name: str) -> float:
    return float(sum(row.get(name) or 0 for row in rows))


def _class_of(unit: Unit | Kind) -> str:
    if unit is Kind.DAY:
        return "text day"
    return "text" if isinstance(unit, Kind) and unit is not Kind.POINTS else ""


def _text(value: Any, unit: Unit | Kind, ask: Ask) -> str:
    if value is None or value == "":
        return numbers.UNKNOWN
    if unit is Kind.DAY:
        return naming.day(dt.date.fromisoformat(str(value)[:10]))
    if unit is Kind.FLAG:
        return _("yes") if value else _("no")
    if unit is Kind.POINTS:
        return f"{float(value) * 100:+.2f}".replace("-", "−")
    if isinstance(unit, Kind):
        return named(str(value))
    return numbers.full(float(value), unit, ask.currency)
