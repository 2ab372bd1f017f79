"""Onboarding of one company: time to first value, activation, and the checklist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from staycurve.insights.onboarding import checklist, onboarding
from staycurve.insights.onboarding.checklist import Checklist
from staycurve.insights.shared.account_facts import Opened, check_dims
from staycurve.insights.shared.members import Question
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.period import align

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class Onboarding:
    """How new accounts of one company reach first value.

    Every reading takes `by`, account attributes to split by; `where`, such as 'channel=referral'
    (what changes with time is read on the day of sign-up); and `as_of`.
    """

    company: MeasuredCompany

    def time_to_value(
        self,
        *,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> onboarding.Onboarding:
        """Time to first value and activation rate, by month of sign-up."""
        asked = self._question(by, where, as_of)
        with self.company.seeing(asked.as_of) as engine:
            found = onboarding.onboarding(asked, engine.rows)
        return replace(
            found,
            _accounts=lambda part, cohort: self.accounts(
                part, cohort=cohort, where=where, as_of=as_of
            ),
        )

    def accounts(
        self,
        part: str = "signed_up",
        *,
        cohort: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """The accounts behind a number of `time_to_value`.

        Parameters
        ----------
        part : str
            A key of `insights.onboarding.PARTS`, such as activated, waiting or late.
        cohort : str, optional
            The month of sign-up, such as 2024-05.
        """
        asked = self._question((), where, as_of)
        month = align(cohort, "month", is_last=False).start if cohort else None
        with self.company.seeing(asked.as_of) as engine:
            return onboarding.opened(asked, part, month, engine.rows)

    def checklist(
        self,
        *,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Checklist:
        """How far accounts get along [activation] checklist, and who stays."""
        asked = self._question(by, where, as_of)
        with self.company.seeing(asked.as_of) as engine:
            found = checklist.checklist(asked, engine.rows)
        return replace(
            found,
            _accounts=lambda step, state: self.step_accounts(
                step, state=state, where=where, as_of=as_of
            ),
        )

    def step_accounts(
        self,
        step: str,
        *,
        state: str = "reached",
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """The accounts behind a number of `checklist`, each with when it did every step.

        Parameters
        ----------
        state : str
            A key of `insights.checklist.STATES`, such as reached or stopped.
        """
        asked = self._question((), where, as_of)
        with self.company.seeing(asked.as_of) as engine:
            return checklist.opened(asked, step, state, engine.rows)

    def _question(
        self, by: str | Sequence[str], where: str | Sequence[Filter], as_of: str | None
    ) -> Question:
        dims = dims_of(by)
        filters = filters_of(where)
        check_dims(dims, filters, self.company.attributes(), relation="signups")
        return Question(self.company.config, self.company.as_of(as_of), dims, filters)
