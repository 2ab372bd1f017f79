"""Tickets: alerts handed to a help desk, by a signed webhook or by mail, and what it says of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staycurve.actions.channels.telling import short
from staycurve.actions.mails.documents import Document, Grid, Part, html_of, text_of
from staycurve.actions.mails.messages import one_line
from staycurve.actions.playbooks.base import Playbook
from staycurve.actions.ticket_settings import HelpDesk
from staycurve.state import mails, outbox, tickets
from staycurve.state.work_models import AlertRow
from staycurve.state.work_reading import Session

OPEN_KIND = "ticket.open"
"""The type of the webhook that asks for a ticket."""
OPENED, SOLVED = "ticket.opened", "ticket.solved"
"""The types of webhook that a help desk answers with."""
TOLERANCE = dt.timedelta(minutes=5)
"""How far the time of a signature may be from ours, either way: standardwebhooks' own bound."""


def open_for(
    session: Session, alerts: Iterable[AlertRow], by_name: Mapping[str, Playbook],
    *, desks: Mapping[str, HelpDesk], now: dt.datetime, company: str,
) -> int:
    """Ask the desks of their playbooks for a ticket of each alert, in the run's transaction."""
    found = 0
    for alert in alerts:
        names = dict.fromkeys(
            playbook.ticket for one in alert.evidence
            if (playbook := by_name.get(one["playbook"])) is not None and playbook.ticket
        )
        for name in names:
            if name in desks:
                found += ask(session, alert, desks[name], now=now, company=company)
    return found


def ask(
    session: Session, alert: AlertRow, desk: HelpDesk, *, now: dt.datetime, company: str,
    who: str = "staycurve",
) -> bool:
    """Ask a desk for the ticket of an alert; whether it is new: an alert has one at a desk."""
    from staycurve.state import alerts as kept

    if tickets.ask(session, alert.id, desk.name, now=now) is None:
        return False
    key = key_of(alert.id, desk.name)
    if desk.channel:
        outbox.put(session, key=key, channel=desk.channel, kind=OPEN_KIND,
                   body=body_of(alert, desk, company=company), now=now)
    else:
        document = document_of(alert, company=company)
        mails.put(
            session, key=key, kind=mails.TICKET, email=desk.email, account=alert.account_id,
            subject=f"{document.title} [staycurve #{alert.id}]", text=text_of(document),
            html=html_of(document), now=now,
        )
    kept.happened(session, alert.id, "ticket_asked", who=who, now=now, desk=desk.name)
    return True


def key_of(alert: int, desk: str) -> str:
    """The key under which a ticket is asked for: the same however often it is tried."""
    return f"{OPEN_KIND}:{desk}:{alert}"


def body_of(alert: AlertRow, desk: HelpDesk, *, company: str) -> dict[str, Any]:
    """What a desk is told: the alert, and the address to which it answers."""
    document = document_of(alert, company=company)
    return {
        "title": document.title, "text": text_of(document), "alert": short(alert),
        "account_name": alert.account_name or None, "desk": desk.name,
        "answer_at": f"/webhooks/tickets/{desk.name}",
    }


def document_of(alert: AlertRow, *, company: str) -> Document:
    """The ticket as people at the desk read it."""
    name = one_line(alert.account_name or alert.account_id)
    rows = [
        [fact, "–" if value is None else str(value)]
        for proof in alert.evidence for fact, value in sorted(proof["facts"].items())
    ]
    return Document(
        title=f"{name}: {alert.playbook.replace('-', ' ')}",
        said=[
            f"Account {alert.account_id}, owner {alert.owner}, due on {alert.due_on}.",
            f"Alert {alert.id} of the playbook {alert.playbook}, opened on {alert.opened_on}.",
        ],
        parts=[Part("What was found", (), Grid(["Fact", "Value"], rows))] if rows else [],
        foot=[company],
    )


def is_signed(secret: str, body: bytes, headers: Mapping[str, str], now: dt.datetime) -> bool:
    """Whether a webhook carries a signature of its body, its id and a time near ours.

    As standardwebhooks says, with our clock in place of the machine's; several signatures, of a
    secret that is being changed, are looked at one by one.
    """
    import binascii
    import hmac

    from standardwebhooks.webhooks import Webhook

    id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not id or not given or not (stamp.isascii() and stamp.isdecimal()) or len(stamp) > 12:
        return False
    at = dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    if abs(at - now) > TOLERANCE:
        return False
    try:
        expected = Webhook(secret).sign(id, at, body.decode("utf-8"))
    except (RuntimeError, ValueError, binascii.Error):
        return False
    return any(
        hmac.compare_digest(one.encode(), expected.encode()) for one in given.split(" ")
    )


@dataclass(frozen=True)
class Heard:
    """What a help desk says of a ticket.

    Attributes
    ----------
    alert : int, optional
        The alert that it was asked for; None where the desk names its reference alone.
    reference : str
        What the desk calls it; empty where it names the alert alone.
    """

    kind: str
    alert: int | None
    reference: str


def heard_of(given: Any) -> Heard | None:
    """What a webhook's body says; None for what is no message about a ticket.

    `{"type": "ticket.solved", "data": {"alert": 12, "reference": "4711"}}`; the alert may be named
    as the key of the request, `ticket.open:desk:12`.
    """
    data = given.get("data") if isinstance(given, dict) else None
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(data, dict) or kind not in (OPENED, SOLVED):
        return None
    alert, reference = _number(data.get("alert")), data.get("reference")
    if isinstance(reference, int) and not isinstance(reference, bool):
        reference = str(reference)
    if reference is not None and not isinstance(reference, str):
        return None
    if alert is None and not (reference or "").strip():
        return None
    if kind == OPENED and not (reference or "").strip():
        return None
    return Heard(kind, alert, (reference or "").strip())


def _number(given: Any) -> int | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, int):
        return given
    text = given.rpartition(":")[2] if isinstance(given, str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else None


def solved_sql(ids: Sequence[str], at: str) -> str:
    """SQL of those of these tickets that are solved, and not opened again: (ticket_id)."""
    from staycurve.insights.account.facts_sql import open_sql
    from staycurve.tables.engine import quoted

    listed = ", ".join(quoted(one) for one in ids)
    return (
        f"SELECT ticket_id FROM tickets WHERE ticket_id IN ({listed}) "
        f"AND NOT coalesce({open_sql(at)}, FALSE) ORDER BY ticket_id"
    )
