"""Answering: what a link opens, and what is recorded when a person sends it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.actions.surveys import answers, definition, links
from staycurve.actions.surveys.definition import Definition
from staycurve.errors import UsageError
from staycurve.state import (
    survey_answers as recording,
    survey_invitations as inviting,
    survey_mails as mails,
    surveys as keeping,
)
from staycurve.state.cleaning import NUMBERS
from staycurve.state.mail_models import MailRow
from staycurve.state.survey_records import Asked, Response

OPEN, ANSWERED, EXPIRED, UNKNOWN = "open", "answered", "expired", "unknown"
FIRST, FURTHER = "1", "2"
"""The steps of a survey with further questions, as its form names them."""


class LinkError(UsageError):
    """A link that takes no answer; nothing was recorded."""

    code = "link"


@dataclass(frozen=True)
class Opened:
    """What a link opens.

    Attributes
    ----------
    status : str
        `open`, `answered`, `expired` (or given up) or `unknown`.
    """

    status: str
    definition: Definition | None = None
    asked: Asked | None = None

    @property
    def response(self) -> Response | None:
        """What was sent so far."""
        return self.asked.response if self.asked else None


class Answering:
    """Takes answers for one project; nobody waits for the lake.

    Parameters
    ----------
    company : Company
        Whose people answer.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    def open(self, token: str) -> Opened:
        """What a link opens; nothing is recorded."""
        if not self._company.state.database.is_there:
            return Opened(UNKNOWN)
        with self._company.state.database.reading() as session:
            return self._opened(session, token)

    def take(self, token: str, form: Mapping[str, str]) -> Response:
        """Record what a person sends; once it is finished the link is spent.

        Parameters
        ----------
        form : mapping
            `score` and `comment`; of further questions `answer_1`, `answer_2`, …, with `step` 2.

        Raises
        ------
        LinkError
            If the link was not made here, or takes no answer any more.
        AnsweredError
            If it is spent: the first answer stands.
        BadAnswerError
            If the survey does not take the answer.
        """
        with self._company.state.database.writing() as session:
            found = self._opened(session, token)
            if found.status == ANSWERED:
                raise recording.AnsweredError(
                    "This survey is answered already.", hint="The first answer stands."
                )
            if found.status != OPEN or found.definition is None or found.asked is None:
                raise LinkError(
                    "This link takes no answer.", hint="Ask whoever sent it for another one."
                )
            return self._record(session, found.definition, found.asked, form)

    def _record(
        self, session: Any, what: Definition, asked: Asked, form: Mapping[str, str]
    ) -> Response:
        before = asked.response
        is_further = form.get("step") == FURTHER and before is not None
        if is_further and before is not None:
            sent = answers.Said(before.score, before.comment, (), False)
            said = answers.rest(what, form, sent)
        else:
            said = answers.first(what, form)
            if any(name.startswith("answer_") for name in form):
                said = answers.rest(what, form, said)
        now = self._company.clock()
        # A mailer's link is answered by someone who was asked, whenever it was noted.
        inviting.set_asked(session, asked.invitation.id, now)
        return recording.answer(
            session, asked.invitation, score=said.score, comment=said.comment,
            further=said.further, is_finished=said.is_finished, now=now,
        )

    def is_known(self, token: str) -> bool:
        """Whether a link was made here, of a survey or of another mail."""
        if not self._company.state.database.is_there:
            return False
        with self._company.state.database.reading() as session:
            return self._address(session, token) is not None

    def unsubscribe(self, token: str) -> bool:
        """Write no more to the person of a link, whether it still takes an answer or not.

        Returns whether the link was made here.
        """
        with self._company.state.database.writing() as session:
            email = self._address(session, token)
            if email:
                mails.suppress(
                    session, email, "unsubscribed", who="", now=self._company.clock()
                )
            return email is not None

    def _address(self, session: Any, token: str) -> str | None:
        """The address that a link was sent to, empty for none; None for a link of another's."""
        asked = self._asked(session, token)
        if asked is not None:
            return asked.invitation.email
        key = keeping.known_signing_key(session, keeping.LINKS)
        number = links.mail_number(token) if key else None
        if key is None or number is None or number not in NUMBERS:
            return None
        row = session.get(MailRow, number)
        if row is None:
            return None
        return row.email if links.is_of_mail(key, token, row.id, row.email) else None

    def _opened(self, session: Any, token: str) -> Opened:
        asked = self._asked(session, token)
        if asked is None:
            return Opened(UNKNOWN)
        what, now = definition.of(asked.body), self._company.clock()
        if asked.response is not None and asked.response.finished_at is not None:
            return Opened(ANSWERED, what, asked)
        if asked.invitation.is_dropped or asked.invitation.expires_at <= now:
            return Opened(EXPIRED, what, asked)
        return Opened(OPEN, what, asked)

    def _asked(self, session: Any, token: str) -> Asked | None:
        key = keeping.known_signing_key(session, keeping.LINKS)
        link = links.read(key, token) if key else None
        if link is None:
            return None
        asked = inviting.asked_by(session, link.uuid)
        # Whoever has a link has its own last moment: that of the row, which is never put off.
        is_own = asked is not None and _same(asked.invitation.expires_at, link.expires_at)
        return asked if is_own else None


def _same(one: dt.datetime, other: dt.datetime) -> bool:
    return int(one.timestamp()) == int(other.timestamp())
