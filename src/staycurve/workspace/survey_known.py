"""What is known of people before a survey asks them: earlier asks, and what happened to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycurve.actions.surveys import definition
from staycurve.actions.surveys.definition import Definition
from staycurve.actions.surveys.gates import Ask, Person
from staycurve.actions.surveys.triggers import Occasion, newest
from staycurve.state import (
    survey_invitations as inviting,
    survey_mails as mails,
    survey_occasions as happenings,
)
from staycurve.state.survey_records import Asked, Invitation, Survey
from staycurve.workspace.survey_occasions import occasions
from staycurve.workspace.survey_people import asked_elsewhere


@dataclass(frozen=True)
class Known:
    """What is known of some people before a survey asks them."""

    definition: Definition
    people: tuple[Person, ...]
    asks: dict[str, list[Ask]]
    own: dict[str, Asked]
    key: str
    happened: Mapping[str, Sequence[Occasion]]
    done: Collection[tuple[str, str, str]]

    def occasion(self, user: str) -> Occasion | None:
        """What the survey asks a person about: the newest that it has not asked about."""
        return newest(self.happened.get(user, ()), self.done)

    def is_too_late(self, occasion: Occasion | None, at: dt.datetime) -> bool:
        """Whether an occasion is too long ago by the time that a person is asked."""
        trigger = self.definition.trigger
        if trigger is None or occasion is None:
            return False
        return at > occasion.at + trigger.within

    def open_for(self, user: str, now: dt.datetime) -> Invitation | None:
        """The invitation of the survey that still takes an answer of a person."""
        asked = self.own.get(user)
        if asked is None or asked.invitation.is_dropped or asked.invitation.expires_at <= now:
            return None
        is_spent = asked.response is not None and asked.response.finished_at is not None
        return None if is_spent else asked.invitation


def happened_of(
    company: Any, survey: Survey, *, users: Collection[str] | None = None
) -> Mapping[str, Sequence[Occasion]] | None:
    """User → what a survey's trigger may ask them about now; None of a survey without a trigger."""
    trigger = definition.of(survey.body).trigger
    return None if trigger is None else occasions(company, trigger, users=users)


def known_of(
    company: Any, session: Any, survey: Survey, every: Sequence[Person], *, key: str = "",
    happened: Mapping[str, Sequence[Occasion]] | None = None,
) -> Known:
    """What is known of some people before a survey asks them, or programs ask for it.

    Parameters
    ----------
    key : str
        What links are signed with; empty where none is made.
    happened : mapping, optional
        From `happened_of`.
    """
    users: Collection[str] = {one.user_id for one in every}
    done = happenings.done(session, survey.id, users) if happened else ()
    asks = asked_elsewhere(company, users)
    own: dict[str, Asked] = {}
    for asked in inviting.asked_in(session, users=users):
        made = asked.invitation
        if made.asked_at is None and made.is_dropped:
            continue
        asks.setdefault(made.user_id, []).append(
            Ask(asked.survey, made.asked_at or made.planned_at)
        )
        if made.survey_id == survey.id:
            own[made.user_id] = asked
    gone = mails.suppressed(session, [one.email for one in every])
    kept = tuple(replace(one, is_suppressed=one.email.lower() in gone) for one in every)
    return Known(definition.of(survey.body), kept, asks, own, key, happened or {}, done)
