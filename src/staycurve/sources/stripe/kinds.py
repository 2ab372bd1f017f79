"""Kinds of Stripe's objects: where each is listed, and what has to be asked for beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from staycurve.i18n import N_
from staycurve.sources.stripe.shapes import (
    Object,
    at,
    customer_of,
    id_of,
    subscription_of_invoice,
    subscription_of_item,
)


def _nothing(value: Object) -> str | None:
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes
    ----------
    stream : str
        Its stream's name.
    object : str
        What Stripe writes into the field `object`.
    path : str
        Its list; one of them stands below it.
    params : tuple of (str, str)
        What the list is asked for beside its page.
    expand : tuple of str
        What is to come as an object, seen from one of them.
    parent : callable
        The id by which it is looked for beside its own.
    nested : mapping
        Field that is itself a list → where its further pages are, with {id}.
    is_whole : bool
        Whether the list has all of them: what is counted against it otherwise says nothing.
    """

    stream: str
    object: str
    path: str
    about: str
    params: tuple[tuple[str, str], ...] = ()
    expand: tuple[str, ...] = ()
    parent: Callable[[Object], str | None] = _nothing
    nested: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] | None = None
    is_whole: bool = True


def _payment(value: Object) -> str | None:
    return (
        id_of(at(value, "payment", "payment_intent")) or id_of(at(value, "payment", "charge"))
    )


KINDS = (
    Kind("customers", "customer", "/v1/customers", N_("Who pays.")),
    Kind("products", "product", "/v1/products", N_("What is sold.")),
    Kind(
        "prices", "price", "/v1/prices", N_("What it costs, with every tier."),
        expand=("tiers",), parent=lambda value: id_of(value.get("product")),
    ),
    Kind(
        "meters", "billing.meter", "/v1/billing/meters",
        N_("What is metered, and how it adds up."),
    ),
    Kind("coupons", "coupon", "/v1/coupons", N_("What is taken off, and for how long.")),
    Kind(
        "promotion_codes", "promotion_code", "/v1/promotion_codes", N_("Codes of coupons."),
    ),
    Kind(
        "subscriptions", "subscription", "/v1/subscriptions",
        N_("How each subscription stands today, ended ones included."),
        params=(("status", "all"),), expand=("discounts", "items.data.discounts"),
        parent=customer_of,
        nested={"items": ("/v1/subscription_items", (("subscription", "{id}"),))},
    ),
    Kind(
        "subscription_schedules", "subscription_schedule", "/v1/subscription_schedules",
        N_("What subscriptions are going to become."),
        parent=lambda value: id_of(value.get("subscription")),
    ),
    Kind(
        "invoices", "invoice", "/v1/invoices", N_("What was billed, with every line."),
        expand=("discounts", "lines.data.discounts"), parent=subscription_of_invoice,
        nested={"lines": ("/v1/invoices/{id}/lines", ())},
    ),
    Kind(
        "invoice_items", "invoiceitem", "/v1/invoiceitems",
        N_("Prorations that the next invoice is going to bill."), params=(("pending", "true"),),
        parent=subscription_of_item, is_whole=False,
    ),
    Kind(
        "invoice_payments", "invoice_payment", "/v1/invoice_payments",
        N_("Which payment settles which invoice."), parent=_payment,
    ),
    Kind(
        "charges", "charge", "/v1/charges", N_("What was paid, failed or given back."),
        parent=lambda value: id_of(value.get("payment_intent")),
    ),
    Kind(
        "refunds", "refund", "/v1/refunds", N_("What was given back."),
        parent=lambda value: id_of(value.get("charge")),
    ),
    Kind(
        "disputes", "dispute", "/v1/disputes", N_("What customers' banks want back."),
        parent=lambda value: id_of(value.get("charge")),
    ),
    Kind(
        "credit_notes", "credit_note", "/v1/credit_notes", N_("What was taken off invoices."),
        parent=lambda value: id_of(value.get("invoice")),
        nested={"lines": ("/v1/credit_notes/{id}/lines", ())},
    ),
)
OF_OBJECT = {kind.object: kind for kind in KINDS}
"""What an object calls itself → its kind."""
