"""The example company, table by table, as conformed columns."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import END
from staycurve.demo.funnel import Lead, Reach
from staycurve.demo.ledger import History
from staycurve.demo.market import Account
from staycurve.demo.money import Cost, Rate
from staycurve.demo.people import People
from staycurve.demo.usage import NAMES, PLATFORMS, Events
from staycurve.demo.voice import BOT_SHARE, TICKET_CHANNELS, TOPICS, Voice
from staycurve.demo.writer import (
    all_instants,
    days,
    flags,
    future_instants,
    instants,
    integers,
    money,
    numbered,
    rates,
    texts,
    words,
)

Columns = dict[str, Any]


def accounts_table(accounts: list[Account]) -> Columns:
    """One row an account."""
    return {
        "account_id": texts(a.account_id for a in accounts),
        "name": texts(a.name for a in accounts),
        "created_at": instants(a.created_at for a in accounts),
        "industry": texts(a.industry for a in accounts),
        "country": texts(a.country for a in accounts),
        "employees": integers(a.employees for a in accounts),
        "channel": texts(a.channel for a in accounts),
        "owner": texts(a.owner for a in accounts),
        "currency": texts(a.currency for a in accounts),
        "referred_by": texts(a.referred_by for a in accounts),
        "parent_id": texts(a.parent_id for a in accounts),
    }


def users_table(people: People, accounts: list[Account]) -> Columns:
    """One row a user."""
    bounced = np.where(people.is_bounced, people.created + 86_400, 0)
    return {
        "user_id": numbered("U", len(people.name)),
        "account_id": words(people.account, [a.account_id for a in accounts]),
        "email": texts(people.email),
        "name": texts(people.name),
        "role": texts(people.role),
        "is_champion": flags(people.is_champion.tolist()),
        "created_at": instants(people.created.tolist()),
        "left_at": instants(people.left.tolist()),
        "bounced_at": instants(bounced.tolist()),
    }


def subscriptions_table(history: History, accounts: list[Account]) -> Columns:
    """One row a span; a subscription with a single item leaves `item_id` empty."""
    spans = sorted(
        history.spans, key=lambda s: (s.account, s.subscription_id, s.item_id, s.starts_at)
    )
    items = Counter(sub for sub, _ in {(s.subscription_id, s.item_id) for s in spans})
    return {
        "subscription_id": texts(s.subscription_id for s in spans),
        "item_id": texts(s.item_id if items[s.subscription_id] > 1 else None for s in spans),
        "starts_at": instants(s.starts_at for s in spans),
        "account_id": texts(accounts[s.account].account_id for s in spans),
        "plan": texts(s.terms.plan for s in spans),
        "product": texts(s.terms.product for s in spans),
        "kind": texts(s.terms.kind for s in spans),
        "interval": texts(s.terms.interval for s in spans),
        "interval_count": integers(1 for s in spans),
        "quantity": integers(s.terms.quantity for s in spans),
        "unit_amount": money(s.terms.unit for s in spans),
        "amount": money(s.terms.amount for s in spans),
        "discount_percent": money(_hundredfold(s.terms.percent) for s in spans),
        "discount_amount": money(s.terms.off for s in spans),
        "discount_recurring": flags(s.terms.is_recurring for s in spans),
        "currency": texts(s.terms.currency for s in spans),
        "status": texts(s.status for s in spans),
        "ends_at": instants(s.ends_at for s in spans),
        "card_on_file": flags(s.has_card for s in spans),
        "cancel_requested_at": instants(s.requested_at for s in spans),
        "end_reason": texts(s.reason for s in spans),
        "term_months": integers(s.terms.term_months for s in spans),
        "renews_at": future_instants(s.renews_at for s in spans),
    }


def _hundredfold(percent: int | None) -> int | None:
    return None if percent is None else percent * 100


def payments_table(history: History, accounts: list[Account]) -> Columns:
    """One row an attempt to collect."""
    rows = sorted(history.payments, key=lambda p: (p.paid_at or p.failed_at or 0, p.account))
    return {
        "payment_id": numbered("P", len(rows)),
        "account_id": texts(accounts[p.account].account_id for p in rows),
        "subscription_id": texts(p.subscription_id for p in rows),
        "invoice_id": texts(p.invoice_id for p in rows),
        "amount": money(p.amount for p in rows),
        "currency": texts(p.currency for p in rows),
        "paid_at": instants(p.paid_at for p in rows),
        "failed_at": instants(p.failed_at for p in rows),
        "failure_reason": texts(p.failure for p in rows),
        "refunded_amount": money(p.refunded for p in rows),
    }


def events_table(events: Events, people: People, accounts: list[Account]) -> Columns:
    """One row an event; properties name the feature and the platform."""
    users = numbered("U", len(people.name))
    found = np.where(events.user < 0, 0, events.user)
    who = users.take(found)
    if (events.user < 0).any():
        known = flags((events.user >= 0).tolist())
        who = texts(u if k else None for u, k in zip(who.to_pylist(), known.to_pylist(),
                                                    strict=True))  # fmt: skip
    properties = [
        f'{{"feature": "{name}", "platform": "{platform}"}}'
        for name in NAMES
        for platform in PLATFORMS
    ]
    return {
        "event_id": numbered("E", len(events.occurred)),
        "account_id": words(events.account, [a.account_id for a in accounts]),
        "user_id": who,
        "event": words(events.name, NAMES),
        "occurred_at": all_instants(events.occurred),
        "received_at": all_instants(events.received),
        "properties": words(events.name * len(PLATFORMS) + events.platform, properties),
    }


def leads_table(leads: list[Lead], accounts: list[Account]) -> Columns:
    """One row a lead."""
    return {
        "lead_id": numbered("L", len(leads)),
        "created_at": instants(x.created_at for x in leads),
        "channel": texts(x.channel for x in leads),
        "industry": texts(x.industry for x in leads),
        "qualified_at": instants(x.qualified_at for x in leads),
        "demo_at": instants(x.demo_at for x in leads),
        "trial_at": instants(x.trial_at for x in leads),
        "won_at": instants(x.won_at for x in leads),
        "lost_at": instants(x.lost_at for x in leads),
        "lost_reason": texts(x.lost_reason for x in leads),
        "account_id": texts(
            None if x.account is None else accounts[x.account].account_id for x in leads
        ),
    }


def reach_table(reach: list[Reach]) -> Columns:
    """One row a day, channel and kind."""
    return {
        "day": days(r.day for r in reach),
        "channel": texts(r.channel for r in reach),
        "kind": texts(r.kind for r in reach),
        "count": integers(r.count for r in reach),
    }


def spend_table(costs: list[Cost]) -> Columns:
    """One row a month, purpose, kind and channel."""
    return {
        "month": days(c.month for c in costs),
        "purpose": texts(c.purpose for c in costs),
        "kind": texts(c.kind for c in costs),
        "channel": texts(c.channel for c in costs),
        "amount": money(c.amount * 100 for c in costs),
        "currency": texts("USD" for c in costs),
    }


def fx_rates_table(table: list[Rate]) -> Columns:
    """One row a day and currency."""
    return {
        "day": days(r.day for r in table),
        "currency": texts(r.currency for r in table),
        "rate": rates(r.rate for r in table),
    }


def tickets_table(history: History, people: People, accounts: list[Account], seed: int) -> Columns:
    """One row a ticket."""
    rng = np.random.default_rng([seed, 9])
    rows = sorted(history.tickets, key=lambda t: (t.opened_at, t.account))
    account = np.array([t.account for t in rows], dtype=np.int64)
    opened = np.array([t.opened_at for t in rows], dtype=np.int64)
    user = people.who(account, opened, rng.geometric(0.5, len(rows)).astype(np.int64) - 1)
    priority = rng.choice(4, len(rows), p=[0.2, 0.5, 0.22, 0.08])
    channel = rng.choice(3, len(rows), p=[0.55, 0.35, 0.1])
    topic = rng.integers(0, len(TOPICS), len(rows))
    contacts = np.array([t.contacts for t in rows], dtype=np.int64)
    # A bot solves some of what an agent would have answered once in a chat.
    is_easy = (contacts == 1) & (channel == TICKET_CHANNELS.index("chat"))
    is_bot = is_easy & (rng.random(len(rows)) < BOT_SHARE)
    # Who met the new price asks about invoices more often.
    is_dearer = np.isin(account, list(set(history.rises))) & (opened >= CAUSES.rise_at)
    is_billing = is_dearer & (rng.random(len(rows)) < CAUSES.rise_billing)
    topic = np.where(is_billing, TOPICS.index("billing"), topic)
    wrote = contacts + (rng.random(len(rows)) < 0.15)
    return {
        "ticket_id": numbered("T", len(rows)),
        "account_id": words(account, [a.account_id for a in accounts]),
        "user_id": _user_ids(user.tolist()),
        "opened_at": instants(t.opened_at for t in rows),
        "first_response_at": instants(t.first_response_at for t in rows),
        "solved_at": instants(t.solved_at for t in rows),
        "reopened_at": instants(t.reopened_at for t in rows),
        "agent_contacts": integers(np.where(is_bot, 0, contacts).tolist()),
        "customer_contacts": integers(wrote.tolist()),
        "solved_by": texts(
            None if t.solved_at >= END else "bot" if bot else "person"
            for t, bot in zip(rows, is_bot.tolist(), strict=True)
        ),
        "channel": words(channel, TICKET_CHANNELS),
        "priority": words(priority, ("low", "normal", "high", "urgent")),
        "topic": words(topic, TOPICS),
    }


def _user_ids(rows: list[int]) -> Any:
    return texts(None if row < 0 else f"U{row + 1:07d}" for row in rows)


def answers_table(voice: Voice, accounts: list[Account]) -> Columns:
    """One row an answer."""
    rows = voice.answers
    return {
        "answer_id": numbered("R", len(rows)),
        "survey": texts(a.survey for a in rows),
        "kind": texts(a.kind for a in rows),
        "account_id": texts(accounts[a.account].account_id for a in rows),
        "user_id": _user_ids([a.user for a in rows]),
        "touchpoint": texts(a.touchpoint for a in rows),
        "asked_at": instants(a.asked_at for a in rows),
        "answered_at": instants(a.answered_at for a in rows),
        "score": integers(a.score for a in rows),
        "scale_max": integers(a.scale_max for a in rows),
        "question": texts(a.question for a in rows),
        "comment": texts(a.comment for a in rows),
    }


def invitations_table(voice: Voice, accounts: list[Account]) -> Columns:
    """One row an invitation."""
    rows = voice.invitations
    return {
        "invitation_id": numbered("I", len(rows)),
        "survey": texts(i.survey for i in rows),
        "account_id": texts(accounts[i.account].account_id for i in rows),
        "user_id": _user_ids([i.user for i in rows]),
        "asked_at": instants(i.asked_at for i in rows),
    }
