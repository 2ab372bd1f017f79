"""Messages: a mail as it goes out, in plain text beside HTML.

References
----------
RFC 8058 (one-click unsubscribe), RFC 3834 (automatic mails say that they are).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from html import escape

from staycurve.i18n import N_

UNSUBSCRIBE = N_("Receive no more mails from us")


@dataclass(frozen=True)
class Mail:
    """What a message is made of.

    Attributes
    ----------
    number : int
        Its number in app state: in the Message-ID, so that a mail that came twice is shown once.
    unsubscribe : str
        Where a POST ends such mails; empty for those within the company.
    """

    number: int
    kind: str
    email: str
    name: str
    subject: str
    text: str
    html: str
    sender: str
    at: dt.datetime
    unsubscribe: str = ""


def message_of(mail: Mail) -> EmailMessage:
    """The message of a mail."""
    made = EmailMessage()
    made["Subject"] = one_line(mail.subject)
    name, address = parseaddr(mail.sender)
    made["From"] = Address(display_name=one_line(name), addr_spec=address)
    made["To"] = Address(display_name=one_line(mail.name), addr_spec=mail.email)
    made["Date"] = format_datetime(mail.at)
    domain = address.partition("@")[2]
    made["Message-ID"] = f"<{mail.kind}.{mail.number}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        made["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text, html = mail.text, mail.html
    if mail.unsubscribe:
        text += f"\n{UNSUBSCRIBE}: {mail.unsubscribe}\n"
        link = f'<a href="{escape(mail.unsubscribe, quote=True)}">{escape(UNSUBSCRIBE)}</a>'
        html = html.replace("</body>", f'<p style="font-size:13px">{link}</p></body>')
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def one_line(text: str) -> str:
    """`text` as one line: no header is begun by what comes out of a file."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
