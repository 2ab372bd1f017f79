"""Bulk imports: customers, plans, invoices and what stands on them, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from staycurve.interfaces.chartmogul.catalogue import new_plan
from staycurve.interfaces.chartmogul.customers import new_customer
from staycurve.interfaces.chartmogul.events import new_event
from staycurve.interfaces.chartmogul.invoices import new_invoice
from staycurve.interfaces.chartmogul.parts import (
    line_errors,
    new_line,
    new_transaction,
    retouch,
    transaction_errors,
)
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    check,
    found,
    odd_ids,
    route,
    said,
)
from staycurve.state.imports import Imported, Imports

PARTS = ("customers", "plans", "invoices", "line_items", "transactions", "subscription_events")


@route("POST", "/data_sources/{uuid}/json_imports")
def add_import(request: Request) -> Answer:
    """Take a bulk import in; what cannot be taken is told, and leaves the rest."""
    fields = request.fields
    wrong = odd_ids(fields, "external_id")
    for part in PARTS:
        given = fields.get(part, [])
        if not (isinstance(given, list) and all(isinstance(one, Mapping) for one in given)):
            wrong[part] = "is no list of objects"
    check(wrong, "The import")
    with request.desk.writing() as imports:
        source = found(imports, "data_source", request.path["uuid"], "Data source")
        external = fields.get("external_id")
        named = None if external in (None, "") else str(external)
        if named and imports.named("json_import", source.uuid, named):
            check({"external_id": "has already been taken"}, "The import")
        details = {
            part: _part(imports, source, part, fields.get(part, [])) for part in PARTS
        }
        is_whole = all(one["status"] == "imported" for one in details.values())
        one = imports.add(
            "json_import", "", {"status": "completed" if is_whole else "failed",
                                "details": details},
            source=source.uuid, external_id=named,
        )
    return 200, import_shape(one)


@route("GET", "/data_sources/{uuid}/json_imports/{id}")
def bulk_import(request: Request) -> Answer:
    """What became of a bulk import."""
    with request.desk.reading() as imports:
        return 200, import_shape(found(imports, "json_import", request.path["id"], "Import"))


def import_shape(one: Imported) -> dict[str, Any]:
    """A bulk import as it is answered."""
    return {
        "id": one.uuid, "data_source_uuid": one.source, "external_id": one.external_id,
        "status": one.body["status"], "status_details": one.body["details"],
        "created_at": said(one.created_at), "updated_at": said(one.updated_at),
    }


def _part(imports: Imports, source: Imported, part: str, given: list[Any]) -> dict[str, Any]:
    take = _TAKES[part]
    errors: dict[str, Any] = {}
    taken = 0
    for number, fields in enumerate(given):
        try:
            take(imports, source, {**fields, "data_source_uuid": source.uuid})
            taken += 1
        except Refused as refused:
            name = str(fields.get("external_id") or number)
            errors[name] = refused.errors or {"base": refused.message}
    found_part: dict[str, Any] = {"status": "failed" if errors else "imported", "imported": taken}
    return {**found_part, "errors": errors} if errors else found_part


def _invoice(imports: Imports, source: Imported, fields: Mapping[str, Any]) -> None:
    named = str(fields.get("customer_external_id") or "")
    customer = imports.named("customer", source.uuid, named)
    if customer is None:
        raise Refused(422, "Customer not found.", errors={
            "customer_external_id": "Customer not found"
        })
    new_invoice(imports, customer, fields)


def _owner(imports: Imports, source: Imported, fields: Mapping[str, Any]) -> Imported:
    named = str(fields.get("invoice_external_id") or "")
    one = imports.named("invoice", source.uuid, named)
    if one is None:
        raise Refused(422, "Invoice not found.", errors={
            "invoice_external_id": "Invoice not found"
        })
    return one


def _line(imports: Imports, source: Imported, fields: Mapping[str, Any]) -> None:
    invoice = _owner(imports, source, fields)
    customer = found(imports, "customer", invoice.owner, "Customer")
    body = dict(fields)
    if body.get("plan_external_id") and not body.get("plan_uuid"):
        plan = imports.named("plan", source.uuid, str(body["plan_external_id"]))
        body["plan_uuid"] = plan.uuid if plan else str(body["plan_external_id"])
    check(line_errors(imports, customer, body), "The line item")
    new_line(imports, invoice, body)
    retouch(imports, [invoice.uuid])


def _transaction(imports: Imports, source: Imported, fields: Mapping[str, Any]) -> None:
    invoice = _owner(imports, source, fields)
    check(transaction_errors(imports, source.uuid, fields), "The transaction")
    new_transaction(imports, invoice, fields)
    retouch(imports, [invoice.uuid])


_TAKES: Mapping[str, Callable[[Imports, Imported, Mapping[str, Any]], object]] = {
    "customers": lambda imports, source, fields: new_customer(imports, fields),
    "plans": lambda imports, source, fields: new_plan(imports, fields),
    "invoices": _invoice,
    "line_items": _line,
    "transactions": _transaction,
    "subscription_events": lambda imports, source, fields: new_event(imports, fields),
}
