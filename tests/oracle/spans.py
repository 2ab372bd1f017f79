"""Subscription rows as stretches of time in which an item counts one monthly amount."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from .cells import Row, is_false, micro, moment, number, text
from .periods import day_start, local_day
from .settings import Settings, days

UNCONVERTED = "trial end without payment method"
UNPAID = {"payment failed", "first payment failure", "final payment failure"}
# How many of each interval make a year: an item billed so rarely is under contract.
YEAR_OF = {"year": 1, "quarter": 4, "month": 12, "week": 52, "day": 365}


@dataclass(frozen=True)
class Span:
    """One accepted subscription row. `price` is micro-units a month, after discount."""

    account: str
    subscription: str
    item: str
    starts_at: datetime
    ends_at: datetime | None
    status: str
    price: int
    currency: str
    plan: str | None
    product: str | None
    kind: str
    interval: str
    is_contracted: bool
    requested_at: datetime | None
    end_reason: str | None
    status_reason: str = ""


@dataclass(frozen=True)
class Stretch:
    """An item that counts `amount` micro-units of its own currency in `[starts_at, stops_at)`.

    `requested_at` is the request to cancel that still stands; `end_class` says why it stops.
    """

    span: Span
    starts_at: datetime
    stops_at: datetime | None
    amount: int
    is_free: bool
    requested_at: datetime | None
    end_class: str

    @property
    def item(self) -> tuple[str, str]:
        return (self.span.subscription, self.span.item)


def monthly_price(row: Row, settings: Settings) -> int:
    """The row's monthly amount in micro-units: one rounding, half to even, at the end."""
    rules = settings.conventions
    bill = number(row, "amount")
    if bill is None:
        quantity = number(row, "quantity")
        bill = (Fraction(1) if quantity is None else quantity) * (
            number(row, "unit_amount") or Fraction(0)
        )
    is_passing = is_false(row, "discount_recurring")
    if rules.discounts == "all" or (rules.discounts == "recurring" and not is_passing):
        bill *= 1 - (number(row, "discount_percent") or Fraction(0)) / 100
        bill -= number(row, "discount_amount") or Fraction(0)
    count = number(row, "interval_count") or Fraction(1)
    return micro(max(bill, Fraction(0)) * rules.factor(_interval(row)) / count)


def _interval(row: Row) -> str:
    return (text(row, "interval") or "month").lower()


def read_span(row: Row, settings: Settings, currencies: Iterable[str]) -> Span | None:
    """The row as a span, or None where a rule sets it aside."""
    account, subscription = text(row, "account_id"), text(row, "subscription_id")
    starts_at = moment(row, "starts_at", settings.zone)
    ends_at = moment(row, "ends_at", settings.zone)
    status = (text(row, "status") or "active").lower()
    currency = (text(row, "currency") or settings.currency).upper()
    if account is None or subscription is None or starts_at is None:
        return None
    if (ends_at is not None and ends_at < starts_at) or currency not in currencies:
        return None
    if status == "canceled" and ends_at is None:
        return None
    interval = _interval(row)
    term = number(row, "term_months")
    count = number(row, "interval_count") or Fraction(1)
    return Span(
        account=account,
        subscription=subscription,
        item=text(row, "item_id") or "",
        starts_at=starts_at,
        ends_at=ends_at,
        status="active" if status == "canceled" else status,
        price=monthly_price(row, settings),
        currency=currency,
        plan=text(row, "plan"),
        product=text(row, "product"),
        kind=(text(row, "kind") or "base").lower(),
        interval=interval,
        is_contracted=(term is not None and term >= 12) or count >= YEAR_OF[interval],
        requested_at=moment(row, "cancel_requested_at", settings.zone),
        end_reason=text(row, "end_reason"),
        status_reason=" ".join(
            (text(row, "status_reason") or "").lower().replace("_", " ").replace("-", " ").split()
        ),
    )


def accepted(rows: Iterable[Row], settings: Settings, currencies: Iterable[str]) -> list[Span]:
    """The spans that count, per item in order of time, as far as as-of lets them be seen.

    A later row with the same key replaces the earlier one; of two overlapping spans of an item
    the later-starting one is left out; spans without length are left out.
    """
    known = set(currencies)
    keyed: dict[tuple[str, str, datetime], Span] = {}
    for row in rows:
        span = read_span(row, settings, known)
        if span is not None:
            keyed[span.subscription, span.item, span.starts_at] = span
    kept: list[Span] = []
    for span in (keyed[key] for key in sorted(keyed)):
        if span.starts_at == span.ends_at:
            continue
        before = kept[-1] if kept and _item(kept[-1]) == _item(span) else None
        if before and (before.ends_at is None or before.ends_at > span.starts_at):
            continue
        kept.append(span)
    return [_seen(span, settings) for span in kept if span.starts_at < settings.as_of]


def _item(span: Span) -> tuple[str, str]:
    return (span.subscription, span.item)


def _seen(span: Span, settings: Settings) -> Span:
    """The span as it looks from just before as-of: what comes later has not happened."""

    def past(at: datetime | None) -> datetime | None:
        return at if at is not None and at < settings.as_of else None

    return replace(span, ends_at=past(span.ends_at), requested_at=past(span.requested_at))


def stretches(spans: Sequence[Span], payments: Iterable[Row], settings: Settings) -> list[Stretch]:
    """What each span counts, from when until when, and why it stops."""
    failures = _failures(payments, settings)
    found: list[Stretch] = []
    for place, span in enumerate(spans):
        after = _touching(spans, place, settings)
        found.append(_stretch(span, after, _clock(spans, place, failures, settings), settings))
    return found


def _touching(spans: Sequence[Span], place: int, settings: Settings) -> Span | None:
    """The next span of the same item, if it starts on the local day on which this one ends."""
    span = spans[place]
    if span.ends_at is None or place + 1 == len(spans) or _item(spans[place + 1]) != _item(span):
        return None
    after = spans[place + 1]
    same_day = local_day(after.starts_at, settings.zone) == local_day(span.ends_at, settings.zone)
    return after if same_day else None


def _failures(
    payments: Iterable[Row], settings: Settings
) -> list[tuple[str | None, str | None, datetime]]:
    """Failed payments that no later one made good, whenever that was."""
    rows = list(payments)
    found = []
    for row in rows:
        failed_at = moment(row, "failed_at", settings.zone)
        if failed_at is None or failed_at >= settings.as_of:
            continue
        if not any(_makes_good(other, row, failed_at, settings) for other in rows):
            found.append((text(row, "account_id"), text(row, "subscription_id"), failed_at))
    return found


def _makes_good(other: Row, failed: Row, failed_at: datetime, settings: Settings) -> bool:
    paid_at = moment(other, "paid_at", settings.zone)
    if paid_at is None or paid_at < failed_at:
        return False
    if text(other, "account_id") != text(failed, "account_id"):
        return False
    invoices = (text(other, "invoice_id"), text(failed, "invoice_id"))
    if None in invoices:
        return text(other, "subscription_id") == text(failed, "subscription_id")
    return invoices[0] == invoices[1]


def _clock(
    spans: Sequence[Span],
    place: int,
    failures: Iterable[tuple[str | None, str | None, datetime]],
    settings: Settings,
) -> datetime | None:
    """When the clock of a past-due span's run began; None for any other span."""
    if spans[place].status != "past_due":
        return None
    first = last = place
    while first > 0 and spans[first - 1].status == "past_due":
        if _touching(spans, first - 1, settings) is None:
            break
        first -= 1
    while (after := _touching(spans, last, settings)) and after.status == "past_due":
        last += 1
    begins, ends, span = spans[first].starts_at, spans[last].ends_at, spans[place]
    inside = [
        at
        for account, subscription, at in failures
        if (subscription == span.subscription or (not subscription and account == span.account))
        and begins <= at
        and (ends is None or at < ends)
    ]
    return min(inside, default=begins)


def _stretch(span: Span, after: Span | None, clock: datetime | None, settings: Settings) -> Stretch:
    rules, zone = settings.conventions, settings.zone
    requested_at = span.requested_at if after is None else None
    stops_at = span.ends_at
    end_class = settings.reasons.get((span.end_reason or "").strip().lower(), "unknown")
    if after is not None and after.status == "unpaid":
        end_class = "involuntary"
    elif after is not None and after.status == "paused":
        is_failed = (
            after.status_reason in UNPAID
            or settings.reasons.get(after.status_reason) == "involuntary"
        )
        end_class = "involuntary" if is_failed else "paused"
    if rules.churn_booked == "request" and requested_at is not None:
        stops_at = max(
            span.starts_at, requested_at if stops_at is None else min(stops_at, requested_at)
        )
    grace = days(rules.past_due_grace)
    if clock is not None and grace is not None:
        deadline = day_start(local_day(clock, zone) + timedelta(days=grace), zone)
        if stops_at is None or local_day(stops_at, zone) >= local_day(deadline, zone):
            stops_at, end_class = max(span.starts_at, deadline), "involuntary"
    is_left_out = span.kind == "metered" and rules.usage == "exclude"
    counts = span.status in {"active", "past_due"} or (
        span.status == "paused" and rules.paused == "keep" and span.status_reason != UNCONVERTED
    )
    return Stretch(
        span=span,
        starts_at=span.starts_at,
        stops_at=stops_at,
        amount=span.price if counts and not is_left_out else 0,
        is_free=span.price == 0 and span.status in {"active", "past_due"} and not is_left_out,
        requested_at=requested_at,
        end_class=end_class,
    )
