"""Accounts out of customers; their metadata are attributes that one can segment by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, partial_batch
from staycurve.sources.stripe import deriving
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import Object, ShapeError, at, id_of, instant, seconds

OURS = ("industry", "channel", "owner", "referred_by", "parent_id", "employees", "country")
"""Columns of accounts that metadata may fill."""


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of accounts."""
    before = _Before(pull)
    for cursor, found, gone in deriving.changed(pull, "customer"):
        rows: list[Row | Unreadable] = []
        for customer in found:
            row = account(customer)
            # Metadata that were taken away there are taken away here, and nothing else is.
            rows.append(row if isinstance(row, Unreadable) else {
                **dict.fromkeys(before.told(customer["id"]) - set(row)), **row
            })
        yield partial_batch("accounts", Batch(rows, None if gone else cursor))
        if gone:
            # Whom nobody is to know any more keeps the id alone: what it paid stays paid.
            yield Batch([{"account_id": id, "is_deleted": "true"} for id in gone], cursor)


class _Before:
    """What earlier versions of customers told."""

    def __init__(self, pull: Pull[Stripe]) -> None:
        self._pull = pull
        self._found: dict[str, set[str]] | None = None

    def told(self, id: str) -> set[str]:
        """Fields of the account that any version of the customer had."""
        import orjson

        if self._found is None:
            self._found = {}
            for own, body in self._pull.kept.rows(
                "SELECT id, body FROM raw_objects WHERE object = 'customer' AND NOT is_deleted "
                "AND id IN (SELECT id FROM raw_objects WHERE object = 'customer' "
                "GROUP BY id HAVING COUNT(*) > 1)"
            ):
                row = account(orjson.loads(body))
                if not isinstance(row, Unreadable):
                    self._found.setdefault(own, set()).update(row)
        return self._found.get(id, set())


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
