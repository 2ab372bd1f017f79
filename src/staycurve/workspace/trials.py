"""Trials of one company: the report, and the accounts behind its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from staycurve.errors import UsageError
from staycurve.insights.onboarding import trial_accounts, trial_report
from staycurve.insights.onboarding.trial_report import TOP, TrialReport
from staycurve.insights.shared.account_facts import Opened, check_dims
from staycurve.insights.shared.members import Question
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.query import filters_of
from staycurve.period import align

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class Trials:
    """The trials of one company.

    Every reading takes `where`, such as 'channel=referral,card_on_file=true' (what changes with
    time is read on the day on which the trial started), and `as_of`.
    """

    company: MeasuredCompany

    def report(
        self,
        *,
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        top: int = TOP,
    ) -> TrialReport:
        """Starts, conversion by cohort and card, time to convert, usage, churn after conversion.

        Parameters
        ----------
        by : str or sequence of str
            Splits the conversion by cohort; the rest is told of all trials together.
        top : int
            How many features are shown one by one.
        """
        if top < 1:
            raise UsageError("The report shows at least 1 feature.", hint=f"Write: --top {TOP}")
        asked = self._question(by, where, as_of)
        with self.company.seeing(asked.as_of) as engine:
            found = trial_report.report(asked, engine.rows, top=top)
        return replace(
            found,
            _accounts=lambda part, **chosen: self.accounts(
                part, where=where, as_of=as_of, **chosen
            ),
        )

    def accounts(
        self,
        part: str = "started",
        *,
        cohort: str | None = None,
        card: str | None = None,
        feature: str | None = None,
        without: str | None = None,
        within: int | None = None,
        end_class: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """The accounts behind one number.

        Parameters
        ----------
        part : str
            A key of `insights.trial_report.PARTS`, such as converted, left or used.
        cohort : str, optional
            The month in which the trial started, such as 2024-05.
        card : str, optional
            with, without or unknown.
        feature : str, optional
            With used, converted or not_converted: those that used it during the trial.
        within : int, optional
            With left: those followed for so many months that left within them; with converted and
            stayed: those followed for so many.
        without : str, optional
            With converted or not_converted: those that did not use this feature.
        end_class : str, optional
            With left: those that left so.
        """
        asked = self._question((), where, as_of)
        month = align(cohort, "month", is_last=False).start if cohort else None
        with self.company.seeing(asked.as_of) as engine:
            return trial_accounts.opened(
                asked, part, engine.rows, cohort=month, card=card, feature=feature,
                without=without, within=within, end_class=end_class,
            )

    def _question(
        self, by: str | Sequence[str], where: str | Sequence[Filter], as_of: str | None
    ) -> Question:
        dims = dims_of(by)
        filters = filters_of(where)
        check_dims(dims, filters, self.company.attributes(), relation="trials")
        return Question(self.company.config, self.company.as_of(as_of), dims, filters)
