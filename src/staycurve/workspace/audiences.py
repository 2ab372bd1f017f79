"""Audiences of one project: who is in them now, and who was when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from staycurve.actions.audiences import base, telling
from staycurve.actions.audiences.base import Audience
from staycurve.actions.audiences.forms import FORMS, OF_PEOPLE
from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.channels.telling import after_quiet
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.period import AsOf
from staycurve.state import members as following, survey_mails as mails
from staycurve.workspace import segments
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State
from staycurve.workspace.work import Work

HISTORY, RULE = "history", "rule"


class Audiences:
    """Saved segments, live, and with their history.

    Parameters
    ----------
    company : MeasuredCompany
        Whose accounts are in them.
    state : State
        Where it is kept who was in them when.
    """

    def __init__(self, company: MeasuredCompany, state: State) -> None:
        self._company = company
        self._state = state
        self._work = Work(company, state)
        self._is_on_state: dict[tuple[str, ...], bool] = {}

    def every(self) -> dict[str, Audience]:
        """Every audience by name.

        Raises
        ------
        RuleError
            With file and line, for one that cannot be followed.
        """
        return segments.every(self._company)

    def listed(self) -> list[dict[str, Any]]:
        """Every audience and how many are in it now; None where its data is missing."""
        found = []
        for name, one in self.every().items():
            try:
                count: int | None = len(self._now(name))
                why = None
            except NotAnsweredError as error:
                count, why = None, error.message
            found.append(one.as_dict() | {"members": count, "why": why})
        return found

    def members(self, name: str, *, at: str | None = None) -> dict[str, Any]:
        """Who is in an audience, or was at an instant.

        What was followed is told from its history; what lies before that from the rule, as of
        then. `source` says which.
        """
        audience = base.get(self.every(), name)
        if at:
            seen = self._company.as_of(at)
            kept = self._kept(audience, seen.at)
            if kept is not None:
                since: Mapping[str, dt.datetime | None] = kept
                return self._answer(audience, since, seen, HISTORY)
            return self._answer(audience, dict.fromkeys(self._as_of(audience, seen)), seen, RULE)
        seen = self._company.as_of()
        kept = self._kept(audience, None) or {}
        return self._answer(
            audience, {one: kept.get(one) for one in self._now(name)}, seen, RULE
        )

    def is_member(self, name: str, account: str) -> bool:
        """Whether an account is in an audience now: from memory, where it was asked before."""
        return account in self._now(name)

    def now(self, name: str) -> Mapping[str, str]:
        """account_id → name of those who are in an audience now; from memory like `is_member`."""
        return self._now(name)

    def follow(self) -> list[dict[str, Any]]:
        """Keep who is in every audience now: history grows with each call."""
        seen = self._company.as_of()
        found = []
        current = {}
        for name in self.every():
            try:
                current[name] = self._now(name)
            except NotAnsweredError:
                continue
        now = self._company.clock()
        with self._state.database.writing() as session:
            following.alone(session)
            for name, own in current.items():
                before = following.followed(session, segments.list_name(name))
                if before is not None and before.last_at > seen.at:
                    continue
                audience = self.every()[name]
                moved = following.follow(
                    session, segments.list_name(name), rule=audience.digest, members=list(own),
                    at=seen.at,
                )
                for channel in audience.channels:
                    telling.tell_changes(
                        session, channel, name, left=moved.left, at=seen.at, now=now,
                        entered=[{"account_id": one, "name": own[one]} for one in moved.entered],
                        next_at=self._after_quiet(now),
                    )
                found.append({"audience": name, "members": len(own), "entered": len(moved.entered),
                              "left": len(moved.left)})
        return found

    def people(self, name: str) -> list[dict[str, Any]]:
        """The users of an audience's accounts that may be written to, by account and user.

        Left out are those without an address, those who left, whose mail came back or who asked
        not to be written to, and, where the audience asks for consent, those who have not given it.
        """
        audience = base.get(self.every(), name)
        own = self._now(name)
        seen = self._company.as_of()
        with self._company.seeing(seen) as engine:
            rows = engine.rows(
                "SELECT r.root_id, u.user_id, u.email, u.name, u.attributes FROM users u "
                "JOIN account_roots r ON r.account_id = u.account_id WHERE NOT r.is_excluded "
                "AND u.email IS NOT NULL AND u.left_at IS NULL AND u.bounced_at IS NULL "
                "ORDER BY r.root_id, u.user_id"
            )
        found = [
            {"account_id": account, "user_id": user, "email": email, "name": called}
            for account, user, email, called, kept in rows
            if account in own and agrees(kept, audience.consent)
        ]
        if not self._state.database.is_there:
            return found
        with self._state.database.reading() as session:
            gone = mails.suppressed(session, [one["email"] for one in found])
        return [one for one in found if one["email"].strip().lower() not in gone]

    def exported(self, name: str, form: str) -> dict[str, Any]:
        """An audience as another tool takes it: one of FORMS or OF_PEOPLE.

        Where the audience asks for consent, forms of accounts leave out those of which nobody may
        be written to.
        """
        if form in OF_PEOPLE:
            return OF_PEOPLE[form](name, self.people(name))
        if form not in FORMS:
            raise UnknownNameError("form", form, ["people", *FORMS, *OF_PEOPLE])
        return FORMS[form](name, self._told(name))

    def _told(self, name: str) -> list[dict[str, Any]]:
        """The accounts of an audience that other tools are told of."""
        audience = base.get(self.every(), name)
        rows: list[dict[str, Any]] = self.members(name)["rows"]
        if not audience.consent:
            return rows
        asked = {one["account_id"] for one in self.people(name)}
        return [row for row in rows if row["account_id"] in asked]

    def send(self, name: str, channel: str) -> int:
        """Put an audience in the outbox for a webhook; how many messages it takes.

        Raises
        ------
        UnknownNameError
            If there is no such channel.
        UsageError
            If it is no webhook: a message to people has no room for a list.
        """
        channels = self._company.config[CHANNELS]
        if channel not in channels:
            raise UnknownNameError("channel", channel, channels)
        if channels[channel].kind != "webhook":
            raise UsageError(f"The channel '{channel}' is no webhook.",
                             hint='Its kind in staycurve.toml must be "webhook".')
        rows, people = self._told(name), self.people(name)
        now = self._company.clock()
        with self._state.database.writing() as session:
            return telling.tell_members(
                session, channel, name, rows=rows, people=people, at=self._company.as_of().at,
                now=now, next_at=self._after_quiet(now),
            )

    def _after_quiet(self, now: dt.datetime) -> dt.datetime:
        config = self._company.config
        return after_quiet(now, config.company.zone, config[PLAYBOOK_SETTINGS].quiet)

    def _now(self, name: str) -> dict[str, str]:
        audience = base.get(self.every(), name)

        def find() -> dict[str, str]:
            seen = self._company.as_of()
            own = self._as_of(audience, seen)
            with self._work.moment(seen) as moment:
                names = moment.read("account.name")
            return {one: str(names.get(one, "")) for one in own}

        # What people write moves no snapshot. Whether a rule names it changes with the rule alone.
        digests = (name, *(self.every()[one].digest for one in (name, *audience.named)))
        if digests not in self._is_on_state:
            self._is_on_state[digests] = self._rests_on_state(audience)
        if self._is_on_state[digests]:
            return find()
        return self._company.kept("audience members", (name, audience.digest), find, most=64)

    def _rests_on_state(self, audience: Audience) -> bool:
        kept = self._work.outside(self._company.as_of())
        return any(one in kept for one in audience.rule.facts) or any(
            self._rests_on_state(self.every()[name]) for name in audience.named
        )

    def _as_of(self, audience: Audience, seen: AsOf) -> list[str]:
        inside = segments.inside(self._company, self._state, audience, seen)
        with self._work.moment(seen) as moment:
            return base.members(audience, moment, inside=inside)

    def _kept(self, audience: Audience, at: dt.datetime | None) -> dict[str, dt.datetime] | None:
        """Who is kept as in it (at an instant); None where that was not followed under its rule."""
        if not self._state.database.is_there:
            return None
        list_name = segments.list_name(audience.name)
        with self._state.database.reading() as session:
            found = following.followed(session, list_name)
            if found is None or found.rule != audience.digest:
                return None
            if at is None:
                return dict(found.members)
            if not found.first_at <= at <= found.last_at:
                return None
            return following.members_at(session, list_name, at)

    def _answer(
        self, audience: Audience, since: Mapping[str, dt.datetime | None], seen: AsOf, source: str
    ) -> dict[str, Any]:
        with self._work.moment(self._company.as_of()) as moment:
            names = moment.read("account.name")
        return {
            "audience": audience.name, "at": seen.at.isoformat(), "source": source,
            "rows": [
                {"account_id": one, "name": names.get(one), "since": own.isoformat() if own
                 else None}
                for one, own in sorted(since.items())
            ],
        }


def agrees(attributes: str | None, consent: str) -> bool:
    """Whether a user's attributes say yes to what consent is asked for; yes where none is."""
    if not consent:
        return True
    import json

    value = json.loads(attributes or "{}").get(consent)
    return value is True or str(value).strip().lower() in ("true", "yes", "1")
