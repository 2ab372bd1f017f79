"""Inside the product: which survey is due for a user, and what they answer there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.actions.surveys import answers, definition, gates, links
from staycurve.actions.surveys.definition import Definition
from staycurve.actions.surveys.settings import SURVEYS
from staycurve.actions.surveys.triggers import newest
from staycurve.state import (
    survey_answers as recording,
    survey_invitations as inviting,
    survey_occasions as happenings,
    surveys as keeping,
)
from staycurve.state.survey_records import Invitation, Response
from staycurve.workspace.survey_answering import LinkError
from staycurve.workspace.survey_known import happened_of, known_of
from staycurve.workspace.survey_occasions import occasions
from staycurve.workspace.survey_people import people

LASTS = dt.timedelta(days=1)
"""For so long what was offered can be shown and answered."""


@dataclass(frozen=True)
class Offer:
    """A survey that may be asked now.

    Attributes
    ----------
    token : str
        What the answer is sent with.
    """

    definition: Definition
    token: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        what = self.definition
        return {
            "survey": what.name, "kind": what.kind, "question": what.question,
            "scale": list(what.scale), "low": what.low or None, "high": what.high or None,
            "comment": what.comment or None, "language": what.language,
            "questions": [
                {"question": one.question, "choices": list(one.choices)} for one in what.questions
            ],
            "token": self.token,
        }


class InProduct:
    """Surveys asked by the company's own program.

    Parameters
    ----------
    company : Company
        Whose users are asked.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    def due(self, user_id: str) -> Offer | None:
        """The survey that a user may be asked now, the rarest of several; None where none is.

        Nothing is recorded: the user counts as asked once it was shown or answered.
        """
        company = self._company
        if not company.state.database.is_there or not company.lake.rows(
            company.snapshot, "users"
        ):
            return None
        every = people(company, users=[user_id])
        now = company.clock()
        with company.state.database.reading() as session:
            surveys = {one.name: one for one in keeping.listed(session) if one.is_active}
            whats = [definition.of(one.body) for one in surveys.values()]
            for what in gates.rarest_first(one for one in whats if one.rules.is_in_product):
                survey = surveys[what.name]
                happened = happened_of(company, survey, users=[user_id])
                known = known_of(company, session, survey, every, happened=happened)
                for one in known.people:
                    if what.trigger is not None and known.occasion(one.user_id) is None:
                        continue
                    decision = gates.decide(
                        what, one, known.asks.get(one.user_id, ()), now=now,
                        quiet_days=company.config[SURVEYS].quiet_days, is_mailed=False,
                    )
                    is_invited = known.open_for(one.user_id, now) is not None
                    if not decision.is_open or is_invited:
                        continue
                    place = inviting.next_round(session, survey.id, one.user_id)
                    key = keeping.known_signing_key(session, keeping.LINKS)
                    if key is None:
                        break
                    return Offer(what, links.offer(
                        key, survey.id, survey.version_id, one.user_id, one.account_id, place,
                        int(now.timestamp()),
                    ))
        return None

    def shown(self, token: str) -> None:
        """Note that a survey was shown: its user was asked."""
        with self._company.state.database.writing() as session:
            self._invitation(session, token)

    def answer(self, token: str, form: Mapping[str, str]) -> Response:
        """Record what a user says to a survey that was due.

        Raises
        ------
        LinkError
            If the token was not given out here, or more than a day ago.
        AnsweredError
            If it was answered already.
        BadAnswerError
            If the survey does not take the answer.
        """
        with self._company.state.database.writing() as session:
            made = self._invitation(session, token)
            asked = inviting.asked_by(session, made.uuid)
            assert asked is not None
            what = definition.of(asked.body)
            said = answers.rest(what, form, answers.first(what, form))
            return recording.answer(
                session, made, score=said.score, comment=said.comment, further=said.further,
                is_finished=True, now=self._company.clock(),
            )

    def _invitation(self, session: Any, token: str) -> Invitation:
        now = self._company.clock()
        key = keeping.known_signing_key(session, keeping.LINKS)
        found = links.read_offer(key, token) if key else None
        if found is None or now.timestamp() - found.at > LASTS.total_seconds():
            raise LinkError(
                "This token was not given out here, or more than a day ago.",
                hint="Ask again what is due: GET /api/v1/surveys/due?user=…",
            )
        made = inviting.ensure_invitation(
            session, survey=found.survey, version=found.version, user_id=found.user_id,
            account_id=found.account_id, round=found.round, now=now,
        )
        self._note_occasion(session, made)
        return made

    def _note_occasion(self, session: Any, made: Invitation) -> None:
        """Keep what a survey with a trigger asks about, so that it asks about it once."""
        asked = inviting.asked_by(session, made.uuid)
        trigger = definition.of(asked.body).trigger if asked else None
        if trigger is None or happenings.is_noted(session, made.id):
            return
        users = [made.user_id]
        occasion = newest(
            occasions(self._company, trigger, users=users).get(made.user_id, ()),
            happenings.done(session, made.survey_id, users),
        )
        if occasion is not None:
            happenings.add(
                session, survey=made.survey_id, invitation=made.id, user_id=made.user_id,
                kind=occasion.kind, subject=occasion.subject, occurred_at=occasion.at,
            )
