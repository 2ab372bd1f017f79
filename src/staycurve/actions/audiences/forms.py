"""The forms in which audiences leave: rows, and JSON as HubSpot and Customer.io take it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def hubspot(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """As HubSpot's batch upsert of companies takes it: objects by an own id, with properties."""
    return {"inputs": [
        {"idProperty": "account_id", "id": row["account_id"],
         "properties": {"account_id": row["account_id"], "name": row["name"] or "",
                        f"audience_{name.replace('-', '_')}": "true"}}
        for row in rows
    ]}


def customerio(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """As Customer.io's batch of objects takes it: an identify of each, with attributes."""
    return {"batch": [
        {"type": "object", "action": "identify",
         "identifiers": {"object_type_id": "1", "object_id": row["account_id"]},
         "attributes": {"name": row["name"] or "", f"audience_{name.replace('-', '_')}": True}}
        for row in rows
    ]}


FORMS: Mapping[str, Callable[[str, Sequence[Row]], dict[str, Any]]] = {
    "hubspot": hubspot, "customerio": customerio,
}
