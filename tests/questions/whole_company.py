"""A small company with rows in every table, and all that can be asked of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from staycurve.actions.surveys import definition
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.dimensions import COHORT, moving_dims
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.workspace import Company
from tests.company import build

Row = dict[str, Any]

CHANNELS = ("ads & co", "it's", 'the "third"')
SETTINGS = """
[end_reasons]
voluntary = ["too expensive"]
[activation]
events = ["project_created"]
checklist = ["signed_up", "project_created"]
[[limits]]
feature = "report_viewed"
plan = "Basic"
allowance = 2
# What GIVEN calls a metric is an experiment as well.
[[experiments]]
name = "mrr"
starts = "2024-03-01"
base = 0.5
effect = 0.8
days = 30
"""

GIVEN: dict[str, str | list[str]] = {
    "name": "mrr", "metric": "arpa", "against": "stripe", "period": "2024-03", "cohort": "2024-01",
    "age": "1", "month": "1", "account": "a1", "account_id": "a1", "feature": "report_viewed",
    "step": "signed_up", "steps": ["signed_up", "report_viewed"], "anchor": "report_viewed",
    "who": "u1", "q": "a1", "stage": "adoption", "from": "2024-02", "to": "2024-05",
    "by": "industry", "survey": "pulse", "user": "u1", "outcome": "retention", "base": "0.1",
    "effect": "0.05", "person": "u1", "playbook": "renewal",
}
"""A value for each parameter that an address cannot do without."""


NAMES = {"playbooks": "renewal", "audiences": "customers"}
"""What `{name}` is in addresses that are about something else than metrics."""


def filled(address: str) -> str:
    """An address with something that exists where it takes a name."""
    name = next((own for word, own in NAMES.items() if f"/{word}/" in address), GIVEN["name"])
    address = address.replace(":path", "").replace("{name}", str(name))
    for place, given in GIVEN.items():
        address = address.replace(f"{{{place}}}", str(given))
    return address


def made(folder: Path) -> Company:
    """Nine accounts that signed up in January to March 2024; the data ends in June."""
    tables: dict[str, list[Row]] = {
        name: []
        for name in ("accounts", "users", "subscriptions", "payments", "events", "leads",
                     "tickets", "answers", "invitations")
    }
    for number in range(9):
        for table, rows in _rows_of_account(number).items():
            tables[table] += rows
    months = [f"2024-{month:02}" for month in range(1, 7)]
    company = build(folder, {
        **tables,
        "fx_rates": [{"day": "2024-01-01", "currency": "EUR", "rate": 1.25}],
        # A bill of what subscriptions describe: it moves nothing.
        "invoice_lines": [
            {"line_id": "i1", "invoice_id": "i1", "account_id": "a1", "subscription_id": "s1",
             "plan": "Basic", "period_start": "2024-02-01", "period_end": "2024-03-01",
             "amount": 40, "currency": "EUR", "invoice_status": "paid"},
        ],
        "reach": [
            {"day": f"{month}-01", "channel": channel, "kind": kind, "count": 50}
            for month in months for channel in CHANNELS
            for kind in ("visits", "social_engagements", "mentions")
        ],
        "spend": [
            {"month": f"{month}-01", "purpose": purpose, "kind": "staff", "channel": channel,
             "amount": 30, "currency": "USD"}
            for month in months for channel in CHANNELS
            for purpose in ("acquisition", "retention", "delivery")
        ],
    }, end_reasons=SETTINGS)
    company.surveys.save(definition.of({
        "name": GIVEN["survey"], "kind": "csat", "question": "How was it?",
    }))
    return company


def _rows_of_account(number: int) -> dict[str, list[Row]]:
    name, user = f"a{number}", f"u{number}"
    signed = dt.date(2024, 1, 3) + dt.timedelta(days=10 * number)
    paid = signed + dt.timedelta(days=7)
    grown = paid + dt.timedelta(days=40)
    channel = CHANNELS[number % 3]
    own = {"subscription_id": f"s{number}", "account_id": name,
           "currency": "EUR" if number % 2 else "USD"}
    if number % 3:
        later: Row = {**own, "plan": "Pro", "product": "Suite", "kind": "addon", "amount": 90,
                      "starts_at": grown}
    else:
        later = {**own, "plan": "Basic", "amount": 20, "starts_at": grown,
                 "ends_at": grown + dt.timedelta(days=30), "end_reason": "too expensive"}
    return {
        "accounts": [{
            "account_id": name, "name": f"Account {number}", "created_at": signed,
            "industry": "EdTech" if number % 2 else "", "country": "DE", "employees": 3 ** number,
            "channel": channel, "owner": "Ada", "currency": own["currency"],
            "referred_by": f"a{number - 1}" if number % 4 == 3 else "",
            "parent_id": "a0" if number == 8 else "", "region": "North" if number % 2 else "South",
        }],
        "users": [{"user_id": user, "account_id": name, "role": "admin"}],
        "subscriptions": [
            {**own, "plan": "Basic", "amount": 0, "starts_at": signed, "ends_at": paid,
             "status": "trialing", "card_on_file": "true" if number % 2 else "false"},
            {**own, "plan": "Basic", "amount": 40, "starts_at": paid, "ends_at": grown},
            later,
        ],
        "payments": [{
            "payment_id": f"p{number}", "account_id": name, "subscription_id": f"s{number}",
            "amount": 40, "currency": own["currency"], "paid_at": paid,
        }],
        "events": [
            {"event_id": f"e{number}-{day}", "account_id": name, "user_id": user, "event": event,
             "occurred_at": f"{signed + dt.timedelta(days=day)}T09:00:00"}
            for day, event in (
                (0, "signed_up"), (1, "project_created"), (2, "report_viewed"),
                (3, "report_viewed"), (4, "report_viewed"), (40, "report_viewed"),
                (75, "board_viewed"), (155 - 10 * number, "board_viewed"),
            )
        ],
        "leads": [{
            "lead_id": f"l{number}", "created_at": signed, "channel": channel,
            "qualified_at": signed, "demo_at": signed, "account_id": name, "trial_at": signed,
            "won_at": paid,
        }],
        "tickets": [{
            "ticket_id": f"t{number}", "account_id": name, "opened_at": paid,
            "solved_at": paid + dt.timedelta(days=1), "agent_contacts": 1 + number % 2,
            "channel": "mail", "priority": "high", "topic": "billing",
        }],
        "answers": [
            {"answer_id": f"{kind}{number}", "survey": f"{kind} 2024", "kind": kind,
             "account_id": name, "touchpoint": "renewal", "answered_at": grown,
             "score": 1 + number % 5, "scale_max": 5 if kind == "csat" else ""}
            for kind in ("nps", "csat")
        ],
        "invitations": [{"invitation_id": f"i{number}", "survey": "nps 2024", "account_id": name,
                         "asked_at": paid}],
    }


def dimensions(company: Company) -> list[str]:
    """Every dimension by which anything can be split."""
    found = [
        dim for relation in RELATIONS.values()
        for dim in known_dims(relation, company.attributes())
    ]
    return list(dict.fromkeys(found))


def dimensions_of(company: Company, metric: str) -> set[str]:
    """The dimensions that every measure of a metric carries."""
    measures = METRICS[metric].resolve(company.config.conventions).measures()
    carried = [
        set(known_dims(RELATIONS[one.relation], company.attributes())) for one in measures
    ]
    return set.intersection(*carried)


def values(company: Company) -> dict[str, str]:
    """A filter on every dimension, as `where` writes it; where it can, one that a1 passes."""
    found: dict[str, str] = {}
    for dim in dimensions(company):
        carrying = [name for name in METRICS if dim in dimensions_of(company, name)]
        named = (
            row["segment"][dim]
            for name in carrying[:1]
            for where in ("account_id=a1", "")
            for row in company.show(
                name, by=dim, where=where if "account_id" in dimensions_of(company, name) else "",
                grain=METRICS[name].grains[-1],
            ).rows
        )
        # A part is counted with its whole, so nothing is cut by the parent of a part.
        found[dim] = next((f"{dim}={value}" for value in named if value), f"{dim}=")
    return found


def bundles(dims: list[str]) -> list[list[str]]:
    """Dimensions to ask for at once: those that stand in a column together, each other alone."""
    alone = [dim for dim in dims if dim == COHORT or dim in moving_dims()]
    columns = [dim for dim in dims if dim not in alone]
    return [columns, *([dim] for dim in alone)]
