"""Limits: who is near what the plan allows in a month, and what the pace so far leads to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    CurrencyField,
    Hidden,
    Key,
    Kind,
    NameField,
    Opens,
    OwnerField,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.features.feature_use import first_day_of
from staycurve.insights.features.limit_facts import (
    Month,
    MonthText,
    days_judged,
    month_of,
    months_before,
    statement,
)
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.columns import AboutField, ColumnsField, TotalField, columns_of
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage.usage_windows import Window
from staycurve.metrics.base import Unit
from staycurve.metrics.context import Filter
from staycurve.money import MICRO

NEAR = Fraction(4, 5)
"""From 80% of its allowance an account is near the ceiling: at an even pace a fifth of the month,
six days, is left to talk to it. A lower share names more accounts, earlier."""

EARLY_DAYS = 7
"""Before a week has passed, a projection rests on less than one of each weekday."""

TRACKED = 3
"""How many closed months the projection is tried on."""

STATUSES = {
    "above": N_("Above its allowance"),
    "near": N_("Near it: 80% or more"),
    "below": N_("Below 80%"),
}
STATES = {
    "close": N_("accounts near the limit or above it"), "above": N_("accounts above the limit"),
    "near": N_("accounts near the limit"), "below": N_("accounts below"),
    "projected": N_("accounts projected above it at the month's end"),
    "all": N_("accounts with an allowance of it"),
}

ABOUT = N_(
    "Uses of the month to date / the plan's allowance. Projected: as many uses a day for the rest "
    "of the month. An account on several plans with an allowance has the largest of them."
)
NO_LIMITS = N_("staycurve.toml states no [[limits]]")
ROUGH = N_("Less than a week of the month has passed: projections are rough.")

USES = Opens(
    "features limit-uses", {"account": "account_id", "feature": "feature", "period": "asked"}
)


def _in(state: str) -> Opens:
    return Opens("features limited", {"feature": "feature", "period": "asked"}, {"state": state})


@dataclass(frozen=True, kw_only=True)
class Allowance(Row):
    """One account and its allowance of one feature."""

    account_id: AccountField
    name: NameField
    feature: Annotated[str, col(N_("Feature"))]
    plan: Annotated[str | None, col(N_("Plan"), about=N_("The plan whose allowance counts"))]
    own_plan: Annotated[str | None, Key(N_("The plan of its largest item."))]
    mrr: Annotated[
        float,
        col(N_("MRR"), Unit.MONEY, N_("At the close of the last day seen"), is_summed=True),
    ]
    uses: Annotated[
        int,
        col(N_("Used"), Unit.COUNT, N_("Uses in the month, to date"), opens=USES, is_summed=True),
    ]
    allowance: Annotated[
        int, col(N_("Allowance"), Unit.COUNT, N_("Uses a month, from [[limits]]"))
    ]
    utilisation: Annotated[
        float, col(N_("Utilisation"), Unit.PERCENT, N_("Used / allowance"), opens=USES)
    ]
    projected: Annotated[
        float, col(N_("Projected"), Unit.COUNT, N_("At the month's end, at the pace so far"))
    ]
    projected_utilisation: Annotated[
        float, col(N_("Projected utilisation"), Unit.PERCENT, N_("Projected / allowance"))
    ]
    status: Annotated[str, Key(N_("above, near or below."))]
    status_label: Annotated[str, Key(N_("The status in words."))]
    is_projected_above: Annotated[bool, Key(N_("Whether its pace leads above the allowance."))]
    owner: OwnerField = None

    def is_in(self, state: str) -> bool:
        """Whether it is in one of STATES."""
        if state in ("all", "projected"):
            return state == "all" or self.is_projected_above
        return self.status in (("near", "above") if state == "close" else (state,))


NAMES = ("account_id", "feature", "plan", "mrr", "uses", "allowance", "utilisation", "projected",
         "projected_utilisation")
"""The columns of an allowance that JSON describes."""


@dataclass(frozen=True, kw_only=True)
class LimitSummary(Row):
    """The accounts of one feature's limit."""

    feature: Annotated[str, col(N_("Feature"))]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, opens=_in("all"))]
    using: Annotated[int, Key(N_("Those that used it at all."))]
    above: Annotated[int, col(N_("Above"), Unit.COUNT, opens=_in("above"))]
    above_mrr: Annotated[float, col(N_("MRR above"), Unit.MONEY, opens=_in("above"))]
    near: Annotated[int, col(N_("Near"), Unit.COUNT, STATUSES["near"], opens=_in("near"))]
    near_mrr: Annotated[float, col(N_("MRR near"), Unit.MONEY, opens=_in("near"))]
    below: Annotated[int, col(N_("Below"), Unit.COUNT, opens=_in("below"), is_folded=True)]
    below_mrr: Annotated[float, Key(N_("Their MRR."))]
    projected_above: Annotated[
        int, col(N_("Projected above"), Unit.COUNT, opens=_in("projected"))
    ]
    projected_above_mrr: Annotated[
        float, col(N_("MRR projected above"), Unit.MONEY, opens=_in("projected"))
    ]


@dataclass(frozen=True, kw_only=True)
class Record(Row):
    """What the projection would have said in closed months, beside what came."""

    months: Annotated[tuple[str, ...], Key(N_("The months."), is_omitted=True)] = ()
    about: Annotated[str, Key(is_omitted=True)] = ""
    judged_at: Annotated[
        float | None,
        Key(N_("The share of each month that was seen when its end was projected; at most half."),
            is_omitted=True),
    ] = None
    projected_and_passed: Annotated[
        int | None, Key(N_("Projected to pass, and passed."), is_omitted=True)
    ] = None
    projected_only: Annotated[
        int | None, Key(N_("Projected to pass, and did not."), is_omitted=True)
    ] = None
    passed_only: Annotated[
        int | None, Key(N_("Passed, without being projected to."), is_omitted=True)
    ] = None
    neither: Annotated[int | None, Key(N_("The others."), is_omitted=True)] = None


@dataclass(frozen=True, kw_only=True)
class Limits(Answer):
    """Accounts and their allowances, the fullest first."""

    as_of: AsOfField
    currency: CurrencyField
    period: Annotated[Window, Key(N_("The month: local days [start, end)."))]
    days_passed: Annotated[float, Key(N_("Days of it before the as-of."))]
    about: AboutField = ABOUT
    near_from: Annotated[float, Key(N_("From this utilisation an account is near."))] = float(NEAR)
    columns: ColumnsField
    statuses: Annotated[Mapping[str, str], Key(N_("The statuses in words."))]
    summary: Annotated[
        tuple[LimitSummary, ...], Table(N_("Limits by feature"), N_("Every account counts."))
    ] = ()
    record: Annotated[Record, Key(N_("How the projection did in closed months."))] = Record()
    least: Annotated[float, Key(N_("Accounts are listed from this utilisation."))]
    left_out: Annotated[int, Key(N_("Accounts that are not listed."))] = 0
    rows: Annotated[
        tuple[Allowance, ...], Table(N_("Near or above, or on the way"))
    ] = ()
    why: WhyField = None

    @property
    def asked(self) -> str:
        """What asks for the month again."""
        return self.period.name

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "month": (self.period.name, Kind.TEXT), "days": (self.days_passed, Unit.SCORE),
            "as_of": self.as_of,
        }
        return Said(N_("Limits, %(month)s, %(days)s days of it, as of %(as_of)s"), values)

    def said(self) -> tuple[Said, ...]:
        record = self.record
        hit, false, missed = (
            record.projected_and_passed or 0, record.projected_only or 0, record.passed_only or 0
        )
        if not hit + false:
            return ()
        values = {
            "months": (len(record.months), Unit.COUNT), "said": (hit + false, Unit.COUNT),
            "hit": (hit, Unit.COUNT), "missed": (missed, Unit.COUNT),
            "share": (record.judged_at, Unit.PERCENT),
        }
        return (Said(
            N_("Tried after %(share)s of each of the last %(months)s closed months, %(said)s were "
               "projected to pass; %(hit)s did, and %(missed)s others."), values,
        ),)


@insight("features limits", page="/features/allowances", comes_from="/features#limits")
def limits(
    company: Reader, *, period: MonthText = None, where: Where = "", as_of: AsOfText = None,
    least: Annotated[
        float,
        Param(N_("List accounts from this utilisation, or where projected to pass."), least=0,
              most=1000),
    ] = 0.5,
) -> Limits:
    """Who is near or above what the plan allows in a month, or will be at this pace?"""
    return _limits(company, period, where, as_of, least=least)


@dataclass(frozen=True, kw_only=True)
class Limited(Answer):
    """The accounts of a limit, the fullest first."""

    as_of: AsOfField
    currency: CurrencyField
    about: AboutField
    rows: Annotated[tuple[Allowance, ...], Table(N_("Accounts"), is_list=True)]
    total: TotalField
    feature: Annotated[str, Hidden()] = ""
    period: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "feature": (self.feature, Kind.TEXT), "period": (self.period, Kind.TEXT),
            "state": Said(self.about),
        }
        if self.feature:
            return Said(N_("%(feature)s, %(state)s, %(period)s"), values)
        return Said(N_("%(state)s, %(period)s"), values)


@insight("features limited", page="/features/limits", comes_from="/features?period#limits")
def limited(
    company: Reader, *,
    feature: Annotated[
        str, Param(N_("The feature that is limited; every one without it."), metavar="FEATURE",
                   is_argument=True)
    ] = "",
    state: Annotated[
        str, Param(N_("How near its limit an account is."), choices=tuple(STATES))
    ] = "above",
    period: MonthText = None, where: Where = "", as_of: AsOfText = None,
) -> Limited:
    """Which accounts are how close to a limit?"""
    found = _limits(company, period, where, as_of)
    rows = tuple(
        row for row in found.rows if feature in ("", row.feature) and row.is_in(state)
    )
    return Limited(
        as_of=found.as_of,
        currency=found.currency,
        about=STATES[state],
        rows=rows,
        total={"accounts": len({row.account_id for row in rows}),
               "mrr": sum({row.account_id: row.mrr for row in rows}.values())},
        feature=feature,
        period=found.asked,
        sql=found.sql,
    )


def _limits(
    company: Reader, period: str | None, where: str | Sequence[Filter], as_of: str | None,
    *, least: float = 0.0,
) -> Limits:
    asked = question_on_day(company, (), where, as_of)
    month = month_of(period, asked.as_of, company.config.company.zone)
    told: dict[str, Any] = {
        "as_of": asked.as_of.at.isoformat(), "currency": asked.config.company.currency,
        "period": month.window, "days_passed": month.days_passed,
        "columns": columns_of(Allowance, *NAMES), "statuses": STATUSES, "least": least,
    }
    if not asked.config.behaviour.limits:
        return Limits(**told, why=NO_LIMITS)
    with company.seeing(asked.as_of) as engine:
        first = first_day_of(engine)
        # Of a month before the first event nobody knows whether a limit was passed.
        tracked = [
            one for one in months_before(month, TRACKED, asked.as_of)
            if first is not None and one.start >= first.replace(day=1)
        ]
        sql = statement(asked, month, tracked)
        answer = engine.rows(sql)
    every = sorted(
        (_row(row, month) for row in answer),
        key=lambda one: (-one.utilisation, -one.mrr, one.account_id, one.feature),
    )
    rows = tuple(one for one in every if one.utilisation >= least or one.is_projected_above)
    is_rough = month.window.is_open and month.days_passed < EARLY_DAYS
    return Limits(
        **told,
        summary=tuple(
            _summary(name, [one for one in every if one.feature == name])
            for name in sorted({one.feature for one in every})
        ),
        record=_record(answer, tracked, month),
        left_out=len(every) - len(rows),
        rows=rows,
        notes=(ROUGH,) if is_rough else (),
        sql=sql,
    )


def _row(row: Sequence[Any], month: Month) -> Allowance:
    account, name, feature, plan, allowance, own_plan, mrr, uses = row[:8]
    share = Fraction(uses, allowance)
    projected = uses / month.elapsed
    status = "above" if share > 1 else "near" if share >= NEAR else "below"
    return Allowance(
        account_id=account, name=name, feature=feature, plan=plan, own_plan=own_plan,
        mrr=mrr / MICRO, uses=uses, allowance=allowance, utilisation=float(share),
        projected=float(projected), projected_utilisation=float(projected / allowance),
        status=status, status_label=STATUSES[status],
        is_projected_above=projected > allowance,
    )


def _summary(feature: str, rows: Sequence[Allowance]) -> LimitSummary:
    def mrr(state: str) -> float:
        return sum((one.mrr for one in rows if one.is_in(state)), 0.0)

    def count(state: str) -> int:
        return sum(one.is_in(state) for one in rows)

    return LimitSummary(
        feature=feature, accounts=len(rows), using=sum(one.uses > 0 for one in rows),
        above=count("above"), above_mrr=mrr("above"), near=count("near"), near_mrr=mrr("near"),
        below=count("below"), below_mrr=mrr("below"), projected_above=count("projected"),
        projected_above_mrr=mrr("projected"),
    )


def _record(
    answer: Iterable[Sequence[Any]], tracked: Sequence[Window], month: Month
) -> Record:
    """Of accounts projected to pass their allowance early in a closed month, how many did."""
    if not tracked:
        return Record()
    counts = dict.fromkeys(
        ((False, False), (False, True), (True, False), (True, True)), 0
    )
    for row in answer:
        allowance = row[4]
        for place, one in enumerate(tracked):
            to_date, whole = row[8 + 2 * place], row[9 + 2 * place]
            passed = Fraction(days_judged(one, month), (one.end - one.start).days)
            counts[to_date / passed > allowance, whole > allowance] += 1
    return Record(
        months=tuple(one.name for one in reversed(tracked)),
        about=N_("Today's allowances, tried on closed months after the same share of the month, at "
                 "most half of it"),
        judged_at=float(month.judged_at),
        projected_and_passed=counts[True, True], projected_only=counts[True, False],
        passed_only=counts[False, True], neither=counts[False, False],
    )
