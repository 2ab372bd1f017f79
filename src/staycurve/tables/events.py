"""events: what users did in the product."""

from __future__ import annotations

import datetime as dt

from staycurve.i18n import N_
from staycurve.tables.base import Check, Column, Table

FIRST_DAY = "2000-01-01"
"""Before it lie the zero of a clock that was never set (1970), and slips of the pen."""
PROPERTIES_BYTES = 1 << 20
"""The most that PostHog takes for one event; Segment stops at 32 KiB."""

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
        Column("anonymous_id", "text", N_("Who it was, before anybody knew: see identities.")),
        Column("event", "text", N_("What was done."), is_required=True),
        Column("occurred_at", "instant", N_("When it was done."), is_required=True),
        Column("received_at", "instant", N_("When we heard of it.")),
        Column("properties", "json", N_("Anything else that is known of it, as a JSON object.")),
    ),
    checks=(
        Check(
            "occurred_at",
            f"occurred_at < TIMESTAMP '{FIRST_DAY} 00:00:00'",
            N_("lies before 2000: a clock that was not set"),
        ),
        Check(
            "properties",
            f"strlen(properties) > {PROPERTIES_BYTES}",
            N_("is longer than 1 MiB"),
        ),
    ),
)


def clock_checks(now: dt.datetime, tolerance_hours: int) -> tuple[Check, ...]:
    """What a sender's clock may not say: rules that depend on when the file is loaded.

    Parameters
    ----------
    now : datetime
        When the file is loaded.
    tolerance_hours : int
        How far a clock may run ahead of the receipt (or of now, where that is not known).
    """
    at = f"TIMESTAMP '{now.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}'"
    ahead = f"INTERVAL {tolerance_hours} HOUR"
    return (
        Check("received_at", f"received_at > {at} + {ahead}", N_("lies in the future")),
        Check(
            "occurred_at",
            f"occurred_at > {at} + {ahead}",
            N_("lies in the future: the sender's clock runs ahead"),
        ),
        Check(
            "occurred_at",
            f"occurred_at > received_at + {ahead}",
            N_("is later than received_at {received_at}: the sender's clock runs ahead"),
        ),
    )
