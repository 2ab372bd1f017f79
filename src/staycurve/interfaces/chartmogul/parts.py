"""What stands on invoices: line items and transactions, and the subscriptions that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.interfaces.chartmogul.requests import (
    blanks,
    odd_ids,
    odd_instants,
    odd_wholes,
    said,
    whole,
)
from staycurve.sources.chartmogul.rows import instant
from staycurve.state.imports import Imported, Imports

KINDS = ("subscription", "one_time")
_CENTS = (
    "amount_in_cents", "tax_amount_in_cents", "discount_amount_in_cents",
    "transaction_fees_in_cents", "quantity", "event_order",
)


def line_errors(imports: Imports, customer: Imported, fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a line item."""
    wrong = blanks(fields, "type", "amount_in_cents") | odd_wholes(fields, *_CENTS)
    wrong |= odd_ids(fields, "external_id", "subscription_external_id", "plan_uuid")
    if fields.get("type") not in (None, "", *KINDS):
        wrong["type"] = f"is not included in the list: {', '.join(KINDS)}"
    wrong |= odd_instants(fields, "service_period_start", "service_period_end")
    if fields.get("type") == "subscription":
        wrong |= blanks(fields, "service_period_start")
        plan = fields.get("plan_uuid") and imports.get("plan", str(fields["plan_uuid"]))
        if fields.get("plan_uuid") in (None, ""):
            wrong["plan_uuid"] = "can't be blank"
        elif not plan:
            wrong["plan_uuid"] = "Plan not found"
    start, end = fields.get("service_period_start"), fields.get("service_period_end")
    if start and end and not {"service_period_start", "service_period_end"} & set(wrong):
        first, last = instant(start), instant(end)
        if first and last and last < first:
            wrong["service_period_end"] = "is before service_period_start"
    external = fields.get("external_id")
    if external not in (None, "") and imports.named("line_item", customer.source, str(external)):
        wrong["external_id"] = "has already been taken"
    return wrong


def new_line(imports: Imports, invoice: Imported, fields: Mapping[str, Any]) -> Imported:
    """Keep a line item; the subscription that it names is there from then on."""
    wholes = {key: whole(fields[key]) for key in _CENTS if fields.get(key) is not None}
    body: dict[str, Any] = {**fields, **wholes}
    external = fields.get("external_id")
    return imports.add(
        "line_item", "li_", body, source=invoice.source, owner=invoice.uuid,
        external_id=None if external in (None, "") else str(external),
        ref=subscription_of(imports, invoice.source, invoice.owner, body),
    )


def subscription_of(imports: Imports, source: str, customer: str, fields: Mapping[str, Any]) -> str:
    """The uuid of the subscription that a line or an event names; empty where it names none."""
    named = fields.get("subscription_external_id")
    if named in (None, "") or fields.get("type", "subscription") != "subscription":
        return ""
    # Two customers may have subscriptions of one name.
    external = f"{customer}/{named}"
    known = imports.named("subscription", source, external)
    if known is None:
        body: dict[str, Any] = {
            "external_id": str(named), "plan_uuid": fields.get("plan_uuid"),
            "subscription_set_external_id": fields.get("subscription_set_external_id"),
            "cancellation_dates": [],
        }
        known = imports.add(
            "subscription", "sub_", body, source=source, external_id=external, owner=customer
        )
    elif fields.get("plan_uuid") and fields["plan_uuid"] != known.body.get("plan_uuid"):
        known = imports.change(known, {**known.body, "plan_uuid": fields["plan_uuid"]})
    return known.uuid


def line_shape(one: Imported) -> dict[str, Any]:
    """A line item as it is answered."""
    body = one.body
    plain = (
        "type", "subscription_external_id", "subscription_set_external_id", "plan_uuid",
        "amount_in_cents", "quantity", "discount_code", "discount_description",
        "transaction_fees_currency", "account_code", "description", "event_order",
        "proration_type",
    )
    return {
        "uuid": one.uuid, "external_id": one.external_id,
        "subscription_uuid": one.ref or None, "prorated": bool(body.get("prorated")),
        **{key: body.get(key) for key in plain},
        "quantity": body.get("quantity", 1) if body.get("quantity") is not None else 1,
        "service_period_start": said(body.get("service_period_start")),
        "service_period_end": said(body.get("service_period_end")),
        "discount_amount_in_cents": body.get("discount_amount_in_cents") or 0,
        "tax_amount_in_cents": body.get("tax_amount_in_cents") or 0,
        "transaction_fees_in_cents": body.get("transaction_fees_in_cents") or 0,
        "errors": {}, "disabled": bool(body.get("disabled")),
        "disabled_at": body.get("disabled_at"), "disabled_by": body.get("disabled_by"),
    }


def transaction_errors(
    imports: Imports, source: str, fields: Mapping[str, Any]
) -> dict[str, str]:
    """What is wrong with a transaction."""
    wrong = blanks(fields, "type", "date", "result") | odd_instants(fields, "date")
    wrong |= odd_ids(fields, "external_id")
    wrong |= odd_wholes(fields, "amount_in_cents", "transaction_fees_in_cents")
    for name, known in (("type", ("payment", "refund")), ("result", ("successful", "failed"))):
        if fields.get(name) not in (None, "", *known):
            wrong[name] = f"is not included in the list: {', '.join(known)}"
    external = fields.get("external_id")
    if external not in (None, "") and imports.named("transaction", source, str(external)):
        wrong["external_id"] = "has already been taken"
    return wrong


def new_transaction(imports: Imports, invoice: Imported, fields: Mapping[str, Any]) -> Imported:
    """Keep a transaction."""
    external = fields.get("external_id")
    return imports.add(
        "transaction", "tr_", fields, source=invoice.source, owner=invoice.uuid,
        external_id=None if external in (None, "") else str(external),
    )


def transaction_shape(one: Imported) -> dict[str, Any]:
    """A transaction as it is answered."""
    body = one.body
    return {
        "uuid": one.uuid, "external_id": one.external_id, "type": body["type"],
        "date": said(body["date"]), "result": body["result"],
        "amount_in_cents": whole(body.get("amount_in_cents")),
        "transaction_fees_in_cents": whole(body.get("transaction_fees_in_cents")),
        "transaction_fees_currency": body.get("transaction_fees_currency"), "errors": {},
        "disabled": bool(body.get("disabled")), "disabled_at": body.get("disabled_at"),
        "disabled_by": body.get("disabled_by"),
    }


def retouch(imports: Imports, invoices: Sequence[str]) -> None:
    """Let what stands on invoices be loaded again: it says whether they are paid, and count."""
    imports.touch([
        *imports.all("line_item", owners=invoices), *imports.all("transaction", owners=invoices)
    ])
