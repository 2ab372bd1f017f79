"""Work of one project: playbooks run, alerts and tasks dealt with, success plans kept."""

from __future__ import annotations

from typing import Any

from staycurve.actions.channels import telling
from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.state import outbox
from staycurve.workspace.dealing import Dealing
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.planning import Planning
from staycurve.workspace.playing import Playing, Ran
from staycurve.workspace.recording import Recording
from staycurve.workspace.state import State
from staycurve.workspace.ticketing import Ticketing
from staycurve.workspace.work_rows import message_dict, read

__all__ = ["Ran", "Work"]

SHOWN = 200


class Work(Playing, Recording, Dealing, Planning, Ticketing):
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

    def send(self) -> dict[str, int]:
        """Send what waits in the outbox and is due: how many messages arrived, how many did not.

        In quiet hours nothing is sent, what is tried again neither.
        """
        from staycurve.actions.channels.sending import send_all

        config = self._company.config
        is_quiet = telling.is_quiet(
            self._company.clock(), config.company.zone, config[PLAYBOOK_SETTINGS].quiet
        )
        if is_quiet or not self._state.database.is_there:
            return {"sent": 0, "failed": 0}
        return send_all(
            self._state.database, self._company.config[CHANNELS], clock=self._company.clock
        )

    def messages(self, *, most: int = SHOWN) -> list[dict[str, Any]]:
        """The last messages, newest first, without what they say."""
        with read(self._state) as session:
            rows = outbox.listed(session, most=most) if session else ()
        return [message_dict(row) for row in rows]

    def replay(self, message: int) -> dict[str, Any]:
        """Send a message again, under the same key."""
        with self._state.database.writing() as session:
            return message_dict(outbox.replay(session, message, now=self._company.clock()))
