"""Asking: who may be asked by a survey now, and their invitations."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from staycurve.actions.surveys import definition, gates, links
from staycurve.actions.surveys.gates import Decision, Person
from staycurve.actions.surveys.hours import next_open
from staycurve.actions.surveys.settings import SURVEYS, Surveys as Settings
from staycurve.errors import ConfigError, UsageError
from staycurve.mail_settings import MAIL
from staycurve.state import (
    survey_invitations as inviting,
    survey_mails as mails,
    survey_occasions as happenings,
    surveys as keeping,
)
from staycurve.state.survey_records import Invitation, Survey
from staycurve.workspace.survey_known import Known, happened_of, known_of
from staycurve.workspace.survey_people import people

_AT_ONCE = 200
"""People whose invitations are one transaction: an answer that comes meanwhile does not wait."""

INVITED, PLANNED, AGAIN, LEFT_OUT, MAY = "invited", "planned", "again", "left_out", "may"


@dataclass(frozen=True)
class Invited:
    """One person, and whether a survey asks them.

    Attributes
    ----------
    status : str
        `invited`, `planned` (a mail waits), `again` (their link is out already), `left_out`, or
        `may` where nobody was to be invited.
    why : str
        A key of `gates.REASONS` for those who are left out.
    at : datetime, optional
        When they are asked, or may be.
    link : str
        Empty for those who are left out.
    """

    person: Person
    status: str
    why: str = ""
    at: dt.datetime | None = None
    link: str = ""
    expires_at: dt.datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "user_id": self.person.user_id, "account_id": self.person.account_id or None,
            "email": self.person.email or None, "name": self.person.name or None,
            "status": self.status, "why": gates.REASONS[self.why] if self.why else None,
            "at": self.at.isoformat() if self.at else None, "link": self.link or None,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }


class Asking:
    """Invites people for one project.

    Parameters
    ----------
    company : Company
        Whose people they are.
    """

    def __init__(self, company: Any) -> None:
        self._company = company

    @property
    def settings(self) -> Settings:
        """[surveys] of staycurve.toml."""
        found: Settings = self._company.config[SURVEYS]
        return found

    def look(self, survey: Survey, where: str = "") -> list[Invited]:
        """Who would be invited now; nothing is changed."""
        every = people(self._company, where)
        now = self._company.clock()
        happened = happened_of(self._company, survey)
        with self._company.state.database.reading() as session:
            known = known_of(self._company, session, survey, every, happened=happened)
        return [
            Invited(one, MAY, at=now) if decision.is_open else _left_out(one, decision)
            for one, decision in (
                (one, self._decide(known, one, is_mailed=False)) for one in known.people
            )
        ]

    def export(self, survey: Survey, where: str = "") -> list[Invited]:
        """Invite by links that another mailer sends: who may be asked is asked now."""
        return self._each(survey, where, channel="csv")

    def mail(
        self, survey: Survey, where: str = "", *, is_at_once: bool = False,
        is_brief: bool = False,
    ) -> list[Invited]:
        """Let mails wait for those who may be asked, each for their own working hours.

        Parameters
        ----------
        is_at_once : bool
            Whether it is of no concern what time of day it is.
        is_brief : bool
            Whether those to whom nothing happened that the survey asks about are left unnamed.

        Raises
        ------
        ConfigError
            If [mail] names no server.
        """
        if not self._company.config[MAIL].host:
            raise ConfigError(
                "No mail can be sent: staycurve.toml has no [mail].",
                hint='Write: [mail] host = "smtp.example.com", from = "Acme <hello@example.com>"; '
                "or write links for another mailer: --csv FILE",
            )
        return self._each(
            survey, where, channel="mail", is_at_once=is_at_once, is_brief=is_brief
        )

    def ask_due(self) -> int:
        """Let mails wait for whom automatic surveys may ask now; how many.

        The rarer survey goes first: a frequent one would leave it no day.
        """
        with self._company.state.database.reading() as session:
            every = {one.name: one for one in keeping.listed(session) if one.is_active}
        whats = [definition.of(one.body) for one in every.values()]
        return sum(
            one.status == PLANNED
            for what in gates.rarest_first(one for one in whats if one.is_automatic)
            for one in self.mail(every[what.name], is_brief=True)
        )

    def _each(
        self, survey: Survey, where: str, *, channel: str, is_at_once: bool = False,
        is_brief: bool = False,
    ) -> list[Invited]:
        if not survey.is_active:
            raise UsageError(
                f"The survey '{survey.name}' is paused.",
                hint=f"Let it ask again: staycurve surveys resume {survey.name}",
            )
        happened = happened_of(self._company, survey)
        # Nobody else can be asked: the others are not looked at each hour.
        users = happened if happened is not None and is_brief else None
        every = people(self._company, where, users=users)
        found: list[Invited] = []
        waiting = 0
        for start in range(0, len(every), _AT_ONCE):
            part = every[start : start + _AT_ONCE]
            with self._company.state.database.writing() as session:
                # Nobody else decides about the same people meanwhile.
                inviting.lock(session)
                key = keeping.signing_key(session, keeping.LINKS, self._company.clock())
                known = known_of(self._company, session, survey, part, key=key, happened=happened)
                for one in known.people:
                    made = self._one(
                        session, survey, one, known, channel=channel, place=waiting,
                        is_at_once=is_at_once,
                    )
                    waiting += made.status == PLANNED
                    found.append(made)
        return found

    def _one(
        self, session: Any, survey: Survey, one: Person, known: Known, *, channel: str,
        place: int, is_at_once: bool,
    ) -> Invited:
        now, what = self._company.clock(), known.definition
        open_one = known.open_for(one.user_id, now)
        if open_one is not None and open_one.channel == channel == "csv":
            return self._invited(known, one, open_one, AGAIN)
        decision = self._decide(known, one, is_mailed=channel == "mail")
        occasion = known.occasion(one.user_id)
        planned = now
        if channel == "mail" and (decision.is_open or decision.why == "quiet"):
            planned = max(decision.at or now, now)
            if not is_at_once:
                per_minute = self._company.config[MAIL].per_minute
                planned += dt.timedelta(minutes=place // per_minute)
                planned = next_open(
                    planned, one.zone, opens=self.settings.opens, closes=self.settings.closes
                )
            if known.is_too_late(occasion, planned):
                return _left_out(one, Decision("too_late"))
        elif not decision.is_open:
            return _left_out(one, decision)
        made = inviting.add_invitation(
            session, survey, user_id=one.user_id, account_id=one.account_id, email=one.email,
            name=one.name[:200], channel=channel, planned_at=planned,
            asked_at=None if channel == "mail" else now,
            expires_at=planned + dt.timedelta(days=what.rules.expires_days), now=now,
        )
        if made is None:
            return _left_out(one, Decision("invited"))
        if occasion is not None:
            happenings.add(
                session, survey=survey.id, invitation=made.id, user_id=one.user_id,
                kind=occasion.kind, subject=occasion.subject, occurred_at=occasion.at,
            )
        if channel == "mail":
            mails.add(session, made.id, mails.ASK, due_at=planned, zone=one.zone)
        return self._invited(known, one, made, PLANNED if channel == "mail" else INVITED)

    def _decide(self, known: Known, one: Person, *, is_mailed: bool) -> Decision:
        now = self._company.clock()
        if known.open_for(one.user_id, now) is not None:
            return Decision("invited")
        if known.definition.trigger is not None and known.occasion(one.user_id) is None:
            return Decision("no_occasion")
        return gates.decide(
            known.definition, one, known.asks.get(one.user_id, ()), now=now,
            quiet_days=self.settings.quiet_days, is_mailed=is_mailed,
        )

    def _invited(self, known: Known, one: Person, made: Invitation, status: str) -> Invited:
        return Invited(
            one, status, at=made.asked_at or made.planned_at,
            link=link_of(self.settings, known.key, made), expires_at=made.expires_at,
        )


def link_of(settings: Settings, key: str, made: Invitation) -> str:
    """The address at which a person answers."""
    return f"{settings.address}/s/{links.token(key, made.uuid, made.expires_at)}"


def _left_out(one: Person, decision: Decision) -> Invited:
    return Invited(one, LEFT_OUT, decision.why, decision.at)
