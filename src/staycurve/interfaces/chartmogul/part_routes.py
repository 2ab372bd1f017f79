"""Line items and transactions by themselves: added to an invoice, changed, disabled, deleted."""

from __future__ import annotations

from typing import Any

from staycurve.interfaces.chartmogul.invoices import disabling
from staycurve.interfaces.chartmogul.parts import (
    line_errors,
    line_shape,
    new_line,
    new_transaction,
    retouch,
    subscription_of,
    transaction_errors,
    transaction_shape,
)
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Request,
    by_external_id,
    check,
    found,
    route,
)
from staycurve.state.imports import Imported, Imports

_LINE, _MONEY = "Line item", "Transaction"


def _asked(request: Request, imports: Imports, kind: str, what: str) -> Imported:
    if "uuid" in request.path:
        return found(imports, kind, request.path["uuid"], what)
    return by_external_id(request, imports, kind, what)


def _disabled(request: Request, kind: str, what: str) -> Imported:
    """A part of an invoice that counts no more, or again, as the request says."""
    with request.desk.writing() as imports:
        one = _asked(request, imports, kind, what)
        changed = imports.change(one, {**one.body, **disabling(request, one)})
        retouch(imports, [one.owner])
    return changed


def _deleted(request: Request, kind: str, what: str) -> Answer:
    with request.desk.writing() as imports:
        one = _asked(request, imports, kind, what)
        imports.delete([one])
        retouch(imports, [one.owner])
    return 204, None


def _invoice(request: Request, imports: Imports) -> Imported:
    if "uuid" in request.path:
        return found(imports, "invoice", request.path["uuid"], "Invoice")
    fields: dict[str, Any] = {**request.query, **request.fields}
    source = str(fields.get("data_source_uuid") or "")
    one = imports.named("invoice", source, str(fields.get("invoice_external_id") or ""))
    if one is None:
        check({"invoice_external_id": "Invoice not found"}, "It")
    assert one is not None
    return one


@route("POST", "/import/invoices/{uuid}/line_items")
@route("POST", "/line_items")
def add_line(request: Request) -> Answer:
    """Another line item of an invoice."""
    with request.desk.writing() as imports:
        invoice = _invoice(request, imports)
        customer = found(imports, "customer", invoice.owner, "Customer")
        check(line_errors(imports, customer, request.fields), "The line item")
        one = new_line(imports, invoice, request.fields)
        retouch(imports, [invoice.uuid])
    return 201, line_shape(one)


@route("GET", "/line_items")
def named_line(request: Request) -> Answer:
    """The line item of an external id, in a list."""
    with request.desk.reading() as imports:
        one = by_external_id(request, imports, "line_item", _LINE)
    return 200, {"line_items": [line_shape(one)], **line_shape(one)}


@route("GET", "/line_items/{uuid}")
def line(request: Request) -> Answer:
    """One line item."""
    with request.desk.reading() as imports:
        return 200, line_shape(found(imports, "line_item", request.path["uuid"], _LINE))


@route("PATCH", "/line_items/disabled_state")
@route("PATCH", "/line_items/{uuid}/disabled_state")
def disable_line(request: Request) -> Answer:
    """Let a line item count no more, or again."""
    return 200, line_shape(_disabled(request, "line_item", _LINE))


@route("PATCH", "/line_items")
@route("PATCH", "/line_items/{uuid}")
def change_line(request: Request) -> Answer:
    """Other fields of a line item."""
    fields = {key: v for key, v in request.fields.items() if key not in ("uuid", "external_id")}
    with request.desk.writing() as imports:
        one = _asked(request, imports, "line_item", _LINE)
        body = {**one.body, **fields, "external_id": None}
        invoice = found(imports, "invoice", one.owner, "Invoice")
        customer = found(imports, "customer", invoice.owner, "Customer")
        check(line_errors(imports, customer, body), "The line item")
        ref = subscription_of(imports, invoice.source, invoice.owner, body)
        changed = imports.change(one, body, ref=ref)
        retouch(imports, [one.owner])
    return 200, line_shape(changed)


@route("DELETE", "/line_items")
@route("DELETE", "/line_items/{uuid}")
def delete_line(request: Request) -> Answer:
    """A line item."""
    return _deleted(request, "line_item", _LINE)


@route("POST", "/import/invoices/{uuid}/transactions")
@route("POST", "/transactions")
def add_transaction(request: Request) -> Answer:
    """A payment or refund of an invoice."""
    with request.desk.writing() as imports:
        invoice = _invoice(request, imports)
        check(transaction_errors(imports, invoice.source, request.fields), "The transaction")
        one = new_transaction(imports, invoice, request.fields)
        retouch(imports, [invoice.uuid])
    return 201, transaction_shape(one)


@route("GET", "/transactions")
def named_transaction(request: Request) -> Answer:
    """The transaction of an external id, in a list."""
    with request.desk.reading() as imports:
        one = by_external_id(request, imports, "transaction", _MONEY)
    return 200, {"transactions": [transaction_shape(one)], **transaction_shape(one)}


@route("GET", "/transactions/{uuid}")
def transaction(request: Request) -> Answer:
    """One transaction."""
    with request.desk.reading() as imports:
        return 200, transaction_shape(found(imports, "transaction", request.path["uuid"], _MONEY))


@route("PATCH", "/transactions/disabled_state")
@route("PATCH", "/transactions/{uuid}/disabled_state")
def disable_transaction(request: Request) -> Answer:
    """Let a transaction count no more, or again."""
    return 200, transaction_shape(_disabled(request, "transaction", _MONEY))


@route("PATCH", "/transactions")
@route("PATCH", "/transactions/{uuid}")
def change_transaction(request: Request) -> Answer:
    """Other fields of a transaction."""
    fields = {key: v for key, v in request.fields.items() if key not in ("uuid", "external_id")}
    with request.desk.writing() as imports:
        one = _asked(request, imports, "transaction", _MONEY)
        body = {**one.body, **fields, "external_id": None}
        check(transaction_errors(imports, one.source, body), "The transaction")
        changed = imports.change(one, body)
        retouch(imports, [one.owner])
    return 200, transaction_shape(changed)


@route("DELETE", "/transactions")
@route("DELETE", "/transactions/{uuid}")
def delete_transaction(request: Request) -> Answer:
    """A transaction."""
    return _deleted(request, "transaction", _MONEY)
