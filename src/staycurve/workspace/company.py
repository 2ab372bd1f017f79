"""Company: one project directory, with every layer wired to it."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.themes import Theme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from staycurve.metrics.benchmarks import Context, Fitting
    from staycurve.metrics.context import Filter
    from staycurve.period import AsOf

    # What only some commands use is imported by them: `show` starts in half a second.
    from staycurve.workspace.audiences import Audiences
    from staycurve.workspace.books import Books
    from staycurve.workspace.goals import Goals
    from staycurve.workspace.identities import Identities
    from staycurve.workspace.inbox import Events
    from staycurve.workspace.sources import Sources
    from staycurve.workspace.state import State
    from staycurve.workspace.work import Work


class Company(MeasuredCompany):
    """One company and what can be asked of it; see Project for its parameters."""

    def close(self) -> None:
        super().close()
        if "state" in vars(self):
            self.state.close()
        if "events" in vars(self):
            self.events.close()

    def __getattr__(self, name: str) -> Any:
        # Insights of one word, and themes of other packages; ours are named below.
        from staycurve.insights.catalogue import INSIGHTS, of_method

        if not name.startswith("_"):
            if any(one.theme == name for _, one in INSIGHTS.items()):
                return Theme(self, name)
            found = of_method("", name)
            if found is not None:
                return partial(found.ask, self)
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'.")

    def benchmark_context(
        self, seen: AsOf | None = None, filters: Sequence[Filter] = ()
    ) -> Context:
        """What benchmarks are chosen by: how old the company is, and the segment."""
        from staycurve.metrics.benchmarks import context_of

        on = (seen or self.as_of()).last_day
        return context_of(
            self.config, on=on, first_paid=self.first_paid_on(), filters=filters
        )

    def benchmarks(
        self, metric: str, *, grain: str = "month", where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> tuple[Fitting, ...]:
        """The benchmarks of a metric, the company's own or ours, those that apply first.

        Parameters
        ----------
        grain : str
            The length of the periods that are compared: a yearly churn is carried to the month.
        where : str or sequence of Filter
            The segment that is looked at.
        """
        from staycurve.metrics.benchmarks import fitting
        from staycurve.metrics.filters import filters_of

        context = self.benchmark_context(self.as_of(as_of), filters_of(where))
        return fitting(metric, self.config, grain=grain, context=context)

    @cached_property
    def state(self) -> State:
        """Saved views, annotations and the audit trail."""
        from staycurve.workspace.state import State

        return State(self)

    @cached_property
    def events(self) -> Events:
        """What programs send over HTTP: taking it in, and bringing it into the lake."""
        from staycurve.workspace.inbox import Events

        return Events(self)

    @property
    def identities(self) -> Identities:
        """Which ids were found to be one person, and parting those that are not."""
        from staycurve.workspace.identities import Identities

        return Identities(self)

    @property
    def goals(self) -> Goals:
        """What metrics are to reach: set, follow, drop and review goals."""
        from staycurve.workspace.goals import Goals

        return Goals(self, self.state)

    @property
    def work(self) -> Work:
        """Playbooks, the alerts that they open, tasks and success plans."""
        from staycurve.workspace.work import Work

        return Work(self, self.state)

    @cached_property
    def audiences(self) -> Audiences:
        """Saved segments: who is in them now, and who was when."""
        from staycurve.workspace.audiences import Audiences

        return Audiences(self, self.state)

    @property
    def sources(self) -> Sources:
        """Outside systems: their kinds, those of staycurve.toml, and syncing them."""
        from staycurve.workspace.sources import Sources

        return Sources(self)

    @property
    def books(self) -> Books:
        """Closing months, adjusting rows and taking loads back; and what reads all that."""
        from staycurve.workspace.books import Books

        return Books(self)

    @property
    def overview(self) -> Theme:
        """The morning's page: the ten metrics, what changed, and whom to call."""
        return Theme(self, "overview")

    @property
    def cohorts(self) -> Theme:
        """Cohorts read for their meaning: history, churn, riskiest months, retention."""
        return Theme(self, "cohorts")

    @property
    def usage(self) -> Theme:
        """What users do: who comes back, in which order, how often."""
        return Theme(self, "usage")

    @property
    def lifecycle(self) -> Theme:
        """The stages that accounts are in: moves, time in stage, who is stuck."""
        return Theme(self, "lifecycle")

    @property
    def features(self) -> Theme:
        """What accounts use: the feature report, adoption over time, limits."""
        return Theme(self, "features")

    @property
    def onboarding(self) -> Theme:
        """How new accounts reach first value: how fast, how many, and along which steps."""
        return Theme(self, "onboarding")

    @property
    def trials(self) -> Theme:
        """Trials: conversion, what converters did, and churn after conversion."""
        return Theme(self, "trials")

    @property
    def acquisition(self) -> Theme:
        """How customers are won: channels, how far their leads come, referrals."""
        return Theme(self, "acquisition")

    @property
    def value(self) -> Theme:
        """What customers are worth, why a number changed, which segments differ, and a forecast."""
        return Theme(self, "value")

    @property
    def invoices(self) -> Theme:
        """What invoices bill: the lines behind an account's MRR."""
        return Theme(self, "invoices")
