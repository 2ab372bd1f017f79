"""Timeline: the spans of one subscription, out of everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from staycurve.sources.batches import Row
from staycurve.sources.stripe.deriving import Names
from staycurve.sources.stripe.known import Known, Piece
from staycurve.sources.stripe.shapes import (
    Object,
    ShapeError,
    at,
    customer_of,
    id_of,
    instant,
    items_of,
    period_of,
    seconds,
)
from staycurve.sources.stripe.terms import Terms, off_times, terms_of

STATUSES = (
    "trialing", "active", "past_due", "unpaid", "paused", "canceled", "incomplete",
    "incomplete_expired",
)
LATE = ("past_due", "unpaid", "paused")
OVER = ("canceled", "incomplete_expired")
FAILED = ("first_payment_failure", "final_payment_failure")
MINUTE = 60
SIX = Decimal("0.000001")

FEEDBACK = {
    "too_expensive": "too expensive", "missing_features": "missing features",
    "switched_service": "switched to competitor", "unused": "not using it",
    "customer_service": "customer service", "too_complex": "too complex",
    "low_quality": "low quality", "other": "customer request",
    "cancellation_requested": "customer request", "payment_failed": "payment failed",
    "payment_disputed": "payment disputed",
    "canceled_by_retention_policy": "canceled by retention policy",
}
"""Stripe's words → those that [end_reasons] knows by default."""


@dataclass(frozen=True)
class _Stated:
    """What a snapshot says: item → terms, and the status with its reason."""

    at: int
    terms: Mapping[str, Terms]
    status: str
    reason: str | None


@dataclass(frozen=True)
class _Span:
    starts_at: int
    terms: Terms
    status: str
    reason: str | None


def merged(now: Any, before: Any) -> Any:
    """An object as it was: with the attributes that an event says it had."""
    if not isinstance(now, Mapping) or not isinstance(before, Mapping):
        return before
    found = {**now, **{key: merged(now.get(key), value) for key, value in before.items()}}
    items = items_of(now)
    if "items" in now and "items" not in before and len(items) == 1 and (
        {"plan", "quantity"} & set(before)
    ):
        # Of a subscription with one item, events name its plan and quantity beside it.
        item = dict(items[0])
        if "plan" in before:
            item["plan"] = found["plan"]
            item["price"] = None
        if "quantity" in before:
            item["quantity"], item["quantity_decimal"] = before["quantity"], None
        found["items"] = {"data": [item]}
    return found


def spans(known: Known, names: Names, coupons: Mapping[str, Object]) -> list[Row]:
    """Rows of subscriptions, item by item.

    Raises
    ------
    ShapeError
        If the subscription cannot be read as it stands today.
    """
    today = known.snapshots[-1].body
    status = _status(today)
    start = seconds(today.get("start_date")) or seconds(today.get("start")) or seconds(
        today.get("created")
    )
    account = customer_of(today)
    if account is None or start is None:
        raise ShapeError("has no customer, or no start")
    stated = [one for one in (
        _stated(known, place, names, coupons) for place in range(len(known.snapshots))
    ) if one is not None]
    bodies = [*([known.before] if known.before is not None else []),
              *(snapshot.body for snapshot in known.snapshots)]
    base, base_body = next(
        ((found, body) for body in bodies
         if (found := _readable(body, names, coupons, start)) is not None), (None, today)
    )
    end = _end(today, status)
    trial = _trial(today, end)
    rows: list[Row] = []
    items = dict.fromkeys(id for one in (*stated, *([base] if base else [])) for id in one.terms)
    for id in (*items, *(one for one in known.pieces if one not in items)):
        story = _Item(
            known, id, stated, base, start=_item_start(today, id, start), end=end, trial=trial,
            names=names, coupons=coupons, base_body=base_body,
        )
        rows += _rows(story, account, today, end)
    return rows


def _status(body: Object) -> str:
    status = body.get("status")
    if status not in STATUSES:
        raise ShapeError(f"has the status {status!r}")
    return str(status)


def _reason(body: Object) -> str | None:
    """Why a subscription is paused, in words that [end_reasons] and the law of pauses know."""
    kind = at(body, "status_details", "paused", "subscription", "type") or at(
        body, "status_details", "paused", "type"
    )
    if not isinstance(kind, str):
        return None
    return "payment_failed" if kind in FAILED else kind


def _stated(
    known: Known, place: int, names: Names, coupons: Mapping[str, Object]
) -> _Stated | None:
    snapshot = known.snapshots[place]
    try:
        terms = terms_of(snapshot.body, names, coupons, snapshot.at)
        return _Stated(snapshot.at, terms, _status(snapshot.body), _reason(snapshot.body))
    except ShapeError:
        # An old event that cannot be read costs what it knew, today's state costs the rows.
        if place == len(known.snapshots) - 1:
            raise
        return None


def _readable(
    body: Object, names: Names, coupons: Mapping[str, Object], when: int
) -> _Stated | None:
    try:
        return _Stated(
            when, terms_of(body, names, coupons, when), _status(body), _reason(body)
        )
    except ShapeError:
        return None


def _end(today: Object, status: str) -> int | None:
    """When it ended, or is going to end."""
    if status in OVER:
        found = seconds(today.get("ended_at")) or seconds(today.get("canceled_at"))
        if found is None and status == "canceled":
            raise ShapeError("is canceled, and nobody knows since when")
        return found
    if seconds(today.get("cancel_at")) is not None:
        return seconds(today["cancel_at"])
    return period_of(today)[1] if today.get("cancel_at_period_end") else None


def _trial(today: Object, end: int | None) -> tuple[int, int] | None:
    start, stop = seconds(today.get("trial_start")), seconds(today.get("trial_end"))
    if stop is None:
        return None
    start = start if start is not None else seconds(today.get("start_date")) or stop
    return (start, min(stop, end) if end is not None else stop)


def _item_start(today: Object, id: str, start: int) -> int:
    """When an item was added; with the subscription where both were made at once."""
    for item in items_of(today):
        created = seconds(item.get("created"))
        if (id_of(item) or "") == id and created is not None:
            own = seconds(today.get("created")) or start
            return created if created > max(own, start) + MINUTE else start
    return start


class _Item:
    """One item: what holds at any second."""

    def __init__(
        self, known: Known, id: str, stated: Sequence[_Stated], base: _Stated | None, *,
        start: int, end: int | None, trial: tuple[int, int] | None, names: Names,
        coupons: Mapping[str, Object], base_body: Object,
    ) -> None:
        self.id = id
        self._base_body = base_body
        self.known = known
        self.stated = stated
        self.base = base
        self.trial = trial
        self._names, self._coupons = names, coupons
        every = known.pieces.get(id, [])
        own = [one.terms.get(id) for one in stated]
        # A price of nothing is no trial.
        is_free = any(one is not None and one.amount == 0 for one in own)
        if trial is None and not is_free:
            free = [one for one in every if one.is_trial]
            if free:
                self.trial = (free[0].starts_at, free[-1].ends_at)
        self.pieces: list[Piece] = [one for one in every if not one.is_trial or is_free]
        firsts = [one.starts_at for one in every]
        self.start = min([*firsts, start]) if id in (base.terms if base else {}) or own[-1] else (
            min(firsts, default=start)
        )
        self.end = end
        removed = self._removed()
        if removed is not None and (end is None or removed < end):
            self.end = removed
        self.is_removed = self.end != end

    def _removed(self) -> int | None:
        """From when on a bill of an item that is there no longer was given back."""
        back = self.known.credits.get(self.id)
        if back is None or self.stated[-1].terms.get(self.id) is not None:
            return None
        return back if all(one.starts_at < back for one in self.pieces) else None

    def spans(self) -> Iterator[_Span]:
        """Spans, each until the next one or the end; neighbours differ."""
        last: _Span | None = None
        for second in self._cuts():
            terms = self._terms(second)
            if terms is None:
                last = None
                yield _Span(second, _NOTHING, "", None)
                continue
            status, reason = self._status(second)
            span = _Span(second, terms, status, reason)
            if last is None or (last.terms, last.status, last.reason) != (terms, status, reason):
                yield span
                last = span

    def _cuts(self) -> list[int]:
        found = {self.start, *(one.at for one in self.stated)}
        for piece in self.pieces:
            found |= {piece.starts_at, piece.ends_at}
        found |= {*(self.trial or ())}
        late = self._late_since()
        if late is not None:
            found.add(late)
        found |= off_times(self.known.snapshots[-1].body, self._coupons)
        return sorted(
            one for one in found
            if one >= self.start and (self.end is None or one < self.end)
        )

    def _terms(self, second: int) -> Terms | None:
        billed = next((one for one in reversed(self.pieces) if one.starts_at <= second), None)
        said = next((one for one in reversed(self.stated) if one.at <= second), None)
        if said is not None and (billed is None or said.at >= billed.starts_at):
            own = self._at(said, second)
            if own is None:
                return None
            if billed is not None and own.is_as_billed(billed.terms):
                is_over = own.amount is None and own.kind == "metered" and second >= billed.ends_at
                return None if is_over else billed.terms
            return own if own.amount is not None else None
        if billed is not None:
            is_last = billed is self.pieces[-1]
            runs_on = is_last and billed.terms.kind != "metered" and self._lives_on()
            return billed.terms if second < billed.ends_at or runs_on else None
        if self.base is None or (self.pieces and not self._is_trial(second)):
            return None
        own = self._at(self.base, second)
        return own if own is not None and own.amount is not None else None

    def _at(self, said: _Stated, second: int) -> Terms | None:
        """The terms of a statement, with the discounts of that second."""
        own = said.terms.get(self.id)
        if own is None or not (own.percent or own.off or self._has_discounts()):
            return own
        body = self._base_body if said is self.base else self.known.snapshots[-1].body
        if said is not self.base and said is not self.stated[-1]:
            return own
        return terms_of(body, self._names, self._coupons, second).get(self.id)

    def _has_discounts(self) -> bool:
        return bool(off_times(self.known.snapshots[-1].body, self._coupons))

    def _lives_on(self) -> bool:
        """Whether the item is still there after its last bill."""
        return self.id in self.stated[-1].terms or self.is_removed

    def _is_trial(self, second: int) -> bool:
        return self.trial is not None and self.trial[0] <= second < self.trial[1]

    def _late_since(self) -> int | None:
        """Since when it is late today, where no event says it."""
        today = self.stated[-1]
        if today.status not in LATE:
            return None
        run = self.stated
        first = len(run) - 1
        while first > 0 and run[first - 1].status == today.status:
            first -= 1
        was = self.base.status if self.base and self.known.before is not None else today.status
        if first > 0 or was != today.status:
            return run[first].at
        if today.reason in ("trial_end_without_payment_method",) and self.trial:
            return self.trial[1]
        is_failure = today.status != "paused" or today.reason == "payment_failed"
        if is_failure and self.known.open_since is not None:
            return min(self.known.open_since, run[first].at)
        return run[first].at

    def _status(self, second: int) -> tuple[str, str | None]:
        if self._is_trial(second):
            return "trialing", None
        today = self.stated[-1]
        late = self._late_since()
        if late is not None and second >= late:
            return today.status, today.reason
        said = next((one for one in reversed(self.stated) if one.at <= second), None)
        if said is None:
            never = today.status if today.status in ("incomplete", "incomplete_expired") else None
            return (never, None) if never and not self.pieces else ("active", None)
        if said.status in ("trialing", *OVER):
            # The trial's own dates say when it was, and the end is the span's own.
            is_never = said.status == "incomplete_expired"
            return ("incomplete_expired" if is_never else "active"), None
        return said.status, said.reason


_NOTHING = Terms(None, None, "", "month", 1, "", None)


def _rows(story: _Item, account: str, today: Object, end: int | None) -> Iterator[Row]:
    found = list(story.spans())
    shown = [
        (span, found[place + 1].starts_at if place + 1 < len(found) else story.end)
        for place, span in enumerate(found) if span.terms is not _NOTHING
    ]
    for place, (span, until) in enumerate(shown):
        terms = span.terms
        is_last = place == len(shown) - 1 and until == end and end is not None
        row: dict[str, Any] = {
            "subscription_id": story.known.id, "item_id": story.id or None,
            "account_id": account, "plan": terms.plan, "product": terms.product,
            "kind": terms.kind or "base", "interval": terms.interval,
            "interval_count": terms.count, "amount": terms.amount,
            "discount_percent": terms.percent.quantize(SIX) if terms.percent else None,
            "discount_amount": terms.off or None,
            "discount_recurring": None if terms.is_lasting else False,
            "currency": terms.currency, "status": span.status, "status_reason": span.reason,
            "starts_at": instant(span.starts_at), "ends_at": instant(until),
            "card_on_file": story.known.has_card if span.status == "trialing" else None,
        }
        if is_last:
            asked = seconds(today.get("canceled_at"))
            row["cancel_requested_at"] = (
                instant(asked) if asked is not None and asked < (end or 0) else None
            )
            row["end_reason"] = end_reason(today)
        yield {key: value for key, value in row.items() if value is not None}


def end_reason(today: Object) -> str | None:
    """Why a subscription ends, in the words of [end_reasons] where they are known."""
    details = today.get("cancellation_details")
    reason, feedback = at(details, "reason"), at(details, "feedback")
    option = at(details, "feedback_option")
    if isinstance(option, Mapping):
        option = option.get("label") or option.get("text") or option.get("value") or id_of(option)
    # A customer whose payment failed may have been asked something before.
    chosen = reason if reason in ("payment_failed", "payment_disputed") else (
        feedback or option or reason
    )
    return FEEDBACK.get(chosen, chosen) if isinstance(chosen, str) else None
