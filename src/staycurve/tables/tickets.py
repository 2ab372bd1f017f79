"""tickets: customers who asked for help."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import ACCOUNT, Check, Column, Table

TICKETS = Table(
    name="tickets",
    about=N_("Every time that a customer asked for help, and how it was solved."),
    grain=N_("one ticket"),
    key=("ticket_id",),
    derived_key="ticket_id",
    columns=(
        Column("ticket_id", "text", N_("The ticket."), is_required=True),
        ACCOUNT,
        Column("user_id", "text", N_("Who asked.")),
        Column("opened_at", "instant", N_("When it was opened."), is_required=True),
        Column("first_response_at", "instant", N_("When the first answer went out.")),
        Column("solved_at", "instant", N_("When it was solved.")),
        Column("reopened_at", "instant", N_("When it was last opened again.")),
        Column("agent_contacts", "integer", N_("How many times an agent answered.")),
        Column(
            "customer_contacts",
            "integer",
            N_("How many messages the customer wrote, the one that opened it included."),
        ),
        Column("solved_by", "text", N_("Who solved it."), choices=("person", "bot")),
        Column("channel", "text", N_("How it reached us.")),
        Column("priority", "text", N_("How urgent it was.")),
        Column("topic", "text", N_("What it was about.")),
    ),
    checks=(
        Check(
            "first_response_at",
            "first_response_at < opened_at",
            N_("is before opened_at {opened_at}"),
        ),
        Check("solved_at", "solved_at < opened_at", N_("is before opened_at {opened_at}")),
        Check("reopened_at", "reopened_at < opened_at", N_("is before opened_at {opened_at}")),
        Check("agent_contacts", "agent_contacts < 0", N_("is negative")),
        Check("customer_contacts", "customer_contacts < 0", N_("is negative")),
    ),
)
