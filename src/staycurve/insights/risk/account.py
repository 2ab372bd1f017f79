"""One account's health: probability, band, reasons and pulse."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.account.asked import AccountId, whose
from staycurve.insights.answers import (
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
from staycurve.insights.base import insight
from staycurve.insights.risk.asked import HORIZON, Horizon
from staycurve.insights.risk.pulse import LEVELS, standing
from staycurve.insights.risk.score_rows import (
    BANDS,
    AheadField,
    ExpectedField,
    ExpectedHighField,
    ExpectedLowField,
    ExpectedWhyField,
    Form,
    HorizonsField,
    NearField,
    NearHighField,
    NearLowField,
    NearWhyField,
    ShiftedField,
    StageField,
    WithoutField,
    model_told,
)
from staycurve.insights.risk.scoring import fitted_now
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

BOTH = (
    "probability_30", "low_30", "high_30", "why_30", "expected_months", "expected_low",
    "expected_high", "expected_horizon", "expected_why", "stage",
)
"""What an account's score says as it does among all of them."""

NOT_PAYING = N_("it does not pay on this day")


@dataclass(frozen=True, kw_only=True)
class ReasonRow(Row):
    """One factor."""

    reason: Annotated[str, col(N_("Factor"))]
    effect: Annotated[
        float,
        col(N_("Effect"), Kind.POINTS,
            N_("What it adds to the probability, against the average account.")),
    ]


@dataclass(frozen=True, kw_only=True)
class AccountHealth(Answer):
    """How one account stands."""

    as_of: AsOfField
    account_id: Annotated[str, Key(N_("The account that is scored: the one that is billed."))]
    band: Annotated[str | None, col(N_("Health"), Kind.NAME, named_by=BANDS)] = None
    health: Annotated[
        int | None, col(N_("Score"), Unit.COUNT, N_("100 × (1 − probability of churn)"))
    ] = None
    probability: Annotated[
        float | None,
        col(N_("Churn probability"), Unit.PERCENT,
            N_("Its interval: how many churned of the accounts with the most similar "
               "probabilities on test days."), ends=("low", "high")),
    ] = None
    low: LowField = None
    high: HighField = None
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
    horizon: Annotated[int, Key(N_("Days after the day in which churn counts."))] = HORIZON
    form: Annotated[str | None, Key(N_("The form that is shown."))] = None
    beats_baseline: Annotated[
        bool | None, Key(N_("Whether the asked form beats the baseline in the backtest."))
    ] = None
    base_rate: Annotated[float | None, Key(N_("Churn of all accounts on past days."))] = None
    trained_until: Annotated[dt.date | None, Key(N_("The last day it was fitted to."))] = None
    trained_on: Annotated[int, Key(N_("Rows that it was fitted to."))] = 0
    pulse: Annotated[str | None, col(N_("Pulse"), Kind.NAME, named_by=LEVELS)] = None
    pulse_on: Annotated[dt.date | None, Key(N_("The day on which the pulse was given."))] = None
    pulse_until: Annotated[
        dt.date | None, Key(N_("The first day on which it no longer holds."))
    ] = None
    pulse_account: Annotated[
        str | None, Key(N_("The account that it is of: the worst of a customer's counts."))
    ] = None
    rows: Annotated[tuple[ReasonRow, ...], Table(N_("Reasons"))] = ()
    horizons: HorizonsField = ()
    without: WithoutField = ()
    shifted: ShiftedField = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Health of %(account)s"), {"account": self.account_id})

    def said(self) -> tuple[Said, ...]:
        if self.form is None or self.why:
            return ()
        return model_told(self, self.form)


@insight("risk account")
def account_health(
    company: Reader, *, account: AccountId, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> AccountHealth:
    """How healthy is an account, why, and what do people think of it?

    An account that is billed with another has the other's health. Of the pulses of a customer's
    accounts the worst counts.
    """
    seen = company.as_of(as_of)
    with company.reading() as engine:
        own = whose(engine, company, account, seen)
    found = fitted_now(company, form=form, horizon=horizon, as_of=as_of)
    given_of = [one for one in company.pulses() if one.account_id in own.parts]
    # Without an as-of people ask what stands now, which may be newer than the loaded data.
    pulse = standing(given_of, found.day if as_of else company.today())
    given: dict[str, Any] = {
        "as_of": seen.at.isoformat(), "account_id": own.customer_id, "horizon": horizon,
        "pulse": pulse.level if pulse else None, "pulse_on": pulse.day if pulse else None,
        "pulse_until": pulse.expires_on if pulse else None,
        "pulse_account": pulse.account_id if pulse else None, "notes": own.notes,
    }
    row = next((one for one in found.scores.rows if one.account_id == own.customer_id), None)
    if row is None:
        return AccountHealth(**given, why=NOT_PAYING)
    scores = found.scores
    return AccountHealth(
        **given, band=row.band, health=row.health, probability=row.probability, low=row.low,
        high=row.high, form=scores.form, beats_baseline=scores.beats_baseline,
        base_rate=scores.base_rate, trained_until=scores.trained_until,
        trained_on=scores.trained_on, why=row.why, horizons=scores.horizons,
        without=scores.without, shifted=scores.shifted,
        **{name: getattr(row, name) for name in BOTH},
        rows=tuple(ReasonRow(reason=one.reason, effect=one.effect) for one in row.reasons),
    )
