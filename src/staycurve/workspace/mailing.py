"""Mailing: digests, recaps and tickets by mail that are due, each sent once whatever happens."""

from __future__ import annotations

import datetime as dt
from typing import Any

from staycurve.actions.mails import messages
from staycurve.actions.surveys import post
from staycurve.actions.surveys.post import Post, PostError
from staycurve.mail_settings import MAIL, Mail as Settings, is_address
from staycurve.state import mails, survey_mails
from staycurve.state.mail_models import MailRow
from staycurve.workspace.posting import ENDED, MOST, Sent, again_at, handed_over
from staycurve.workspace.work_rows import mail_dict, read

SUPPRESSED = "The address is not written to any more."
NO_ADDRESS = "There is no address any more."
SHOWN = 200


class Mailing:
    """Sends the mails of one project that are no survey's.

    Parameters
    ----------
    company : Company
        Its [mail] names the server.
    """

    def __init__(self, company: Any) -> None:
        self._company = company
        self._database = company.state.database

    def send(self, *, most: int = MOST, kind: str = "") -> Sent:
        """Send what is due, at most `most` mails; what cannot be sent waits.

        A mail is claimed before a server is asked to take it, so that two who send at once never
        send the same. One that a process died over is not sent again: nobody knows whether it
        arrived.
        """
        done = Sent()
        settings: Settings = self._company.config[MAIL]
        if not settings.host or not self._database.is_there:
            return done
        now = self._company.clock()
        with self._database.writing() as session:
            for number in mails.stale(session, now):
                mails.settle(session, number, mails.UNSURE, now=now, said=ENDED)
                done.unsure += 1
            found = mails.due(session, now, most=most + 1, kind=kind)
        done.waiting = len(found)
        with Post(settings) as server:
            for number in found[:most]:
                try:
                    self._one(server, settings, number, done)
                except PostError as error:
                    done.fault = error.message
                    break
                done.waiting -= 1
        return done

    def listed(
        self, *, kind: str = "", account: str = "", most: int = SHOWN
    ) -> list[dict[str, Any]]:
        """The last mails, newest first, without what they say."""
        with read(self._company.state) as session:
            rows = mails.listed(session, kind=kind, account=account, most=most) if session else ()
            return [mail_dict(row) for row in rows]

    def _one(self, server: Post, settings: Settings, number: int, done: Sent) -> None:
        now = self._company.clock()
        server.open()
        with self._database.writing() as session:
            row = session.get(MailRow, number)
            why = self._why_not(session, row)
            if why:
                mails.settle(session, number, mails.DROPPED, now=now, said=why)
                done.dropped += 1
                return
            assert row is not None
            attempts, email = row.attempts + 1, row.email
            mail = messages.Mail(
                number, row.kind, email, row.person_name, row.subject, row.text, row.html,
                settings.sender, now, self._unsubscribe(session, row),
            )
            if not mails.claim(session, number, now):
                # Another process sends it.
                return
        try:
            heard = handed_over(server, lambda: messages.message_of(mail), email)
        except PostError as error:
            self._settle(number, mails.WAITING, said=error.message, due_at=now)
            raise
        self._note(number, email, attempts, heard, done)

    def _why_not(self, session: Any, row: MailRow | None) -> str:
        """Why a mail is not to be sent any more; empty where it is."""
        if row is None or not is_address(row.email):
            # Whoever was forgotten has none.
            return NO_ADDRESS
        return SUPPRESSED if survey_mails.suppressed(session, [row.email]) else ""

    def _unsubscribe(self, session: Any, row: MailRow) -> str:
        if row.kind != mails.RECAP:
            return ""
        from staycurve.workspace.recaps import unsubscribe_at

        return unsubscribe_at(self._company, session, row)

    def _note(
        self, number: int, email: str, attempts: int, heard: post.Heard, done: Sent
    ) -> None:
        now = self._company.clock()
        due = again_at(heard, attempts, now)
        if due is not None:
            self._settle(number, mails.WAITING, said=heard.said, due_at=due)
            done.later += 1
        elif heard.outcome == post.UNSURE:
            self._settle(number, mails.UNSURE, said=heard.said)
            done.unsure += 1
        elif heard.outcome == post.TAKEN:
            self._settle(number, mails.SENT)
            done.sent += 1
        else:
            with self._database.writing() as session:
                mails.settle(session, number, mails.FAILED, now=now, said=heard.said)
                if heard.is_unknown:
                    survey_mails.suppress(session, email, "bounced", who="", now=now)
            done.refused += 1

    def _settle(
        self, number: int, state: str, *, said: str = "", due_at: dt.datetime | None = None
    ) -> None:
        with self._database.writing() as session:
            mails.settle(session, number, state, now=self._company.clock(), said=said,
                         due_at=due_at)
