"""Ticketing: alerts handed to help desks, and what becomes of their tickets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from staycurve.actions import tickets as asking
from staycurve.actions.channels import telling
from staycurve.actions.channels.settings import CHANNELS, Channel
from staycurve.actions.playbooks.base import Playbook
from staycurve.actions.ticket_settings import TICKETS, HelpDesk
from staycurve.errors import UnknownNameError, UsageError
from staycurve.mail_settings import MAIL
from staycurve.period import AsOf
from staycurve.state import alerts as kept, tickets
from staycurve.state.cleaning import NUMBERS, WHO, line
from staycurve.state.mail_models import AlertTicketRow
from staycurve.tables.engine import timestamp
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State
from staycurve.workspace.work_rows import read, ticket_dict


class ShapeError(UsageError):
    """What a help desk sent says nothing of a ticket."""

    code = "no_ticket"
    exit_status = 1


class Ticketing:
    """Tickets of alerts at help desks; a part of Work."""

    _company: MeasuredCompany
    _state: State

    def desk(self, name: str) -> HelpDesk:
        """The help desk of a name.

        Raises
        ------
        UnknownNameError
            If [tickets] has none.
        """
        desks = self._company.config[TICKETS]
        if name not in desks:
            raise UnknownNameError("help desk", name, list(desks),
                                   hint="Help desks stand in staycurve.toml: [tickets.NAME]")
        return desks[name]

    def hand_over(self, alert: int, *, desk: str, by: str) -> dict[str, Any]:
        """Ask a help desk for the ticket of an alert; `is_new` says whether it had none there.

        Raises
        ------
        TransitionError
            If the alert is resolved.
        """
        own, config = self.desk(desk), self._company.config
        own.check(config[CHANNELS], config[MAIL])
        who = line(by, what="Who asks for it", most=WHO)
        with self._state.database.writing() as session:
            row = kept.get(session, alert, is_locked=True)
            if row.status == "resolved":
                raise kept.TransitionError(
                    f"Alert {alert} is resolved: nothing is left to ask for.",
                    hint=f"See: staycurve alerts show {alert}",
                )
            is_new = asking.ask(session, row, own, now=self._company.clock(),
                                company=config.company.name, who=who)
            found = tickets.of_alert(session, alert, desk)
            assert found is not None
            return ticket_dict(found) | {"is_new": is_new}

    def hear(self, desk: str, given: Any) -> int:
        """Take what a help desk says of a ticket, as often as it says so; what is new of it.

        A ticket that is solved ends its alert; of one that has ended it is kept all the same.

        Raises
        ------
        ShapeError
            If it says nothing of a ticket.
        UnknownNameError
            If no alert has this ticket.
        """
        own = self.desk(desk)
        heard = asking.heard_of(given)
        if heard is None:
            raise ShapeError(
                "What was sent says nothing of a ticket.",
                hint='Send {"type": "ticket.solved", "data": {"alert": 12, "reference": "4711"}}.',
            )
        now, new = self._company.clock(), 0
        with self._state.database.writing() as session:
            rows = self._named(session, own, heard)
            for row in rows:
                if heard.reference:
                    new += tickets.opened(session, row, heard.reference, who=desk, now=now)
                if heard.kind == asking.SOLVED and row.state != tickets.SOLVED:
                    new += 1
                    _end(session, self._company, row, own, how="webhook")
        return new

    def _named(self, session: Any, desk: HelpDesk, heard: asking.Heard) -> list[AlertTicketRow]:
        if heard.alert is None:
            rows = tickets.by_reference(session, desk.name, heard.reference)
        else:
            row = (
                tickets.of_alert(session, heard.alert, desk.name)
                if heard.alert in NUMBERS else None
            )
            rows = [row] if row is not None else []
        if not rows:
            named = heard.reference if heard.alert is None else f"of alert {heard.alert}"
            raise UnknownNameError(
                "ticket", named[:80], (), hint="Tickets of alerts: staycurve alerts tickets"
            )
        return rows

    def close_solved(self) -> int:
        """End the alerts whose tickets the loaded table calls solved; how many."""
        return close_solved(self._company, self._state, self._company.as_of())

    def tickets(self, *, has_solved: bool = False) -> list[dict[str, Any]]:
        """The tickets of alerts, newest first."""
        with read(self._state) as session:
            rows = tickets.listed(session, has_solved=has_solved) if session else ()
            return [ticket_dict(row) for row in rows]


def close_solved(company: MeasuredCompany, state: State, seen: AsOf) -> int:
    """End the alerts whose tickets are solved in the tickets table as of an instant; how many.

    A ticket that was opened again is not solved.
    """
    desks = company.config[TICKETS]
    if not state.database.is_there or not company.lake.rows(company.snapshot, "tickets"):
        return 0
    with state.database.reading() as session:
        waiting = {
            row.id: desks.get(row.desk, HelpDesk(row.desk)).ids(row.reference)
            for row in tickets.unsolved(session)
        }
    ids = sorted({one for own in waiting.values() for one in own})
    if not ids:
        return 0
    with company.seeing(seen) as engine:
        solved = {one for (one,) in engine.rows(asking.solved_sql(ids, timestamp(seen.at)))}
    ended = 0
    with state.database.writing() as session:
        for row in tickets.unsolved(session, is_locked=True):
            if solved.intersection(waiting.get(row.id, ())):
                desk = desks.get(row.desk, HelpDesk(row.desk))
                ended += _end(session, company, row, desk, how="tickets")
    return ended


def _end(
    session: Any, company: MeasuredCompany, row: AlertTicketRow, desk: HelpDesk, *, how: str
) -> bool:
    now = company.clock()
    alert = tickets.solved(session, row, who=desk.name, how=how, now=now)
    if alert is None:
        return False
    # The desk knows it already.
    channels = {
        name: one for name, one in company.config[CHANNELS].items() if name != desk.channel
    }
    telling.resolved(session, alert, channels=channels, now=now)
    return True


def desks_of(
    company: MeasuredCompany, playbooks: Iterable[Playbook]
) -> Mapping[str, HelpDesk]:
    """The help desks; an error where a playbook hands alerts to one that nothing reaches."""
    config = company.config
    desks = config[TICKETS]
    for name in dict.fromkeys(one.ticket for one in playbooks if one.ticket):
        desks[name].check(config[CHANNELS], config[MAIL])
    return desks


def told_channels(company: MeasuredCompany) -> Mapping[str, Channel]:
    """The channels that are told which alerts opened: a help desk gets its tickets alone."""
    asked = {one.channel for one in company.config[TICKETS].values()}
    return {name: one for name, one in company.config[CHANNELS].items() if name not in asked}
