"""What health says: the shape of one account's score, and of all of them with what gave them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param
from staycurve.insights.risk.horizons import HorizonRow
from staycurve.insights.risk.track import FORM_NAMES, FORMS
from staycurve.metrics.base import Unit

BANDS = {
    "at_risk": N_("At risk"), "watch": N_("Watch"), "healthy": N_("Healthy"),
    "unknown": N_("Unknown"),
}
REASONS = 3

Form = Annotated[str, Param(N_("The form of the model."), choices=FORMS)]

NearField = Annotated[
    float | None,
    col(N_("Within 30 days"), Unit.PERCENT,
        N_("Probability of churn within 30 days, by a model of its own; never above that "
           "within the horizon."), ends=("low_30", "high_30"), why="why_30"),
]
NearLowField = Annotated[float | None, Key(N_("The lower end of its 95% interval."))]
NearHighField = Annotated[float | None, Key(N_("The upper end of its 95% interval."))]
NearWhyField = Annotated[str | None, Key(N_("Why it is unknown."), is_omitted=True)]
ExpectedField = Annotated[
    float | None,
    col(N_("Expected months"), Unit.MONTHS,
        N_("Months until it churns, of which only those up to the horizon beside it count. "
           "Its interval is that of the mean of such accounts, not of one account's life."),
        ends=("expected_low", "expected_high"), why="expected_why"),
]
ExpectedLowField = Annotated[float | None, Key(N_("The lower end of its 95% interval."))]
ExpectedHighField = Annotated[float | None, Key(N_("The upper end of its 95% interval."))]
AheadField = Annotated[
    int | None, col(N_("Of the next"), Unit.COUNT, N_("Months that are looked ahead."))
]
ExpectedWhyField = Annotated[
    str | None, Key(N_("Why no lifetime is expected."), is_omitted=True)
]
StageField = Annotated[
    str | None,
    Key(N_("The lifecycle stage that its model is of; `all` where the model of all accounts "
           "speaks. Only of the form by_stage."), is_omitted=True),
]
HorizonsField = Annotated[
    tuple[HorizonRow, ...], Table(N_("How good they are"), N_("Each horizon's own backtest."))
]
WithoutField = Annotated[
    tuple[str, ...],
    Key(N_("Features that are known of no account now; nothing was learned from them.")),
]
ShiftedField = Annotated[
    tuple[str, ...],
    Key(N_("Features that are distributed otherwise now than in what was learned from.")),
]


@dataclass(frozen=True)
class Reason(Row):
    """One factor of an account's probability."""

    reason: Annotated[str, Key(N_("The factor and its value."))]
    effect: Annotated[
        float, Key(N_("What it adds to the probability, against the average account."))
    ]


@dataclass(frozen=True, kw_only=True)
class Score(AccountRow):
    """One paying account."""

    account_id: AccountField
    band: Annotated[str, col(N_("Health"), Kind.NAME, named_by=BANDS)]
    health: Annotated[
        int | None, col(N_("Score"), Unit.COUNT, N_("100 × (1 − probability of churn)"))
    ]
    probability: Annotated[
        float | None,
        col(N_("Churn probability"), Unit.PERCENT,
            N_("Within the horizon. Its interval: how many churned of the accounts with the most "
               "similar probabilities on test days."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    probability_30: NearField = None
    low_30: NearLowField = None
    high_30: NearHighField = None
    why_30: NearWhyField = None
    expected_months: ExpectedField = None
    expected_low: ExpectedLowField = None
    expected_high: ExpectedHighField = None
    expected_horizon: AheadField = None
    expected_why: ExpectedWhyField = None
    stage: StageField = None
    points: Annotated[
        int | None, Key(N_("The sum of its points, where the model is one of points."))
    ]
    reasons: Annotated[tuple[Reason, ...], col(N_("Reasons"), shown_as="told")]
    mrr: Annotated[float, col(N_("MRR"), Unit.MONEY)]
    why: Annotated[str | None, Key(N_("Why it is unknown."))] = None

    @property
    def told(self) -> str:
        """The reasons in one line, with points of percentage."""
        if self.why:
            return self.why
        return "; ".join(f"{one.reason} ({100 * one.effect:+.1f})" for one in self.reasons)


@dataclass(frozen=True, kw_only=True)
class Scores(Answer):
    """Every paying account, the highest probability first."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after the day in which churn counts."))]
    form: Annotated[str | None, Key(N_("points, boosting or baseline: what is shown."))]
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the asked form beats the baseline in the backtest."))
    ]
    base_rate: Annotated[
        float | None, Key(N_("Share of accounts that churned within the horizon on past days."))
    ]
    trained_until: Annotated[
        dt.date | None, Key(N_("The last day that it was fitted to; its horizon has passed."))
    ]
    trained_on: Annotated[int, Key(N_("Rows, one an account and day, that it was fitted to."))]
    bands: Annotated[Mapping[str, int], Key(N_("Band → accounts."))]
    horizons: HorizonsField = ()
    without: WithoutField = ()
    shifted: ShiftedField = ()
    rows: Annotated[tuple[Score, ...], Table(N_("Health by account"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Health of paying accounts, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.form is None:
            return ()
        return model_told(self, self.form)


class _OfModel(Protocol):
    """An answer that says what its model was fitted to."""

    @property
    def horizon(self) -> int: ...
    @property
    def beats_baseline(self) -> bool | None: ...
    @property
    def base_rate(self) -> float | None: ...
    @property
    def trained_until(self) -> dt.date | None: ...
    @property
    def trained_on(self) -> int: ...
    @property
    def without(self) -> tuple[str, ...]: ...
    @property
    def shifted(self) -> tuple[str, ...]: ...


def model_told(answer: _OfModel, form: str) -> tuple[Said, ...]:
    """Whether the model is worth anything, what it was fitted to, and what changed since."""
    found = []
    if not answer.beats_baseline:
        found.append(Said(N_(
            "The model does not beat the plain baseline of recency, tenure and plan on past "
            "days: the baseline is shown."
        )))
    found.append(Said(
        N_("%(form)s, fitted to %(rows)s rows up to %(day)s; %(base)s churn within %(days)s "
           "days."),
        {"form": Said(FORM_NAMES[form]), "rows": (answer.trained_on, Unit.COUNT),
         "day": (answer.trained_until, Kind.DAY), "base": (answer.base_rate, Unit.PERCENT),
         "days": (answer.horizon, Unit.COUNT)},
    ))
    return (*found, *drifted(answer.without, answer.shifted))


def drifted(without: tuple[str, ...], shifted: tuple[str, ...]) -> tuple[Said, ...]:
    """What a reader must know of features that changed since the model learned."""
    found = []
    if without:
        found.append(Said(
            N_("Known of no account any more, so the model does without: %(names)s."),
            {"names": _listed(without)},
        ))
    if shifted:
        found.append(Said(
            N_("Distributed otherwise now than in the days that were learned from, so "
               "probabilities may be off: %(names)s."), {"names": _listed(shifted)},
        ))
    return tuple(found)


def _listed(names: tuple[str, ...]) -> Said:
    """Labels with commas, each in the reader's language."""
    text = ", ".join(f"%(name{place})s" for place in range(len(names)))
    return Said(text, {f"name{place}": Said(name) for place, name in enumerate(names)})
