"""Invoices, with their line items and transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.interfaces.chartmogul.parts import (
    line_errors,
    line_shape,
    new_line,
    new_transaction,
    retouch,
    transaction_errors,
    transaction_shape,
)
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    by_external_id,
    check,
    found,
    missing,
    odd_ids,
    odd_instants,
    page_of,
    route,
    said,
)
from staycurve.state.imports import Imported, Imports

_AT_ONCE = 1000
_STATES = ("paid", "open", "pending", "voided", "void", "written_off", "uncollectible")


def invoice_errors(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with an invoice's own fields."""
    wrong = blanks(fields, "external_id", "date", "currency") | odd_ids(fields, "external_id")
    wrong |= odd_instants(fields, "date", "due_date")
    currency = fields.get("currency")
    if currency and not (isinstance(currency, str) and len(currency) == 3 and currency.isalpha()):
        wrong["currency"] = "is not a currency of three letters"
    for name in ("line_items", "transactions"):
        given = fields.get(name)
        if given is not None and not (
            isinstance(given, list) and all(isinstance(one, Mapping) for one in given)
        ):
            wrong[name] = "is no list of objects"
    return wrong


def shapes(imports: Imports, invoices: Sequence[Imported], query: Mapping[str, str]) -> list[Any]:
    """Invoices as they are answered, with what stands on them."""
    owners = [one.uuid for one in invoices]
    lines: dict[str, list[Any]] = {}
    for line in imports.all("line_item", owners=owners):
        lines.setdefault(line.owner, []).append(line_shape(line))
    paid: dict[str, list[Any]] = {}
    for one in imports.all("transaction", owners=owners):
        paid.setdefault(one.owner, []).append(transaction_shape(one))
    customers = {
        one.uuid: one for one in imports.all("customer", uuids=[one.owner for one in invoices])
    }
    is_all = query.get("with_disabled") == "true"
    found_all = []
    for one in invoices:
        customer = customers.get(one.owner)
        found_all.append({
            "uuid": one.uuid, "external_id": one.external_id, "customer_uuid": one.owner,
            "customer_external_id": customer.external_id if customer else None,
            "data_source_uuid": one.source, "date": said(one.body["date"]),
            "due_date": said(one.body.get("due_date")), "currency": one.body["currency"],
            "status": one.body.get("status"), "errors": {}, **disabled(one),
            "line_items": [
                part for part in lines.get(one.uuid, []) if is_all or not part["disabled"]
            ],
            "transactions": [
                part for part in paid.get(one.uuid, []) if is_all or not part["disabled"]
            ],
        })
    return found_all


def disabled(one: Imported) -> dict[str, Any]:
    """Whether an object is disabled, since when and by whom."""
    return {
        "disabled": bool(one.body.get("disabled")), "disabled_at": one.body.get("disabled_at"),
        "disabled_by": one.body.get("disabled_by"),
    }


def _listed(request: Request, owner: str | None) -> tuple[list[Any], dict[str, Any]]:
    query = request.query
    with request.desk.reading() as imports:
        if owner is None and query.get("customer_uuid"):
            owner = query["customer_uuid"]
        if owner is not None:
            found(imports, "customer", owner, "Customer")
        entries, more = page_of(request, lambda after, most: imports.page(
            "invoice", after=after, most=most, source=query.get("data_source_uuid"),
            external_id=query.get("external_id"), owner=owner,
        ))
        return shapes(imports, entries, query), more


@route("GET", "/invoices")
def invoices(request: Request) -> Answer:
    """Invoices, a page at a time."""
    listed, more = _listed(request, None)
    return 200, {"invoices": listed, **more}


@route("GET", "/import/customers/{uuid}/invoices")
def customer_invoices(request: Request) -> Answer:
    """Invoices of one customer, a page at a time."""
    listed, more = _listed(request, request.path["uuid"])
    return 200, {"customer_uuid": request.path["uuid"], "invoices": listed, **more}


@route("POST", "/import/customers/{uuid}/invoices")
def add_invoices(request: Request) -> Answer:
    """New invoices of one customer; those that cannot be taken leave the others."""
    given = request.fields.get("invoices")
    if not isinstance(given, list) or not given:
        check({"invoices": "can't be blank"}, "The invoices")
    assert isinstance(given, list)
    with request.desk.writing() as imports:
        customer = found(imports, "customer", request.path["uuid"], "Customer")
        taken = [_taken(imports, customer, fields) for fields in given]
        made = [one for one in taken if isinstance(one, Imported)]
        told = {shape["uuid"]: shape for shape in shapes(imports, made, {})}
        answers: list[dict[str, Any]] = [
            told[one.uuid] if isinstance(one, Imported) else one for one in taken
        ]
    is_wrong = any(one["errors"] for one in answers)
    body = {"invoices": answers}
    if not is_wrong:
        return 201, body
    refused = sum(bool(one["errors"]) for one in answers)
    first = next(one["errors"] for one in answers if one["errors"])
    raise Refused(
        422, f"{refused} of {len(answers)} invoices cannot be taken; the others were.",
        errors=first, body=body,
    )


def _taken(imports: Imports, customer: Imported, fields: Any) -> Imported | dict[str, Any]:
    """One invoice, kept if nothing of it is wrong; else what is wrong with it."""
    if not isinstance(fields, Mapping):
        return {"errors": {"invoice": "is no object"}}
    try:
        return new_invoice(imports, customer, fields)
    except Refused as refused:
        return {
            "external_id": fields.get("external_id"),
            "errors": refused.errors or {"base": refused.message},
        }


def new_invoice(imports: Imports, customer: Imported, fields: Mapping[str, Any]) -> Imported:
    """Keep an invoice with everything on it, or nothing of it.

    Raises
    ------
    Refused
        With 422, if anything on it cannot be taken, or it is there already.
    """
    wrong = invoice_errors(fields)
    check(wrong, "The invoice")
    external = str(fields["external_id"])
    if imports.named("invoice", customer.source, external):
        check({
            "external_id": "The external ID for this invoice already exists in our system."
        }, "The invoice")
    lines, transactions = fields.get("line_items") or [], fields.get("transactions") or []
    for number, line in enumerate(lines):
        wrong |= {f"line_items.{number}.{key}": text
                  for key, text in line_errors(imports, customer, line).items()}
    for number, one in enumerate(transactions):
        wrong |= {f"transactions.{number}.{key}": text
                  for key, text in transaction_errors(imports, customer.source, one).items()}
    check(wrong, "The invoice")
    body = {
        key: value for key, value in fields.items() if key not in ("line_items", "transactions")
    }
    made = imports.add(
        "invoice", "inv_", body, source=customer.source, external_id=external,
        owner=customer.uuid,
    )
    for line in lines:
        new_line(imports, made, line)
    for one in transactions:
        new_transaction(imports, made, one)
    return made


@route("GET", "/invoices/{uuid}")
def invoice(request: Request) -> Answer:
    """One invoice."""
    with request.desk.reading() as imports:
        one = found(imports, "invoice", request.path["uuid"], "Invoice")
        return 200, shapes(imports, [one], request.query)[0]


@route("DELETE", "/invoices")
@route("DELETE", "/invoices/{uuid}")
def delete_invoice(request: Request) -> Answer:
    """An invoice, with everything on it."""
    with request.desk.writing() as imports:
        _delete(imports, [_asked(request, imports)])
    return 204, None


@route("DELETE", "/data_sources/{source}/customers/{uuid}/invoices")
def delete_invoices(request: Request) -> Answer:
    """Every invoice of a customer."""
    with request.desk.writing() as imports:
        customer = found(imports, "customer", request.path["uuid"], "Customer")
        if customer.source != request.path["source"]:
            raise missing("Customer")
        _delete(imports, imports.all("invoice", owners=[customer.uuid]))
    return 204, None


def _delete(imports: Imports, every: Sequence[Imported]) -> None:
    owners = [one.uuid for one in every]
    parts = [*imports.all("line_item", owners=owners), *imports.all("transaction", owners=owners)]
    imports.delete([*every, *parts])


@route("PATCH", "/invoices/disabled_state")
@route("PATCH", "/invoices/{uuid}/disabled_state")
def disable_invoice(request: Request) -> Answer:
    """Let an invoice count no more, or again."""
    with request.desk.writing() as imports:
        one = _asked(request, imports)
        changed = imports.change(one, {**one.body, **disabling(request, one)})
        retouch(imports, [one.uuid])
        return 200, shapes(imports, [changed], {"with_disabled": "true"})[0]


@route("PUT", "/data_sources/{source}/invoices/{external}/status")
def change_status(request: Request) -> Answer:
    """Say that an invoice was voided or written off."""
    state = request.fields.get("status")
    if state not in _STATES:
        check({"status": f"is not included in the list: {', '.join(_STATES)}"}, "The invoice")
    with request.desk.writing() as imports:
        one = imports.named("invoice", request.path["source"], request.path["external"])
        if one is None:
            raise missing("Invoice")
        changed = imports.change(one, {**one.body, "status": state})
        retouch(imports, [one.uuid])
        return 200, shapes(imports, [changed], {})[0]


@route("PATCH", "/invoices")
@route("PATCH", "/invoices/{uuid}")
def change_invoice(request: Request) -> Answer:
    """Another date, currency or state."""
    known = ("date", "due_date", "currency", "status", "collection_method")
    fields = {key: value for key, value in request.fields.items() if key in known}
    with request.desk.writing() as imports:
        one = _asked(request, imports)
        body = {**one.body, **fields}
        check(invoice_errors(body), "The invoice")
        changed = imports.change(one, body)
        retouch(imports, [one.uuid])
        return 200, shapes(imports, [changed], {})[0]


def _asked(request: Request, imports: Imports) -> Imported:
    """The invoice that the address names, or its query."""
    if "uuid" in request.path:
        return found(imports, "invoice", request.path["uuid"], "Invoice")
    return by_external_id(request, imports, "invoice", "Invoice")


def disabling(request: Request, one: Imported) -> dict[str, Any]:
    """What changes of an object that is disabled or enabled."""
    is_off = request.fields.get("disabled")
    if not isinstance(is_off, bool):
        check({"disabled": "is neither true nor false"}, "The state")
    at = said(request.company.clock()) if is_off else None
    del one
    return {"disabled": is_off, "disabled_at": at, "disabled_by": "API" if is_off else None}
