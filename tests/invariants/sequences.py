"""Random sequences of what can happen to a small company: loads, corrections, settings and undos.

The rows are drawn by key from a small stock, so that most loads replace, move or contradict what
an earlier one brought, and many rows name something that has not been loaded yet.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.companies import SWITCHES

Rows = list[dict[str, Any]]

ACCOUNTS = ("a", "b", "c", "d", "e", "f")
USERS = ("u1", "u2", "u3", "u4", "u5")
EVENTS = ("view", "edit", "share", "ping")
CURRENCIES = ("USD", "USD", "USD", "EUR", "AED")
"""The ECB does not quote the last one: its rows wait for a rate of our own."""
STARTS = ("2024-01-01", "2024-01-15", "2024-02-01", "2024-02-20", "2024-03-05")
ENDS = ("", "", "", "2024-02-10", "2024-03-01", "2024-03-20", "2024-04-10")
REASONS = ("", "customer request", "payment failed", "moon phase", "moved away")
DOMAINS = ("customer.com", "ourco.com")
RULES = ("email~@ourco.com", "name~test", "industry~internal", "segment~demo")


@dataclass(frozen=True)
class Step:
    """One thing that happens to a company.

    Attributes
    ----------
    kind : str
        load, replace, undo, adjust, close, settings, zone or refresh.
    tables : mapping
        Of a load: table → rows.
    text : str
        Of settings and zone: the whole staycurve.toml.
    given : mapping
        Of the others: what they are given.
    """

    kind: str
    tables: Mapping[str, Rows] = field(default_factory=dict)
    text: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = self.tables or self.text or self.given
        return f"{self.kind} {said if isinstance(said, str) else json.dumps(said)}"


def _account(pick: random.Random, number: str) -> dict[str, Any]:
    return {
        "account_id": number,
        "name": pick.choice(("Acme", "Bolt", "test co")),
        "created_at": pick.choice(("", "2023-12-20", "2024-01-10")),
        "industry": pick.choice(("", "EdTech", "internal")),
        "country": pick.choice(("US", "DE")),
        "channel": pick.choice(("", "ads", "partner")),
        "parent_id": pick.choice(("", "", "", *ACCOUNTS, "nobody")),
        "segment": pick.choice(("", "demo", "large")),
    }


def _user(pick: random.Random, number: str) -> dict[str, Any]:
    return {
        "user_id": number,
        "account_id": pick.choice(ACCOUNTS),
        "email": f"{number}@{pick.choice(DOMAINS)}",
        "created_at": "2024-01-01",
    }


def _span(pick: random.Random, number: int) -> dict[str, Any]:
    return {
        "subscription_id": f"s{number}",
        "account_id": pick.choice(ACCOUNTS),
        "starts_at": pick.choice(STARTS),
        "ends_at": pick.choice(ENDS),
        "plan": pick.choice(("Basic", "Pro")),
        "interval": pick.choice(("month", "month", "year", "week", "day")),
        "amount": pick.choice(("0", "10", "19.99", "120", "")),
        "discount_percent": pick.choice(("", "", "10", "100")),
        "discount_recurring": pick.choice(("", "true", "false")),
        "currency": pick.choice(CURRENCIES),
        "kind": pick.choice(("base", "base", "metered")),
        "status": pick.choice(("active", "active", "trialing", "past_due", "paused", "unpaid")),
        "cancel_requested_at": pick.choice(("", "", "", "2024-02-05")),
        "end_reason": pick.choice(REASONS),
        "card_on_file": pick.choice(("", "true", "false")),
    }


def _line(pick: random.Random, number: int) -> dict[str, Any]:
    start = dt.date(2024, pick.randint(1, 3), pick.choice((1, 1, 15)))
    is_part = pick.random() < 0.2
    end = start + dt.timedelta(days=14 if is_part else pick.choice((31, 31, 30, 366, 7)))
    return {
        "line_id": f"l{number}",
        "invoice_id": f"i{start}",
        "account_id": pick.choice(ACCOUNTS),
        # Some of them are subscriptions that rows describe, of the same account or another.
        "subscription_id": pick.choice(("", "s1", "s2", "s9", "s10", "s11")),
        "plan": pick.choice(("Basic", "Pro")),
        "period_start": str(start),
        "period_end": str(end),
        "amount": pick.choice(("0", "10", "19.99", "120", "-5")),
        "discount_amount": pick.choice(("", "", "3")),
        "discount_recurring": pick.choice(("", "false")),
        "is_proration": "true" if is_part else "",
        "currency": pick.choice(CURRENCIES),
        "kind": pick.choice(("base", "base", "metered", "one_time")),
        "invoice_status": pick.choice(("", "paid", "open", "void")),
    }


def _plan(pick: random.Random) -> dict[str, Any]:
    return {
        "plan": pick.choice(("Basic", "Pro")),
        "valid_from": pick.choice(("", "2024-01-10", "2024-02-10")),
        "interval": pick.choice(("month", "year")),
        "unit_amount": pick.choice(("7", "30")),
        "currency": pick.choice(CURRENCIES),
    }


def _payment(pick: random.Random, number: int) -> dict[str, Any]:
    is_paid = pick.random() < 0.4
    day = f"2024-0{pick.randint(1, 3)}-{pick.randint(10, 28)}"
    return {
        "payment_id": f"p{number}",
        "account_id": pick.choice(ACCOUNTS),
        "subscription_id": pick.choice(("", "s1", "s2", "s3")),
        "amount": "10",
        "currency": pick.choice(CURRENCIES),
        "paid_at": day if is_paid else "",
        "failed_at": "" if is_paid else day,
    }


def _event(pick: random.Random, number: int) -> dict[str, Any]:
    at = dt.datetime(2024, 1, 3, tzinfo=dt.UTC) + dt.timedelta(minutes=pick.randrange(80 * 1440))
    return {
        "event_id": f"e{number}",
        "account_id": pick.choice(("", "", *ACCOUNTS)),
        "user_id": pick.choice(("", *USERS, "stranger")),
        "event": pick.choice(EVENTS),
        "occurred_at": at.isoformat(),
        "properties": pick.choice(("", '{"n": 3}', '{"f": "export", "n": 2}')),
    }


def _rate(pick: random.Random) -> dict[str, Any]:
    return {
        "day": pick.choice(("2024-01-01", "2024-02-01", "2024-03-10")),
        "currency": pick.choice(("EUR", "AED")),
        "rate": pick.choice(("1.1", "1.25", "0.95")),
    }


def rows(pick: random.Random, table: str) -> Rows:
    """A few rows of a table, each key once."""
    if table == "accounts":
        return [_account(pick, one) for one in pick.sample(ACCOUNTS, pick.randint(1, 3))]
    if table == "users":
        return [_user(pick, one) for one in pick.sample(USERS, pick.randint(1, 3))]
    if table == "subscriptions":
        return [_span(pick, one) for one in pick.sample(range(1, 9), pick.randint(1, 5))]
    if table == "invoice_lines":
        return [_line(pick, one) for one in pick.sample(range(1, 13), pick.randint(2, 8))]
    if table == "plans":
        return [_plan(pick)]
    if table == "payments":
        return [_payment(pick, one) for one in pick.sample(range(1, 6), pick.randint(1, 3))]
    if table == "events":
        return [_event(pick, one) for one in pick.sample(range(40), pick.randint(1, 15))]
    if table == "tickets":
        return [{"ticket_id": f"t{pick.randint(1, 3)}", "account_id": pick.choice(ACCOUNTS),
                 "opened_at": pick.choice(("2024-02-03", "2024-04-20"))}]
    if table == "leads":
        return [{"lead_id": f"l{pick.randint(1, 3)}", "created_at": "2024-01-04",
                 "demo_at": pick.choice(("", "2024-01-09")), "channel": "ads",
                 "account_id": pick.choice(("", *ACCOUNTS))}]
    return [_rate(pick)]


TABLES = (
    "subscriptions", "subscriptions", "accounts", "accounts", "users", "users", "events", "events",
    "payments", "fx_rates", "tickets", "leads", "invoice_lines", "invoice_lines", "plans",
)


def toml(pick: random.Random, zone: str) -> str:
    """A staycurve.toml in which some of the settings are other than the defaults."""
    switches = {
        key: pick.choice(SWITCHES[key]) for key in pick.sample(sorted(SWITCHES), pick.randint(0, 3))
    }
    excluded = pick.sample(RULES, pick.choice((0, 1, 1, 2)))
    if pick.random() < 0.4 and RULES[0] not in excluded:
        excluded.append(RULES[0])
    usage: dict[str, object] = {}
    if pick.random() < 0.3:
        usage["active"] = pick.sample(EVENTS, 2)
    if pick.random() < 0.3:
        usage["ignored"] = ["ping"]
    if pick.random() < 0.3:
        usage |= {"count": "n", "feature": "f"}
    activation: dict[str, object] = {}
    if pick.random() < 0.4:
        activation["events"] = [pick.choice(EVENTS)]
    if pick.random() < 0.3:
        activation["window_days"] = pick.choice((1, 30))
    reasons = {"voluntary": ["moon phase"]} if pick.random() < 0.3 else {}
    sections = {
        "company": {
            "name": "Test", "currency": "USD", "timezone": zone, "exclude": excluded,
            "fiscal_year_start": pick.choice((1, 1, 4)),
        },
        "conventions": switches, "end_reasons": reasons, "usage": usage, "activation": activation,
    }
    text = "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {json.dumps(one)}\n" for key, one in found.items())
        for section, found in sections.items()
    )
    if pick.random() < 0.2:
        text += '\n[[limits]]\nfeature = "view"\nallowance = 2\n'
    return text


def _adjustment(pick: random.Random, before: Sequence[Step]) -> Step | None:
    known = [
        (table, row)
        for step in before for table in ("subscriptions", "users", "accounts")
        for row in step.tables.get(table, ())
    ]
    if not known:
        return None
    table, row = pick.choice(known)
    if table == "subscriptions":
        key = {name: row[name] for name in ("subscription_id", "starts_at")}
        values = pick.choice((
            {"amount": "33"}, {"end_reason": "payment failed"}, {"ends_at": "2024-03-15"},
            {"account_id": pick.choice(ACCOUNTS)},
        ))
    elif table == "users":
        key = {"user_id": row["user_id"]}
        values = pick.choice((
            {"account_id": pick.choice(ACCOUNTS)}, {"email": f"x@{pick.choice(DOMAINS)}"},
        ))
    else:
        key = {"account_id": row["account_id"]}
        values = pick.choice(({"parent_id": pick.choice(("", *ACCOUNTS))}, {"name": "test it"}))
    return Step("adjust", given={"table": table, "key": key, "values": values})


def sequence(seed: int, length: int = 7) -> tuple[str, list[Step]]:
    """The first staycurve.toml of a company, and what happens to it then."""
    pick = random.Random(seed)
    zone = pick.choice(("UTC", "UTC", "America/New_York", "Pacific/Auckland"))
    first = current = toml(pick, zone)
    steps: list[Step] = []
    while len(steps) < length:
        kind = pick.choices(
            ("load", "replace", "undo", "adjust", "close", "settings", "zone", "refresh"),
            (52, 8, 10, 9, 4, 11, 3, 3),
        )[0]
        if not steps:
            kind = "load"
        step: Step | None = Step(kind)
        if kind in ("load", "replace"):
            chosen = dict.fromkeys(pick.choice(TABLES) for _ in range(pick.choice((1, 1, 1, 3))))
            if not steps:
                # Enough to move, so that each later step is about one thing that moves it.
                chosen |= dict.fromkeys(("subscriptions", "events"))
            step = Step(kind, tables={table: rows(pick, table) for table in chosen})
        elif kind == "undo":
            given = {"last": pick.choice((None, None, 1, 2, 3)),
                     "is_restating": pick.random() < 0.5}
            step = Step(kind, given=given)
        elif kind == "adjust":
            step = _adjustment(pick, steps)
        elif kind == "close":
            step = Step(kind, given={"month": pick.choice(("2024-01", "2024-02"))})
        elif kind == "settings":
            current = toml(pick, zone)
            step = Step(kind, text=current)
        elif kind == "zone":
            step = Step(kind, text=current.replace(f'"{zone}"', '"Asia/Kolkata"'))
        if step is not None:
            steps.append(step)
    return first, steps
