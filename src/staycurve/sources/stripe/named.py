"""Named: objects that others speak of, such as the invoice that a payment settles.

A page that a list skipped leaves no gap in what was listed; what others name and nobody listed is
asked for by its id, and whatever then is not here stands on the certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from staycurve.tables.engine import quoted


def _parents(*objects: str) -> str:
    listed = ", ".join(map(quoted, objects))
    return (
        f"SELECT parent AS id FROM raw_objects WHERE object IN ({listed}) AND parent <> '' "
        "AND NOT is_deleted"
    )


def _field(object: str, path: str) -> str:
    # What is expanded is an object, and was not asked for.
    return (
        f"SELECT id FROM (SELECT json_extract_string(body, {quoted(path)}) AS id FROM raw_objects "
        f"WHERE object = {quoted(object)} AND NOT is_deleted) "
        "WHERE id <> '' AND NOT starts_with(id, '{')"
    )


NAMED_BY: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "customer": (_field("subscription", "$.customer"),),
    "subscription": (_parents("invoice"),),
    "invoice": (
        _parents("credit_note"), _field("invoice_payment", "$.invoice"),
        _field("charge", "$.invoice"), _field("subscription", "$.latest_invoice"),
    ),
    "charge": (_parents("refund", "dispute"),),
})
"""Object → SQL of the ids of those that others name."""


def missing_sql(object: str) -> str:
    """SQL for the ids of objects that others name and that are not kept; empty for other kinds."""
    named = NAMED_BY.get(object)
    if not named:
        return ""
    return (
        f"SELECT DISTINCT id FROM ({' UNION ALL '.join(named)}) m WHERE NOT EXISTS ("
        f"SELECT 1 FROM raw_objects r WHERE r.object = {quoted(object)} AND r.id = m.id)"
    )
