"""Company: one project directory, with every layer wired to it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.themes import Theme

if TYPE_CHECKING:
    # What only some commands use is imported by them: `show` starts in half a second.
    from staycurve.workspace.acquisition import Acquisition
    from staycurve.workspace.books import Books
    from staycurve.workspace.features import Features
    from staycurve.workspace.lifecycle import Lifecycle
    from staycurve.workspace.onboarding import Onboarding
    from staycurve.workspace.sources import Sources
    from staycurve.workspace.state import State
    from staycurve.workspace.trials import Trials
    from staycurve.workspace.usage import Usage


class Company(MeasuredCompany):
    """One company and what can be asked of it; see Project for its parameters."""

    def close(self) -> None:
        super().close()
        if "state" in vars(self):
            self.state.close()

    def __getattr__(self, name: str) -> Theme:
        # Themes of other packages; ours are named below.
        from staycurve.insights.catalogue import INSIGHTS

        if not name.startswith("_") and any(one.theme == name for _, one in INSIGHTS.items()):
            return Theme(self, name)
        raise AttributeError(f"{type(self).__name__} has no attribute '{name}'.")

    @cached_property
    def state(self) -> State:
        """Saved views, annotations and the audit trail."""
        from staycurve.workspace.state import State

        return State(self)

    @property
    def sources(self) -> Sources:
        """Outside systems: their kinds, those of staycurve.toml, and syncing them."""
        from staycurve.workspace.sources import Sources

        return Sources(self)

    @property
    def books(self) -> Books:
        """Closing months, restatements, adjustments and taking loads back."""
        from staycurve.workspace.books import Books

        return Books(self)

    @property
    def cohorts(self) -> Theme:
        """Cohorts read for their meaning: history, churn, riskiest months, retention."""
        return Theme(self, "cohorts")

    @property
    def usage(self) -> Usage:
        """What users do: retention, lifecycle, funnels, paths, activity."""
        from staycurve.workspace.usage import Usage

        return Usage(self)

    @property
    def lifecycle(self) -> Lifecycle:
        """The stage that each account is in, moves between stages, and who is stuck."""
        from staycurve.workspace.lifecycle import Lifecycle

        return Lifecycle(self)

    @property
    def features(self) -> Features:
        """What accounts use: the feature report, adoption over time, limits."""
        from staycurve.workspace.features import Features

        return Features(self)

    @property
    def onboarding(self) -> Onboarding:
        """How new accounts reach first value: how fast, how many, and along which steps."""
        from staycurve.workspace.onboarding import Onboarding

        return Onboarding(self)

    @property
    def trials(self) -> Trials:
        """Trials: conversion, what converters did, and churn after conversion."""
        from staycurve.workspace.trials import Trials

        return Trials(self)

    @property
    def acquisition(self) -> Acquisition:
        """Channels, how far their leads come, and referrals."""
        from staycurve.workspace.acquisition import Acquisition

        return Acquisition(self)
