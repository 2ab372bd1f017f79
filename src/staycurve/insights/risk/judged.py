"""Judged: the accounts and days behind a tenth of the reliability curve."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Key,
    Kind,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.risk.asked import HORIZON, Horizon
from staycurve.insights.risk.judging import GROUPS, Tenth, reliability
from staycurve.insights.risk.scores import Form
from staycurve.insights.risk.track import NO_POINTS, Lacking, Track, tracked
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit


@dataclass(frozen=True, kw_only=True)
class JudgedRow(AccountRow):
    """An account on a test day."""

    account_id: AccountField
    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    probability: Annotated[float, col(N_("Churn probability"), Unit.PERCENT)]
    has_left: Annotated[bool, col(N_("Churned"), Kind.FLAG, N_("Within the horizon."))]
    left_on: Annotated[dt.date | None, col(N_("Churned on"), Kind.DAY)]


@dataclass(frozen=True, kw_only=True)
class JudgedDays(Answer):
    """Accounts and days that were judged, the highest probability first."""

    as_of: AsOfField
    tenth: Annotated[int | None, Key(N_("The tenth by probability, 1 the lowest; all without."))]
    left: Annotated[int, Key(N_("Rows whose account churned within the horizon."))] = 0
    rows: Annotated[tuple[JudgedRow, ...], Table(N_("Accounts and days"), is_list=True)] = ()
    why: WhyField = None

    def title(self) -> Said:
        if self.tenth:
            return Said(N_("Accounts and test days in tenth %(tenth)s by churn probability"),
                        {"tenth": (self.tenth, Unit.COUNT)})
        return Said(N_("Accounts and test days by churn probability"))


def tenths_of(track: Track, form: str) -> tuple[Tenth, ...]:
    """Tenths of the test rows by a form's probability."""
    return reliability(
        track.forms[form].probability, track.test.has_left, track.test.account_ids
    )


@insight("risk judged", comes_from="/track-record#backtest")
def judged_days(
    company: Reader, *,
    tenth: Annotated[
        int | None, Param(N_("A tenth by probability, 1 the lowest."), least=1, most=GROUPS)
    ] = None,
    form: Form = "points", horizon: Horizon = HORIZON, as_of: AsOfText = None,
) -> JudgedDays:
    """Which accounts were judged on which test day, and what became of them?"""
    import numpy as np

    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        _moment, track = tracked(company, engine, seen, horizon, form)
    if isinstance(track, Lacking) or form not in track.forms:
        why = track.why if isinstance(track, Lacking) else NO_POINTS
        return JudgedDays(as_of=seen.at.isoformat(), tenth=tenth, why=why)
    groups = tenths_of(track, form)
    if tenth is not None:
        groups = groups[tenth - 1:tenth]
    places = np.concatenate([one.places for one in groups]) if groups else np.array([], dtype=int)
    test, probability = track.test, track.forms[form].probability
    rows = [
        JudgedRow(
            account_id=test.account_ids[place], day=test.days[place].item(),
            probability=float(probability[place]), has_left=bool(test.has_left[place]),
            left_on=test.left_on[place].item(),
        )
        for place in places
    ]
    rows.sort(key=lambda row: (-row.probability, row.day, row.account_id))
    return JudgedDays(
        as_of=seen.at.isoformat(), tenth=tenth, left=sum(row.has_left for row in rows),
        rows=tuple(rows),
    )
