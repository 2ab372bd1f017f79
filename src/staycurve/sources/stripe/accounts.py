"""Accounts out of customers; their metadata are attributes that one can segment by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from staycurve.sources.base import Batch, Pull, Row, Unreadable
from staycurve.sources.stripe import deriving
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import Object, ShapeError, at, id_of, instant, seconds

OURS = ("industry", "channel", "owner", "referred_by", "parent_id", "employees", "country")
"""Columns of accounts that metadata may fill."""


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of accounts."""
    for cursor, found, gone in deriving.changed(pull, "customer"):
        rows: list[Row | Unreadable] = [account(customer) for customer in found]
        # What it paid stays paid.
        rows += [{"account_id": id, "is_deleted": "true"} for id in gone]
        yield Batch(rows, cursor)


def account(customer: Object) -> Row | Unreadable:
    """The account that a customer is."""
    try:
        return _account(customer)
    except ShapeError as error:
        return Unreadable(id_of(customer) or "", str(error))


def _account(customer: Object) -> Row:
    currency = customer.get("currency")
    row: dict[str, Any] = {
        "account_id": customer["id"],
        "name": customer.get("name") or customer.get("description") or customer.get("email"),
        "created_at": instant(seconds(customer.get("created"))),
        "country": at(customer, "address", "country") or at(customer, "shipping", "address",
                                                            "country"),
        "currency": currency.upper() if isinstance(currency, str) else None,
        "email": customer.get("email"),
    }
    metadata = customer.get("metadata")
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        name = key.strip().lower()
        text = str(value).strip()
        if not name or not text or (row.get(name) is not None):
            continue
        # A note such as "10-50" is no number of employees, and must not cost the account.
        if name in ("account_id", "created_at", "currency", "name") or (
            name == "employees" and not text.isdigit()
        ):
            name = f"metadata {name}"
        row[name] = text
    return {key: value for key, value in row.items() if value is not None}
