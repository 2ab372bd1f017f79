"""Churn triggers against the company's own history: which of them went before churn, how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    SignificantField,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.risk.alike import Alike, alike
from staycurve.insights.risk.asked import HORIZON, NO_HISTORY, Horizon
from staycurve.insights.risk.frames import Frame, history, moment_of
from staycurve.insights.risk.settings import RISK, Risk
from staycurve.insights.risk.trigger import TRIGGERS, Trigger
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.alike import AlikeLift, lift_alike
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.metrics.base import Unit

if TYPE_CHECKING:
    import numpy as np

LEAST_FIRED = 10
"""Accounts on which a trigger must have stood before it is tested. From there on the test names too
much by chance no more often than it says (simulated on spans of three months, none of which had to
do with churn), and less often where a trigger is rare."""

NEVER_KNOWN = N_("nothing that it rests on is loaded")
NEVER = N_("it never fired")
TOO_FEW = N_("it stood on fewer than {count} accounts that have others like them beside them")
SAYS_NOTHING = N_("churn after it is not significantly more frequent than of accounts like them")


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
    lift_alike: Annotated[
        float | None,
        col(N_("Lift, accounts alike"), Unit.RATIO,
            N_("Against accounts without it of the same plan, tenure and contract, as free to "
               "leave."), ends=("low", "high")),
    ]
    low: LowField
    high: HighField
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
        col(N_("p"), Kind.CHANCE,
            N_("Score test by accounts among those alike, with the Holm correction.")),
    ]
    is_significant: SignificantField
    why: Annotated[str | None, col(N_("Note"))] = None


@dataclass(frozen=True, kw_only=True)
class TriggerReport(Answer):
    """Every trigger: the significant ones first, each by its lift among accounts that are alike."""

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

    known_left: int = 0
    left_after: int = 0
    is_known: list[np.ndarray] = field(default_factory=list)
    is_fired: list[np.ndarray] = field(default_factory=list)
    leads: dict[tuple[str, np.datetime64], int] = field(default_factory=dict)


@insight("risk triggers")
def triggers(
    company: Reader, *, horizon: Horizon = HORIZON, as_of: AsOfText = None
) -> TriggerReport:
    """Which signs went before churn in this company, and which say nothing?

    Each trigger is judged at the ends of the last 24 months whose horizon has passed, on the
    accounts that paid and for which it is known: how often it stood (fired), and how often churn
    followed within the horizon. Large accounts open more tickets and churn less; so test and order
    go by the lift among accounts that are alike: on the same plan, in the same band of tenure,
    on a contract or not, and as free to leave within the horizon (Mantel–Haenszel). The test takes
    whole accounts as what varies; Holm's correction covers all triggers that could be tested.
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
    known = dict(TRIGGERS.items())
    counts = {name: _Count() for name in known}
    for part in parts:
        for name, trigger in known.items():
            _add(counts[name], trigger, part, risk)
    beside = alike(parts, horizon)
    lifts = {name: _lift(counts[name], known[name], beside) for name in known}
    tested = {
        name: lift.p_value for name, lift in lifts.items()
        if lift.p_value is not None and lift.exposed >= LEAST_FIRED
    }
    raised = dict(zip(tested, adjusted(list(tested.values())), strict=True))
    rows = [
        _row(name, known[name], counts[name], lifts[name], raised.get(name)) for name in known
    ]
    return tuple(sorted(rows, key=lambda row: (
        not row.is_significant, -(row.lift_alike or 0), -(row.lift or 0), row.trigger
    )))


def _add(count: _Count, trigger: Trigger, part: Frame, risk: Risk) -> None:
    known, fired = trigger.on(part, risk)
    left = part.has_left
    count.is_known.append(known)
    count.is_fired.append(fired)
    count.known_left += int((known & left).sum())
    count.left_after += int((fired & left).sum())
    for place in (fired & left).nonzero()[0]:
        key = (part.account_ids[place], part.left_on[place])
        lead = int((part.left_on[place] - part.days[place]).astype(int))
        count.leads[key] = max(lead, count.leads.get(key, 0))


def _lift(count: _Count, trigger: Trigger, beside: Alike) -> AlikeLift:
    import numpy as np

    if not count.is_known:
        return AlikeLift(0, 0.0)
    known, fired = np.concatenate(count.is_known), np.concatenate(count.is_fired)
    return lift_alike(
        beside.left[known], fired[known], beside.accounts[known],
        beside.strata_for(trigger.evidence)[known],
    )


def _row(
    name: str, trigger: Trigger, count: _Count, lift: AlikeLift, p_value: float | None
) -> TriggerRow:
    import statistics

    known = sum(int(one.sum()) for one in count.is_known)
    fired = sum(int(one.sum()) for one in count.is_fired)
    base = count.known_left / known if known else None
    precision = count.left_after / fired if fired else None
    is_significant = p_value is not None and p_value <= ALPHA
    why = NEVER_KNOWN if not known else NEVER if not fired else None
    if why is None and not is_significant:
        why = TOO_FEW.format(count=LEAST_FIRED) if p_value is None else SAYS_NOTHING
    return TriggerRow(
        trigger=name, label=trigger.label, fired=fired, left_after=count.left_after,
        precision=precision, known=known,
        recall=count.left_after / count.known_left if count.known_left else None,
        lift=precision / base if precision is not None and base else None,
        lift_alike=lift.value, low=lift.low, high=lift.high, base_rate=base,
        median_lead_days=float(statistics.median(count.leads.values())) if count.leads else None,
        p_value=p_value, is_significant=is_significant, why=why,
    )
