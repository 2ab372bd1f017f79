"""The server that takes outgoing mail: the section [mail]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.secret import Secret
from staycurve.sections import CLOSED, Section, Takes, Wrong

TLS = ("auto", "starttls", "ssl", "none")
_PORTS = {"ssl": 465, "none": 25}
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+")


def is_address(text: str) -> bool:
    """Whether a text can be written to as it stands, without a name or a second address."""
    return len(text) <= 320 and bool(_ADDRESS.fullmatch(text)) and text.isprintable()


def _sender(text: str) -> str:
    # Only who has a [mail] section pays for the import.
    from email.utils import parseaddr

    if not is_address(parseaddr(text)[1]) or not text.isprintable():
        raise Wrong("is not an address.", 'Write: from = "Acme <hello@example.com>"')
    return text


@dataclass(frozen=True)
class Mail:
    """[mail]: the SMTP server, and who writes.

    Attributes
    ----------
    host : str
        Empty where no mail can be sent.
    tls : str
        auto (STARTTLS where it is offered, SSL on port 465), starttls, ssl or none.
    per_minute : int
        Mails that are sent in a minute at most.
    webhook_secret : Secret, optional
        What those who report bounces send along.
    recap_consent : str
        The attribute of users without whose yes nobody is sent a value recap; empty for none.
    """

    __pydantic_config__ = CLOSED

    host: Annotated[str, Takes(N_("a host name"), 'host = "smtp.example.com"')] = ""
    port: Annotated[
        int, Takes(N_("a port from 1 to 65535"), "port = 587", least=0, most=65535)
    ] = 0
    sender: Annotated[
        str, Takes(N_("an address"), 'from = "Acme <hello@example.com>"', check=_sender)
    ] = ""
    user: Annotated[str, Takes(N_("a name"), 'user = "acme"')] = ""
    password: Annotated[
        Secret | None,
        Takes(N_("the variable that holds the password"), 'password = { env = "SMTP_PASSWORD" }'),
    ] = None
    tls: Annotated[str, Takes(N_("how it is encrypted"), 'tls = "starttls"', choices=TLS)] = "auto"
    per_minute: Annotated[
        int, Takes(N_("a number from 1 to 10000"), "per_minute = 60", least=1, most=10_000)
    ] = 60
    webhook_secret: Annotated[
        Secret | None,
        Takes(N_("the variable that holds the secret"), 'webhook_secret = { env = "MAIL_SECRET" }'),
    ] = None
    recap_consent: Annotated[
        str, Takes(N_("the name of a user's attribute"), 'recap_consent = "reports"')
    ] = ""


_THEIRS = {"from": "sender", "smtp": "host", "smtp_host": "host", "smtp_port": "port"}
"""`from` is no name in Python; the others are what people write as well."""


def _made(given: Any) -> Mail:
    plain: dict[str, Any] = {}
    for key, value in given.items():
        own = _THEIRS.get(key, key)
        if own in plain or key == "sender":
            raise Wrong("is said twice, or is not known.", 'Write: from = "hello@example.com"', key)
        plain[own] = value
    found, wrong = _INNER.read(plain)
    if wrong:
        error = wrong[0]
        key = "from" if error.fields.get("key") == "sender" else str(error.fields.get("key", ""))
        text = error.message.partition("] ")[2].removeprefix(f"{error.fields.get('key')} ")
        if "unknown key" in error.message:
            text, key = f"does not know {text}", ""
        raise Wrong(text, error.hint, key)
    assert isinstance(found, Mail)
    if found.host and not found.sender:
        raise Wrong("is missing.", 'Write: from = "Acme <hello@example.com>"', "from")
    return found


_INNER = Section("mail", Mail, Mail(), "", 'host = "smtp.example.com"')

MAIL = Section(
    "mail",
    Mapping[str, Any],
    Mail(),
    N_("The server that takes outgoing mail, and who writes."),
    '[mail]\nhost = "smtp.example.com"\nfrom = "Acme <hello@example.com>"\nuser = "acme"\n'
    'password = { env = "SMTP_PASSWORD" }',
    make=_made,
)


def port_of(mail: Mail) -> int:
    """The port of the server; that of its kind where none is given."""
    return mail.port or _PORTS.get(mail.tls, 587)
