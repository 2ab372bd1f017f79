"""Recaps: the value recap of an account written into files, and sent to chosen contacts of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve import personal
from staycurve.actions.mails.documents import Document, html_of, text_of
from staycurve.actions.mails.recap_letter import letter_of
from staycurve.actions.surveys import links
from staycurve.actions.surveys.settings import SURVEYS
from staycurve.errors import ConfigError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.account.asked import whose
from staycurve.insights.account.recap import Recap
from staycurve.mail_settings import MAIL, is_address
from staycurve.state import mails, survey_mails
from staycurve.state.cleaning import WHO, line
from staycurve.state.mail_keys import mark_of
from staycurve.state.mail_models import MailRow
from staycurve.state.surveys import LINKS, signing_key
from staycurve.workspace.audiences import agrees
from staycurve.workspace.work_rows import read

WHY_NOT = {
    "no_email": N_("has no e-mail address"), "left": N_("has left the account"),
    "bounced": N_("mails to this address come back"),
    "suppressed": N_("asked not to be written to, or is suppressed"),
    "no_consent": N_("has not agreed to get reports"),
}
FORMS = ("html", "text")


class NotSendableError(UsageError):
    """A recap for somebody who may not be written to; nothing was sent to anybody."""

    code = "not_sendable"
    exit_status = 1


@dataclass(frozen=True)
class Contact:
    """One user of the account.

    Attributes
    ----------
    why_not : str
        A key of WHY_NOT; empty where a recap may be sent.
    """

    user_id: str
    name: str
    email: str
    why_not: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON, without who it is for those who may not see that."""
        is_shown = personal.is_shown()
        if is_shown:
            personal.note()
        return {
            "user_id": self.user_id if is_shown else personal.stand_in(self.user_id),
            "name": (self.name or None) if is_shown else personal.HIDDEN,
            "email": (self.email or None) if is_shown else personal.HIDDEN,
            "may_be_sent": not self.why_not, "why_not": self.why_not or None,
        }


class Recaps:
    """Value recaps of one project.

    Parameters
    ----------
    company : Company
        Whose accounts they are of.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    def document(
        self, account: str, *, period: str | None = None, as_of: str | None = None
    ) -> tuple[Recap, Document]:
        """The recap of an account and its letter; see `account recap`."""
        found: Recap = self._company.account.recap(account=account, period=period, as_of=as_of)
        return found, letter_of(found, company=self._company.config.company.name)

    def text(self, account: str, form: str, *, period: str | None = None) -> str:
        """The letter as one text: html or text."""
        if form not in FORMS:
            raise UnknownNameError("form", form, FORMS)
        _found, letter = self.document(account, period=period)
        return html_of(letter) if form == "html" else text_of(letter)

    def write(
        self, account: str, folder: Path, *, period: str | None = None, as_of: str | None = None
    ) -> tuple[Path, Path]:
        """Write the letter into two files of a folder, HTML and text; their paths."""
        found, letter = self.document(account, period=period, as_of=as_of)
        stem = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in account)[:80]
        paths = (folder / f"recap-{stem}-{found.period}.html",
                 folder / f"recap-{stem}-{found.period}.txt")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path, body in zip(paths, (html_of(letter), text_of(letter)), strict=True):
                path.write_text(body, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{folder} cannot be written: {error.strerror or error}.",
                hint="Name another folder.",
            ) from None
        return paths

    def contacts(self, account: str) -> tuple[Contact, ...]:
        """The users of an account, those first who may be sent its recap."""
        company = self._company
        seen = company.as_of()
        with company.reading() as engine:
            of = whose(engine, company, account, seen)
            rows = engine.rows(
                "SELECT user_id, name, email, left_at, bounced_at, attributes FROM users "
                f"WHERE account_id IN ({of.listed}) ORDER BY user_id"
            )
        with read(company.state) as session:
            gone = survey_mails.suppressed(
                session, [email for _user, _name, email, *_rest in rows if email]
            ) if session else frozenset()
        consent = company.config[MAIL].recap_consent
        found = []
        for user, name, email, left, bounced, attributes in rows:
            address = (email or "").strip()
            why = ""
            if not is_address(address):
                why, address = "no_email", ""
            elif left is not None and left.replace(tzinfo=dt.UTC) <= company.clock():
                why = "left"
            elif bounced is not None:
                why = "bounced"
            elif address.lower() in gone:
                why = "suppressed"
            elif not agrees(attributes, consent):
                why = "no_consent"
            found.append(Contact(user, name or "", address, why))
        return tuple(sorted(found, key=lambda one: (bool(one.why_not), one.user_id)))

    def send(
        self, account: str, to: Sequence[str], *, by: str, period: str | None = None
    ) -> list[dict[str, Any]]:
        """Let the recap of an account wait for contacts, each once; what became of each.

        Parameters
        ----------
        to : sequence of str
            User ids or addresses of contacts of the account.

        Raises
        ------
        ConfigError
            If no mail server is set.
        NotSendableError
            If one of them is no contact, or may not be written to: then nobody is.
        """
        company = self._company
        if not company.config[MAIL].host:
            raise ConfigError(
                "No mail can be sent: [mail] in staycurve.toml names no server.",
                hint='Write: [mail] host = "smtp.example.com"',
            )
        who = line(by, what="Who sends it", most=WHO)
        chosen = self._chosen(account, to)
        found, letter = self.document(account, period=period)
        now = company.clock()
        told = []
        with company.state.database.writing() as session:
            for one in chosen:
                key = "recap:" + mark_of(
                    session, found.account_id, found.period, str(found.last_day), one.user_id,
                    now=now,
                )
                row = mails.put(
                    session, key=key, kind=mails.RECAP, email=one.email, name=one.name,
                    account=found.account_id, subject=letter.title, text=text_of(letter),
                    html=html_of(letter), now=now, by=who,
                )
                told.append(one.as_dict() | {"is_new": row is not None})
        return told

    def _chosen(self, account: str, to: Sequence[str]) -> list[Contact]:
        known = self.contacts(account)
        found: dict[str, Contact] = {}
        for named in to:
            text = named.strip()
            own = next(
                (one for one in known
                 if text and (one.user_id == text or one.email.lower() == text.lower())), None
            )
            if own is None:
                raise NotSendableError(
                    f"'{text[:80]}' is no contact of {account[:80]}.",
                    hint=f"Its contacts: staycurve recaps contacts {account[:80]}",
                )
            if own.why_not:
                raise NotSendableError(
                    f"{own.user_id} {WHY_NOT[own.why_not]}. Nobody was sent anything.",
                    hint=f"Who may be: staycurve recaps contacts {account[:80]}",
                )
            found[own.user_id] = own
        if not found:
            raise NotSendableError(
                "Nobody is named.", hint=f"Its contacts: staycurve recaps contacts {account[:80]}"
            )
        return list(found.values())


def unsubscribe_at(company: Any, session: Any, row: MailRow) -> str:
    """The address at which whoever gets a mail wants no more of them."""
    key = signing_key(session, LINKS, company.clock())
    token = links.mail(key, row.id, row.email)
    return f"{company.config[SURVEYS].address}/s/{token}/unsubscribe"
