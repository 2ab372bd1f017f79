"""The shapes of answers, as /api/openapi.json states them."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict


class BenchmarkShape(TypedDict):
    """A value to compare with, and where it comes from."""

    at_least: float | None
    at_most: float | None
    origin: str


class StatedShape(TypedDict):
    """A benchmark as its source states it, and of whom it speaks."""

    at_least: float | None
    at_most: float | None
    grain: str | None
    younger_than: int | None
    older_than: int | None
    where: str | None


class FittingShape(TypedDict):
    """A benchmark in this company's context; `why_not` where it does not apply."""

    at_least: float | None
    at_most: float | None
    grain: str
    is_translated: bool
    level: str
    source: str
    year: int | None
    companies: int | None
    is_second_hand: bool
    is_own: bool
    stated: StatedShape
    note: str
    applies: bool
    why_not: str | None


class MetricShape(TypedDict):
    """What a metric means."""

    name: str
    label: str
    about: str
    formula: str
    unit: str
    better: str
    stage: str
    grains: list[str]
    is_to_date: bool
    benchmark: BenchmarkShape | None
    benchmarks: list[FittingShape]
    disagreements: str
    switches: dict[str, str]


class MetricsShape(TypedDict):
    """The catalogue."""

    rows: list[MetricShape]


class ValueShape(TypedDict, total=False):
    """One value; `why` where it is null. `period` is its first local day."""

    metric: str
    period: str
    grain: str
    segment: dict[str, str | None]
    value: float | None
    open: bool
    why: str


class ResultShape(TypedDict, total=False):
    """Values over time. Rates are fractions, money is in major units of `currency`."""

    as_of: str
    currency: str
    additive: bool
    notes: list[str]
    rows: list[ValueShape]


class AccountShape(TypedDict, total=False):
    """One account's part of a number; account_id is null for what belongs to no account.

    What accounts behind churn and contraction gave up is told from `lost_on` on; the plan is that
    of the period's close, or the last one before.
    """

    account_id: str | None
    value: float
    numerator: float
    denominator: float
    name: str | None
    plan: str | None
    owner: str | None
    lost_on: str | None
    movement: str | None
    plan_before: str | None
    end_reason: str | None
    end_class: str | None
    tenure_days: int | None
    last_active_on: str | None
    open_tickets: int | None


class ReasonShape(TypedDict):
    """What accounts gave up for one reason; of a ratio, in its numerator."""

    end_reason: str | None
    end_class: str | None
    accounts: int
    value: float


class TotalShape(TypedDict, total=False):
    """What the rows sum (or divide) to."""

    value: float | None
    numerator: float | None
    denominator: float | None
    why: str


class AccountsShape(TypedDict):
    """The accounts behind one number."""

    as_of: str
    currency: str
    metric: str
    period: str
    notes: NotRequired[list[str]]
    rows: list[AccountShape]
    reasons: NotRequired[list[ReasonShape]]
    total: TotalShape


class CellShape(TypedDict, total=False):
    """One cell of the matrix; `age` in months since the cohort's."""

    cohort: str
    age: int
    size: int
    segment: dict[str, str | None]
    is_small: bool
    value: float | None
    why: str


# The functional form: `as` is a keyword.
CohortsShape = TypedDict(
    "CohortsShape",
    {
        "as_of": str, "currency": str, "value": str, "as": str, "additive": NotRequired[bool],
        "rows": list[CellShape], "notes": NotRequired[list[str]],
    },
)




Answer = dict[str, Any]
