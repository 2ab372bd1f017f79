"""Company: one project directory, with every layer wired to it."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from staycurve.tables import account_merges
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.themes import Theme

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping, Sequence

    # What only some commands use is imported by them: `show` starts in half a second.
    from staycurve.insights.account.agreed import Agreed
    from staycurve.insights.effects.arm import Arm
    from staycurve.insights.risk.kept import KeptScore
    from staycurve.insights.risk.months import Meeting
    from staycurve.insights.risk.pulse import Pulse
    from staycurve.insights.voice.codebook import CodebookChange
    from staycurve.insights.voice.kept import Note
    from staycurve.metrics.benchmarks import Context, Fitting
    from staycurve.metrics.context import Filter
    from staycurve.period import AsOf
    from staycurve.tables.refresh import RefreshReport

    # What only some commands use is imported by them: `show` starts in half a second.
    from staycurve.workspace.audiences import Audiences
    from staycurve.workspace.books import Books
    from staycurve.workspace.digests import Digests
    from staycurve.workspace.goals import Goals
    from staycurve.workspace.health import Health
    from staycurve.workspace.identities import Identities
    from staycurve.workspace.inbox import Events
    from staycurve.workspace.mailing import Mailing
    from staycurve.workspace.matching import Matching
    from staycurve.workspace.person import PersonalData
    from staycurve.workspace.proof import Proof
    from staycurve.workspace.recaps import Recaps
    from staycurve.workspace.sources import Sources
    from staycurve.workspace.state import State
    from staycurve.workspace.surveys import Surveys
    from staycurve.workspace.voice import Voice
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
    def matching(self) -> Matching:
        """Which accounts of several sources are one: candidates, merges, and taking them back."""
        from staycurve.workspace.matching import Matching

        return Matching(self, lambda: self.state)

    def is_due(self) -> bool:
        """Whether a refresh has anything to do."""
        return super().is_due() or (self._is_matched() and self.matching.is_due())

    def _is_matched(self) -> bool:
        """Whether accounts may be of several sources, told without importing any source."""
        snapshot = self.snapshot
        return bool(
            "sources" in self.config.stated
            or snapshot.meta.get("matched")
            or self.lake.rows(snapshot, account_merges.NAME)
        )

    def refresh_beside(self, *, is_full: bool = False) -> RefreshReport:
        """Bring matched accounts and derived tables up to date, while readers go on."""
        self.matching.apply()
        return super().refresh_beside(is_full=is_full)

    @property
    def goals(self) -> Goals:
        """What metrics are to reach: set, follow, drop and review goals."""
        from staycurve.workspace.goals import Goals

        return Goals(self, self.state)

    @property
    def surveys(self) -> Surveys:
        """What customers are asked, and what they answer."""
        from staycurve.workspace.surveys import Surveys

        return Surveys(self)

    @property
    def work(self) -> Work:
        """Playbooks, the alerts that they open, tasks and success plans."""
        from staycurve.workspace.work import Work

        return Work(self, self.state)

    @property
    def mailing(self) -> Mailing:
        """Digests, recaps and tickets by mail that are due: sending them."""
        from staycurve.workspace.mailing import Mailing

        return Mailing(self)

    @property
    def recaps(self) -> Recaps:
        """Value recaps: written into files, and sent to contacts."""
        from staycurve.workspace.recaps import Recaps

        return Recaps(self)

    @property
    def digests(self) -> Digests:
        """Weekly digests: who gets one, and what is in it."""
        from staycurve.workspace.digests import Digests

        return Digests(self)

    @cached_property
    def audiences(self) -> Audiences:
        """Saved segments: who is in them now, and who was when."""
        from staycurve.workspace.audiences import Audiences

        return Audiences(self, self.state)

    @property
    def proof(self) -> Proof:
        """Experiments: whose arms are drawn and kept."""
        from staycurve.workspace.proof import Proof

        return Proof(
            self, self.state, moment=self.work.moment, audience=self.audiences.now,
            check_playbook=lambda name: self.work.playbooks().get(name),
        )

    def arms(self, experiment: str) -> Mapping[str, Arm]:
        """account_id → its arm, of an experiment whose arms are kept."""
        return self.proof.arms(experiment)

    def playbooks_on(self, fact: str) -> tuple[Meeting, ...]:
        """The playbooks whose rule rests on a fact, by name."""
        from staycurve.insights.risk.months import Meeting

        return tuple(
            Meeting(one.name, one.title, one.is_on)
            for one in self.work.playbooks().playbooks if fact in one.rule.facts
        )

    def acted(self, playbook: str) -> Mapping[str, dt.date]:
        """account_id → the day on which something was first done in an alert of a playbook."""
        return self.work.acted(playbook)

    def agreed(self, account: str) -> tuple[Agreed, ...]:
        """The goals of an account's success plan, by day."""
        return self.work.agreed(account)

    @property
    def sources(self) -> Sources:
        """Outside systems: their kinds, those of staycurve.toml, and syncing them."""
        from staycurve.workspace.sources import Sources

        return Sources(self)

    @property
    def personal(self) -> PersonalData:
        """What is held of one person: exported, or made nobody's."""
        from staycurve.workspace.person import PersonalData

        return PersonalData(self, self.state, self.events)

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
    def voice(self) -> Voice:
        """What people keep of their customers' voice: the codebook, and notes on accounts."""
        from staycurve.workspace.voice import Voice

        return Voice(self, self.state)

    def codebook_changes(self) -> tuple[CodebookChange, ...]:
        """Every change of the codebook that was made by now, in order."""
        return self.voice.changes()

    def account_notes(self, account: str = "", *, text: str = "") -> tuple[Note, ...]:
        """Every note that was kept by now, oldest first: of one account, or with these words."""
        return self.voice.notes(account, text=text)

    @property
    def health(self) -> Health:
        """What people and models thought of accounts: pulses, kept scores, kept models."""
        from staycurve.workspace.health import Health

        return Health(self, self.state)

    def pulses(self) -> tuple[Pulse, ...]:
        """Every pulse of an account that was given by now, oldest first."""
        return self.health.pulses()

    def kept_scores(self, account: str) -> tuple[KeptScore, ...]:
        """The scores of an account as they stood, oldest first."""
        return self.health.history(account)

    def kept_days(self) -> tuple[dt.date, ...]:
        """The days whose scores were kept, oldest first."""
        return self.health.days()

    def kept_scores_of(
        self, accounts: Collection[str]
    ) -> Mapping[str, tuple[KeptScore, ...]]:
        """Account → its scores as they stood, oldest first."""
        return self.health.histories(accounts)

    @property
    def satisfaction(self) -> Theme:
        """How content customers are: scores with intervals, who answers, and who is unhappy."""
        return Theme(self, "satisfaction")

    @property
    def feedback(self) -> Theme:
        """What customers write: themes, comments, and the codebook that tells them."""
        return Theme(self, "feedback")

    @property
    def support(self) -> Theme:
        """How fast tickets are answered and solved, what waits, and for whom."""
        return Theme(self, "support")

    @property
    def invoices(self) -> Theme:
        """What invoices bill: the lines behind an account's MRR."""
        return Theme(self, "invoices")
