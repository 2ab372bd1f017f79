"""Subscription events: what happened to subscriptions, or is scheduled to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.interfaces.chartmogul.invoices import disabling
from staycurve.interfaces.chartmogul.parts import subscription_of
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    check,
    missing,
    odd_ids,
    odd_instants,
    odd_wholes,
    page_of,
    route,
    said,
    whole,
)
from staycurve.interfaces.chartmogul.subscriptions import touch_subscription
from staycurve.state.imports import Imported, Imports

KINDS = (
    "subscription_start", "subscription_start_scheduled", "scheduled_subscription_start_retracted",
    "subscription_cancelled", "subscription_cancellation_scheduled",
    "scheduled_subscription_cancellation_retracted", "subscription_updated",
    "subscription_update_scheduled", "scheduled_subscription_update_retracted",
    "subscription_event_retracted",
)
_WHOLES = ("amount_in_cents", "tax_amount_in_cents", "quantity", "event_order")
_NAMES = ("id", "external_id", "data_source_uuid")
_FILTERS = (
    "external_id", "customer_external_id", "subscription_external_id", "event_type",
    "plan_external_id",
)


def event_shape(one: Imported) -> dict[str, Any]:
    """An event as it is answered."""
    body = one.body
    plain = (
        "customer_external_id", "subscription_external_id", "subscription_set_external_id",
        "plan_external_id", "event_type", "currency", "retracted_event_id", "event_order",
    )
    return {
        "id": one.id, "data_source_uuid": one.source, "external_id": one.external_id,
        **{key: body.get(key) for key in plain},
        "event_date": said(body["event_date"]), "effective_date": said(body["effective_date"]),
        "amount_in_cents": whole(body.get("amount_in_cents")),
        "tax_amount_in_cents": whole(body.get("tax_amount_in_cents")),
        "quantity": whole(body.get("quantity")), "errors": {},
        "created_at": said(one.created_at), "updated_at": said(one.updated_at),
        "disabled": bool(body.get("disabled")), "disabled_at": body.get("disabled_at"),
        "disabled_by": body.get("disabled_by"),
    }


@route("GET", "/subscription_events")
def events(request: Request) -> Answer:
    """Events, a page at a time."""
    query = request.query
    wanted = {key: query[key] for key in _FILTERS if key in query}

    with request.desk.reading() as imports:

        def fitting(after: int, most: int) -> list[Imported]:
            fits: list[Imported] = []
            while len(fits) < most:
                part = imports.page(
                    "subscription_event", after=after, most=1000,
                    source=query.get("data_source_uuid"),
                )
                fits += [one for one in part if all(
                    str(one.body.get(key)) == value for key, value in wanted.items()
                )]
                if len(part) < 1000:
                    break
                after = part[-1].id
            return fits[:most]

        entries, more = page_of(request, fitting)
    return 200, {"subscription_events": [event_shape(one) for one in entries], **more}


def _fields(request: Request) -> Mapping[str, Any]:
    inner = request.fields.get("subscription_event", request.fields)
    if not isinstance(inner, Mapping):
        raise Refused(422, "subscription_event is no object.")
    return inner


def event_errors(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the fields of an event."""
    needed = (
        "data_source_uuid", "customer_external_id", "event_type", "event_date",
        "effective_date", "subscription_external_id",
    )
    is_retraction = fields.get("event_type") == "subscription_event_retracted"
    wrong = blanks(fields, *(name for name in needed
                             if not (is_retraction and name == "subscription_external_id")))
    if is_retraction:
        wrong |= blanks(fields, "retracted_event_id")
    wrong |= odd_instants(fields, "event_date", "effective_date") | odd_wholes(fields, *_WHOLES)
    wrong |= odd_ids(fields, "external_id", "subscription_external_id", "customer_external_id")
    if fields.get("event_type") and fields["event_type"] not in KINDS:
        wrong["event_type"] = f"is not included in the list: {', '.join(KINDS)}"
    return wrong


@route("POST", "/subscription_events")
def add_event(request: Request) -> Answer:
    """A new event."""
    with request.desk.writing() as imports:
        return 201, event_shape(new_event(imports, _fields(request)))


def new_event(imports: Imports, fields: Mapping[str, Any]) -> Imported:
    """Keep an event; a cancellation ends what its subscription has billed.

    Raises
    ------
    Refused
        With 422, if it cannot be taken, or is there already.
    """
    check(event_errors(fields), "The event")
    source = str(fields["data_source_uuid"])
    customer = imports.named("customer", source, str(fields["customer_external_id"]))
    if customer is None:
        check({"customer_external_id": "Customer not found"}, "The event")
    assert customer is not None
    external = fields.get("external_id")
    named = None if external in (None, "") else str(external)
    if named and imports.named("subscription_event", source, named):
        check({"external_id": "has already been taken"}, "The event")
    ref = _subscription(imports, source, customer.uuid, fields)
    one = imports.add(
        "subscription_event", "ev_", dict(fields), source=source, external_id=named,
        owner=customer.uuid, ref=ref,
    )
    touch_subscription(imports, ref)
    return one


def _subscription(
    imports: Imports, source: str, customer: str, fields: Mapping[str, Any]
) -> str:
    """The subscription that an event is about; a retraction is about that of its event."""
    retracted = fields.get("retracted_event_id")
    if retracted and not fields.get("subscription_external_id"):
        number = whole(retracted)
        one = imports.named("subscription_event", source, str(retracted))
        if one is None and number is not None:
            one = imports.numbered("subscription_event", number)
        if one is None or one.source != source:
            check({"retracted_event_id": "Event not found"}, "The event")
        assert one is not None
        return one.ref
    plain = {
        key: fields.get(key)
        for key in ("subscription_external_id", "subscription_set_external_id")
    }
    return subscription_of(imports, source, customer, plain)


def _asked(imports: Imports, fields: Mapping[str, Any]) -> Imported:
    """The event that a body names, by its number or by its external id."""
    number = whole(fields.get("id")) if fields.get("id") is not None else None
    if number is not None:
        one = imports.numbered("subscription_event", number)
    else:
        source, named = fields.get("data_source_uuid"), fields.get("external_id")
        one = imports.named("subscription_event", str(source or ""), str(named or ""))
    if one is None:
        raise missing("Subscription event")
    return one


@route("PATCH", "/subscription_events")
def change_event(request: Request) -> Answer:
    """Other fields of an event."""
    given = _fields(request)
    with request.desk.writing() as imports:
        one = _asked(imports, given)
        body = {**one.body, **{key: v for key, v in given.items() if key not in _NAMES}}
        check(event_errors(body), "The event")
        ref = _subscription(imports, one.source, one.owner, body)
        changed = imports.change(one, body, ref=ref)
        for uuid in {one.ref, ref}:
            touch_subscription(imports, uuid)
    return 200, event_shape(changed)


@route("DELETE", "/subscription_events")
def delete_event(request: Request) -> Answer:
    """An event."""
    with request.desk.writing() as imports:
        one = _asked(imports, _fields(request))
        imports.delete([one])
        touch_subscription(imports, one.ref)
    return 204, None


@route("PATCH", "/subscription_events/disabled_state")
@route("PATCH", "/subscription_events/{id}/disabled_state")
def disable_event(request: Request) -> Answer:
    """Let an event count no more, or again."""
    with request.desk.writing() as imports:
        one = _asked(imports, {**request.fields, **request.path})
        changed = imports.change(one, {**one.body, **disabling(request, one)})
        touch_subscription(imports, one.ref)
    return 200, event_shape(changed)


@route("GET", "/subscription_events/{id}")
def event(request: Request) -> Answer:
    """One event."""
    with request.desk.reading() as imports:
        return 200, event_shape(_asked(imports, request.path))
