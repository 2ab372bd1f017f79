"""Health of every paying account: the probability that it churns, with reasons."""

from __future__ import annotations

from staycurve.insights.base import insight
from staycurve.insights.risk.asked import HORIZON, Horizon
from staycurve.insights.risk.score_rows import (
    BANDS as BANDS,
    REASONS as REASONS,
    Form as Form,
    Score as Score,
    Scores,
)
from staycurve.insights.risk.scoring import Fitted as Fitted, fitted_now as fitted_now
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader


@insight("risk scores")
def scores(
    company: Reader, *, form: Form = "points", horizon: Horizon = HORIZON,
    as_of: AsOfText = None,
) -> Scores:
    """Which paying accounts may churn, how likely, and why?

    The model is fitted to the ends of past months whose horizon has passed. Where it did not beat
    the plain baseline on later days (see `risk backtest`), the baseline is shown. An account of
    which nothing is known is unknown, never healthy. One that has requested a cancellation gets
    the share of such accounts that churned, and no model.

    Beside the horizon stands the probability of churn within 30 days, by a model of its own with
    a backtest of its own; it is never above that of the longer horizon, which bounds it. The
    expected lifetime counts the months to come up to a horizon that stands beside it.
    """
    return fitted_now(company, form=form, horizon=horizon, as_of=as_of).scores
