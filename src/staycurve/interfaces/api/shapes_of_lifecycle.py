"""The shapes of the lifecycle's answers, as /api/openapi.json states them."""

from __future__ import annotations

from typing_extensions import TypedDict

Segment = dict[str, str | None]


class RuleShape(TypedDict):
    """One rule: the stage of an account of which every fact in `when` holds."""

    rule: int
    stage: str
    label: str
    when: list[str]
    words: str


class ThresholdShape(TypedDict):
    """One number of the rules, with its default and the reason for it."""

    key: str
    value: int
    default: int
    about: str
    why: str


class RulesShape(TypedDict):
    """The rules in force, in their order."""

    rows: list[RuleShape]
    thresholds: list[ThresholdShape]


class StageRowShape(TypedDict):
    """A stage at a period's close; `share` is of the segment's accounts, with a 95% interval."""

    period: str
    open: bool
    segment: Segment
    stage: str
    label: str
    accounts: int
    share: float | None
    low: float | None
    high: float | None
    mrr: float
    is_small: bool


class StagesShape(TypedDict, total=False):
    """How many accounts are in each stage."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    rows: list[StageRowShape]


# `from` is a word of the language.
MoveRowShape = TypedDict("MoveRowShape", {
    "period": str,
    "open": bool,
    "segment": Segment,
    "from": str | None,
    "to": str,
    "count": int,
    "share": float | None,
    "low": float | None,
    "high": float | None,
    "is_small": bool,
})


class StageFlowShape(TypedDict):
    """What a stage opened and closed with: opening + entered − left = closing."""

    period: str
    open: bool
    segment: Segment
    stage: str
    label: str
    opening: int
    entered: int
    left: int
    closing: int


class TransitionsShape(TypedDict, total=False):
    """Moves between stages."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    rows: list[MoveRowShape]
    stages: list[StageFlowShape]


class TimeRowShape(TypedDict, total=False):
    """Days in a stage: the Kaplan–Meier median and its 95% interval."""

    segment: Segment
    stage: str
    label: str
    visits: int
    left: int
    still: int
    median_days: int | None
    low: int | None
    high: int | None
    is_small: bool
    why: str


class TimesShape(TypedDict, total=False):
    """Time in each stage."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    rows: list[TimeRowShape]


class StuckRowShape(TypedDict):
    """An account that is in its stage for longer than `threshold_days`."""

    account_id: str
    name: str | None
    owner: str | None
    stage: str
    label: str
    since: str
    days: int
    threshold_days: int
    mrr: float
    reason: str


class StuckThresholdShape(TypedDict, total=False):
    """What is long in a stage, and how many accounts are beyond it."""

    stage: str
    label: str
    left: int
    percent: int
    threshold_days: int | None
    stuck: int
    mrr: float
    why: str


class StuckShape(TypedDict, total=False):
    """Stuck accounts, and the rule that calls them so."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    rule: str
    thresholds: list[StuckThresholdShape]
    rows: list[StuckRowShape]


class IndicatorRowShape(TypedDict, total=False):
    """A metric of the catalogue that says how a stage fares."""

    stage: str
    label: str
    metric: str
    metric_label: str
    about: str
    unit: str
    better: str
    period: str
    open: bool
    value: float | None
    previous: float | None
    previous_period: str
    why: str


class IndicatorsShape(TypedDict, total=False):
    """The indicators of every stage."""

    as_of: str
    currency: str
    rows: list[IndicatorRowShape]


class StageAccountShape(TypedDict):
    """One account in its stage."""

    account_id: str
    name: str | None
    owner: str | None
    stage: str
    label: str
    since: str
    days: int
    visit: int
    reason: str
    mrr: float


class StageAccountsShape(TypedDict):
    """The accounts in a stage."""

    as_of: str
    currency: str
    rows: list[StageAccountShape]


MovedRowShape = TypedDict("MovedRowShape", {
    "account_id": str,
    "name": str | None,
    "owner": str | None,
    "day": str,
    "from": str | None,
    "to": str,
    "days": int | None,
})


class MovedShape(TypedDict):
    """The accounts behind a cell of the transition matrix."""

    as_of: str
    period: str
    rows: list[MovedRowShape]


class StageVisitShape(TypedDict):
    """One visit of a stage; `ends_on` and `to` are empty while it lasts."""

    account_id: str
    name: str | None
    owner: str | None
    starts_on: str
    ends_on: str | None
    days: int
    to: str | None


class StageVisitsShape(TypedDict):
    """The visits behind the time in a stage."""

    as_of: str
    stage: str
    rows: list[StageVisitShape]


class VisitShape(TypedDict):
    """One visit of a stage; `ends_on` is empty while it lasts."""

    account_id: str
    stage: str
    label: str
    starts_on: str
    ends_on: str | None
    visit: int
    days: int
    reason: str


class AccountHistoryShape(TypedDict):
    """Every visit of one account."""

    as_of: str
    account_id: str
    rows: list[VisitShape]
