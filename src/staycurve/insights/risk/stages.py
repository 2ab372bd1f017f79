"""Stages: which lifecycle stages have a model of their own, and whether that helps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
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
from staycurve.insights.risk.judging import auc_difference, figures
from staycurve.insights.risk.staged import (
    LEAST_ACCOUNTS,
    LEAST_LEFT,
    Staged,
    in_stage,
    stages_in,
    too_few,
)
from staycurve.insights.risk.track import BY_STAGE, Lacking, Track, last_day, leavers, tracked
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit

NOT_THEN = N_("it had too few on the days before the test")
NO_TEST = N_("too few of its accounts churned on test days to compare")
LEAST_COMPARED = 10
"""Accounts of a stage that must have churned on test days, as for the whole backtest."""


@dataclass(frozen=True, kw_only=True)
class StageModel(Row):
    """One stage: what there is to learn from, and how its own model did beside the whole's."""

    stage: Annotated[str, col(N_("Stage"), Kind.NAME, named_by=LABELS)]
    has_own: Annotated[bool, col(N_("Own model"), Kind.FLAG)]
    accounts: Annotated[
        int, col(N_("Accounts"), Unit.COUNT, N_("In this stage on past days with an outcome."))
    ]
    left: Annotated[int, col(N_("Churned"), Unit.COUNT, N_("Accounts, within the horizon."))]
    left_tested: Annotated[int, col(N_("Churned in the test"), Unit.COUNT, N_("Accounts."))]
    auc: Annotated[
        float | None,
        col(N_("AUC of its own"), Unit.RATIO, N_("On the stage's test rows, of the models that "
                                                  "stood then.")),
    ] = None
    whole_auc: Annotated[
        float | None,
        col(N_("AUC of the whole"), Unit.RATIO, N_("Of the model of all accounts, on the same "
                                                   "rows.")),
    ] = None
    difference: Annotated[
        float | None, col(N_("Difference"), Unit.RATIO, ends=("low", "high"))
    ] = None
    low: LowField = None
    high: HighField = None
    why: Annotated[str | None, col(N_("Why not"), is_omitted=True)] = None


@dataclass(frozen=True, kw_only=True)
class StageModels(Answer):
    """Every stage that paying accounts were in, in the order of a customer's way."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which churn counts."))]
    least_left: Annotated[
        int, Key(N_("Accounts of a stage that must have churned for a model of its own."))
    ] = LEAST_LEFT
    least_accounts: Annotated[
        int, Key(N_("Accounts that must have been in the stage for a model of its own."))
    ] = LEAST_ACCOUNTS
    auc: Annotated[
        float | None, col(N_("AUC by stage"), Unit.RATIO, N_("Of all test rows, each by the model "
                                                             "of its stage."))
    ] = None
    whole_auc: Annotated[
        float | None, col(N_("AUC of one model"), Unit.RATIO, N_("Of all test rows."))
    ] = None
    difference: Annotated[float | None, Key(N_("The first less the second."))] = None
    low: LowField = None
    high: HighField = None
    trained_until: Annotated[dt.date | None, Key(N_("The last day that was learned from."))] = None
    rows: Annotated[tuple[StageModel, ...], Table(N_("Models by lifecycle stage"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Models by lifecycle stage, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.difference is None:
            return ()
        values: Mapping[str, Any] = {
            "own": (self.auc, Unit.RATIO), "whole": (self.whole_auc, Unit.RATIO),
            "low": (self.low, Unit.RATIO), "high": (self.high, Unit.RATIO),
        }
        if not any(row.has_own for row in self.rows):
            text = N_("No stage has enough accounts that churned for a model of its own: the "
                      "model of all accounts speaks for each.")
        elif self.low is not None and self.low > 0:
            text = N_("Models by stage are better: AUC %(own)s against %(whole)s (difference "
                      "%(low)s to %(high)s). Ask for the form by_stage.")
        else:
            text = N_("Models by stage are not better than one model: AUC %(own)s against "
                      "%(whole)s (difference %(low)s to %(high)s).")
        return (Said(text, dict(values)),)


@insight("risk stages", comes_from="/track-record#stages")
def stages(
    company: Reader, *, horizon: Horizon = HORIZON, as_of: AsOfText = None,
) -> StageModels:
    """Does a lifecycle stage need a model of churn of its own?

    A stage gets points of its own where 200 accounts were in it on past days and 40 of them
    churned; for the others the model of all accounts speaks. Both are judged on the stage's rows
    of the same test days. Scores by stage: `risk scores --form by_stage`.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        _moment, track = tracked(company, engine, seen, horizon, BY_STAGE)
    if isinstance(track, Lacking):
        return StageModels(as_of=seen.at.isoformat(), horizon=horizon, why=track.why)
    own, whole = track.forms[BY_STAGE], track.forms["points"]
    gap, low, high = auc_difference(
        own.probability, whole.probability, track.test.has_left, track.test.account_ids
    )
    return StageModels(
        as_of=seen.at.isoformat(), horizon=horizon, auc=own.figures.auc,
        whole_auc=whole.figures.auc, difference=gap, low=low, high=high,
        trained_until=last_day(track.past),
        rows=tuple(
            _row(track, stage) for stage in STAGES if stage in stages_in(track.past)
        ),
    )


def _row(track: Track, stage: str) -> StageModel:
    past, places = track.past.where(in_stage(track.past, stage)), in_stage(track.test, stage)
    test, why = track.test.where(places), too_few(past)
    own, whole = track.forms[BY_STAGE], track.forms["points"]
    found = StageModel(
        stage=stage, has_own=why is None, accounts=len(set(past.account_ids)),
        left=leavers(past), left_tested=leavers(test), why=why,
    )
    if why is not None:
        return found
    if not any(isinstance(one, Staged) and stage in one.own for one in own.models):
        return replace(found, why=NOT_THEN)
    if found.left_tested < LEAST_COMPARED or test.has_left.all():
        return replace(found, why=NO_TEST)
    gap, low, high = auc_difference(
        own.probability[places], whole.probability[places], test.has_left, test.account_ids
    )
    return replace(
        found, difference=gap, low=low, high=high,
        auc=figures(own.probability[places], test.has_left).auc,
        whole_auc=figures(whole.probability[places], test.has_left).auc,
    )
