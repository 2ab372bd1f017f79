"""The kind of source `stripe`: its streams, those that ask first, then those that derive rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from staycurve.i18n import N_
from staycurve.sources.base import Pull, Source, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.mapping import Feed
from staycurve.sources.stripe import (
    accounts,
    changes,
    inbox,
    lines,
    payments,
    spans,
    upcoming,
    usage,
)
from staycurve.sources.stripe.certificate import certificate
from staycurve.sources.stripe.fetching import fetch
from staycurve.sources.stripe.kinds import KINDS, Kind
from staycurve.sources.stripe.settings import Stripe
from staycurve.tables.conformed import CONFORMED


def _fetching(kind: Kind) -> Stream[Stripe]:
    return Stream(
        kind.stream, kind.about, partial(fetch, kind),
        cursor=N_("the last complete list, and how far the one that is read has come"),
    )


def _deriving(
    name: str, table: str, about: str, read: Callable[[Pull[Stripe]], Iterator[Batch]]
) -> Stream[Stripe]:
    columns = {column.name: (column.name,) for column in CONFORMED[table].columns}
    return Stream(
        name, about, read, (Feed(table, columns=columns),),
        cursor=N_("the load up to which objects were read"), is_derived=True,
    )


STRIPE = Source(
    "stripe",
    "Stripe",
    N_("Customers, subscriptions, invoices and payments of a Stripe account."),
    Stripe,
    (
        *(_fetching(kind) for kind in KINDS),
        Stream(
            "events", N_("What changed since; each object is fetched again."), changes.read,
            cursor=N_("the last event"),
        ),
        Stream(
            "open_usage", N_("What meters counted of periods that are not billed yet."),
            usage.read, cursor=N_("the day of the last sums"),
        ),
        _deriving("accounts", "accounts", N_("Customers as accounts."), accounts.read),
        _deriving("invoice_lines", "invoice_lines", N_("The lines of invoices."), lines.read),
        _deriving(
            "upcoming", "invoice_lines",
            N_("What the next invoices are going to bill; it counts for nothing until they do."),
            upcoming.read,
        ),
        _deriving("payments", "payments", N_("Charges as payments."), payments.read),
        _deriving(
            "spans", "subscriptions",
            N_("What was charged for and when, out of invoices, events and subscriptions."),
            spans.read,
        ),
    ),
    waiting=inbox.waiting,
    certificate=certificate,
    example='[sources.stripe]\nkind = "stripe"\napi_key = { env = "STRIPE_API_KEY" }',
)
