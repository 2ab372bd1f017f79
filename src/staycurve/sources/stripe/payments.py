"""Payments out of charges; the charge, or an invoice payment, says which invoice it settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

AT_ONCE = 20_000


def read(pull: Pull[Stripe]) -> Iterator[Batch]:
    """Batches of payments whose charge, or what says of which invoice it is, has changed."""
    known = deriving.done_until(pull)
    after = str((pull.cursor.kept if pull.cursor else {}).get("after") or "")
    until = int(pull.kept.rows("SELECT coalesce(MAX(load), 0) FROM raw_objects")[0][0])
    ids = [row[0] for row in pull.kept.rows(f"""
        SELECT DISTINCT id FROM raw_objects WHERE object = 'charge' AND load > {known}
        UNION
        SELECT DISTINCT c.id FROM raw_objects c JOIN raw_objects p
          ON p.object = 'invoice_payment' AND p.load > {known}
         AND (p.parent = c.parent OR p.parent = c.id)
        WHERE c.object = 'charge' AND p.parent <> '' ORDER BY 1
    """) if row[0] > after]
    for start in range(0, len(ids), AT_ONCE):
        chosen = ids[start : start + AT_ONCE]
        charges = deriving.newest(pull, "charge", chosen)
        invoices = _invoices(pull, charges)
        rows = [_readable(charge, invoices) for charge in charges.values()]
        is_last = start + AT_ONCE >= len(ids)
        cursor = Cursor(until, {"after": None}) if is_last else Cursor(
            known, {"after": chosen[-1]}
        )
        yield Batch(rows, cursor, whole=(Whole("payments", "payment_id", tuple(chosen)),))


def _invoices(
    pull: Pull[Stripe], charges: Mapping[str, Object]
) -> dict[str, tuple[str, str | None]]:
    """Charge → (invoice, subscription)."""
    of_parent: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    for id, charge in charges.items():
        invoice = id_of(charge.get("invoice"))
        if invoice:
            found[id] = invoice
            continue
        for parent in (id, id_of(charge.get("payment_intent"))):
            if parent:
                of_parent.setdefault(parent, []).append(id)
    if of_parent:
        pull.kept.put("parents", (("id", "VARCHAR"),), [(one,) for one in of_parent])
        settled = [row[0] for row in pull.kept.rows(
            "SELECT DISTINCT id FROM raw_objects WHERE object = 'invoice_payment' "
            "AND parent IN (SELECT id FROM parents)"
        )]
        for payment in deriving.newest(pull, "invoice_payment", settled).values():
            invoice = id_of(payment.get("invoice"))
            for parent in (
                id_of(at(payment, "payment", "payment_intent")),
                id_of(at(payment, "payment", "charge")),
            ):
                for charge_id in of_parent.get(parent or "", ()):
                    if invoice:
                        found.setdefault(charge_id, invoice)
    pull.kept.put("settled", (("id", "VARCHAR"),), [(one,) for one in set(found.values())])
    subscriptions = dict(pull.kept.rows(
        "SELECT id, arg_max(parent, load) FROM raw_objects WHERE object = 'invoice' "
        "AND id IN (SELECT id FROM settled) GROUP BY id"
    ))
    return {
        charge: (invoice, subscriptions.get(invoice) or None)
        for charge, invoice in found.items()
    }


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
