"""Customers: those who are billed, with their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.interfaces.chartmogul.books import Books, books_of
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    check,
    found,
    odd_ids,
    odd_instants,
    page_of,
    route,
    said,
)
from staycurve.state.imports import Imported, Imports

_TIMES = ("lead_created_at", "free_trial_started_at")
_KEPT = ("external_id", "data_source_uuid")
"""What names a customer is not changed later."""


def customer_shape(one: Imported, books: Books) -> dict[str, Any]:
    """A customer as it is answered, with what its account pays."""
    body, state = one.body, books.of(one.body["_account_id"])
    attributes = body.get("attributes") or {}
    found_at = {key: said(body.get(key)) for key in _TIMES}
    return {
        "id": one.id, "uuid": one.uuid, "external_id": body["external_id"],
        "external_ids": [body["external_id"]], "name": body.get("name") or "",
        "company": body.get("company") or "", "email": body.get("email") or "",
        "status": state.status, "customer-since": said(state.since),
        "attributes": {
            "tags": list(attributes.get("tags") or ()),
            "custom": dict(attributes.get("custom") or {}), "stripe": {}, "clearbit": {},
        },
        "data_source_uuid": one.source, "data_source_uuids": [one.source],
        "address": {
            "country": body.get("country"), "state": body.get("state"),
            "city": body.get("city"), "address_zip": body.get("zip"),
        },
        "country": body.get("country"), "state": body.get("state"), "city": body.get("city"),
        "zip": body.get("zip"), "mrr": state.mrr, "arr": state.mrr * 12,
        "billing-system-url": None, "chartmogul-url": f"/accounts/{body['_account_id']}",
        "billing-system-type": "Custom", "currency": books.currency,
        "currency-sign": books.sign, "website_url": body.get("website_url"), **found_at,
    }


@route("GET", "/customers")
def customers(request: Request) -> Answer:
    """Customers, a page at a time."""
    query = request.query
    with request.desk.reading() as imports:
        entries, more = page_of(request, lambda after, most: imports.page(
            "customer", after=after, most=most, source=query.get("data_source_uuid"),
            external_id=query.get("external_id"),
        ))
    books = books_of(request, [one.body["_account_id"] for one in entries])
    if query.get("status"):
        entries = [
            one for one in entries if books.of(one.body["_account_id"]).status == query["status"]
        ]
    return 200, {
        "entries": [customer_shape(one, books) for one in entries], "per_page": len(entries),
        "page": 1, **more,
    }


@route("GET", "/customers/search")
def search(request: Request) -> Answer:
    """Customers with an e-mail address, a page at a time."""
    check(blanks(request.query, "email"), "The search")
    wanted = request.query["email"].strip().lower()

    with request.desk.reading() as imports:

        def fitting(after: int, most: int) -> list[Imported]:
            fits: list[Imported] = []
            while len(fits) < most:
                part = imports.page("customer", after=after, most=1000)
                fits += [
                    one for one in part if str(one.body.get("email") or "").lower() == wanted
                ]
                if len(part) < 1000:
                    break
                after = part[-1].id
            return fits[:most]

        entries, more = page_of(request, fitting)
    books = books_of(request, [one.body["_account_id"] for one in entries])
    return 200, {"entries": [customer_shape(one, books) for one in entries], **more}


@route("POST", "/customers")
def add_customer(request: Request) -> Answer:
    """A new customer."""
    with request.desk.writing() as imports:
        one = new_customer(imports, request.fields)
    return 201, customer_shape(one, books_of(request, []))


def new_customer(imports: Imports, fields: Mapping[str, Any]) -> Imported:
    """Keep a customer.

    Raises
    ------
    Refused
        With 422, if it cannot be taken, or is there already.
    """
    wrong = blanks(fields, "data_source_uuid", "external_id") | odd_ids(fields, "external_id")
    check(wrong | odd_instants(fields, *_TIMES), "The customer")
    source, external = str(fields["data_source_uuid"]), str(fields["external_id"])
    where = found(imports, "data_source", source, "Data source")
    if imports.named("customer", source, external):
        check({
            "external_id": "The external ID for this customer already exists in our system."
        }, "The customer")
    attributes = fields.get("attributes")
    body = {
        **fields, "external_id": external, "data_source_uuid": source,
        "attributes": _attributes(attributes if isinstance(attributes, Mapping) else {}),
        "_account_id": external + str(where.body.get("_suffix") or ""),
    }
    return imports.add("customer", "cus_", body, source=source, external_id=external)


def _attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as they are kept: custom ones by their names."""
    custom = given.get("custom") or {}
    named = dict(custom) if isinstance(custom, Mapping) else custom_of(custom)
    return {"tags": [str(tag) for tag in given.get("tags") or ()], "custom": named}


def custom_of(given: Any) -> dict[str, Any]:
    """Name → value, out of a list of `{type, key, value}`."""
    if not isinstance(given, list) or not all(
        isinstance(one, Mapping) and one.get("key") for one in given
    ):
        raise Refused(422, "Custom attributes are a list of key and value.", errors={
            "custom": "is no list of objects with key and value"
        })
    return {str(one["key"]): one.get("value") for one in given}


@route("GET", "/customers/{uuid}")
def customer(request: Request) -> Answer:
    """One customer."""
    with request.desk.reading() as imports:
        one = found(imports, "customer", request.path["uuid"], "Customer")
    return 200, customer_shape(one, books_of(request, [one.body["_account_id"]]))


@route("PATCH", "/customers/{uuid}")
def change_customer(request: Request) -> Answer:
    """What else is known of a customer."""
    fields = {key: value for key, value in request.fields.items() if key not in _KEPT}
    fields = {key: value for key, value in fields.items() if not key.startswith("_")}
    check(odd_instants(fields, *_TIMES), "The customer")
    with request.desk.writing() as imports:
        one = found(imports, "customer", request.path["uuid"], "Customer")
        if isinstance(fields.get("attributes"), Mapping):
            own, new = one.body.get("attributes") or {}, _attributes(fields["attributes"])
            fields["attributes"] = {
                "tags": new["tags"] if "tags" in fields["attributes"] else own.get("tags", []),
                "custom": {**own.get("custom", {}), **new["custom"]},
            }
        changed = imports.change(one, {**one.body, **fields})
    return 200, customer_shape(changed, books_of(request, [one.body["_account_id"]]))


@route("DELETE", "/customers/{uuid}")
def delete_customer(request: Request) -> Answer:
    """A customer, with everything that was billed."""
    with request.desk.writing() as imports:
        one = found(imports, "customer", request.path["uuid"], "Customer")
        invoices = imports.all("invoice", owners=[one.uuid])
        parts = [
            part for kind in ("line_item", "transaction")
            for part in imports.all(kind, owners=[invoice.uuid for invoice in invoices])
        ]
        own = imports.all("subscription", owners=[one.uuid])
        own += imports.all("subscription_event", owners=[one.uuid])
        imports.delete([one, *invoices, *parts, *own])
    return 204, None


@route("POST", "/customers/merges")
def merge(request: Request) -> Answer:
    """Make two customers one: what the first pays counts for the second."""
    with request.desk.writing() as imports:
        gone = _named(imports, request.fields.get("from"))
        kept = _named(imports, request.fields.get("into"))
        if gone.uuid == kept.uuid:
            raise Refused(422, "A customer cannot be merged with itself.")
        imports.change(gone, {**gone.body, "_parent": kept.body["_account_id"]})
    return 202, {}


@route("POST", "/customers/unmerges")
def unmerge(request: Request) -> Answer:
    """Take a merge back."""
    with request.desk.writing() as imports:
        given = request.fields
        uuid = given.get("customer_uuid")
        if given.get("external_id") and given.get("data_source_uuid"):
            one = imports.named(
                "customer", str(given["data_source_uuid"]), str(given["external_id"])
            )
        else:
            one = imports.get("customer", str(uuid))
        if one is None:
            raise Refused(404, "Customer not found.")
        imports.change(one, {key: v for key, v in one.body.items() if key != "_parent"})
    return 202, {}


def _named(imports: Imports, given: Any) -> Imported:
    """The customer that `{customer_uuid}` or `{external_id, data_source_uuid}` names."""
    fields: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    one = None
    if fields.get("customer_uuid"):
        one = imports.get("customer", str(fields["customer_uuid"]))
    elif fields.get("external_id"):
        source = str(fields.get("data_source_uuid") or "")
        one = imports.named("customer", source, str(fields["external_id"]))
    if one is None:
        raise Refused(404, "Customer not found.")
    return one
