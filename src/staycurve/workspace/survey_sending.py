"""Sending: mails that are due, each once, whatever the server does and whenever we are stopped."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from staycurve.actions.surveys import definition, letters, post
from staycurve.actions.surveys.hours import next_open
from staycurve.actions.surveys.post import Post, PostError
from staycurve.actions.surveys.settings import SURVEYS
from staycurve.mail_settings import MAIL, Mail as Settings
from staycurve.state import (
    survey_invitations as inviting,
    survey_mails as mails,
    surveys as keeping,
)
from staycurve.state.survey_records import Mail
from staycurve.workspace import posting
from staycurve.workspace.posting import ENDED, MOST, again_at, handed_over
from staycurve.workspace.survey_asking import link_of


@dataclass
class Sent(posting.Sent):
    """The same of invitations and reminders.

    Attributes
    ----------
    next_at : datetime, optional
        When the next one is due.
    """

    hint: str = ""
    next_at: dt.datetime | None = None


class Sending:
    """Sends the mails of one project.

    Parameters
    ----------
    company : Company
        Its [mail] names the server.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    def send(self, *, most: int = MOST, is_at_once: bool = False) -> Sent:
        """Send what is due, at most `most`; what cannot be sent waits.

        Mails of people for whom it is not a working hour any more wait for the next one, unless
        it is to be at once.
        """
        done = Sent()
        state = self._company.state.database
        settings: Settings = self._company.config[MAIL]
        if not settings.host or not state.is_there:
            return done
        now = self._company.clock()
        with state.writing() as session:
            for mail in mails.stale(session, now):
                self._keep_unsure(session, mail, ENDED, now)
                done.unsure += 1
            found = mails.due(session, now, most=most + 1)
            key = keeping.signing_key(session, keeping.LINKS, now) if found else ""
        done.waiting = len(found)
        with Post(settings) as server:
            for mail in found[:most]:
                try:
                    self._one(server, settings, key, mail, done, is_at_once=is_at_once)
                except PostError as error:
                    done.fault, done.hint = error.message, error.hint
                    break
                done.waiting -= 1
        with state.reading() as session:
            done.next_at = mails.next_due(session)
        return done

    def _one(
        self, server: Post, settings: Settings, key: str, mail: Mail, done: Sent, *,
        is_at_once: bool,
    ) -> None:
        now = self._company.clock()
        if not self._is_wanted(mail, now):
            self._settle(mail, mails.DROPPED)
            done.dropped += 1
            return
        opens = self._opens(mail.zone, now)
        if opens > now and not is_at_once:
            self._settle(mail, mails.WAITING, due_at=opens)
            return
        server.open()
        with self._company.state.database.writing() as session:
            if not mails.claim(session, mail.id, now):
                # Another process sends it.
                return
        try:
            heard = handed_over(
                server, lambda: self._letter(settings, key, mail, now),
                mail.asked.invitation.email,
            )
        except PostError as error:
            self._settle(mail, mails.WAITING, said=error.message, due_at=now)
            raise
        self._note(mail, heard, now, done)

    def _is_wanted(self, mail: Mail, now: dt.datetime) -> bool:
        asked = mail.asked
        with self._company.state.database.reading() as session:
            current = inviting.asked_by(session, asked.invitation.uuid)
            gone = mails.suppressed(session, [asked.invitation.email])
        if current is None or current.invitation.is_dropped or gone:
            return False
        if current.invitation.expires_at <= now:
            return False
        return mail.kind == mails.ASK or current.response is None

    def _opens(self, zone: str, at: dt.datetime) -> dt.datetime:
        hours = self._company.config[SURVEYS]
        return next_open(at, zone, opens=hours.opens, closes=hours.closes)

    def _letter(self, settings: Settings, key: str, mail: Mail, now: dt.datetime) -> Any:
        asked = mail.asked.invitation
        return letters.mail(letters.Letter(
            survey=definition.of(mail.asked.body), company=self._company.config.company.name,
            email=asked.email, name=asked.name,
            link=link_of(self._company.config[SURVEYS], key, asked), sender=settings.sender,
            message_id=letters.message_id(asked.uuid, mail.kind, settings.sender), at=now,
            is_reminder=mail.kind == mails.REMINDER,
        ))

    def _note(self, mail: Mail, heard: post.Heard, now: dt.datetime, done: Sent) -> None:
        """Keep what the server said, and what follows from it, in one transaction."""
        with self._company.state.database.writing() as session:
            due = again_at(heard, mail.attempts + 1, now)
            if due is not None:
                mails.settle(session, mail.id, mails.WAITING, now=now, said=heard.said, due_at=due)
                done.later += 1
                return
            if heard.outcome == post.UNSURE:
                self._keep_unsure(session, mail, heard.said, now)
                done.unsure += 1
                return
            if heard.outcome == post.TAKEN:
                mails.settle(session, mail.id, mails.SENT, now=now)
                self._asked(session, mail, now)
                done.sent += 1
                return
            mails.settle(session, mail.id, mails.FAILED, now=now, said=heard.said)
            if mail.kind == mails.ASK:
                inviting.drop(session, mail.asked.invitation.id)
            if heard.is_unknown:
                address = mail.asked.invitation.email
                mails.suppress(session, address, "bounced", who="", now=now)
            done.refused += 1

    def _keep_unsure(self, session: Any, mail: Mail, said: str, now: dt.datetime) -> None:
        # It may have arrived: then it is an invitation. If it has not, the reminder comes anyway.
        mails.settle(session, mail.id, mails.UNSURE, now=now, said=said)
        self._asked(session, mail, now)

    def _asked(self, session: Any, mail: Mail, now: dt.datetime) -> None:
        if mail.kind == mails.ASK:
            inviting.set_asked(session, mail.asked.invitation.id, now)
            self._remind(session, mail, now)

    def _remind(self, session: Any, mail: Mail, now: dt.datetime) -> None:
        days = definition.of(mail.asked.body).rules.reminder_days
        asked = mail.asked.invitation
        due = now + dt.timedelta(days=days)
        if days and due < asked.expires_at:
            due = self._opens(mail.zone, due)
            mails.add(session, asked.id, mails.REMINDER, due_at=due, zone=mail.zone)

    def _settle(
        self, mail: Mail, state: str, *, said: str = "", due_at: dt.datetime | None = None
    ) -> None:
        now = self._company.clock()
        with self._company.state.database.writing() as session:
            mails.settle(session, mail.id, state, now=now, said=said, due_at=due_at)
            if state == mails.DROPPED and mail.kind == mails.ASK:
                inviting.drop(session, mail.asked.invitation.id)
