"""Digests: who gets one, what is in it, and letting each wait once a person and week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from staycurve import personal
from staycurve.actions.mails.digest_letter import Week, letter_of
from staycurve.actions.mails.documents import Document, html_of, text_of
from staycurve.actions.mails.settings import DIGEST, last_due, week_of
from staycurve.actions.surveys.settings import SURVEYS
from staycurve.errors import ConfigError, UnknownNameError
from staycurve.mail_settings import MAIL
from staycurve.permissions import ALLOWS, Permission
from staycurve.state import mails
from staycurve.state.mail_keys import mark_of
from staycurve.workspace.digest_week import Gathered, gather, hidden

REPLACED = "A newer digest took its place."


@dataclass(frozen=True)
class Recipient:
    """Somebody who gets the digest.

    Attributes
    ----------
    owners : tuple of str
        Whose accounts it is about; empty for all.
    sees_personal : bool
        Whether they may see what people wrote.
    """

    email: str
    owners: tuple[str, ...]
    zone: ZoneInfo
    sees_personal: bool = True

    @property
    def whose(self) -> str:
        """Whose accounts it tells of; empty for all."""
        return ", ".join(self.owners)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "email": self.email, "owners": list(self.owners), "timezone": self.zone.key,
            "sees_personal_data": self.sees_personal,
        }


class Digests:
    """The weekly digests of one project.

    Parameters
    ----------
    company : Company
        Its [digest] says when, and to whom.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    @property
    def is_on(self) -> bool:
        """Whether they go out by themselves."""
        return bool(self._company.config[DIGEST].weekday and self._company.config[MAIL].host)

    def recipients(self) -> tuple[Recipient, ...]:
        """Who gets one: the owners of [digest] people, and those who may log in.

        Who has several names gets one digest of all their accounts. Who logs in and owns no
        account gets one of all accounts.
        """
        return self._recipients(self._owners())

    def _recipients(self, owners: Sequence[str]) -> tuple[Recipient, ...]:
        own, company = self._company.config[DIGEST], self._company
        standard = company.config.company.zone
        by_address: dict[str, list[str]] = {}
        shown: dict[str, str] = {}
        for owner, email in own.people.items():
            by_address.setdefault(email.casefold(), []).append(owner)
            shown.setdefault(email.casefold(), email)
        found = [
            Recipient(shown[one], tuple(names), own.zone_of(names[0], shown[one], standard))
            for one, names in by_address.items()
        ]
        if not own.users:
            return tuple(found)
        owning = {name.casefold(): name for name in owners}
        for person in company.state.people.listed():
            address = person.email.casefold()
            if person.disabled_at is not None or address in by_address:
                continue
            names = (owning[address],) if address in owning else ()
            found.append(Recipient(
                person.email, names, own.zone_of(person.email, person.email, standard),
                Permission.PERSONAL in ALLOWS.get(person.role, frozenset()),
            ))
        return tuple(found)

    def _owners(self) -> list[str]:
        if not self._company.config[DIGEST].users or not self._company.state.people.listed():
            return []
        return [str(row["owner"]) for row in self._company.work.owners()]

    def preview(self, whose: str = "") -> Document:
        """The digest as it would go out now: of an owner or an address, or of all accounts.

        Raises
        ------
        UnknownNameError
            If nobody of this name gets one.
        """
        return self.preview_for(whose)[1]

    def preview_for(
        self, whose: str = "", *, is_or_all: bool = False
    ) -> tuple[Recipient | None, Document]:
        """Who of that name gets one, None for all accounts, and the digest as `preview` says.

        A request that may not see personal data sees no text that people wrote.

        Parameters
        ----------
        is_or_all : bool
            Whether somebody who gets none sees that of all accounts.
        """
        one = self._recipient(whose, is_or_all=is_or_all) if whose else None
        gathered = gather(self._company, until=self._company.clock())
        week = self._of(one, gathered) if one else gathered.week
        if personal.is_shown():
            personal.note()
        else:
            week = hidden(week)
        return one, self._letter(week, one.whose if one else "")

    def _recipient(self, whose: str, *, is_or_all: bool) -> Recipient | None:
        everybody = self.recipients()
        for one in everybody:
            if whose.casefold() in (one.email.casefold(), *(o.casefold() for o in one.owners)):
                return one
        if is_or_all:
            return None
        known = [name for one in everybody for name in (*one.owners, one.email)]
        raise UnknownNameError("recipient", whose, known, hint=f"Known: {', '.join(known)}")

    def put_due(self, *, is_dry_run: bool = False) -> list[dict[str, Any]]:
        """Let the digests wait that are due and were not put in before; one row each.

        What was missed while no server ran goes out late, within the week; of two weeks that were
        missed the later one alone.

        Parameters
        ----------
        is_dry_run : bool
            Whether to tell of them only.

        Raises
        ------
        ConfigError
            If [digest] names no weekday, or [mail] no server.
        """
        own, company = self._company.config[DIGEST], self._company
        if not own.weekday:
            raise ConfigError("[digest] in staycurve.toml names no weekday.",
                              hint='Write: [digest] weekday = "monday"')
        if not company.config[MAIL].host:
            raise ConfigError("No mail can be sent: [mail] in staycurve.toml names no server.",
                              hint='Write: [mail] host = "smtp.example.com"')
        # Whose accounts they are is looked up where anything is due: a server asks all day.
        due = self._due(self._recipients(()))
        if not due:
            return []
        by_email = {one.email: one for one in self.recipients()}
        if is_dry_run:
            return [{"email": email, "week": week, "owners": list(by_email[email].owners)}
                    for email, _person, week in due]
        # Once for all: the dearest part is the same for everybody.
        gathered = gather(company, until=company.clock())
        told = []
        for email, person, week in due:
            one = by_email[email]
            letter = self._letter(self._of(one, gathered), one.whose)
            now = company.clock()
            with company.state.database.writing() as session:
                row = mails.put(
                    session, key=f"digest:{person}:{week}", kind=mails.DIGEST, email=one.email,
                    subject=letter.title, text=text_of(letter), html=html_of(letter), now=now,
                )
                if row is not None:
                    mails.replace(session, row, f"digest:{person}:", now=now, said=REPLACED)
            if row is not None:
                told.append({"email": one.email, "week": week, "owners": list(one.owners)})
        return told

    def _due(self, everybody: Sequence[Recipient]) -> list[tuple[str, str, str]]:
        """(address, what stands for it in keys, week) of those who have none of the week."""
        own, now = self._company.config[DIGEST], self._company.clock()
        found = []
        with self._company.state.database.writing() as session:
            for one in everybody:
                week = week_of(last_due(own, one.zone, now), one.zone)
                person = mark_of(session, "digest", one.email.casefold(), now=now)
                if not mails.known(session, f"digest:{person}:{week}"):
                    found.append((one.email, person, week))
        return found

    def _of(self, one: Recipient, gathered: Gathered) -> Week:
        week = gathered.of(one.owners) if one.owners else gathered.week
        return week if one.sees_personal else hidden(week)

    def _letter(self, week: Week, whose: str) -> Document:
        address = self._company.config[SURVEYS].address
        return letter_of(
            week, company=self._company.config.company.name, whose=whose,
            account_at=lambda account: f"{address}/accounts/{quote(account, safe='')}",
        )
