"""Dealing with work: alerts and tasks listed, and moved by legal steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from staycurve.actions.channels import telling
from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.playbooks import reading
from staycurve.actions.playbooks.base import Playbook
from staycurve.errors import UnknownNameError
from staycurve.period import local_day
from staycurve.state import alerts as kept, tickets as ticketing, work_reading
from staycurve.state.work_models import AlertRow
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.playing import read_playbooks
from staycurve.workspace.state import State
from staycurve.workspace.work_rows import alert_dict, read, task_dict, ticket_dict


class Dealing:
    """Alerts and tasks; a part of Work."""

    _company: MeasuredCompany
    _state: State

    def alerts(
        self, *, owner: str = "", kind: str = "", status: str = "", account: str = "",
        has_resolved: bool = False, most: int | None = None, offset: int = 0,
    ) -> list[dict[str, Any]]:
        """Alerts, those first of which the most can be kept: MRR × chance × what can be done.

        Each has its `tickets` at help desks.
        """
        with read(self._state) as session:
            if session is None:
                return []
            rows = work_reading.alerts(
                session, owner=owner, kind=kind, status=status, account=account,
                has_resolved=has_resolved, most=most, offset=offset,
            )
            at_desks = ticketing.of_alerts(session, [row.id for row in rows])
        named = by_name(self._company)
        return [
            alert_dict(row, reasons_of(row, named))
            | {"tickets": [ticket_dict(one) for one in at_desks.get(row.id, ())]} for row in rows
        ]

    def counts(self, *, has_resolved: bool = False) -> dict[str, dict[str, int]]:
        """How many alerts there are by owner, type and status; resolved ones where asked for."""
        found: dict[str, dict[str, int]] = {"owner": {}, "type": {}, "status": {}}
        with read(self._state) as session:
            if session is not None:
                for owner, kind, status, count in work_reading.counts(
                    session, has_resolved=has_resolved
                ):
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
        with read(self._state) as session:
            if session is None:
                raise UnknownNameError("alert", str(alert), (),
                                       hint="All alerts: staycurve alerts list")
            row = kept.get(session, alert)
            tasks = [task_dict(one) for one in work_reading.tasks_of(session, alert)]
            at_desks = [ticket_dict(one) for one in ticketing.of_alerts(session, [alert]).get(
                alert, ())]
            happened = [
                {"at": one.at.isoformat(), "who": one.who, "what": one.what, "detail": one.detail}
                for one in kept.history(session, alert)
            ]
        own = alert_dict(row, reasons_of(row, by_name(self._company)))
        return own | {"tasks": tasks, "history": happened, "tickets": at_desks}

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
        named = by_name(self._company)
        with self._state.database.writing() as session:
            allowed = reasons_of(kept.get(session, alert), named)
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
        return alert_dict(row, reasons_of(row, by_name(self._company)))

    def assign(
        self, alert: int, *, owner: str, by: str, version: int | None = None
    ) -> dict[str, Any]:
        """Give an alert and its open tasks to another."""
        with self._state.database.writing() as session:
            row = kept.assign(session, alert, owner=owner, who=by, version=version,
                              now=self._company.clock())
        return alert_dict(row, reasons_of(row, by_name(self._company)))

    def tasks(
        self, *, owner: str = "", account: str = "", has_done: bool = False,
        most: int | None = None,
    ) -> list[dict[str, Any]]:
        """Tasks by the day on which they are due."""
        with read(self._state) as session:
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


def by_name(company: MeasuredCompany) -> Mapping[str, Playbook]:
    """Every playbook that can be followed, by name; read again when a file has changed."""
    files = tuple(
        (str(one), one.stat().st_mtime_ns)
        for one in sorted(reading.folder_of(company).glob("*.toml"))
    )
    return company.kept("playbooks", files, lambda: {
        one.name: one for one in read_playbooks(company).playbooks
    })


def reasons_of(row: AlertRow, by_name: Mapping[str, Playbook]) -> tuple[str, ...]:
    """The reasons for which an alert may be resolved: those of every playbook that it is of."""
    named = [row.playbook, *(one["playbook"] for one in row.evidence)]
    found = [
        reason for name in dict.fromkeys(named) if name in by_name
        for reason in by_name[name].reasons
    ]
    # A playbook may be gone while its alerts stand: they can still be resolved.
    return tuple(dict.fromkeys(found)) or reading.REASONS
