"""Sales churn against customer churn: do the customers of a cohort leave, or their money?

A cohort is read at the close of the last closed month, from its accounts' first paid days on, or
over the twelve months before that close. Both values of an account are taken at the exchange rates
of the opening, so that no rate makes it shrink.

Customers *leave* when a larger share of the cohort has left than is usual, and *stay* otherwise;
some always leave, so no fixed share would tell. Revenue *leaves* when the cohort's MRR closes below
its opening, and *grows* when it closes at it or above. Since activation, what is usual is what all
cohorts together kept from age to age up to the cohort's; over twelve months, it is what all cohorts
together kept in the same months.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AdditiveField,
    Answer,
    AsOfField,
    CurrencyField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.cohorts import cohort_retention, cohort_standing
from staycurve.insights.cohorts.cohort_standing import (
    GROUP_NAMES,
    GROUPS,
    OVERS,
    Over,
    PerCohort,
)
from staycurve.insights.shared.asking import first_paid_on, question_of, seeing
from staycurve.insights.shared.members import NO_CLOSED_MONTH, NOBODY, Question, Segment as Values
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import SMALL
from staycurve.money import major
from staycurve.period import month_index, period_of

CASES = {
    # (customers leave, revenue leaves) → the case and its words.
    (False, False): ("both_fall", N_("both churn rates fall")),
    (True, False): ("customers_leave", N_("customers leave, but revenue grows")),
    (False, True): ("revenue_leaves", N_("revenue leaves, but customers stay")),
    (True, True): ("both_leave", N_("customers and revenue leave")),
}

ONE_COHORT = N_("there is no other cohort to tell what is usual")
NO_MRR = N_("division by zero: the opening MRR is 0")
NOBODY_THEN = N_("nobody paid at the opening")
TOO_YOUNG = N_("Cohorts that first paid within the twelve months are not in it.")
WHY_SMALL = N_("fewer than {count} accounts: one of them moves the share by five points or more")


BEHIND = Opens("cohorts fared", {"over": "over", "cohort": "cohort", "per": "per"})
BEHIND_LEFT = replace(BEHIND, given={"group": "left"})


@dataclass(frozen=True, kw_only=True)
class CohortChurn(Row):
    """What one cohort lost, in customers and in MRR."""

    segment: Segment
    cohort: Annotated[
        dt.date | None,
        col(N_("Cohort"), Kind.MONTH, N_("The first day of its period; empty for all together."),
            named_by={"": N_("all")}),
    ]
    size: Annotated[int, col(N_("Size"), Unit.COUNT, opens=BEHIND)]
    is_small: Annotated[
        bool, Key(N_("Small sample: one account moves the share by five points or more."))
    ]
    why_small: Annotated[str | None, Key(is_omitted=True)] = None
    left: Annotated[
        int,
        col(N_("Left"), Unit.COUNT, N_("Those of the opening who do not pay at the close."),
            opens=BEHIND_LEFT),
    ]
    customers_left: Annotated[
        float | None, col(N_("Customers lost"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    usual_left: Annotated[
        float | None,
        col(N_("Usual"), Unit.PERCENT,
            N_("What would have been lost if the cohort had done as all cohorts together.")),
    ]
    opening_mrr: Annotated[float, col(N_("MRR then"), Unit.MONEY, opens=BEHIND)]
    closing_mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY, opens=BEHIND)]
    mrr_lost: Annotated[
        float | None,
        col(N_("MRR lost"), Unit.PERCENT,
            N_("1 − MRR now ÷ MRR then; below 0 where it grew.")),
    ]
    case: Annotated[str | None, Key(N_("The first word of one of the four cases."))]
    label: Annotated[str | None, col(N_("Case"), Kind.NAME)]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Group(Row):
    """Accounts that fared alike, of any plan."""

    segment: Segment
    group: Annotated[str, col(N_("Accounts that"), Kind.NAME, named_by=GROUP_NAMES)]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT,
            opens=Opens("cohorts fared", {"over": "over", "group": "group"})),
    ]
    opening_mrr: Annotated[float, col(N_("MRR then"), Unit.MONEY)]
    peak_mrr: Annotated[
        float,
        col(N_("Peak MRR"), Unit.MONEY, N_("Each account's largest up to the close, summed.")),
    ]
    closing_mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY)]
    mean_tenure_months: Annotated[
        float | None,
        col(N_("Tenure"), Unit.MONTHS,
            N_("Whole months from first paid day until it left, or to the close, on average.")),
    ]


@dataclass(frozen=True, kw_only=True)
class PlanGroup(Row):
    """Accounts that fared alike, of one plan."""

    segment: Segment
    group: Annotated[str, col(N_("Accounts that"), Kind.NAME, named_by=GROUP_NAMES)]
    plan: Annotated[
        str | None, col(N_("Plan"), Kind.TEXT, N_("That of the largest item at the opening."))
    ]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    opening_mrr: Annotated[float, col(N_("MRR then"), Unit.MONEY)]
    peak_mrr: Annotated[float, col(N_("Peak MRR"), Unit.MONEY)]
    closing_mrr: Annotated[float, col(N_("MRR now"), Unit.MONEY)]
    mean_tenure_months: Annotated[float | None, col(N_("Tenure"), Unit.MONTHS)]


@dataclass(frozen=True, kw_only=True)
class Churn(Answer):
    """Sales churn against customer churn, cohort by cohort, and who is behind it."""

    as_of: AsOfField
    currency: CurrencyField
    over: Annotated[str, Key(N_("activation, or 12m."))]
    per: Annotated[str, Key(N_("How activation months are grouped into cohorts."))]
    close: Annotated[
        dt.date | None,
        Key(N_("The last day of the last closed month, at which everything is read.")),
    ]
    additive: AdditiveField = None
    why: WhyField = None
    note: Annotated[str | None, Key(is_omitted=True)] = None
    rows: Annotated[tuple[CohortChurn, ...], Table(N_("Customers and MRR lost, by cohort"))]
    groups: Annotated[tuple[Group, ...], Table(N_("How the accounts fared"))]
    plans: Annotated[tuple[PlanGroup, ...], Table(N_("How they fared, by plan"))]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "over": Said(OVERS[self.over]), "close": (self.close, Kind.DAY),
        }
        return Said(N_("Customers and MRR lost %(over)s, at the close of %(close)s"), values)

    def said(self) -> tuple[Said, ...]:
        counted = Counter(row.case for row in self.rows)
        told = [
            Said(N_("%(label)s: %(count)s of %(all)s cohorts."), {
                "label": Said(label), "count": (counted[case], Unit.COUNT),
                "all": (len(self.rows), Unit.COUNT),
            })
            for case, label in CASES.values()
            if counted[case]
        ]
        return (*told, *([Said(self.note)] if self.note else []))


@insight("cohorts churn", comes_from="/cohorts#fared")
def churn(
    company: Reader, *, over: Over = "activation", per: PerCohort = "month", by: By = "",
    where: Where = "", as_of: AsOfText = None,
) -> Churn:
    """Does a cohort lose customers, or revenue?

    Sales churn against customer churn by cohort, and which of the four cases holds.
    """
    asked = question_of(company, by, where, as_of)
    with seeing(company, asked) as engine:
        first = first_paid_on(engine, asked)
        ages = range(cohort_retention.months_to(asked, first) + 1) if first else []
        cells = cohort_retention.cells(asked, first, ages) if first else []
        if not cells:
            return nothing_read(asked, over=over, per=per, has_paid=first is not None)
        whole = asked.undivided()
        if over == "activation":
            beside = engine.rows(cohort_retention.statement(whole, cells))
            usual = usual_since_activation(beside)
        else:
            beside = engine.rows(cohort_standing.statement(whole, over))
            usual = usual_in_a_year(beside)
        sql = cohort_standing.statement(asked, over)
        answer = engine.rows(sql)
    return compared(
        asked, answer, usual, over=over, per=per, cohorts=len({row[0] for row in beside}), sql=sql
    )


Usual = Callable[[int], float | None]
"""Age of a cohort at the close → the share of its accounts that has left, as is usual."""


def usual_since_activation(cells: Iterable[Sequence[Any]]) -> Usual:
    """What is usual at an age: the share that has left, all cohorts together.

    From age to age the cohorts whose later month has closed tell what is kept; the links are
    multiplied. Age 0 is the close of the activation month.

    Parameters
    ----------
    cells : rows of (cohort_on, age, size, kept)
        Every closed cell of the matrix, see `cohort_retention.statement`.

    References
    ----------
    Mack (1993), ASTIN Bulletin 23:213-225: the chain ladder.
    """
    counts = {(cohort, age): (kept, size) for cohort, age, size, kept in cells}
    before: dict[int, int] = {}
    after: dict[int, int] = {}
    for (cohort, age), (kept, size) in counts.items():
        after[age] = after.get(age, 0) + kept
        before[age] = before.get(age, 0) + (counts[cohort, age - 1][0] if age else size)
    curve: list[float | None] = []
    reached: float | None = 1.0
    for age in range(len(before)):
        reached = None if reached is None or not before[age] else reached * after[age] / before[age]
        curve.append(reached)

    def usual(age: int) -> float | None:
        kept = curve[age] if age < len(curve) else None
        return None if kept is None else 1 - kept

    return usual


def usual_in_a_year(standing: Iterable[Sequence[Any]]) -> Usual:
    """What is usual over twelve months: the share of all accounts that left in them.

    Parameters
    ----------
    standing : rows of (cohort_on, group, plan, accounts, …)
        Undivided, see `cohort_standing.statement`.
    """
    every = left = 0
    for _, group, _, accounts, *_ in standing:
        every += accounts
        left += accounts if group == "left" else 0
    return lambda age: left / every if every else None


@dataclass
class _Sum:
    """What is summed over the rows of one cohort."""

    accounts: int = 0
    left: int = 0
    opening: int = 0
    closing: int = 0
    usual: float | None = 0.0
    plans: dict[tuple[str, str | None], list[int]] = field(default_factory=dict)


def compared(
    question: Question,
    answer: Iterable[Sequence[Any]],
    usual: Usual,
    *,
    over: str,
    per: str,
    cohorts: int,
    sql: str = "",
) -> Churn:
    """What the statements of `cohort_standing` say.

    Parameters
    ----------
    answer : rows of (cohort_on, seg…, group, plan, accounts, opening, peak, closing, tenure)
    usual : callable
        `usual_since_activation` or `usual_in_a_year`.
    cohorts : int
        How many activation months have accounts: with one there is nothing usual.
    """
    places, last = len(question.by), month_index(question.last_month.start)
    fiscal = question.config.company.fiscal_year_start
    sums: dict[tuple[Values, dt.date | None], _Sum] = {}
    groups: dict[tuple[Values, str, bool, str | None], list[int]] = {}
    for cohort, *rest in answer:
        values = tuple(rest[:places])
        group, plan, accounts, opening, peak, closing, tenure = rest[places:]
        span = None if per == "all" else period_of(cohort, per, fiscal).start
        own = sums.setdefault((values, span), _Sum())
        own.accounts += accounts
        own.left += accounts if group == "left" else 0
        own.opening += opening
        own.closing += closing
        expected = usual(last - month_index(cohort))
        if own.usual is not None:
            own.usual = None if expected is None else own.usual + expected * accounts
        for key in ((values, group, True, None), (values, group, False, plan)):
            found = groups.setdefault(key, [0] * 5)
            for place, number in enumerate((accounts, opening, peak, closing, tenure)):
                found[place] += number
    ordered = sorted(sums, key=lambda key: (question.order(key[0]), key[1] or dt.date.min))
    order = list(GROUPS)
    fared = sorted(
        groups.items(),
        key=lambda item: (
            question.order(item[0][0]), order.index(item[0][1]), not item[0][2], -item[1][0],
            item[0][3] or "",
        ),
    )
    return Churn(
        as_of=question.as_of.at.isoformat(),
        currency=question.config.company.currency,
        over=over,
        per=per,
        close=question.last_month.end - dt.timedelta(days=1),
        additive=None if question.is_additive else False,
        why=None if sums else NOBODY_THEN,
        note=TOO_YOUNG if sums and over == "12m" else None,
        rows=tuple(
            _row(question.segment(values), span, sums[values, span], is_alone=cohorts < 2)
            for values, span in ordered
        ),
        groups=tuple(
            Group(segment=question.segment(values), group=group, **_amounts(numbers))
            for (values, group, is_total, _plan), numbers in fared
            if is_total
        ),
        plans=tuple(
            PlanGroup(
                segment=question.segment(values), group=group, plan=plan, **_amounts(numbers)
            )
            for (values, group, is_total, plan), numbers in fared
            if not is_total
        ),
        sql=sql,
    )


def _amounts(numbers: Sequence[int]) -> dict[str, Any]:
    accounts, opening, peak, closing, tenure = numbers
    return {
        "accounts": accounts, "opening_mrr": major(opening), "peak_mrr": major(peak),
        "closing_mrr": major(closing),
        "mean_tenure_months": tenure / accounts if accounts else None,
    }


def nothing_read(question: Question, *, over: str, per: str, has_paid: bool) -> Churn:
    """The answer where no month has closed."""
    return Churn(
        as_of=question.as_of.at.isoformat(),
        currency=question.config.company.currency,
        over=over,
        per=per,
        close=None,
        additive=None if question.is_additive else False,
        why=NO_CLOSED_MONTH if has_paid else NOBODY,
        rows=(),
        groups=(),
        plans=(),
    )


def _row(
    segment: Mapping[str, str | None], cohort: dt.date | None, found: _Sum, *, is_alone: bool
) -> CohortChurn:
    left = share(found.left, found.accounts)
    usual = None if found.usual is None or is_alone else found.usual / found.accounts
    lost = None if found.opening == 0 else (found.opening - found.closing) / found.opening
    case = label = why = None
    if usual is None:
        why = ONE_COHORT
    elif lost is None:
        why = NO_MRR
    else:
        # As far as doubles tell: a lone cohort of an age is its own usual.
        leaves = left.value is not None and left.value > usual + 1e-12
        case, label = CASES[leaves, found.closing < found.opening]
    is_small = left.size < SMALL
    return CohortChurn(
        segment=segment,
        cohort=cohort,
        size=left.size,
        is_small=is_small,
        why_small=WHY_SMALL.format(count=SMALL) if is_small else None,
        left=left.count,
        customers_left=left.value,
        low=left.low,
        high=left.high,
        usual_left=usual,
        opening_mrr=major(found.opening),
        closing_mrr=major(found.closing),
        mrr_lost=lost,
        case=case,
        label=label,
        why=why,
    )
