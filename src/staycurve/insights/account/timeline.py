"""What happened to one account, newest first: everything that is loaded of it in one list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.account import facts_sql, timeline_sql
from staycurve.insights.account.asked import AccountId, Whose, rows_of, whose
from staycurve.insights.account.facts import SURVEY_KINDS
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import CLASS_NAMES, AsOfText, From, To
from staycurve.insights.shared.reader import Reader
from staycurve.insights.voice.kept import NOTE_KINDS, Listener
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.period import parse_period
from staycurve.tables.engine import AnyEngine

KINDS = {
    "movement": N_("MRR"), "plan": N_("Plans"), "payment": N_("Payments"),
    "ticket": N_("Tickets"), "answer": N_("Answers"), "lead": N_("Leads"), "stage": N_("Stages"),
    "note": N_("Notes"),
}
"""What a timeline holds, in the order in which one day lists it, the last first."""

WHAT: Mapping[str, str] = {
    "new": N_("New MRR"), "reactivation": N_("Reactivation MRR"),
    "expansion": N_("Expansion MRR"), "contraction": N_("Contraction MRR"),
    "churned": N_("Churned MRR"),
    "started": N_("Subscription started"), "changed": N_("Plan changed"),
    "repriced": N_("Price or quantity changed"), "turned": N_("Status changed"),
    "ended": N_("Subscription ended"),
    "cancel_requested": N_("Cancellation requested"),
    "trial_started": N_("Trial started"), "trial_ended": N_("Trial ended"),
    "paid": N_("Payment"), "failed": N_("Payment failed"), "refunded": N_("Refund"),
    "opened": N_("Ticket opened"), "solved": N_("Ticket solved"),
    "reopened": N_("Ticket reopened"),
    "signed_up": N_("Signed up"), "created": N_("Lead created"),
    "qualified": N_("Lead qualified"), "demo": N_("Demo requested"), "won": N_("Lead won"),
    "lost": N_("Lead lost"),
    **{f"note_{kind}": label for kind, label in NOTE_KINDS.items()},
    **SURVEY_KINDS, **{f"stage_{stage}": label for stage, label in LABELS.items()},
}
"""What happened, in words; a stage is what it came to, a survey what was answered."""

MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Event(Row):
    """One thing that happened."""

    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    at: Annotated[str | None, Key(N_("Its instant, UTC; empty where the day alone is known."))]
    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    what: Annotated[str, col(N_("What happened"), Kind.NAME, named_by=WHAT)]
    detail: Annotated[
        str | None,
        col(N_("Detail"), is_personal=True, personal_if=("kind", ("answer", "ticket", "note"))),
    ] = None
    amount: Annotated[
        float | None, col(N_("Amount"), Unit.MONEY, N_("What MRR changed by, or what was paid."))
    ] = None
    currency: Annotated[str | None, Key(N_("The currency of the amount."))] = None
    mrr: Annotated[
        float | None,
        col(N_("MRR after"), Unit.MONEY, N_("Of the whole account, at that day's exchange rates."))
    ] = None
    score: Annotated[float | None, Key(N_("Of an answer."))] = None
    scale_max: Annotated[int | None, Key(N_("The best score."))] = None
    end_class: Annotated[
        str | None, col(N_("Churn type"), Kind.NAME, named_by=CLASS_NAMES)
    ] = None
    id: Annotated[str, Key(N_("Of the subscription, payment, ticket, answer or lead."))] = ""

    @property
    def order(self) -> tuple[Any, ...]:
        """Where it stands: newest first, and nothing is at one place with another."""
        place = list(KINDS).index(self.kind)
        return (self.day, self.at or "", place, list(WHAT).index(self.what), self.id)


@dataclass(frozen=True, kw_only=True)
class Counted(Row):
    """How many there are of one kind, whichever kinds are shown."""

    kind: Annotated[str, col(N_("Kind"), Kind.NAME, named_by=KINDS)]
    events: Annotated[int, col(N_("Events"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Timeline(Answer):
    """What happened to one account, newest first."""

    as_of: AsOfField
    currency: CurrencyField
    account_id: Annotated[str, Key(N_("The account."))]
    rows: Annotated[tuple[Event, ...], Table(N_("Timeline"), is_main=True)]
    more: Annotated[int, Key(N_("How many older ones are not listed."))] = 0
    kinds: Annotated[tuple[Counted, ...], Table(N_("By kind"))] = ()
    name: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        return Said(
            N_("%(account)s, as of %(as_of)s"),
            {"account": (self.account_id, Kind.TEXT), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        if not self.more:
            return ()
        return (Said(N_("%(more)s older events are not listed."),
                     {"more": (self.more, Unit.COUNT)}),)


@insight("account timeline", needs="accounts")
def timeline(
    company: Listener, *, account: AccountId,
    kind: Annotated[
        Sequence[str], Param(N_("Only events of these kinds."), choices=tuple(KINDS))
    ] = (),
    start: From = None, end: To = None,
    limit: Annotated[
        int, Param(N_("How many events are listed at most."), least=1, most=MOST)
    ] = 100,
    as_of: AsOfText = None,
) -> Timeline:
    """What happened to one account, and when?"""
    seen = company.as_of(as_of)
    first, last = _range(company, start, end)
    with company.seeing(seen) as engine:
        of = whose(engine, company, account, seen)
        every = [
            one for one in _events(company, engine, of)
            if first <= one.day <= min(last, of.last_day)
        ]
    shown = sorted(
        (one for one in every if not kind or one.kind in kind),
        key=lambda one: one.order, reverse=True,
    )
    return Timeline(
        as_of=seen.at.isoformat(), currency=company.config.company.currency,
        account_id=of.account_id,
        rows=tuple(shown[:limit]), more=max(0, len(shown) - limit),
        kinds=tuple(
            Counted(kind=one, events=sum(event.kind == one for event in every)) for one in KINDS
        ),
        notes=of.notes,
    )


def _range(
    company: Reader, start: str | None, end: str | None
) -> tuple[dt.date, dt.date]:
    fiscal = company.config.company.fiscal_year_start
    first = parse_period(start, fiscal).start if start else dt.date.min
    last = parse_period(end, fiscal).end - dt.timedelta(days=1) if end else dt.date.max
    if first > last:
        raise UsageError(
            f"The range from {first} to {last} is empty.", hint="Let 'from' be before 'to'."
        )
    return first, last


def _events(company: Listener, engine: AnyEngine, of: Whose) -> Iterator[Event]:
    moves = rows_of(company, engine, of, facts_sql.movements(of))
    yield from _movements(moves, of.config.company.currency)
    yield from _plans(engine.rows(timeline_sql.spans(of)), of.last_day)
    for subscription, plan, day, at in engine.rows(timeline_sql.requests(of)):
        yield _event("plan", "cancel_requested", day, at, detail=plan, id=subscription)
    for started, started_at, ended, ended_at in engine.rows(timeline_sql.trials(of)):
        yield _event("plan", "trial_started", started, started_at)
        if ended is not None and ended_at < of.seen.at.replace(tzinfo=None):
            yield _event("plan", "trial_ended", ended, ended_at)
    yield from _payments(engine.rows(timeline_sql.payments(of)), of)
    yield from _tickets(engine.rows(timeline_sql.tickets(of)), of)
    for answer, kind, survey, score, scale, touchpoint, comment, _user, day, at in engine.rows(
        timeline_sql.answers(of)
    ):
        yield _event(
            "answer", kind, day, at, detail=comment or touchpoint or survey, score=score,
            scale_max=scale, id=answer,
        )
    for lead, what, day, at, detail in engine.rows(timeline_sql.leads(of)):
        yield _event("lead", what, day, at, detail=detail, id=lead)
    for account, day, at, channel in engine.rows(timeline_sql.signups(of)):
        yield _event("lead", "signed_up", day, at, detail=channel, id=account)
    for part in of.parts:
        for note in company.account_notes(part):
            yield _event(
                "note", f"note_{note.kind}", note.day,
                detail=_joined(note.author or None, note.text), id=str(note.id),
            )
    for stage, starts, _ends, _visit, rule in rows_of(
        company, engine, of, facts_sql.visits(of)
    ):
        yield _event("stage", f"stage_{stage}", starts, detail=of.config.lifecycle.rule_words(rule))


def _event(
    kind: str, what: str, day: dt.date, at: dt.datetime | None = None, **given: Any
) -> Event:
    return Event(
        kind=kind, what=what, day=day,
        at=at.replace(tzinfo=dt.UTC).isoformat() if at else None, **given,
    )


def _movements(rows: Iterable[Sequence[Any]], currency: str) -> Iterator[Event]:
    for day, movement, before, after, _amount, end_class, _first in rows:
        if movement != "none":
            yield _event(
                "movement", movement, day, amount=major(after - before), currency=currency,
                mrr=major(after), end_class=end_class,
            )


def _plans(rows: Iterable[Sequence[Any]], last: dt.date) -> Iterator[Event]:
    """Starts, changes and ends of items; a span that only splits another is none of them."""
    previous: Sequence[Any] | None = None
    for row in [*rows, None]:
        # A span that begins on the day on which another of its item ends goes on with it.
        follows = (
            row is not None and previous is not None and row[:2] == previous[:2]
            and row[3] == previous[4]
        )
        if previous is not None and not follows and previous[4] and previous[4] <= last:
            yield _event(
                "plan", "ended", previous[4], detail=_joined(previous[2], previous[8]),
                end_class=previous[9], id=previous[0],
            )
        if row is not None:
            what, detail = ("started", row[2]) if previous is None or not follows else (
                _change(previous, row)
            )
            if what:
                yield _event("plan", what, row[3], detail=detail, id=row[0])
        previous = row


def _change(before: Sequence[Any], after: Sequence[Any]) -> tuple[str, str | None]:
    """What is different between two spans of one item: plan, status, or its price."""
    _id, _item, plan, _starts, _ends, status, quantity, amount = after[:8]
    if plan != before[2]:
        return "changed", f"{before[2] or '–'} → {plan or '–'}"
    if status != before[5]:
        return "turned", f"{before[5]} → {status}".replace("_", " ")
    if quantity != before[6] and quantity is not None and before[6] is not None:
        return "repriced", f"{before[6]:g} × → {quantity:g} ×"
    return ("repriced", plan) if amount != before[7] else ("", None)


def _joined(*parts: str | None) -> str | None:
    return ": ".join(part for part in parts if part) or None


def _payments(rows: Iterable[Sequence[Any]], of: Whose) -> Iterator[Event]:
    for payment, amount, currency, paid, paid_at, failed, failed_at, reason, refunded in rows:
        own = {"currency": currency or of.config.company.currency, "id": payment}
        if failed_at is not None and failed_at < of.seen.at.replace(tzinfo=None):
            yield _event(
                "payment", "failed", failed, failed_at, amount=major(amount), detail=reason, **own
            )
        if paid_at is not None and paid_at < of.seen.at.replace(tzinfo=None):
            yield _event("payment", "paid", paid, paid_at, amount=major(amount), **own)
            if refunded:
                # When it was given back is not loaded: it stands at the payment.
                yield _event("payment", "refunded", paid, paid_at, amount=-major(refunded), **own)


def _tickets(rows: Iterable[Sequence[Any]], of: Whose) -> Iterator[Event]:
    for ticket, topic, priority, channel, *times in rows:
        detail = ", ".join(part for part in (topic, priority, channel) if part) or None
        pairs = zip(("opened", "solved", "reopened"), times[::2], times[1::2], strict=True)
        for what, day, at in pairs:
            if at is not None and at < of.seen.at.replace(tzinfo=None):
                yield _event("ticket", what, day, at, detail=detail, id=ticket)
