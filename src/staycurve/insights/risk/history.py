"""History: what health called one account, as it stood on the day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.account.asked import AccountId, whose
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Row,
    Said,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.risk.asked import HORIZON, Horizon
from staycurve.insights.risk.kept import CHURNED, Remembering
from staycurve.insights.risk.looks import Look, look_of, past_looks
from staycurve.insights.risk.scores import BANDS, Form
from staycurve.insights.risk.track import Track, tracked
from staycurve.insights.shared.params import AsOfText
from staycurve.metrics.base import Unit

NOTHING = N_("no score of this account is kept, and no past day can be judged by earlier ones")


@dataclass(frozen=True, kw_only=True)
class HistoryRow(Row):
    """A score, from its day on."""

    day: Annotated[dt.date, col(N_("From"), Kind.DAY)]
    band: Annotated[
        str, col(N_("Health"), Kind.NAME, named_by={**BANDS, CHURNED: N_("Churned")})
    ]
    health: Annotated[int | None, col(N_("Score"), Unit.COUNT)]
    probability: Annotated[float | None, col(N_("Churn probability"), Unit.PERCENT)]
    known: Annotated[str, col(N_("What was known"))]
    is_kept: Annotated[
        bool,
        col(N_("As it stood"), Kind.FLAG,
            N_("Kept on the day; else a model says it that was fitted to earlier days alone.")),
    ]


@dataclass(frozen=True, kw_only=True)
class HealthHistory(Answer):
    """The scores of one account, the newest first."""

    as_of: AsOfField
    account_id: Annotated[str, Key(N_("The account that is scored: the one that is billed."))]
    kept_since: Annotated[dt.date | None, Key(N_("The first day whose scores were kept."))]
    rows: Annotated[tuple[HistoryRow, ...], Table(N_("Health over time"))] = ()
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Health of %(account)s over time"), {"account": self.account_id})


@insight("risk history")
def history(
    company: Remembering, *, account: AccountId, form: Form = "points",
    horizon: Horizon = HORIZON, as_of: AsOfText = None,
) -> HealthHistory:
    """What did health call an account, and when did that change?

    Scores that were kept on their day (`health keep`) stay as they stood; after churn none is
    added. For days before the first kept one, a model answers that was fitted to earlier days
    alone. An account that is billed with another has the other's health.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        own = whose(engine, company, account, seen)
        moment, track = tracked(company, engine, seen, horizon, form)
    days = [one for one in company.kept_days() if one <= moment.day]
    rows = [
        _row(look_of(one, one.day)) for one in company.kept_scores(own.customer_id)
        if one.day <= moment.day
    ]
    if isinstance(track, Track):
        looks = past_looks(company, track, form, only=(own.customer_id,))
        first = min(days, default=moment.day)
        rows += [_row(one) for one in looks.get(own.customer_id, ()) if one.day < first]
    rows.sort(key=lambda row: row.day, reverse=True)
    return HealthHistory(
        as_of=seen.at.isoformat(), account_id=own.customer_id,
        kept_since=min(days, default=None), rows=tuple(rows), notes=own.notes,
        why=None if rows else NOTHING,
    )


def _row(look: Look) -> HistoryRow:
    return HistoryRow(
        day=look.day, band=look.band,
        health=None if look.probability is None else round(100 * (1 - look.probability)),
        probability=look.probability, known=look.known, is_kept=look.is_kept,
    )
