"""What is known of one account: who it is, what it pays, how it fares, and what is not known."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.asked import AccountId, Whose, rows_of, whose
from staycurve.insights.account.limits import LimitUse, limit_uses
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    CurrencyField,
    Key,
    Kind,
    NameField,
    OwnerField,
    Row,
    Said,
    Table,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import StageLabel
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.engine import AnyEngine

STATUSES = {
    "paying": N_("Paying"), "trial": N_("In a trial"), "churned": N_("Churned"),
    "never_paid": N_("Never paid"),
}
KIND_NAMES = {"nps": N_("NPS"), "csat": N_("Customer satisfaction"), "ces": N_("Effort score")}
SURVEY_KINDS = {**KIND_NAMES, "open": N_("Open question"), "profile": N_("Profile question")}

NO_TABLE = {
    "answers": N_("no survey answers are loaded"), "tickets": N_("no tickets are loaded"),
    "events": N_("no events are loaded"), "invoice_lines": N_("no invoice lines are loaded"),
}
NOT_PAYING = N_("it has no subscription in force")
NO_RENEWAL = N_("no renewal date is known of its subscriptions")
ENDING = N_("its cancellation was requested: nothing renews")
NO_ANSWER = N_("it has answered no survey")
NO_USE = N_("it has not used the product yet")
NO_STAGE = N_("it is in no stage yet")
NEVER_PAID = N_("it has never paid")
NOT_COUNTED = N_("it is excluded from every metric")


@dataclass(frozen=True, kw_only=True)
class Item(Row):
    """One subscription item in force."""

    subscription_id: Annotated[str, col(N_("Subscription"))]
    item_id: Annotated[str | None, Key(N_("Its item; empty where it has only one."))]
    plan: Annotated[str | None, col(N_("Plan"))]
    product: Annotated[str | None, Key(N_("The product that the plan belongs to."))]
    kind: Annotated[str, col(N_("Kind"), Kind.NAME, N_("base, addon or metered."))]
    status: Annotated[str, col(N_("Status"), Kind.NAME)]
    quantity: Annotated[float | None, col(N_("Quantity"), Unit.COUNT)]
    interval: Annotated[str, col(N_("Billed every"), Kind.NAME)]
    currency: Annotated[str, Key(N_("The currency that it is billed in."))]
    starts_on: Annotated[dt.date, col(N_("Since"), Kind.DAY)]
    ends_on: Annotated[dt.date | None, col(N_("Ends"), Kind.DAY, N_("Where an end is known."))]
    renews_on: Annotated[dt.date | None, col(N_("Renews"), Kind.DAY)]
    term_months: Annotated[int | None, Key(N_("Length of the contract."))]
    cancel_requested_on: Annotated[
        dt.date | None, col(N_("Cancellation requested"), Kind.DAY)
    ]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY, N_("In the company's currency."),
                              is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class LastScore(Row):
    """The last answer of one kind of survey."""

    kind: Annotated[str, col(N_("Survey type"), Kind.NAME, named_by=KIND_NAMES)]
    survey: Annotated[str, col(N_("Survey"))]
    score: Annotated[float, col(N_("Score"), Unit.COUNT)]
    scale_max: Annotated[int | None, col(N_("Of"), Unit.COUNT, N_("The best score."))]
    answered_on: Annotated[dt.date, col(N_("Answered"), Kind.DAY)]
    touchpoint: Annotated[str | None, col(N_("Touchpoint"))]
    user_id: Annotated[str | None, Key(N_("Who answered."), is_personal=True, stands_in=True)]
    comment: Annotated[str | None, col(N_("Comment"), is_personal=True)]
    answers: Annotated[int, col(N_("Answers"), Unit.COUNT, N_("All of its kind so far."))]


@dataclass(frozen=True, kw_only=True)
class AccountFacts(Answer):
    """One account; what is empty is named in `unknown`, with the reason."""

    as_of: AsOfField
    currency: CurrencyField
    account_id: AccountField
    name: NameField
    owner: OwnerField
    customer_id: Annotated[str, Key(N_("The account that it is billed with, usually itself."))]
    is_excluded: Annotated[bool, Key(N_("Whether no metric counts it."))]
    status: Annotated[str, col(N_("Status"), Kind.NAME, named_by=STATUSES)]
    plan: Annotated[
        str | None, col(N_("Plan"), about=N_("Of its largest item, or the last that it had."))
    ]
    mrr: Annotated[float | None, col(N_("MRR"), Unit.MONEY)]
    stage: Annotated[str | None, Key(N_("Its lifecycle stage."))]
    stage_label: Annotated[str | None, StageLabel.__metadata__[0]]
    stage_since: Annotated[dt.date | None, col(N_("In it since"), Kind.DAY)]
    stage_days: Annotated[int | None, col(N_("Days in it"), Unit.COUNT)]
    stage_reason: Annotated[str | None, Key(N_("The rule that put it there."))]
    first_paid_on: Annotated[dt.date | None, col(N_("First paid"), Kind.DAY)]
    paying_since: Annotated[
        dt.date | None, Key(N_("Since when it has paid without a break."))
    ]
    churned_on: Annotated[dt.date | None, col(N_("Churned"), Kind.DAY)]
    end_class: Annotated[str | None, Key(N_("Its churn type."))]
    tenure_days: Annotated[
        int | None,
        col(N_("Tenure, days"), Unit.COUNT,
            N_("From its first paid day to the as-of, or to the day on which it churned.")),
    ]
    renews_on: Annotated[
        dt.date | None, col(N_("Renews"), Kind.DAY, N_("The next renewal of its items."))
    ]
    is_cancel_requested: Annotated[
        bool | None, col(N_("Cancellation requested"), Kind.FLAG, N_("Of any item in force."))
    ]
    committed_mrr: Annotated[
        float | None, col(N_("Committed MRR"), Unit.MONEY,
                          N_("Its MRR less the items whose cancellation was requested."))
    ]
    last_active_on: Annotated[dt.date | None, col(N_("Last active"), Kind.DAY)]
    active_days: Annotated[
        int | None, col(N_("Active days"), Unit.COUNT, N_("Of the last 28 days."))
    ]
    tickets: Annotated[int | None, col(N_("Tickets"), Unit.COUNT)]
    open_tickets: Annotated[int | None, col(N_("Open tickets"), Unit.COUNT)]
    invoice_lines: Annotated[
        int | None, col(N_("Invoice lines"), Unit.COUNT, N_("Of service periods that have begun."))
    ]
    created_on: Annotated[dt.date | None, col(N_("Signed up"), Kind.DAY)]
    industry: Annotated[str | None, col(N_("Industry"))]
    country: Annotated[str | None, col(N_("Country"))]
    employees: Annotated[int | None, col(N_("Employees"), Unit.COUNT)]
    channel: Annotated[str | None, col(N_("Channel"))]
    referred_by: Annotated[str | None, Key(N_("The account that referred it."))]
    attributes: Annotated[
        Mapping[str, str], Key(N_("Its other loaded attributes."), is_personal=True)
    ]
    unknown: Annotated[Mapping[str, str], Key(N_("Field → why it is empty."))]
    rows: Annotated[tuple[Item, ...], Table(N_("Subscriptions"))]
    scores: Annotated[tuple[LastScore, ...], Table(N_("Satisfaction"))]
    limits: Annotated[tuple[LimitUse, ...], Table(N_("Limits, this month"))]

    def title(self) -> Said:
        return Said(
            N_("%(account)s, as of %(as_of)s"),
            {"account": (self.name or self.account_id, Kind.TEXT), "as_of": self.as_of},
        )


@insight("account facts", needs="accounts")
def facts(company: Reader, *, account: AccountId, as_of: AsOfText = None) -> AccountFacts:
    """Who is this account, what does it pay, and how is it doing?"""
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        of = whose(engine, company, account, seen)
        found = _Found(engine, company, of)
        return found.answer()


class _Found:
    """The facts of one account, read statement by statement."""

    def __init__(self, engine: AnyEngine, company: Reader, of: Whose) -> None:
        self.engine, self.company, self.of = engine, company, of
        self.unknown: dict[str, str] = {}

    def answer(self) -> AccountFacts:
        of = self.of
        [own] = self.engine.rows(facts_sql.identity(of))
        name, owner, created, industry, country, employees, channel, referred, _own, kept = own
        items = self._items()
        scores = self._scores()
        told: dict[str, Any] = {
            **self._paying(items), **self._stage(), **self._usage(), **self._tickets(),
            "invoice_lines": self._invoice_lines(),
        }
        return AccountFacts(
            as_of=of.seen.at.isoformat(), currency=of.config.company.currency,
            account_id=of.account_id, name=name, owner=owner, customer_id=of.customer_id,
            is_excluded=of.is_excluded, created_on=created, industry=industry, country=country,
            employees=employees, channel=channel, referred_by=referred,
            attributes=_attributes(kept), rows=items, scores=scores,
            limits=limit_uses(self.engine, of, [one.plan for one in items]),
            notes=of.notes, unknown=self.unknown, **told,
        )

    def _is_loaded(self, table: str, *fields: str) -> bool:
        """Whether the table has rows at all; if not, the fields are unknown."""
        if self.company.lake.rows(self.company.snapshot, table):
            return True
        self.unknown |= dict.fromkeys(fields, NO_TABLE[table])
        return False

    def _items(self) -> tuple[Item, ...]:
        return tuple(
            Item(
                subscription_id=subscription, item_id=item, plan=plan, product=product, kind=kind,
                status=status, quantity=quantity, interval=interval, currency=currency,
                starts_on=starts, ends_on=ends, renews_on=renews, term_months=term,
                cancel_requested_on=requested_on if is_requested else None, mrr=major(mrr),
            )
            for subscription, item, plan, product, kind, status, interval, currency, quantity,
            starts, ends, renews, term, is_requested, requested_on, mrr
            in self.engine.rows(facts_sql.items(self.of))
        )

    def _paying(self, items: Sequence[Item]) -> dict[str, Any]:
        of = self.of
        moves = rows_of(self.company, self.engine, of, facts_sql.movements(of))
        plan = max(items, key=lambda one: one.mrr).plan if items else next(
            (found for (found,) in self.engine.rows(facts_sql.last_plan(of))), None
        )
        paid = sum(round(one.mrr * 1_000_000) for one in items)
        is_paying = paid > 0
        committed = sum(
            round(one.mrr * 1_000_000) for one in items if one.cancel_requested_on is None
        )
        first = min((row[6] for row in moves if row[6] is not None), default=None)
        if first is not None and first > of.last_day:
            first = None
        since = ended = end_class = None
        for day, _movement, before, after, _amount, own_class, _first in moves:
            if before == 0 < after:
                since, ended, end_class = day, None, None
            elif before > 0 == after:
                since, ended, end_class = None, day, own_class or "unknown"
        renewals = [one.renews_on for one in items if one.renews_on]
        is_trial = any(one.status == "trialing" for one in items) or self._is_in_trial()
        status = "paying" if is_paying else (
            "churned" if first else "trial" if is_trial else "never_paid"
        )
        if of.is_excluded:
            self.unknown |= dict.fromkeys(("mrr", "committed_mrr", "status"), NOT_COUNTED)
        if not renewals:
            self.unknown["renews_on"] = (
                NOT_PAYING if not items
                else ENDING if all(one.cancel_requested_on for one in items) else NO_RENEWAL
            )
        if first is None:
            self.unknown |= dict.fromkeys(("first_paid_on", "tenure_days"), NEVER_PAID)
        if not items:
            self.unknown["is_cancel_requested"] = NOT_PAYING
        until = ended or of.last_day
        return {
            "status": status, "plan": plan,
            "mrr": None if of.is_excluded else major(paid),
            "committed_mrr": None if of.is_excluded else major(committed),
            "first_paid_on": first, "paying_since": since if is_paying else None,
            "churned_on": None if is_paying else ended,
            "end_class": None if is_paying else end_class,
            "tenure_days": (until - first).days if first else None,
            "renews_on": min(renewals, default=None),
            "is_cancel_requested":
                any(one.cancel_requested_on for one in items) if items else None,
        }

    def _is_in_trial(self) -> bool:
        of = self.of
        return bool(self.engine.value(
            f"SELECT COUNT(*) FROM trials WHERE account_id = {of.customer} "
            f"AND started_at < {of.at} AND (ended_at IS NULL OR ended_at >= {of.at})"
        ))

    def _stage(self) -> dict[str, Any]:
        of = self.of
        rows = rows_of(self.company, self.engine, of, facts_sql.visits(of))
        last = rows[-1] if rows and rows[-1][2] > of.last_day else None
        if last is None:
            self.unknown["stage"] = NOT_COUNTED if of.is_excluded else NO_STAGE
            return dict.fromkeys(
                ("stage", "stage_label", "stage_since", "stage_days", "stage_reason")
            )
        stage, starts, _ends, _visit, rule = last
        return {
            "stage": stage, "stage_label": LABELS[stage], "stage_since": starts,
            "stage_days": (of.last_day - starts).days + 1,
            "stage_reason": of.config.lifecycle.rule_words(rule),
        }

    def _usage(self) -> dict[str, Any]:
        of = self.of
        if not self._is_loaded("events", "last_active_on", "active_days"):
            return {"last_active_on": None, "active_days": None}
        months = self.engine.rows(facts_sql.active_months(of))
        last = facts_sql.last_active_on(months, of.last_day)
        if last is None:
            self.unknown["last_active_on"] = NO_USE
        return {
            "last_active_on": last, "active_days": facts_sql.active_days(months, of.last_day)
        }

    def _invoice_lines(self) -> int | None:
        if not self._is_loaded("invoice_lines", "invoice_lines"):
            return None
        return int(self.engine.value(facts_sql.invoice_lines(self.of)))

    def _tickets(self) -> dict[str, Any]:
        if not self._is_loaded("tickets", "tickets", "open_tickets"):
            return {"tickets": None, "open_tickets": None}
        [(count, is_open)] = self.engine.rows(facts_sql.tickets(self.of))
        return {"tickets": int(count), "open_tickets": int(is_open)}

    def _scores(self) -> tuple[LastScore, ...]:
        if not self._is_loaded("answers", "scores"):
            return ()
        rows = self.engine.rows(facts_sql.scores(self.of))
        if not rows:
            self.unknown["scores"] = NO_ANSWER
        return tuple(
            LastScore(
                kind=kind, survey=survey, score=score, scale_max=scale, answered_on=day,
                touchpoint=touchpoint, user_id=user, comment=comment, answers=answers,
            )
            for kind, survey, score, scale, day, touchpoint, user, comment, answers in rows
        )


def _attributes(kept: str | None) -> dict[str, str]:
    found: Mapping[str, Any] = json.loads(kept) if kept else {}
    return {key: str(value) for key, value in found.items() if value not in (None, "")}
