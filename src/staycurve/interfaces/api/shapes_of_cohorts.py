"""The shapes of cohorts read for their meaning, as /api/openapi.json states them."""

from __future__ import annotations

from typing_extensions import TypedDict

Segment = dict[str, str | None]


class ShareRowShape(TypedDict, total=False):
    """A quarter's share from history; `year_over_year` × 100 is points."""

    period: str
    grain: str
    segment: Segment
    value: float | None
    open: bool
    history_mrr: float | None
    mrr: float | None
    year_over_year: float | None
    why: str
    why_no_year: str


class TriedShape(TypedDict):
    """A forecast of a quarter that has closed since; `plain` is the share of the one before."""

    period: str
    forecast: float
    actual: float
    plain: float


class ForecastShape(TypedDict, total=False):
    """The open quarter's share; `error` and `plain_error` are mean absolute errors."""

    period: str
    grain: str
    segment: Segment
    from_day: str
    value: float | None
    low: float | None
    high: float | None
    interval: float
    plain: float | None
    beats_plain: bool | None
    error: float | None
    plain_error: float | None
    backtest: list[TriedShape]
    why: str
    why_no_interval: str
    note: str


class HistoryShape(TypedDict, total=False):
    """Share from history by quarter, and the forecast of the open one."""

    as_of: str
    currency: str
    additive: bool
    why: str
    forecasts: list[ForecastShape]
    rows: list[ShareRowShape]


class CohortChurnShape(TypedDict, total=False):
    """What one cohort lost; `case` says which of the four cases holds, `why` why none does."""

    segment: Segment
    cohort: str | None
    size: int
    is_small: bool
    why_small: str
    left: int
    customers_left: float | None
    low: float | None
    high: float | None
    usual_left: float | None
    opening_mrr: float
    closing_mrr: float
    mrr_lost: float | None
    case: str | None
    label: str | None
    why: str


class GroupShape(TypedDict, total=False):
    """Accounts that left, shrank, stayed or grew, whole or on one plan."""

    segment: Segment
    group: str
    plan: str | None
    accounts: int
    opening_mrr: float
    peak_mrr: float
    closing_mrr: float
    mean_tenure_months: float | None


class ChurnShape(TypedDict, total=False):
    """Sales churn against customer churn."""

    as_of: str
    currency: str
    over: str
    per: str
    close: str | None
    additive: bool
    why: str
    note: str
    groups: list[GroupShape]
    plans: list[GroupShape]
    rows: list[CohortChurnShape]


class FaredShape(TypedDict):
    """One account behind a cohort's churn; `left_on` is null where it pays at the close."""

    account_id: str
    cohort: str
    first_paid_on: str
    group: str
    plan: str | None
    opening_mrr: float
    peak_mrr: float
    closing_mrr: float
    left_on: str | None
    tenure_months: int


class FaredAccountsShape(TypedDict):
    """The accounts behind churn, those who lost the most MRR first."""

    as_of: str
    currency: str
    over: str
    rows: list[FaredShape]


class KeptShape(TypedDict):
    """Those retained of some accounts, with a 95% interval."""

    size: int
    retained: int
    value: float | None
    low: float | None
    high: float | None


# The functional form: `from` is a keyword.
HalfShape = TypedDict(
    "HalfShape",
    {"from": str, "to": str, "size": int, "retained": int, "value": float | None,
     "low": float | None, "high": float | None},
)


class ChangeShape(TypedDict):
    """A changepoint: the first cohort after it, and the cohorts that are nearly as likely."""

    cohort: str
    between: list[str]
    before: KeptShape
    after: KeptShape
    p_value: float


class TrendShape(TypedDict, total=False):
    """Retention at one age over cohorts, the newer half against the older."""

    segment: Segment
    age: int
    cohorts: int
    size: int
    retained: int
    value: float | None
    low: float | None
    high: float | None
    older: HalfShape | None
    newer: HalfShape | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    changepoint: ChangeShape | None
    why: str


class ComparisonShape(TypedDict, total=False):
    """Retention of one segment beside that of all other accounts."""

    segment: Segment
    age: int
    size: int
    retained: int
    value: float | None
    low: float | None
    high: float | None
    others: KeptShape
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_value: float | None
    is_named: bool
    why: str


class PointShape(TypedDict):
    """Retention of one cohort at one age; `cohort` is null where all are taken together."""

    segment: Segment
    cohort: str | None
    age: int
    size: int
    retained: int
    value: float | None
    low: float | None
    high: float | None
    is_small: bool


class RetentionShape(TypedDict, total=False):
    """Retention cohort by cohort, as a trend, and segment against segment."""

    as_of: str
    per: str
    ages: list[int]
    alpha: float
    additive: bool
    why: str
    trends: list[TrendShape]
    comparisons: list[ComparisonShape]
    rows: list[PointShape]
