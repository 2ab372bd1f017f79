"""Subscriptions, which invoices make, and how they are canceled."""

from __future__ import annotations

from typing import Any

from staycurve.interfaces.chartmogul.books import smallest
from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    check,
    found,
    odd_instants,
    page_of,
    route,
    said,
)
from staycurve.sources.chartmogul.rows import instant
from staycurve.state.imports import Imported, Imports
from staycurve.tables.engine import quoted
from staycurve.workspace.imports import cancellations


def _own(imports: Imports, one: Imported) -> dict[str, Any]:
    """A subscription as it was sent."""
    return {
        "uuid": one.uuid, "external_id": one.body["external_id"],
        "subscription_set_external_id": one.body.get("subscription_set_external_id"),
        "plan_uuid": one.body.get("plan_uuid"), "customer_uuid": one.owner,
        "data_source_uuid": one.source,
        "cancellation_dates": [
            said(at) for at in cancellations(imports, [one.uuid]).get(one.uuid, [])
        ],
    }


@route("GET", "/import/customers/{uuid}/subscriptions")
def imported(request: Request) -> Answer:
    """Subscriptions that the invoices of a customer made."""
    with request.desk.reading() as imports:
        customer = found(imports, "customer", request.path["uuid"], "Customer")
        entries, more = page_of(request, lambda after, most: imports.page(
            "subscription", after=after, most=most, owner=customer.uuid
        ))
        shapes = [_own(imports, one) for one in entries]
    return 200, {"customer_uuid": customer.uuid, "subscriptions": shapes, **more}


@route("GET", "/customers/{uuid}/subscriptions")
def standing(request: Request) -> Answer:
    """The same, with what they come to today."""
    with request.desk.reading() as imports:
        customer = found(imports, "customer", request.path["uuid"], "Customer")
        entries, more = page_of(request, lambda after, most: imports.page(
            "subscription", after=after, most=most, owner=customer.uuid
        ))
        shapes = {one.body["external_id"]: {"id": one.id, **_own(imports, one)} for one in entries}
        source = imports.get("data_source", customer.source)
    suffix = str(source.body.get("_suffix") or "") if source else ""
    request.desk.drain_and_refresh()
    company = request.company
    today, currency = company.as_of().last_day, company.config.company.currency
    with company.reading() as engine:
        lines = engine.rows(f"""
            SELECT subscription_id, MAX(plan), MAX(interval), MAX(currency), MIN(starts_at),
                   MAX(coalesce(ends_at, TIMESTAMP '9999-01-01')),
                   SUM(CASE WHEN starts_on <= DATE '{today}'
                        AND (ends_on IS NULL OR ends_on > DATE '{today}') THEN amount ELSE 0 END)
            FROM mrr_items WHERE account_id = {quoted(customer.body["_account_id"])}
            GROUP BY subscription_id ORDER BY subscription_id""")
    told = {str(line[0]): line[1:] for line in lines}
    for external, shape in shapes.items():
        plan, interval, money, start, end, amount = told.get(
            f"{external}{suffix}", (None, None, currency, None, None, 0)
        )
        mrr = smallest(int(amount or 0), money)
        shape |= {
            "plan": plan, "quantity": 1, "mrr": mrr, "arr": mrr * 12,
            "status": "active" if mrr > 0 else "inactive", "billing-cycle": interval,
            "billing-cycle-count": 1, "currency": money, "currency-sign": None,
            "start-date": said(None if start is None else str(start)),
            "end-date": said(None if end is None or end.year == 9999 else str(end)),
        }
    return 200, {"entries": list(shapes.values()), "per_page": len(shapes), "page": 1, **more}


@route("PATCH", "/import/subscriptions/{uuid}")
def cancel(request: Request) -> Answer:
    """Cancel a subscription, or say anew when it was ever canceled."""
    fields = request.fields
    with request.desk.writing() as imports:
        one = found(imports, "subscription", request.path["uuid"], "Subscription")
        if "cancellation_dates" in fields:
            given = fields["cancellation_dates"]
            if not isinstance(given, list):
                check({"cancellation_dates": "is no list"}, "The subscription")
            dates = list(given)
        else:
            check(blanks(fields, "cancelled_at"), "The subscription")
            dates = [*one.body["cancellation_dates"], fields["cancelled_at"]]
        for at in dates:
            check(blanks({"cancelled_at": at}, "cancelled_at")
                  | odd_instants({"cancelled_at": at}, "cancelled_at"), "The subscription")
        moments = sorted({at for at in map(instant, dates) if at is not None})
        changed = imports.change(
            one, {**one.body, "cancellation_dates": [said(at) for at in moments]}
        )
        touch_subscription(imports, one.uuid)
        return 200, _own(imports, changed)


@route("POST", "/customers/{uuid}/connect_subscriptions")
@route("POST", "/customers/{uuid}/disconnect_subscriptions")
def connect(request: Request) -> Answer:
    """Subscriptions are what their invoices say; they are not joined by hand."""
    raise Refused(
        422, "Subscriptions are not connected here.",
        hint="Send their invoices under one subscription_external_id.",
    )


def touch_subscription(imports: Imports, uuid: str) -> None:
    """Let the lines of a subscription be loaded again: it ends elsewhere now."""
    if uuid:
        imports.touch(imports.all("line_item", refs=[uuid], is_deleted=None))
