"""Bounces: mails that come back, and people who are away, read from what mail servers send.

References
----------
RFC 3464 (delivery status), RFC 3463 (its codes), RFC 3834 (automatic replies).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

from staycurve.actions.surveys.letters import uuid_in
from staycurve.mail_settings import is_address

BOUNCED, DELAYED, AWAY, OTHER = "bounced", "delayed", "away", "other"
LARGEST = 8 * 1024 * 1024
"""Bytes of one message."""

_AWAY = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
_SUBJECTS = (
    "out of office", "automatic reply", "autoreply", "auto-reply", "abwesenheit",
    "automatische antwort", "absence du bureau", "réponse automatique", "fuera de la oficina",
    "respuesta automática", "fuori sede", "risposta automatica", "afwezig", "不在",
)


@dataclass(frozen=True)
class Report:
    """What a message says of ours.

    Attributes
    ----------
    kind : str
        `bounced` for good, `delayed` (the server goes on trying), `away`, or `other`.
    emails : tuple of str
        The addresses that it speaks of, in lower case.
    uuids : tuple of str
        The invitations that it answers.
    """

    kind: str
    emails: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()


def messages(content: bytes) -> Iterator[bytes]:
    """The messages of a file: one, or those of an mbox."""
    if not content.startswith(b"From "):
        yield content
        return
    part: list[bytes] = []
    for place, one in enumerate(content.splitlines(keepends=True)):
        if one.startswith(b"From "):
            if place:
                yield b"".join(part)
            part = []
        else:
            part.append(one[1:] if one.startswith(b">From ") else one)
    yield b"".join(part)


def read(content: bytes) -> Report:
    """What one message says; nothing in it can make this fail."""
    message = message_from_bytes(content[:LARGEST], policy=default)
    assert isinstance(message, EmailMessage)
    status = [
        part for part in message.walk() if part.get_content_type() == "message/delivery-status"
    ]
    if status:
        return _of_status(message, status[0])
    if _is_away(message):
        sender = parseaddr(_header(message, "From"))[1].lower()
        return Report(AWAY, (sender,) if is_address(sender) else (), _uuids(message))
    return Report(OTHER)


def _of_status(message: EmailMessage, status: object) -> Report:
    blocks: object = getattr(status, "get_payload", list)()
    failed: list[str] = []
    delayed: list[str] = []
    for block in blocks if isinstance(blocks, list) else []:
        action = _header(block, "Action").strip().lower()
        code = _header(block, "Status").strip()
        recipient = _header(block, "Final-Recipient") or _header(block, "Original-Recipient")
        email = recipient.partition(";")[2].strip(" <>").lower()
        if not is_address(email):
            continue
        # A full mailbox (4.2.2) is emptied one day; an unknown one (5.1.1) is not.
        if action == "failed" and not code.startswith("4"):
            failed.append(email)
        elif action in ("failed", "delayed"):
            delayed.append(email)
    kind = BOUNCED if failed else DELAYED if delayed else OTHER
    return Report(kind, tuple(failed or delayed), _uuids(message))


def _is_away(message: EmailMessage) -> bool:
    automatic = _header(message, "Auto-Submitted").lower().strip()
    if automatic.startswith("auto-replied"):
        return True
    if any(_header(message, name) for name in _AWAY):
        return True
    return _header(message, "Subject").strip().lower().startswith(_SUBJECTS)


def _uuids(message: EmailMessage) -> tuple[str, ...]:
    """The invitations whose Message-IDs stand anywhere in a message."""
    found: list[str] = []
    for part in message.walk():
        for name in ("In-Reply-To", "References", "Message-ID"):
            found += [uuid_in(one) for one in _header(part, name).split()]
        if part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            if isinstance(text, bytes):
                inner = message_from_bytes(text, policy=default)
                found.append(uuid_in(_header(inner, "Message-ID")))
    return tuple(dict.fromkeys(one for one in found if one))


def _header(message: object, name: str) -> str:
    try:
        return str(message.get(name, "") or "")  # type: ignore[attr-defined]
    except (ValueError, IndexError, AttributeError, TypeError):
        # The parser of some headers fails on what it cannot read.
        return ""
