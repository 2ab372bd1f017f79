"""Opening alerts from what playbooks found: all of it within one transaction of app state."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.actions.holdouts import Holdout
from staycurve.actions.playbooks.base import Playbook, Template
from staycurve.actions.playbooks.finding import Findings, Found, filled
from staycurve.actions.playbooks.handing import SELF, Leaving, hand_on
from staycurve.actions.settings import Working
from staycurve.errors import UsageError
from staycurve.state import alerts as kept, members, work_reading
from staycurve.state.cleaning import PAGE, WHO
from staycurve.state.members import Moved
from staycurve.state.work_models import AlertRow, TaskRow
from staycurve.state.work_reading import Session

PASSED = "condition_passed"
"""Why an alert ended by itself: its account has left the rule."""


class BackwardsError(UsageError):
    """A run as of an instant before the last one: entries would be found in the wrong order."""

    code = "run_backwards"
    exit_status = 1


@dataclass
class Tally:
    """What one playbook did in a run."""

    matched: int = 0
    entered: int = 0
    left: int = 0
    opened: int = 0
    merged: int = 0
    waiting: int = 0
    suppressed: int = 0
    held_out: int = 0
    closed: int = 0


@dataclass
class Opened:
    """What a run did.

    Attributes
    ----------
    tallies : mapping
        Playbook → what it did.
    alerts : list
        Alerts that opened, the most valuable first.
    escalated, handed, merged : list
        Alerts that nobody acted on in time, those of owners who have left, and open ones to which
        another playbook added its evidence.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    alerts: list[AlertRow] = field(default_factory=list)
    escalated: list[AlertRow] = field(default_factory=list)
    handed: list[AlertRow] = field(default_factory=list)
    merged: list[AlertRow] = field(default_factory=list)
    woken: int = 0


def list_name(playbook: str) -> str:
    """The name under which the members of a playbook's rule are followed."""
    return f"playbook:{playbook}"


def open_alerts(
    session: Session, findings: Findings, *, working: Working, by_name: Mapping[str, Playbook],
    now: dt.datetime, holdouts: Mapping[str, Holdout] | None = None,
    leaving: Leaving | None = None, today: dt.date | None = None,
) -> Opened:
    """Follow every rule's members, and open, merge, wake, escalate and close alerts.

    The same findings again change nothing.

    Parameters
    ----------
    holdouts : mapping, optional
        Playbook → the experiment that holds accounts out of it: nothing is opened for those.
    leaving : Leaving, optional
        Owners that have left, and who has their accounts now.
    today : date, optional
        The local day of the clock, by which people snooze and have their days to act: data may lag
        behind it. Without it, the last day of the findings.

    Raises
    ------
    BackwardsError
        If a later instant has been looked at already.
    """
    members.alone(session)
    leaving = leaving or Leaving()
    handed = hand_on(session, leaving, now=now)
    run = _Run(session, findings, working, by_name, now, holdouts or {}, leaving)
    run.today = max(today or findings.on, findings.on)
    run.done.handed = handed
    for one in findings.found:
        if one.members is not None and not one.refused:
            run.follow(one)
    run.wake()
    run.admit()
    run.escalate()
    session.flush()
    return run.done


class _Run:
    """One run within its transaction."""

    def __init__(
        self, session: Session, findings: Findings, working: Working,
        by_name: Mapping[str, Playbook], now: dt.datetime, holdouts: Mapping[str, Holdout],
        leaving: Leaving,
    ) -> None:
        self.session, self.findings, self.working = session, findings, working
        self.holdouts, self.leaving = holdouts, leaving
        self.by_name, self.now, self.on = by_name, now, findings.on
        self.today = findings.on
        self.done = Opened({one.playbook.name: Tally() for one in findings.found})
        self.open = {
            (row.account_id, row.type): row for row in work_reading.standing(session)
        }
        # Candidates to open, with the playbooks that they came of.
        self.fresh: list[AlertRow] = []

    def follow(self, one: Found) -> None:
        """Bring one playbook's members up to date, and act on those who came and went."""
        playbook, tally = one.playbook, self.done.tallies[one.playbook.name]
        name = list_name(playbook.name)
        before = members.followed(self.session, name)
        if before is not None and before.last_at > self.findings.at:
            raise BackwardsError(
                f"Playbooks have been run as of {before.last_at:%Y-%m-%d %H:%M} UTC already, after "
                f"{self.findings.at:%Y-%m-%d %H:%M}.",
                hint="What an earlier day would have opened: --as-of … --dry-run",
            )
        moved = members.follow(
            self.session, name, rule=playbook.digest, members=one.members or (),
            at=self.findings.at,
        )
        tally.matched, tally.entered = len(one.members or ()), len(moved.entered)
        tally.left = len(moved.left)
        self._leave(playbook, moved, tally)
        recent = self._recent(playbook)
        holdout = self.holdouts.get(playbook.name)
        held = set() if holdout is None else holdout.held(
            self.session, moved.entered, on=self.on, now=self.now
        )
        tally.held_out = len(held)
        for account in moved.entered:
            if account in held:
                continue
            self._enter(playbook, account, account in recent, tally)

    def _recent(self, playbook: Playbook) -> set[str]:
        """Accounts whose alert of this playbook was resolved too short a time ago."""
        since = self.on - dt.timedelta(days=playbook.again_after_days)
        start = dt.datetime.combine(since, dt.time(), dt.UTC)
        if not playbook.again_after_days:
            return set()
        return work_reading.recently_resolved(self.session, playbook.name, start)

    def _enter(
        self, playbook: Playbook, account: str, is_recent: bool, tally: Tally
    ) -> None:
        about = self.findings.about[account]
        facts = dict(self.findings.facts.get((playbook.name, account), {}))
        proof = {"playbook": playbook.name, "on": self.on.isoformat(), "facts": facts,
                 "left_on": None}
        standing = self.open.get((account, playbook.type))
        if standing is not None:
            tally.merged += 1
            standing.evidence = [
                *(one for one in standing.evidence if one["playbook"] != playbook.name), proof,
            ]
            standing.mrr = about.mrr
            standing.chance = max(standing.chance, playbook.chance)
            standing.can_do = max(standing.can_do, playbook.can_do)
            standing.rank = rank_of(standing.mrr, standing.chance, standing.can_do)
            standing.version += 1
            if standing.id is not None:
                kept.happened(self.session, standing.id, "merged", who=SELF, now=self.now,
                              playbook=playbook.name, facts=facts)
                if standing.status == "open":
                    self.done.merged.append(standing)
                    self._tasks(standing, playbook, facts)
            return
        if is_recent:
            tally.suppressed += 1
            return
        row = AlertRow(
            account_id=account, account_name=about.name[:PAGE], type=playbook.type,
            status="waiting", is_open=1, playbook=playbook.name, owner=about.owner.name[:WHO],
            opened_at=self.findings.at, opened_on=self.on,
            due_on=self.today + dt.timedelta(days=playbook.act_within_days),
            mrr=about.mrr, chance=playbook.chance, can_do=playbook.can_do,
            rank=rank_of(about.mrr, playbook.chance, playbook.can_do), evidence=[proof],
            snoozed_until=None, snooze_reason="", escalated_at=None, acted_at=None,
            resolved_at=None, resolved_by="", reason="", note="", version=1,
        )
        self.open[account, playbook.type] = row
        self.fresh.append(row)

    def _leave(self, playbook: Playbook, moved: Moved, tally: Tally) -> None:
        for account in moved.left:
            row = self.open.get((account, playbook.type))
            if row is None or all(one["playbook"] != playbook.name for one in row.evidence):
                continue
            row.evidence = [
                one | {"left_on": self.on.isoformat()}
                if one["playbook"] == playbook.name and not one["left_on"] else one
                for one in row.evidence
            ]
            row.version += 1
            kept.happened(self.session, row.id, "left_rule", who=SELF, now=self.now,
                          playbook=playbook.name)
            has_left = all(one["left_on"] for one in row.evidence)
            closes = all(
                (found := self.by_name.get(one["playbook"])) is not None and found.closes
                for one in row.evidence
            )
            if has_left and (closes or row.status == "waiting"):
                kept.end(self.session, row, reason=PASSED, who=SELF, now=self.now,
                         is_of_person=False)
                tally.closed += 1
                del self.open[account, playbook.type]

    def wake(self) -> None:
        """Open again what was snoozed until now; end what has left its rule meanwhile."""
        for key, row in sorted(self.open.items()):
            if row.status != "snoozed" or row.snoozed_until is None:
                continue
            if row.snoozed_until > self.today:
                continue
            if all(one["left_on"] for one in row.evidence):
                kept.end(self.session, row, reason=PASSED, who=SELF, now=self.now,
                         is_of_person=False)
                del self.open[key]
                continue
            row.status, row.snoozed_until = "open", None
            row.version += 1
            kept.happened(self.session, row.id, "woken", who=SELF, now=self.now)
            self.done.woken += 1

    def admit(self) -> None:
        """Open the most valuable of what waits, so many a person a day."""
        most = self.working.per_person_a_day
        today = Counter(work_reading.opened_on(self.session, self.on))
        earlier = [row for row in self.open.values() if row.status == "waiting" and row.id]
        queue = sorted([*earlier, *self.fresh], key=lambda row: (-row.rank, row.account_id,
                                                                 row.type))
        self.session.add_all(self.fresh)
        for row in queue:
            if today[row.owner] >= most:
                continue
            today[row.owner] += 1
            row.status = "open"
            if row.opened_on != self.on:
                # It begins for its owner on the day on which they get it.
                late = self.on - row.opened_on
                playbook = self.by_name.get(row.playbook)
                row.due_on = (
                    row.due_on + late if playbook is None
                    else self.today + dt.timedelta(days=playbook.act_within_days)
                )
                row.opened_on = self.on
                row.version += 1
            self.done.alerts.append(row)
        self.session.flush()
        for row in self.fresh:
            tally = self.done.tallies[row.playbook]
            if row.status == "waiting":
                tally.waiting += 1
        for row in self.done.alerts:
            tally = self.done.tallies.setdefault(row.playbook, Tally())
            tally.opened += 1
            kept.happened(self.session, row.id, "opened", who=SELF, now=self.now,
                          playbook=row.playbook, owner=row.owner)
            for proof in row.evidence:
                playbook = self.by_name.get(proof["playbook"])
                if playbook is not None and not proof["left_on"]:
                    self._tasks(row, playbook, proof["facts"])

    def escalate(self) -> None:
        """Hand on what nobody has acted on in time, once."""
        for _key, row in sorted(self.open.items()):
            playbook = self.by_name.get(row.playbook)
            if (playbook is None or not playbook.escalate_to or row.status != "open"
                    or row.due_on >= self.today or row.acted_at or row.escalated_at):
                continue
            row.escalated_at = self.now
            kept.assign(self.session, row.id, owner=self.leaving.standing_in(playbook.escalate_to),
                        who=SELF, version=None, now=self.now)
            kept.happened(self.session, row.id, "escalated", who=SELF, now=self.now,
                          due_on=row.due_on.isoformat())
            self.done.escalated.append(row)

    def _tasks(self, row: AlertRow, playbook: Playbook, facts: Mapping[str, Any]) -> None:
        there = work_reading.steps_of(self.session, row.id) if row.version > 1 else set()
        fields = {**facts, "account_id": row.account_id, "owner": row.owner,
                  "name": row.account_name or row.account_id, "playbook": playbook.title,
                  "opened_on": row.opened_on.isoformat()}
        for place, step in enumerate(playbook.steps):
            if (name := f"{playbook.name}:{place}") in there:
                continue
            self.session.add(TaskRow(
                alert_id=row.id, account_id=row.account_id, step=name, title=step.title[:PAGE],
                owner=row.owner, due_on=row.opened_on + dt.timedelta(days=step.due_in_days),
                message=_message(playbook.templates, step.template, fields), status="open",
                done_at=None, done_by="", note="", version=1,
            ))


def rank_of(mrr: float, chance: float, can_do: float) -> float:
    """MRR at stake × how likely it is lost × how much of that action can change."""
    return mrr * chance * can_do


def _message(templates: Sequence[Template], name: str, fields: Mapping[str, Any]) -> str:
    for one in templates:
        if one.name == name:
            return f"{filled(one.subject, fields)}\n\n{filled(one.text, fields)}"
    return ""
