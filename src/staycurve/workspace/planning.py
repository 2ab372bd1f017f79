"""Planning: success plans of accounts, as dated milestones."""

from __future__ import annotations

from typing import Any

from staycurve.insights.account.agreed import Agreed
from staycurve.state import milestones as planning
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State
from staycurve.workspace.work_rows import milestone_dict, read


class Planning:
    """Success plans; a part of Work."""

    _company: MeasuredCompany
    _state: State

    def milestones(self, account: str) -> list[dict[str, Any]]:
        """The success plan of an account, by day."""
        with read(self._state) as session:
            if session is None:
                return []
            today = self._company.as_of().last_day
            return [milestone_dict(row, today) for row in planning.of_account(session, account)]

    def agreed(self, account: str) -> tuple[Agreed, ...]:
        """The goals of an account's success plan, by day, without who answers for them."""
        with read(self._state) as session:
            rows = planning.of_account(session, account) if session else ()
        return tuple(
            Agreed(row.title, row.due_on, row.created_at, row.done_at) for row in rows
        )

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

    def drop_milestone(self, milestone: int, *, by: str) -> dict[str, Any]:
        """Take a milestone out of its account's plan."""
        with self._state.database.writing() as session:
            row = planning.drop(session, milestone, who=by, now=self._company.clock())
        return milestone_dict(row, self._company.as_of().last_day)

    def _check_account(self, account: str) -> None:
        from staycurve.insights.account.asked import whose

        with self._company.reading() as engine:
            whose(engine, self._company, account, self._company.as_of())
