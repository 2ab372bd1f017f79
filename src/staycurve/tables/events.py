"""events: what users did in the product."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Column, Table

EVENTS = Table(
    name="events",
    about=N_("What users did in the product, and when."),
    grain=N_("one thing that was done"),
    key=("event_id",),
    derived_key="event_id",
    partition="occurred_on",
    columns=(
        Column("event_id", "text", N_("The event."), is_required=True),
        Column("account_id", "text", N_("The account.")),
        Column("user_id", "text", N_("The user.")),
        Column("event", "text", N_("What was done."), is_required=True),
        Column("occurred_at", "instant", N_("When it was done."), is_required=True),
        Column("received_at", "instant", N_("When we heard of it.")),
        Column("properties", "json", N_("Anything else that is known of it, as a JSON object.")),
    ),
)
