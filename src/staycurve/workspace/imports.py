"""Imports: what other programs send to the server, kept first and then brought into the lake."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from staycurve.sources.base import Sender
from staycurve.sources.batches import Batch
from staycurve.sources.chartmogul import rows
from staycurve.sources.chartmogul.streams import CUSTOMERS, LINES, PAYMENTS
from staycurve.sources.cursors import Cursor
from staycurve.sources.port import FileReport
from staycurve.sources.writer import LakeWriter
from staycurve.state.imports import Imported, Imports
from staycurve.tables.person import tombstones
from staycurve.tables.person.terms import Terms
from staycurve.workspace.desks import Desk

AT_ONCE = 5_000
"""Objects in one commit."""
_NOBODY: Mapping[str, Any] = {}
_ONE_DRAIN = threading.Lock()
_Make = Callable[[Imports, Sequence[Imported]], list[rows.Row]]


class ImportDesk(Desk):
    """Takes objects in, and loads them; what was taken in is durable before it is loaded."""

    @contextmanager
    def reading(self) -> Iterator[Imports]:
        """The objects in a transaction that reads."""
        with self._company.state.database.reading() as session:
            yield Imports(session, self._company.clock())

    @contextmanager
    def writing(self) -> Iterator[Imports]:
        """The objects in a transaction that is kept as a whole, unless the block fails."""
        forgotten = tombstones.read(self._company.folder)

        def strip(body: Mapping[str, Any]) -> Mapping[str, Any]:
            terms = forgotten.terms_of(dict(body)) if forgotten else Terms("")
            return body if terms.is_empty else terms.value(dict(body))

        with self._company.state.database.writing() as session:
            yield Imports(session, self._company.clock(), strip=strip)

    @property
    def is_due(self) -> bool:
        """Whether something was taken in that is not loaded yet."""
        if not self._company.state.database.is_there:
            return False
        with self.reading() as imports:
            return any(
                imports.changed(kinds, after=self._cursor(sender), most=1)
                for sender, kinds, _ in _STREAMS
            )

    def drain(self, *, wait: float = 600.0) -> list[FileReport]:
        """Load what was taken in and is not loaded yet; rows and cursor are one commit."""
        if not self._company.state.database.is_there:
            return []
        found: list[FileReport] = []
        with _ONE_DRAIN:
            with self.reading() as imports:
                latest = imports.latest()
            for sender, kinds, make in _STREAMS:
                found += self._stream(sender, kinds, make, latest, wait)
        return found

    def _stream(
        self, sender: Sender, kinds: Sequence[str], make: _Make, latest: int, wait: float
    ) -> list[FileReport]:
        company = self._company
        writer = LakeWriter(company.lake, company.config, now=company.clock(), wait=wait)
        reports: list[FileReport] = []
        after = self._cursor(sender)
        while after < latest:
            with self.reading() as imports:
                changed = imports.changed(kinds, after=after, most=AT_ONCE)
                made = make(imports, changed)
            # Nothing of this kind is left below `latest`: whatever comes later is greater.
            after = changed[-1].version if len(changed) >= AT_ONCE else max(
                latest, changed[-1].version if changed else 0
            )
            if made:
                reports += writer.write([Batch(made, Cursor(after))], sender=sender)
        return reports


def _customers(imports: Imports, changed: Sequence[Imported]) -> list[rows.Row]:
    del imports
    # A customer that was deleted has no subscription left; what is known of the account stays.
    return [rows.account_row(one.body["_account_id"], one.body) for one in changed]


def line_rows(imports: Imports, changed: Sequence[Imported]) -> list[rows.Row]:
    """Rows of the lines that changed; their neighbours tell what a difference comes to."""
    subscriptions = sorted({one.ref for one in changed if one.ref})
    near = imports.all("line_item", refs=subscriptions)
    every = {one.uuid: one for one in (*near, *changed)}
    places = _places(imports, list(every.values()))
    plans = {
        one.uuid: one.body for one in imports.all(
            "plan", uuids=[str(one.body.get("plan_uuid") or "") for one in every.values()],
            is_deleted=None,
        )
    }
    ends = cancellations(imports, subscriptions)
    made: dict[str, rows.Line] = {}
    for one in every.values():
        plan = plans.get(str(one.body.get("plan_uuid") or ""), _NOBODY)
        made[one.uuid] = rows.Line(
            one.uuid, one.body, places[one.owner], plan, one.is_counted, ends.get(one.ref, ())
        )
    for ref in subscriptions:
        own = [made[one.uuid] for one in every.values() if one.ref == ref]
        made |= {line.uuid: line for line in rows.differences(own)}
    said = {one.uuid for one in changed}
    said |= {one.uuid for one in near if one.body.get("prorated")}
    return [row for uuid, line in made.items() if uuid in said for row in rows.line_rows(line)]


def _payments(imports: Imports, changed: Sequence[Imported]) -> list[rows.Row]:
    """Rows of the payments of every invoice of which a transaction changed."""
    owners = sorted({one.owner for one in changed})
    near = imports.all("transaction", owners=owners, is_deleted=None)
    places = _places(imports, near)
    totals = _totals(imports.all("line_item", owners=owners))
    found: list[rows.Row] = []
    for owner in owners:
        own = [one for one in near if one.owner == owner]
        found += _invoice_payments(own, places[owner], totals.get(owner, Decimal(0)))
    return found


def _invoice_payments(
    own: Sequence[Imported], place: rows.Place, total: Decimal
) -> list[rows.Row]:
    refunds = [one for one in own if one.body.get("type") == "refund"]
    payments = [one for one in own if one not in refunds]
    left = sum(
        (abs(_amount(one, place, total)) for one in refunds
         if one.is_counted and one.body.get("result", "successful") == "successful"),
        Decimal(0),
    )
    found = []
    for one in sorted(payments, key=lambda one: (one.body.get("date") or "", one.id)):
        amount = max(_amount(one, place, total), Decimal(0))
        back = Decimal(0)
        if one.is_counted and one.body.get("result") == "successful":
            back = min(left, amount)
            left -= back
        found.append(rows.payment_row(
            one.uuid, one.body, place, amount=amount, refunded=back, is_counted=one.is_counted
        ))
    for place_in, one in enumerate(refunds, 1):
        # What was given back of payments that nobody sent stands by itself.
        own_part = left if place_in == len(refunds) else Decimal(0)
        found.append(rows.payment_row(
            one.uuid, one.body, place, amount=own_part, refunded=own_part, is_counted=False
        ))
    return found


def _amount(one: Imported, place: rows.Place, total: Decimal) -> Decimal:
    """What a transaction is about; without an amount of its own, the whole invoice."""
    cents = one.body.get("amount_in_cents")
    found = rows.major(total if cents is None else cents, place.currency)
    return found or Decimal(0)


def _totals(lines: Sequence[Imported]) -> dict[str, Decimal]:
    """Smallest units of each invoice, tax included."""
    found: dict[str, Decimal] = {}
    for one in lines:
        if one.is_counted:
            cents = Decimal(str(one.body.get("amount_in_cents") or 0))
            found[one.owner] = found.get(one.owner, Decimal(0)) + cents
    return found


def _places(imports: Imports, parts: Sequence[Imported]) -> dict[str, rows.Place]:
    """Invoice → what its lines and transactions need to know of it."""
    owners = [one.owner for one in parts]
    invoices = imports.all("invoice", uuids=owners, is_deleted=None)
    customers = {
        one.uuid: one for one in imports.all(
            "customer", uuids=[one.owner for one in invoices], is_deleted=None
        )
    }
    suffixes = {
        one.uuid: str(one.body.get("_suffix") or "") for one in imports.all(
            "data_source", uuids=[one.source for one in invoices], is_deleted=None
        )
    }
    paid = {
        one.owner for one in imports.all("transaction", owners=owners)
        if one.is_counted and one.body.get("type", "payment") == "payment"
        and one.body.get("result") == "successful"
    }
    return {
        one.uuid: rows.Place(
            account_id=customers[one.owner].body["_account_id"],
            suffix=suffixes.get(one.source, ""),
            # Of a deleted one the external id is free again: it may name another by now.
            invoice_id=one.external_id or one.uuid,
            invoice=one.body,
            is_counted=one.is_counted and not customers[one.owner].is_deleted,
            is_paid=one.uuid in paid,
        )
        for one in invoices
    }


def cancellations(
    imports: Imports, subscriptions: Sequence[str]
) -> dict[str, list[dt.datetime]]:
    """Subscription → when it was canceled, by itself and by its events; oldest first."""
    found: dict[str, list[dt.datetime]] = {}
    for one in imports.all("subscription", uuids=subscriptions):
        told = [rows.instant(at) for at in one.body.get("cancellation_dates") or ()]
        found[one.uuid] = [at for at in told if at is not None]
    events: dict[str, list[Imported]] = {}
    for one in imports.all("subscription_event", refs=subscriptions):
        if one.is_counted:
            events.setdefault(one.ref, []).append(one)
    for ref, own in events.items():
        found.setdefault(ref, []).extend(ended_by(own))
    return {ref: sorted(set(every)) for ref, every in found.items()}


def ended_by(events: Sequence[Imported]) -> list[dt.datetime]:
    """When events of one subscription end it.

    A scheduled cancellation ends it on its day, unless it was taken back: by an event that names
    it, or, where none does, by a later event that takes a scheduled cancellation back.
    """
    retracted = {
        str(one.body["retracted_event_id"]) for one in events
        if one.body.get("retracted_event_id")
    }
    ordered = sorted(events, key=lambda one: (
        rows.instant(one.body.get("event_date")) or one.created_at,
        int(one.body.get("event_order") or 0), one.id,
    ))
    ends: list[tuple[bool, dt.datetime]] = []
    for one in ordered:
        kind = one.body.get("event_type")
        if {str(one.id), str(one.external_id)} & retracted:
            continue
        at = rows.instant(one.body.get("effective_date"))
        if kind == "subscription_cancelled" and at is not None:
            ends.append((False, at))
        elif kind == "subscription_cancellation_scheduled" and at is not None:
            ends.append((True, at))
        elif (
            kind == "scheduled_subscription_cancellation_retracted"
            and not one.body.get("retracted_event_id")
        ):
            scheduled = [end for end in ends if end[0]]
            if scheduled:
                ends.remove(scheduled[-1])
    return [at for _, at in ends]


_STREAMS: tuple[tuple[Sender, tuple[str, ...], _Make], ...] = (
    (CUSTOMERS, ("customer",), _customers),
    (LINES, ("line_item",), line_rows),
    (PAYMENTS, ("transaction",), _payments),
)
