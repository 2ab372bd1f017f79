"""Churn triggers against the company's own history: which of them went before churn, how often."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    Key,
    Kind,
    Row,
    Said,
    SignificantField,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.risk.asked import HORIZON, NO_HISTORY, Horizon
from staycurve.insights.risk.frames import Frame, history, moment_of
from staycurve.insights.risk.settings import RISK, Risk
from staycurve.insights.risk.trigger import TRIGGERS, Trigger
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import (
    ALPHA,
    adjusted,
    larger_by_chance,
    share,
)
from staycurve.metrics.base import Unit

if TYPE_CHECKING:
    import numpy as np

LEAST_FIRED = 10
"""Accounts on which a trigger must have stood before it is tested: one more or less of fewer moves
its precision by over ten points."""

NEVER_KNOWN = N_("nothing that it rests on is loaded")
NEVER = N_("it never fired")
TOO_FEW = N_("it stood on fewer than {count} accounts at the days that are tested")
SAYS_NOTHING = N_("churn after it is not significantly more frequent than without it")


@dataclass(frozen=True, kw_only=True)
class TriggerRow(Row):
    """One trigger, and what came after it."""

    trigger: Annotated[str, Key(N_("Its name."))]
    label: Annotated[str, col(N_("Trigger"), Kind.NAME)]
    fired: Annotated[
        int, col(N_("Fired"), Unit.COUNT, N_("Ends of months on which it stood on an account."))
    ]
    left_after: Annotated[
        int, col(N_("Churned after"), Unit.COUNT, N_("Those followed by churn in the horizon."))
    ]
    precision: Annotated[
        float | None, col(N_("Precision"), Unit.PERCENT, N_("Churned after / fired"))
    ]
    recall: Annotated[
        float | None,
        col(N_("Recall"), Unit.PERCENT, N_("Churned after / all that churned in the horizon")),
    ]
    lift: Annotated[float | None, col(N_("Lift"), Unit.RATIO, N_("Precision / base rate"))]
    base_rate: Annotated[
        float | None,
        col(N_("Base rate"), Unit.PERCENT,
            N_("Churn in the horizon of all accounts for which the trigger is known.")),
    ]
    known: Annotated[
        int, Key(N_("Accounts and ends of months for which it is known whether it stood."))
    ]
    median_lead_days: Annotated[
        float | None,
        col(N_("Median lead, days"), Unit.COUNT, N_("From the first firing in the horizon.")),
    ]
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("Fisher's exact test, with the Holm correction.")),
    ]
    is_significant: SignificantField
    why: Annotated[str | None, col(N_("Note"))] = None


@dataclass(frozen=True, kw_only=True)
class TriggerReport(Answer):
    """Every trigger, those with the highest lift first."""

    as_of: AsOfField
    horizon: Annotated[int, Key(N_("Days after each day in which churn counts."))]
    first_day: Annotated[str | None, Key(N_("The first day of history that is used."))]
    last_day: Annotated[str | None, Key(N_("The last one: its horizon has passed."))]
    alpha: AlphaField
    rows: Annotated[tuple[TriggerRow, ...], Table(N_("Churn triggers"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Churn triggers, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        if self.why:
            return ()
        found = [row for row in self.rows if row.is_significant]
        if not found:
            return (Said(N_("No trigger says anything about churn in this company.")),)
        return tuple(
            Said(N_("%(trigger)s: %(own)s churned within %(days)s days, %(base)s of all."), {
                "trigger": Said(row.label), "own": (row.precision, Unit.PERCENT),
                "days": (self.horizon, Unit.COUNT), "base": (row.base_rate, Unit.PERCENT),
            })
            for row in found
        )


@dataclass
class _Count:
    """What is counted of one trigger, month by month."""

    known: int = 0
    known_left: int = 0
    fired: int = 0
    left_after: int = 0
    table: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    leads: dict[tuple[str, np.datetime64], int] = field(default_factory=dict)


@insight("risk triggers")
def triggers(
    company: Reader, *, horizon: Horizon = HORIZON, as_of: AsOfText = None
) -> TriggerReport:
    """Which signs went before churn in this company, and which say nothing?

    Each trigger is judged at the ends of the last 24 months whose horizon has passed, on the
    accounts that paid and for which it is known: how often it stood (fired), and how often churn
    followed within the horizon. Fisher's test takes days one horizon apart, so that no churn
    counts twice; Holm's correction covers all triggers that could be tested.
    """
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        moment = moment_of(engine, seen, horizon)
        parts = history(company, engine, moment, horizon)
    rows = judged(parts, company.config[RISK], horizon)
    return TriggerReport(
        as_of=seen.at.isoformat(), horizon=horizon, alpha=ALPHA,
        first_day=str(moment.past[0]) if moment.past else None,
        last_day=str(moment.past[-1]) if moment.past else None,
        rows=rows, why=None if moment.past else NO_HISTORY,
    )


def judged(parts: Sequence[Frame], risk: Risk, horizon: int) -> tuple[TriggerRow, ...]:
    """Every trigger over the frames of past days."""
    import numpy as np

    known = dict(TRIGGERS.items())
    counts = {name: _Count() for name in known}
    days = sorted({day.item() for part in parts for day in np.unique(part.days)})
    tested = np.array(apart(days, horizon), dtype="datetime64[D]")
    for part in parts:
        is_tested = np.isin(part.days, tested)
        for name, trigger in known.items():
            _add(counts[name], trigger, part, risk, is_tested)
    rows = [_row(name, known[name], counts[name]) for name in known]
    return _corrected(rows, counts)


def apart(days: Sequence[dt.date], horizon: int) -> list[dt.date]:
    """Days at least a horizon apart, from the last one back."""
    found: list[dt.date] = []
    for day in reversed(days):
        if not found or (found[-1] - day).days >= horizon:
            found.append(day)
    return found


def _add(
    count: _Count, trigger: Trigger, part: Frame, risk: Risk, is_tested: np.ndarray
) -> None:
    known, fired = trigger.on(part, risk)
    left = part.has_left
    count.known += int(known.sum())
    count.known_left += int((known & left).sum())
    count.fired += int(fired.sum())
    count.left_after += int((fired & left).sum())
    for place, side in enumerate((fired, known & ~fired)):
        count.table[2 * place] += int((side & left & is_tested).sum())
        count.table[2 * place + 1] += int((side & is_tested).sum())
    for place in (fired & left).nonzero()[0]:
        key = (part.account_ids[place], part.left_on[place])
        lead = int((part.left_on[place] - part.days[place]).astype(int))
        count.leads[key] = max(lead, count.leads.get(key, 0))


def _row(name: str, trigger: Trigger, count: _Count) -> TriggerRow:
    import statistics

    base = count.known_left / count.known if count.known else None
    precision = count.left_after / count.fired if count.fired else None
    return TriggerRow(
        trigger=name, label=trigger.label, fired=count.fired, left_after=count.left_after,
        precision=precision, known=count.known,
        recall=count.left_after / count.known_left if count.known_left else None,
        lift=precision / base if precision is not None and base else None, base_rate=base,
        median_lead_days=float(statistics.median(count.leads.values())) if count.leads else None,
        p_value=None, is_significant=False,
        why=NEVER_KNOWN if not count.known else NEVER if not count.fired else None,
    )


def _corrected(
    rows: Sequence[TriggerRow], counts: Mapping[str, _Count]
) -> tuple[TriggerRow, ...]:
    tested: dict[str, float] = {}
    for row in rows:
        left, size, others_left, others = counts[row.trigger].table
        if size >= LEAST_FIRED and others:
            tested[row.trigger] = larger_by_chance(share(left, size), share(others_left, others))
    raised = dict(zip(tested, adjusted(list(tested.values())), strict=True))
    found = []
    for row in rows:
        p_value = raised.get(row.trigger)
        is_significant = p_value is not None and p_value <= ALPHA
        why = row.why
        if why is None and not is_significant:
            why = SAYS_NOTHING if p_value is not None else TOO_FEW.format(count=LEAST_FIRED)
        found.append(replace(row, p_value=p_value, is_significant=is_significant, why=why))
    return tuple(sorted(
        found, key=lambda row: (not row.is_significant, -(row.lift or 0), row.trigger)
    ))
