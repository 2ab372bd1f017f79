"""The forms in which audiences leave: JSON as HubSpot and Customer.io take it.

Forms of accounts name no person. Forms of people hold those who may be written to, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def hubspot(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """As HubSpot's batch upsert of companies takes it: objects by an own id, with properties."""
    return {"inputs": [
        {"idProperty": "account_id", "id": row["account_id"],
         "properties": {"account_id": row["account_id"], "name": row["name"] or "",
                        _flag(name): "true"}}
        for row in rows
    ]}


def hubspot_contacts(name: str, people: Sequence[Row]) -> dict[str, Any]:
    """As HubSpot's batch upsert of contacts takes it: people by their address."""
    return {"inputs": [
        {"idProperty": "email", "id": one["email"],
         "properties": {"email": one["email"], "account_id": one["account_id"],
                        _flag(name): "true"}}
        for one in people
    ]}


def customerio(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    """As Customer.io's batch of objects takes it: an identify of each, with attributes."""
    return {"batch": [
        {"type": "object", "action": "identify",
         "identifiers": {"object_type_id": "1", "object_id": row["account_id"]},
         "attributes": {"name": row["name"] or "", _flag(name): True}}
        for row in rows
    ]}


def customerio_people(name: str, people: Sequence[Row]) -> dict[str, Any]:
    """As Customer.io's batch takes people: an identify of each by its id, with attributes."""
    return {"batch": [
        {"type": "person", "action": "identify", "identifiers": {"id": one["user_id"]},
         "attributes": {"email": one["email"], "name": one["name"] or "",
                        "account_id": one["account_id"], _flag(name): True}}
        for one in people
    ]}


def _flag(name: str) -> str:
    return f"audience_{name.replace('-', '_')}"


Form = Callable[[str, Sequence[Row]], dict[str, Any]]
FORMS: Mapping[str, Form] = {"hubspot": hubspot, "customerio": customerio}
"""Of accounts."""
OF_PEOPLE: Mapping[str, Form] = {
    "hubspot-contacts": hubspot_contacts, "customerio-people": customerio_people,
}
