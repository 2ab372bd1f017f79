"""Surveys of one project: created, listed, asked, answered and read."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from staycurve import personal
from staycurve.actions.surveys import answers as answering, bounces, definition, received
from staycurve.actions.surveys.definition import Definition
from staycurve.errors import UsageError, system_error
from staycurve.insights.statistics.proportions import Share, share
from staycurve.mail_settings import is_address
from staycurve.state import (
    survey_answers as recording,
    survey_invitations as inviting,
    survey_mails as mails,
    surveys as keeping,
)
from staycurve.state.survey_records import Asked, Suppression, Survey
from staycurve.workspace.survey_answering import Answering
from staycurve.workspace.survey_asking import Asking
from staycurve.workspace.survey_drain import SurveyDesk
from staycurve.workspace.survey_product import InProduct
from staycurve.workspace.survey_sending import Sending

AWAY_FOR = dt.timedelta(days=7)
"""So much later who is away is reminded."""
LARGEST = 256_000
"""Bytes of a survey's file."""


@dataclass(frozen=True)
class Standing:
    """A survey, and how it goes.

    Attributes
    ----------
    asked, answered : int
        People who were asked, and those of them who have answered.
    response : Share
        Their share, with its interval.
    mails : mapping
        State → how many first mails have it: waiting, sent, failed, unsure, dropped.
    mean : float, optional
        Of the scores.
    """

    survey: Survey
    asked: int
    answered: int
    response: Share
    mails: Mapping[str, int]
    mean: float | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        one = self.survey
        return {
            "name": one.name, "kind": one.kind, "version": one.version,
            "is_active": one.is_active, "question": str(one.body["question"]),
            "touchpoint": one.body.get("touchpoint") or None,
            "asked": self.asked, "answered": self.answered,
            "response_rate": self.response.value, "low": self.response.low,
            "high": self.response.high, "mean_score": self.mean,
            "waiting": self.mails.get(mails.WAITING, 0) + self.mails.get(mails.SENDING, 0),
            "failed": self.mails.get(mails.FAILED, 0),
            "unsure": self.mails.get(mails.UNSURE, 0),
            "created_at": one.created_at.isoformat(),
        }


class Surveys:
    """The surveys of one company.

    Parameters
    ----------
    company : Company
        Its people are asked, its app state keeps what they say, its lake gets it.
    """

    def __init__(self, company: Any) -> None:
        self._company = company
        self.asking = Asking(company)
        self.answering = Answering(company)
        self.sending = Sending(company)
        self.product = InProduct(company)
        self.desk = SurveyDesk(company)

    def create(self, file: str, *, by: str = "") -> tuple[Survey, bool]:
        """Keep the survey of a TOML file, or of a ready one; with it, whether anything changed.

        Raises
        ------
        UsageError
            If it is no survey, or one of the name has another kind.
        """
        path = Path(file)
        if not path.suffix and not path.exists():
            return self.save(definition.parse(definition.template(file), file=file), by=by)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise system_error(error) or error from error
        if len(content) > LARGEST:
            raise UsageError(
                f"{path.name} is larger than {LARGEST // 1000} KB.", hint="No survey is."
            )
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{path.name} is not UTF-8.", hint="Save it as UTF-8.") from None
        return self.save(definition.parse(text, file=path.name), by=by)

    def save(self, what: Definition, *, by: str = "") -> tuple[Survey, bool]:
        """Keep a survey, or a version of it where one of the name asks something else."""
        with self._company.state.database.writing() as session:
            return keeping.save(
                session, name=what.name, kind=what.kind, body=what.as_dict(), who=by,
                now=self._company.clock(),
            )

    def get(self, name: str) -> Survey:
        """The survey of a name."""
        with self._company.state.database.reading() as session:
            return keeping.get(session, name)

    def set_active(self, name: str, *, is_active: bool, by: str = "") -> None:
        """Let a survey ask, or ask nobody any more."""
        with self._company.state.database.writing() as session:
            keeping.set_active(
                session, name, is_active=is_active, who=by, now=self._company.clock()
            )

    def listed(self) -> tuple[Standing, ...]:
        """Every survey with its response, by name."""
        if not self._company.state.database.is_there:
            return ()
        with self._company.state.database.reading() as session:
            return tuple(self._standing(session, one) for one in keeping.listed(session))

    def standing(self, name: str) -> Standing:
        """One survey with its response."""
        with self._company.state.database.reading() as session:
            return self._standing(session, keeping.get(session, name))

    def _standing(self, session: Any, survey: Survey) -> Standing:
        every = inviting.asked_in(session, survey=survey.id)
        asked = [one for one in every if one.invitation.asked_at is not None]
        heard = [one.response for one in asked if one.response is not None]
        scores = [one.score for one in heard if one.score is not None]
        return Standing(
            survey, len(asked), len(heard), share(len(heard), len(asked)),
            mails.counts(session, survey.id),
            sum(scores) / len(scores) if scores else None,
        )

    def versions(self, name: str) -> list[tuple[int, dt.datetime, Definition]]:
        """Number, day and definition of every version of a survey, newest first."""
        with self._company.state.database.reading() as session:
            found = keeping.versions(session, keeping.get(session, name).id)
        return [(number, at, definition.of(body)) for number, at, body in found]

    def answers(self, name: str) -> list[dict[str, Any]]:
        """What a survey was answered, newest first: a row a person and round.

        Further questions are keys `answer_1`, `answer_2`, …; `version` says which questions those
        were.
        """
        with self._company.state.database.reading() as session:
            survey = keeping.get(session, name)
            every = inviting.asked_in(session, survey=survey.id)
        found = [one for one in every if one.response is not None]
        rows = [_answer(one) for one in sorted(found, key=_newest, reverse=True)]
        if not personal.is_shown():
            return [_hidden(row) for row in rows]
        if rows:
            personal.note()
        return rows

    def suppress(self, email: str, *, reason: str = "asked", by: str = "") -> bool:
        """Write to an address no more; whether that is new.

        Raises
        ------
        UsageError
            If it is no address.
        """
        if not is_address(email.strip()):
            raise UsageError(
                f"'{email[:60]}' is not an e-mail address.", hint="Write it as name@example.com."
            )
        with self._company.state.database.writing() as session:
            return mails.suppress(session, email, reason, who=by, now=self._company.clock())

    def hear(self, content: bytes) -> Counter[str]:
        """Read bounces and automatic replies: a message, or the messages of an mbox.

        Addresses that bounced are not written to any more; who is away is reminded a week later.

        Returns
        -------
        Counter
            bounced, delayed, away, other → how many messages say so.
        """
        found: Counter[str] = Counter()
        now = self._company.clock()
        for one in bounces.messages(content):
            report = bounces.read(one)
            found[report.kind] += 1
            if report.kind not in (bounces.BOUNCED, bounces.AWAY):
                continue
            with self._company.state.database.writing() as session:
                for email in report.emails:
                    if report.kind == bounces.BOUNCED:
                        mails.suppress(session, email, "bounced", who="", now=now)
                    else:
                        self._wait_for(session, email, report.uuids, now)
        return found

    def _wait_for(
        self, session: Any, email: str, uuids: Sequence[str], now: dt.datetime
    ) -> None:
        for uuid in uuids or inviting.uuids_of(session, email)[:1]:
            asked = inviting.asked_by(session, uuid)
            if asked is not None:
                mails.put_off(session, asked.invitation.id, mails.REMINDER, now + AWAY_FOR)

    def receive(self, source: str, kind: str, given: Any) -> int:
        """Keep answers that another tool sent, each once; how many were new or different.

        Raises
        ------
        UsageError
            If they have not the tool's shape; nothing was kept.
        """
        now = self._company.clock()
        found = received.answers(source, kind, given, now)
        with self._company.state.database.writing() as session:
            return recording.receive(session, found, now)

    def release(self, email: str, *, by: str = "") -> bool:
        """Let an address be written to again; whether it was not."""
        with self._company.state.database.writing() as session:
            return mails.release(session, email, who=by, now=self._company.clock())

    def suppressions(self) -> Sequence[Suppression]:
        """Every address that is not written to, newest first."""
        if not self._company.state.database.is_there:
            return ()
        with self._company.state.database.reading() as session:
            found = mails.suppressions(session)
        if not personal.is_shown():
            return [replace(one, email=personal.HIDDEN) for one in found]
        if found:
            personal.note()
        return found


def _hidden(row: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as it is shown to who may see no personal data: free text may name somebody."""
    return {
        key: personal.HIDDEN
        if value and (key in ("user_id", "comment") or key.startswith("answer_")) else value
        for key, value in row.items()
    }


def _newest(one: Asked) -> tuple[dt.datetime, int]:
    assert one.response is not None
    return one.response.answered_at, one.invitation.id


def _answer(one: Asked) -> dict[str, Any]:
    heard, asked = one.response, one.invitation
    assert heard is not None
    what = definition.of(one.body)
    row: dict[str, Any] = {
        "survey": one.survey, "version": one.version, "user_id": asked.user_id,
        "account_id": asked.account_id or None, "score": heard.score,
        "comment": heard.comment or None,
        "asked_at": asked.asked_at.isoformat() if asked.asked_at else None,
        "answered_at": heard.answered_at.isoformat(),
        "is_finished": heard.finished_at is not None, "question": what.question,
    }
    said = dict(answering.pairs(what, heard.further))
    for place, further in enumerate(what.questions, 1):
        row[f"answer_{place}"] = said.get(further.question)
    return row
