"""Filled: lists of accounts say name, plan and owner of each, whatever the insight read."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any, TypeVar

from staycurve.insights.answers import Answer, Col
from staycurve.insights.shapes import fields_of, tables_of
from staycurve.insights.shared.labels import NOBODY, labels_of
from staycurve.insights.shared.reader import Reader

T = TypeVar("T", bound=Answer)


@cache
def _to_fill(shape: type) -> tuple[tuple[str, str], ...]:
    """(attribute, fact) of the fields of a row that are of its account."""
    fields = fields_of(shape)
    if not any(one.attribute == "account_id" for one in fields):
        return ()
    return tuple(
        (one.attribute, one.mark.account_fact)
        for one in fields if isinstance(one.mark, Col) and one.mark.account_fact
    )


def filled(company: Reader, answer: T) -> T:
    """The answer, with what its rows left empty of their accounts: name, plan, owner."""
    own: type = type(answer)
    tables = [
        (one, rows, fields) for one in tables_of(own)
        if (fields := _to_fill(one.row)) and (rows := one.of(answer))
    ]
    accounts = {
        row.account_id for _table, rows, fields in tables for row in rows
        if row.account_id and any(getattr(row, name) is None for name, _fact in fields)
    }
    if not accounts:
        return answer
    day = company.as_of(getattr(answer, "as_of", None)).last_day
    with company.reading() as engine:
        labels = labels_of(engine, accounts, day)

    def complete(row: Any, fields: tuple[tuple[str, str], ...]) -> Any:
        label = labels.get(row.account_id or "", NOBODY)
        missing = {
            name: getattr(label, fact) for name, fact in fields if getattr(row, name) is None
        }
        return dataclasses.replace(row, **missing) if any(missing.values()) else row

    changes = {
        table.field.attribute: tuple(complete(row, fields) for row in rows)
        for table, rows, fields in tables
    }
    return dataclasses.replace(answer, **changes)
