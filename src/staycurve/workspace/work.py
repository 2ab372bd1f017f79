"""Work of one project: playbooks run, alerts and tasks dealt with, success plans kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from staycurve.actions.channels import telling
from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.facts.base import Moment, Values
from staycurve.actions.playbooks import finding, history, opening, reading
from staycurve.actions.playbooks.base import Playbook
from staycurve.actions.playbooks.finding import Findings
from staycurve.actions.playbooks.opening import Tally
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.errors import UnknownNameError
from staycurve.period import AsOf, local_day
from staycurve.state import (
    alerts as kept,
    members,
    milestones as planning,
    outbox,
    work_reading,
)
from staycurve.state.work_models import AlertRow, MilestoneRow, OutboxRow, TaskRow
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State

SHOWN = 200


@dataclass(frozen=True)
class Ran:
    """What a run did, or would do.

    Attributes
    ----------
    rows : tuple of mapping
        One a playbook.
    """

    as_of: str
    is_dry: bool
    rows: tuple[Mapping[str, Any], ...]
    refused: tuple[finding.Found, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"as_of": self.as_of, "is_dry_run": self.is_dry, "rows": list(self.rows)}


class Work:
    """Playbooks, alerts, tasks and success plans.

    Parameters
    ----------
    company : MeasuredCompany
        Whose accounts they are about.
    state : State
        Where they are kept.
    """

    def __init__(self, company: MeasuredCompany, state: State) -> None:
        self._company = company
        self._state = state

    # Playbooks

    def playbooks(self) -> reading.Read:
        """Every playbook, and what is wrong with files that cannot be read."""
        off = self._company.config[PLAYBOOK_SETTINGS].off
        return reading.read_all(self._company, off=off)

    def facts(self) -> list[dict[str, str]]:
        """Every fact that a rule can name."""
        from staycurve.actions.facts.base import FACTS, FAMILIES

        found = [
            {"fact": name, "kind": one.kind, "label": one.label, "about": one.about}
            for name, one in FACTS.items()
        ]
        return found + [
            {"fact": f"{name}.NAME", "kind": "any", "label": one.label, "about": one.about}
            for name, one in FAMILIES.items()
        ]

    def check(self) -> Ran:
        """Whether every playbook can be followed, and for whom its rule holds now.

        Raises
        ------
        RuleError
            With file and line, for the first file that cannot.
        """
        read = self.playbooks()
        if read.faults:
            raise read.faults[0]
        seen = self._company.as_of()
        found = self._find(list(read.playbooks), seen)
        rows = tuple(
            {"playbook": one.playbook.name, "file": one.playbook.file,
             "is_on": one.playbook.is_on,
             "matched": None if one.members is None else len(one.members),
             "accounts": one.accounts, "share": one.share, "why": one.why or None,
             "refused": one.refused or None}
            for one in found.found
        )
        refused = tuple(one for one in found.found if one.refused and one.playbook.is_on)
        return Ran(seen.at.isoformat(), True, rows, refused)

    def run(
        self, *, as_of: str | None = None, only: str = "", confirm: Sequence[str] = (),
        is_lenient: bool = False,
    ) -> Ran:
        """Run the playbooks that are on: alerts open for accounts that have come into a rule.

        Parameters
        ----------
        as_of : str, optional
            The instant as of which facts are read; not before that of the last run.
        only : str
            The name of one playbook.
        confirm : sequence of str
            Playbooks that may alert more than 40% of all accounts.
        is_lenient : bool
            Whether a file that cannot be followed is passed over; it is an error otherwise.

        Raises
        ------
        RuleError
            With file and line, for a playbook that cannot be followed; nothing is run then.
        """
        read = self.playbooks()
        if read.faults and not is_lenient:
            raise read.faults[0]
        chosen = self._chosen(read, only, confirm)
        seen = self._company.as_of(as_of)
        findings = self._find(chosen, seen)
        now = self._company.clock()
        working = self._company.config[PLAYBOOK_SETTINGS]
        by_name = {one.name: one for one in read.playbooks}
        with self._state.database.writing() as session:
            done = opening.open_alerts(
                session, findings, working=working, by_name=by_name, now=now
            )
            telling.tell(
                session, done, by_name, channels=self._company.config[CHANNELS], on=findings.on,
                now=now, zone=self._company.config.company.zone, quiet=working.quiet,
                company=self._company.config.company.name,
            )
        rows = tuple(
            _row(one, done.tallies[one.playbook.name]) for one in findings.found
        )
        refused = tuple(one for one in findings.found if one.refused)
        return Ran(seen.at.isoformat(), False, rows, refused)

    def dry_run(
        self, *, as_of: str | None = None, only: str = "", months: int = history.MONTHS
    ) -> Ran:
        """What a run would open now, and what the playbooks would have opened before; nothing is
        kept.

        Playbooks that are off are looked at as well where one is named.
        """
        read = self.playbooks()
        if read.faults:
            raise read.faults[0]
        chosen = self._chosen(read, only, (), is_switched_on=not only)
        seen = self._company.as_of(as_of)
        findings = self._find(chosen, seen)
        past = history.past_of(
            self._company, chosen, seen, lambda then: self._moment(then), months=months
        )
        inside = self._inside(chosen)
        rows = []
        for one in findings.found:
            entering = [
                account for account in one.members or ()
                if account not in inside.get(one.playbook.name, ())
            ]
            rows.append({
                "playbook": one.playbook.name, "type": one.playbook.type,
                "matched": None if one.members is None else len(one.members),
                "share": one.share, "why": one.why or None, "refused": one.refused or None,
                "would_open": 0 if one.refused else len(entering),
                "accounts": [] if one.refused else [
                    {"account_id": account, "name": findings.about[account].name,
                     "owner": findings.about[account].owner.name,
                     "mrr": findings.about[account].mrr,
                     "facts": findings.facts.get((one.playbook.name, account), {})}
                    for account in entering
                ],
                "history": past[one.playbook.name].as_dict(one.playbook),
            })
        return Ran(seen.at.isoformat(), True, tuple(rows))

    def record(self, playbook: str) -> dict[str, Any]:
        """What became of a playbook's alerts: opened, resolved by reason, time to act."""
        self.playbooks().get(playbook)
        with self._reading() as session:
            rows = work_reading.of_playbook(session, playbook) if session else []
        reasons: dict[str, int] = {}
        for row in rows:
            if row.status == "resolved":
                reasons[row.reason] = reasons.get(row.reason, 0) + 1
        times = sorted(
            max(0.0, (row.acted_at - row.opened_at).total_seconds() / 86_400)
            for row in rows if row.acted_at is not None
        )
        opened = [row for row in rows if row.status != "waiting"]
        return {
            "playbook": playbook, "opened": len(opened),
            "open": sum(row.status == "open" for row in rows),
            "waiting": sum(row.status == "waiting" for row in rows),
            "snoozed": sum(row.status == "snoozed" for row in rows),
            "resolved": sum(row.status == "resolved" for row in rows),
            "reasons": [
                {"reason": one, "alerts": n}
                for one, n in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
            ],
            "acted": len(times),
            "median_days_to_act": _median(times),
            "escalated": sum(row.escalated_at is not None for row in rows),
            "mrr": sum(row.mrr for row in opened),
        }

    def owners(self) -> list[dict[str, Any]]:
        """Who looks after how many accounts, with which MRR, and why they do."""
        seen = self._company.as_of()
        with self._moment(seen) as moment:
            about = finding.about_of(moment, moment.accounts())
            status = moment.read("status")
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for account, one in about.items():
            row = found.setdefault((one.owner.name, one.owner.why), {
                "owner": one.owner.name, "why": one.owner.why, "accounts": 0, "paying": 0,
                "mrr": 0.0,
            })
            row["accounts"] += 1
            row["paying"] += status.get(account) == "paying"
            row["mrr"] += one.mrr
        return sorted(found.values(), key=lambda row: (-row["mrr"], row["owner"], row["why"]))

    # Alerts and tasks

    def alerts(
        self, *, owner: str = "", kind: str = "", status: str = "", account: str = "",
        has_resolved: bool = False, most: int | None = None, offset: int = 0,
    ) -> list[dict[str, Any]]:
        """Alerts, those first of which the most can be kept: MRR × chance × what can be done."""
        with self._reading() as session:
            if session is None:
                return []
            rows = work_reading.alerts(
                session, owner=owner, kind=kind, status=status, account=account,
                has_resolved=has_resolved, most=most, offset=offset,
            )
        by_name = self._by_name()
        return [alert_dict(row, self._reasons(row, by_name)) for row in rows]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many alerts that are not resolved there are by owner, type and status."""
        found: dict[str, dict[str, int]] = {"owner": {}, "type": {}, "status": {}}
        with self._reading() as session:
            if session is not None:
                for owner, kind, status, count in work_reading.counts(session):
                    for key, value in (("owner", owner), ("type", kind), ("status", status)):
                        found[key][value] = found[key].get(value, 0) + count
        return found

    def alert(self, alert: int) -> dict[str, Any]:
        """One alert with its tasks and its history.

        Raises
        ------
        UnknownNameError
            If there is none of this number.
        """
        with self._reading() as session:
            if session is None:
                raise UnknownNameError("alert", str(alert), (),
                                       hint="All alerts: staycurve alerts list")
            row = kept.get(session, alert)
            tasks = [task_dict(one) for one in work_reading.tasks_of(session, alert)]
            happened = [
                {"at": one.at.isoformat(), "who": one.who, "what": one.what, "detail": one.detail}
                for one in kept.history(session, alert)
            ]
        own = alert_dict(row, self._reasons(row, self._by_name()))
        return own | {"tasks": tasks, "history": happened}

    def resolve(
        self, alert: int, *, reason: str, by: str, note: str = "", version: int | None = None
    ) -> dict[str, Any]:
        """End an alert for one of its reasons.

        Raises
        ------
        ConflictError
            If somebody resolved or changed it meanwhile.
        UsageError
            If the reason is not one of its own, or nobody is named.
        """
        by_name = self._by_name()
        with self._state.database.writing() as session:
            allowed = self._reasons(kept.get(session, alert), by_name)
            row = kept.resolve(
                session, alert, reason=reason, allowed=allowed, who=by, note=note, version=version,
                now=self._company.clock(),
            )
            telling.resolved(
                session, row, channels=self._company.config[CHANNELS], now=self._company.clock()
            )
        return alert_dict(row, allowed)

    def snooze(
        self, alert: int, *, until: str, reason: str, by: str, version: int | None = None
    ) -> dict[str, Any]:
        """Put an alert off until a day, for a reason."""
        from staycurve.state.cleaning import day

        now = self._company.clock()
        today = min(local_day(now, self._company.config.company.zone), dt.date.max)
        with self._state.database.writing() as session:
            row = kept.snooze(
                session, alert, until=day(until), today=today, reason=reason, who=by,
                version=version, now=now,
            )
        return alert_dict(row, self._reasons(row, self._by_name()))

    def assign(
        self, alert: int, *, owner: str, by: str, version: int | None = None
    ) -> dict[str, Any]:
        """Give an alert and its open tasks to another."""
        with self._state.database.writing() as session:
            row = kept.assign(session, alert, owner=owner, who=by, version=version,
                              now=self._company.clock())
        return alert_dict(row, self._reasons(row, self._by_name()))

    def tasks(
        self, *, owner: str = "", account: str = "", has_done: bool = False,
        most: int | None = None,
    ) -> list[dict[str, Any]]:
        """Tasks by the day on which they are due."""
        with self._reading() as session:
            if session is None:
                return []
            rows = work_reading.tasks(
                session, owner=owner, account=account, has_done=has_done, most=most
            )
        return [task_dict(row) for row in rows]

    def complete(
        self, task: int, *, by: str, note: str = "", version: int | None = None
    ) -> dict[str, Any]:
        """Say that a task is done."""
        with self._state.database.writing() as session:
            row = kept.complete(session, task, who=by, note=note, version=version,
                                now=self._company.clock())
        return task_dict(row)

    # Channels

    def send(self) -> dict[str, int]:
        """Send what waits in the outbox and is due: how many messages arrived, how many did not."""
        from staycurve.actions.channels.sending import send_all

        if not self._state.database.is_there:
            return {"sent": 0, "failed": 0}
        return send_all(
            self._state.database, self._company.config[CHANNELS], clock=self._company.clock
        )

    def messages(self, *, most: int = SHOWN) -> list[dict[str, Any]]:
        """The last messages, newest first, without what they say."""
        with self._reading() as session:
            rows = outbox.listed(session, most=most) if session else ()
        return [message_dict(row) for row in rows]

    def replay(self, message: int) -> dict[str, Any]:
        """Send a message again, under the same key."""
        with self._state.database.writing() as session:
            return message_dict(outbox.replay(session, message, now=self._company.clock()))

    # Success plans

    def milestones(self, account: str) -> list[dict[str, Any]]:
        """The success plan of an account, by day."""
        with self._reading() as session:
            if session is None:
                return []
            today = self._company.as_of().last_day
            return [milestone_dict(row, today) for row in planning.of_account(session, account)]

    def add_milestone(
        self, account: str, title: str, *, due_on: str, owner: str, by: str = ""
    ) -> dict[str, Any]:
        """Add a dated step to an account's success plan."""
        self._check_account(account)
        with self._state.database.writing() as session:
            row = planning.add(session, account=account, title=title, due_on=due_on, owner=owner,
                               who=by, now=self._company.clock())
        return milestone_dict(row, self._company.as_of().last_day)

    def reach_milestone(self, milestone: int, *, by: str) -> dict[str, Any]:
        """Say that a milestone has been reached."""
        with self._state.database.writing() as session:
            row = planning.reach(session, milestone, who=by, now=self._company.clock())
        return milestone_dict(row, self._company.as_of().last_day)

    # What the others rest on

    def _chosen(
        self, read: reading.Read, only: str, confirm: Sequence[str], *, is_switched_on: bool = True
    ) -> list[Playbook]:
        for name in (*([only] if only else []), *confirm):
            read.get(name)
        return [
            replace(one, is_confirmed=True) if one.name in confirm else one
            for one in read.playbooks
            if (not only or one.name == only) and (one.is_on or not is_switched_on)
        ]

    def _find(self, playbooks: list[Playbook], seen: AsOf) -> Findings:
        inside = self._inside(playbooks)
        with self._moment(seen) as moment:
            return finding.find(moment, playbooks, inside)

    def _inside(self, playbooks: Sequence[Playbook]) -> dict[str, frozenset[str]]:
        with self._reading() as session:
            if session is None:
                return {}
            return {
                one.name: frozenset(found.members)
                for one in playbooks
                if (found := members.followed(session, opening.list_name(one.name))) is not None
            }

    @contextmanager
    def _moment(self, seen: AsOf) -> Iterator[Moment]:
        with self._company.seeing(seen) as engine:
            yield Moment(self._company, seen, engine, self.outside(seen))

    def moment(self, seen: AsOf) -> Any:
        """The company as of an instant, of which facts are read."""
        return self._moment(seen)

    def outside(self, seen: AsOf) -> dict[str, Callable[[], Values]]:
        """What app state knows of accounts as of an instant."""
        # Data lags behind what people write: today's as-of sees all of that.
        is_latest = seen.at >= self._company.as_of().at
        at = max(seen.at, self._company.clock()) if is_latest else seen.at

        def overdue() -> Values:
            with self._reading() as session:
                found = planning.overdue(session, seen.last_day, at) if session else {}
            with self._company.seeing(seen) as engine:
                every = Moment(self._company, seen, engine).accounts()
            return {one: found.get(one, 0) for one in every}

        return {"overdue_milestones": overdue}

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        if not self._state.database.is_there:
            yield None
            return
        with self._state.database.reading() as session:
            yield session

    def _check_account(self, account: str) -> None:
        from staycurve.insights.account.asked import whose

        with self._company.reading() as engine:
            whose(engine, self._company, account, self._company.as_of())

    def _by_name(self) -> dict[str, Playbook]:
        files = tuple(
            (str(one), one.stat().st_mtime_ns)
            for one in sorted(reading.folder_of(self._company).glob("*.toml"))
        )
        return self._company.kept(
            "playbooks", files, lambda: {one.name: one for one in self.playbooks().playbooks}
        )

    def _reasons(self, row: AlertRow, by_name: Mapping[str, Playbook]) -> tuple[str, ...]:
        named = [row.playbook, *(one["playbook"] for one in row.evidence)]
        found = [
            reason for name in dict.fromkeys(named) if name in by_name
            for reason in by_name[name].reasons
        ]
        # A playbook may be gone while its alerts stand: they can still be resolved.
        return tuple(dict.fromkeys(found)) or reading.REASONS


def _row(one: finding.Found, tally: Tally) -> dict[str, Any]:
    return {
        "playbook": one.playbook.name, "type": one.playbook.type,
        "matched": None if one.members is None else len(one.members), "accounts": one.accounts,
        "share": one.share, "entered": tally.entered, "left": tally.left,
        "opened": tally.opened, "merged": tally.merged, "waiting": tally.waiting,
        "suppressed": tally.suppressed, "closed": tally.closed, "why": one.why or None,
        "refused": one.refused or None,
    }


def _median(values: Sequence[float]) -> float | None:
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def alert_dict(row: AlertRow, reasons: Sequence[str]) -> dict[str, Any]:
    """An alert as JSON; money is in major units."""
    return {
        "id": row.id, "account_id": row.account_id, "name": row.account_name or None,
        "type": row.type, "status": row.status, "playbook": row.playbook, "owner": row.owner,
        "opened_at": row.opened_at.isoformat(), "opened_on": row.opened_on.isoformat(),
        "due_on": row.due_on.isoformat(), "mrr": row.mrr, "chance": row.chance,
        "can_do": row.can_do, "rank": row.rank, "evidence": list(row.evidence),
        "reasons": list(reasons), "version": row.version,
        "snoozed_until": row.snoozed_until.isoformat() if row.snoozed_until else None,
        "snooze_reason": row.snooze_reason or None,
        "escalated_at": row.escalated_at.isoformat() if row.escalated_at else None,
        "acted_at": row.acted_at.isoformat() if row.acted_at else None,
        "resolved_at": row.resolved_at.isoformat() if row.resolved_at else None,
        "resolved_by": row.resolved_by or None, "reason": row.reason or None,
        "note": row.note or None,
    }


def task_dict(row: TaskRow) -> dict[str, Any]:
    """A task as JSON."""
    return {
        "id": row.id, "alert_id": row.alert_id, "account_id": row.account_id, "title": row.title,
        "owner": row.owner, "due_on": row.due_on.isoformat(), "status": row.status,
        "message": row.message or None, "version": row.version,
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "done_by": row.done_by or None, "note": row.note or None,
    }


def message_dict(row: OutboxRow) -> dict[str, Any]:
    """A message of the outbox as JSON."""
    return {
        "id": row.id, "key": row.key, "channel": row.channel, "kind": row.kind,
        "status": row.status, "tries": row.tries, "created_at": row.created_at.isoformat(),
        "next_at": row.next_at.isoformat() if row.status == "waiting" else None,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None, "error": row.error or None,
    }


def milestone_dict(row: MilestoneRow, today: dt.date) -> dict[str, Any]:
    """A milestone as JSON."""
    return {
        "id": row.id, "account_id": row.account_id, "title": row.title, "owner": row.owner,
        "due_on": row.due_on.isoformat(),
        "is_overdue": row.done_at is None and row.due_on < today,
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "done_by": row.done_by or None,
    }
