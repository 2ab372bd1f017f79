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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.cohorts.cohort_standing import GROUPS
from staycurve.insights.shared.members import NO_CLOSED_MONTH, NOBODY, Question, Segment
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.cohorts import SMALL
from staycurve.money import MICRO
from staycurve.period import month_index, period_of

OVERS = {
    "activation": N_("since each account's first paid day"),
    "12m": N_("over the twelve months before the close"),
}
PERS = ("month", "quarter", "year", "all")

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


@dataclass(frozen=True)
class CohortChurn:
    """What one cohort lost, in customers and in MRR; money in micro-units.

    Attributes
    ----------
    left : Share
        Those of the opening who do not pay at the close.
    usual : float, optional
        The share that would have left if the cohort had fared as all cohorts together.
    lost_share : float, optional
        1 − closing MRR ÷ opening MRR; below 0 where it grew.
    case : str, optional
        The first word of one of CASES.
    """

    segment: Mapping[str, str | None]
    cohort: dt.date | None
    left: Share
    usual: float | None
    opening: int
    closing: int
    lost_share: float | None
    case: str | None
    label: str | None
    why: str | None

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it; money in major units."""
        return {
            "segment": dict(self.segment),
            "cohort": self.cohort and str(self.cohort),
            "size": self.left.size,
            "is_small": self.left.size < SMALL,
            **({"why_small": WHY_SMALL.format(count=SMALL)} if self.left.size < SMALL else {}),
            "left": self.left.count,
            "customers_left": self.left.value,
            "low": self.left.low,
            "high": self.left.high,
            "usual_left": self.usual,
            "opening_mrr": self.opening / MICRO,
            "closing_mrr": self.closing / MICRO,
            "mrr_lost": self.lost_share,
            "case": self.case,
            "label": self.label,
            **({"why": self.why} if self.why else {}),
        }


@dataclass(frozen=True)
class Group:
    """Accounts that fared alike: left, shrank, stayed or grew; money in micro-units.

    Attributes
    ----------
    peak : int
        The sum of each account's largest MRR up to the close.
    tenure : int
        The sum of their whole months from the first paid day to the last, or to the close.
    plan : str, optional
        The plan of the largest item at the opening; None too where `is_total`.
    """

    segment: Mapping[str, str | None]
    group: str
    plan: str | None
    is_total: bool
    accounts: int
    opening: int
    peak: int
    closing: int
    tenure: int

    def as_dict(self) -> dict[str, Any]:
        """One row as `--format json` prints it; money in major units."""
        return {
            "segment": dict(self.segment),
            "group": self.group,
            **({} if self.is_total else {"plan": self.plan}),
            "accounts": self.accounts,
            "opening_mrr": self.opening / MICRO,
            "peak_mrr": self.peak / MICRO,
            "closing_mrr": self.closing / MICRO,
            "mean_tenure_months": self.tenure / self.accounts if self.accounts else None,
        }


@dataclass(frozen=True)
class Churn:
    """Sales churn against customer churn, cohort by cohort, and who is behind it.

    Attributes
    ----------
    close : date, optional
        The last day of the last closed month, at which everything is read.
    groups : tuple of Group
        Of each segment: a total of every group, and its plans.
    """

    as_of: str
    currency: str
    over: str
    per: str
    close: dt.date | None
    rows: tuple[CohortChurn, ...]
    groups: tuple[Group, ...]
    is_additive: bool
    sql: str = field(repr=False, default="")
    why: str | None = None
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            "over": self.over,
            "per": self.per,
            "close": self.close and str(self.close),
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            **({"note": self.note} if self.note else {}),
            "groups": [group.as_dict() for group in self.groups if group.is_total],
            "plans": [group.as_dict() for group in self.groups if not group.is_total],
            "rows": [row.as_dict() for row in self.rows],
        }


def check(over: str, per: str) -> None:
    """Raise for words that are not known."""
    if over not in OVERS:
        raise UnknownNameError("span of churn", over, OVERS)
    if per not in PERS:
        raise UnknownNameError("span of cohorts", per, PERS)


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


def churn(
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
    sums: dict[tuple[Segment, dt.date | None], _Sum] = {}
    groups: dict[tuple[Segment, str, bool, str | None], list[int]] = {}
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
    return Churn(
        as_of=question.as_of.at.isoformat(),
        currency=question.config.company.currency,
        over=over,
        per=per,
        close=question.last_month.end - dt.timedelta(days=1),
        rows=tuple(
            _row(question.segment(values), span, sums[values, span], is_alone=cohorts < 2)
            for values, span in ordered
        ),
        groups=tuple(
            Group(question.segment(values), group, plan, is_total, *numbers)
            for (values, group, is_total, plan), numbers in sorted(
                groups.items(),
                key=lambda item: (
                    question.order(item[0][0]), order.index(item[0][1]), not item[0][2],
                    -item[1][0], item[0][3] or "",
                ),
            )
        ),
        is_additive=question.is_additive,
        sql=sql,
        why=None if sums else NOBODY_THEN,
        note=TOO_YOUNG if sums and over == "12m" else None,
    )


def nothing_read(question: Question, *, over: str, per: str, has_paid: bool) -> Churn:
    """The answer where no month has closed."""
    return Churn(
        question.as_of.at.isoformat(), question.config.company.currency, over, per, None, (), (),
        question.is_additive, why=NO_CLOSED_MONTH if has_paid else NOBODY,
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
    return CohortChurn(
        segment, cohort, left, usual, found.opening, found.closing, lost, case, label, why
    )
