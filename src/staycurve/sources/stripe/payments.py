"""Payments out of charges; the charge, or an invoice payment, says which invoice it settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.batches import Batch, Row, Unreadable, Whole
from staycurve.sources.cursors import Cursor
from staycurve.sources.stripe import deriving
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    currency_of,
    customer_of,
    decimal,
    id_of,
    instant,
    major,
    seconds,
)
from staycurve.tables.raw import newest_sql


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of payments whose charge, or what says of which invoice it is, has changed."""
    known = deriving.done_until(pull)
    until = int(pull.kept.rows("SELECT coalesce(MAX(load), 0) FROM raw_objects")[0][0])
    if until == known:
        return
    settled = _Settled(pull)
    # First those that were there before, of which only by now is known what they settle: the
    # cursors of the others say that nothing older has to be looked at.
    late = newest_sql(
        "raw_objects", object_name="charge", columns="r.id, r.body, r.is_deleted",
        among=f"""
            SELECT c.id FROM raw_objects c JOIN raw_objects p
              ON p.object = 'invoice_payment' AND p.load > {known}
             AND (p.parent = c.parent OR p.parent = c.id)
            WHERE c.object = 'charge' AND c.load <= {known} AND p.parent <> ''""",
    ) + f" AND r.load <= {known}"
    is_any = False
    for some in deriving.parsed(pull, late) if known else ():
        is_any = True
        yield _batch([body for _, body in some if body is not None], [], settled, None)
    for cursor, found, gone in deriving.changed(pull, "charge"):
        is_any = True
        yield _batch(found, gone, settled, cursor)
    if is_any:
        yield Batch([], Cursor(until))


def _batch(
    charges: Sequence[Object], gone: Sequence[str], settled: _Settled, cursor: Cursor | None
) -> Batch:
    invoices = settled.invoices(charges)
    ids = (*(str(id_of(one)) for one in charges), *gone)
    return Batch(
        [_readable(one, invoices) for one in charges], cursor,
        whole=(Whole("payments", "payment_id", ids),),
    )


class _Settled:
    """Which invoices charges settle, and of which subscriptions these are."""

    def __init__(self, pull: Pull[Stripe]) -> None:
        self._kept = pull.kept
        self._is_looked_up = False

    def _look_up(self) -> None:
        self._is_looked_up = True
        newest = newest_sql(
            "raw_objects", object_name="invoice_payment", columns="r.body, r.is_deleted"
        )
        # Looked through once: an account has as many of them as it has charges.
        self._kept.keep("settling", f"""
            SELECT paid_by, coalesce(
                nullif(json_extract_string(body, '$.invoice.id'), ''),
                json_extract_string(body, '$.invoice')) AS invoice
            FROM (SELECT body, unnest([{_id("payment_intent")}, {_id("charge")}]) AS paid_by
                  FROM ({newest}) WHERE NOT is_deleted)
            WHERE paid_by <> ''
        """)
        self._kept.keep(
            "billing", "SELECT id, arg_max(parent, load) AS subscription FROM raw_objects "
            "WHERE object = 'invoice' GROUP BY id",
        )

    def invoices(self, charges: Sequence[Object]) -> dict[str, tuple[str, str | None]]:
        """Charge → (invoice, subscription)."""
        asked = []
        found: dict[str, str] = {}
        for charge in charges:
            id, invoice = str(id_of(charge)), id_of(charge.get("invoice"))
            if invoice:
                found[id] = invoice
            else:
                parents = (id, id_of(charge.get("payment_intent")))
                asked += [(id, parent) for parent in parents if parent]
        if (asked or found) and not self._is_looked_up:
            self._look_up()
        if asked:
            self._kept.put("paid", (("id", "VARCHAR"), ("paid_by", "VARCHAR")), asked)
            for id, invoice in self._kept.rows(
                "SELECT p.id, MIN(s.invoice) FROM paid p JOIN settling s USING (paid_by) "
                "WHERE s.invoice <> '' GROUP BY p.id"
            ):
                found[id] = invoice
        if not found:
            return {}
        self._kept.put("settled", (("id", "VARCHAR"),), [(one,) for one in set(found.values())])
        subscriptions = dict(self._kept.rows(
            "SELECT id, subscription FROM billing WHERE id IN (SELECT id FROM settled)"
        ))
        return {
            charge: (invoice, subscriptions.get(invoice) or None)
            for charge, invoice in found.items()
        }


def _id(field: str) -> str:
    """SQL for the id at a field of a payment, which may be the object itself."""
    path = f"$.payment.{field}"
    return (
        f"coalesce(json_extract_string(body, '{path}.id'), json_extract_string(body, '{path}'))"
    )


def _readable(
    charge: Object, invoices: Mapping[str, tuple[str, str | None]]
) -> Row | Unreadable:
    id = str(id_of(charge))
    try:
        return payment_of(charge, *invoices.get(id, (None, None)))
    except ShapeError as error:
        return Unreadable(id, f"is a charge that {error}")


def payment_of(charge: Object, invoice: str | None, subscription: str | None) -> Row:
    """The payment that a charge is.

    Raises
    ------
    ShapeError
        If it has no customer, no currency or no amount.
    """
    account = customer_of(charge) or id_of(at(charge, "billing_details", "customer"))
    amount, currency = decimal(charge.get("amount")), currency_of(charge)
    if account is None or amount is None:
        raise ShapeError("has no customer, or no amount")
    at_text = instant(seconds(charge.get("created")))
    status = charge.get("status") or ("succeeded" if charge.get("paid") else "failed")
    refunded = decimal(charge.get("amount_refunded"))
    row: dict[str, Any] = {
        "payment_id": id_of(charge), "account_id": account, "invoice_id": invoice,
        "subscription_id": subscription, "amount": major(amount, currency), "currency": currency,
        "paid_at": at_text if status == "succeeded" else None,
        "failed_at": at_text if status == "failed" else None,
        "failure_reason": charge.get("failure_code") or at(charge, "outcome", "reason"),
        "refunded_amount": major(refunded, currency) if refunded else None,
    }
    return {key: value for key, value in row.items() if value is not None}
