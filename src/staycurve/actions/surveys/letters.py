"""Letters: the mail of an invitation, in plain text beside HTML, with one-click unsubscribing.

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

from staycurve.actions.surveys.definition import Definition
from staycurve.i18n import N_

SUBJECT = N_("A question from %s")
REMINDER = N_("Reminder: %s")
_DARK, _LINE = "#0b5cad", "#8c959f"


@dataclass(frozen=True)
class Letter:
    """What a mail is made of.

    Attributes
    ----------
    link : str
        Where the person answers.
    sender : str
        As [mail] says it.
    domain : str
        In the Message-ID.
    """

    survey: Definition
    company: str
    email: str
    name: str
    link: str
    sender: str
    message_id: str
    at: dt.datetime
    is_reminder: bool = False


def message_id(uuid: str, kind: str, sender: str) -> str:
    """The Message-ID of an invitation's mail: always the same, so that a reply tells which it was.

    A mail that came twice would be shown once.
    """
    domain = parseaddr(sender)[1].partition("@")[2]
    return f"<survey.{uuid}.{kind}@{domain}>"


def uuid_in(text: str) -> str:
    """The invitation that a Message-ID of ours names; empty for any other."""
    before, _, rest = text.partition("<survey.")
    uuid = rest.partition(".")[0]
    is_ours = "@" in rest and len(uuid) == 32 and uuid.isalnum() and not before.strip("<> \t\r\n")
    return uuid if is_ours else ""


def mail(letter: Letter) -> EmailMessage:
    """The message of an invitation or a reminder."""
    survey = letter.survey
    made = EmailMessage()
    subject = _line(survey.subject or SUBJECT % letter.company)
    made["Subject"] = REMINDER % subject if letter.is_reminder else subject
    made["From"] = _address(letter.sender)
    made["To"] = _addressed(letter.name, letter.email)
    made["Date"] = format_datetime(letter.at)
    made["Message-ID"] = letter.message_id
    made["Auto-Submitted"] = "auto-generated"
    made["List-Unsubscribe"] = f"<{letter.link}/unsubscribe>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(_text(letter))
    made.add_alternative(_html(letter), subtype="html")
    return made


def _text(letter: Letter) -> str:
    survey = letter.survey
    lines = [survey.question, ""]
    if survey.is_scored:
        lines += [f"{score}: {letter.link}?score={score}" for score in survey.scale]
        lines += ["", _ends(survey), ""]
    else:
        lines += [N_("Answer here:"), letter.link, ""]
    lines += ["--", letter.company, N_("Unsubscribe from surveys:"), f"{letter.link}/unsubscribe"]
    return "\n".join(lines) + "\n"


def _html(letter: Letter) -> str:
    survey, link = letter.survey, escape(letter.link, quote=True)
    if survey.is_scored:
        buttons = "".join(
            f'<a href="{link}?score={score}" style="display:inline-block;min-width:32px;'
            f"margin:0 4px 8px 0;padding:10px 4px;border:1px solid {_LINE};border-radius:6px;"
            f'color:{_DARK};text-align:center;text-decoration:none">{score}</a>'
            for score in survey.scale
        )
        body = f"<p>{buttons}</p><p style=\"font-size:14px\">{escape(_ends(survey))}</p>"
    else:
        body = (
            f'<p><a href="{link}" style="display:inline-block;padding:12px 20px;'
            f"border-radius:6px;background:{_DARK};color:#ffffff;text-decoration:none\">"
            f"{escape(N_('Answer'))}</a></p>"
        )
    direction = ' dir="rtl"' if survey.is_rtl else ""
    return (
        f'<!doctype html><html lang="{escape(survey.language, quote=True)}"{direction}>'
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(survey.question)}</title></head>"
        '<body style="font:16px/1.5 sans-serif;margin:0;padding:16px;max-width:600px">'
        f'<h1 style="font-size:20px">{escape(survey.question)}</h1>{body}'
        f'<p style="font-size:13px;margin-top:32px">{escape(letter.company)} · '
        f'<a href="{link}/unsubscribe">{escape(N_("Unsubscribe from surveys"))}</a></p>'
        "</body></html>\n"
    )


def _ends(survey: Definition) -> str:
    ends = ((survey.scale[0], survey.low), (survey.scale[-1], survey.high))
    return ", ".join(f"{score}: {words}" for score, words in ends if words)


def _address(sender: str) -> Address:
    name, address = parseaddr(sender)
    return _addressed(name, address)


def _addressed(name: str, address: str) -> Address:
    return Address(display_name=_line(name), addr_spec=address)


def _line(text: str) -> str:
    # What comes out of a file may hold line breaks: no header is begun by one.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
