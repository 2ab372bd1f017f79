"""The shapes of features, onboarding and trials, as /api/openapi.json states them."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

Segment = dict[str, str | None]


class ColumnShape(TypedDict):
    """One column of an answer in words."""

    name: str
    label: str
    unit: str
    about: str


class ShareShape(TypedDict, total=False):
    """`count` of `size`, with its 95% interval; `why` where the value is null."""

    size: int
    count: int
    value: float | None
    low: float | None
    high: float | None
    why: str


class ConfounderShape(TypedDict):
    """Something else in which the two sides may differ."""

    name: str
    label: str
    p_value: float | None
    differs: bool


class ComparableShape(TypedDict):
    """The difference among comparable accounts: Mantel-Haenszel over the strata of `by`."""

    by: list[str]
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    accounts: int


class AssociationShape(TypedDict, total=False):
    """Who stays, among those who did something and the others; never a cause."""

    users: ShareShape
    others: ShareShape
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_value: float | None
    confounders: list[ConfounderShape]
    among_comparable: ComparableShape | None
    verdict: str
    verdict_label: str
    why: str


class WindowShape(TypedDict):
    """Local days `[start, end)`."""

    name: str
    grain: str
    start: str
    end: str
    open: bool


class FeatureShape(TypedDict, total=False):
    """One feature in a period."""

    feature: str
    rank: str
    rank_label: str
    rank_why: str
    reasons: list[str]
    accounts: int
    adoption: ShareShape
    users: int
    uses: int
    depth: float | None
    repeat: ShareShape
    paying: ShareShape
    trial: ShareShape
    other: ShareShape
    errors: int | None
    error_rate: float | None
    seconds: int | None
    seconds_per_use: float | None
    change: float | None
    change_why: str
    change_3m: float | None
    retention: AssociationShape | None


class FeaturesShape(TypedDict, total=False):
    """The feature report; `rest` counts and names the features that are not shown."""

    as_of: str
    period: WindowShape
    active_accounts: int
    statuses: dict[str, int]
    columns: list[ColumnShape]
    rule: str
    ranks: dict[str, str]
    retention: dict[str, Any]
    rows: list[FeatureShape]
    rest: dict[str, Any]
    breadth: dict[str, Any]
    notes: list[str]
    why: str


class AdoptionRowShape(TypedDict, total=False):
    """One feature in one month."""

    feature: str
    period: str
    accounts: int
    active_accounts: int
    value: float | None
    why: str


class AdoptionShape(TypedDict):
    """Adoption month by month."""

    as_of: str
    about: str
    rows: list[AdoptionRowShape]
    rest: dict[str, Any]


class OpenedShape(TypedDict, total=False):
    """The accounts or users behind one number; `currency` where there are amounts."""

    as_of: str
    currency: str
    about: str
    rows: list[dict[str, Any]]
    total: dict[str, float]


class LimitRowShape(TypedDict):
    """One account and its allowance of one feature."""

    account_id: str
    name: str | None
    feature: str
    plan: str | None
    own_plan: str | None
    mrr: float
    uses: int
    allowance: int
    utilisation: float
    projected: float
    projected_utilisation: float
    status: str
    status_label: str
    is_projected_above: bool


class LimitsShape(TypedDict, total=False):
    """Accounts and their allowances in a month, to date."""

    as_of: str
    currency: str
    period: WindowShape
    days_passed: float
    about: str
    near_from: float
    columns: list[ColumnShape]
    statuses: dict[str, str]
    summary: list[dict[str, Any]]
    record: dict[str, Any]
    least: float
    left_out: int
    rows: list[LimitRowShape]
    notes: list[str]
    why: str


class DaysShape(TypedDict, total=False):
    """Days by which a share is there, with the 95% interval."""

    value: int | None
    low: int | None
    high: int | None
    why: str


class ReachedShape(TypedDict, total=False):
    """Accounts that signed up together, or all of a segment (with its curve)."""

    segment: Segment
    cohort: str | None
    size: int
    activated: int
    rate: ShareShape
    q25: DaysShape
    median: DaysShape
    q75: DaysShape
    is_small: bool
    curve: list[dict[str, float]]


class OnboardingShape(TypedDict, total=False):
    """Time to first value and activation rate."""

    as_of: str
    about: str
    events: list[str]
    window_days: int
    columns: list[ColumnShape]
    unknown_signup: int
    activated_before_signup: int
    whole: list[ReachedShape]
    p_value: float | None
    rows: list[ReachedShape]
    notes: list[str]
    why: str


class StepShape(TypedDict):
    """One step of the checklist."""

    segment: Segment
    step: str
    in_order: ShareShape
    any_order: ShareShape
    in_window: ShareShape
    stopped: int
    is_largest_loss: bool
    median_hours: float | None
    paying: AssociationShape | None
    active: AssociationShape | None


class ChecklistShape(TypedDict, total=False):
    """How far accounts get along the steps."""

    as_of: str
    about: str
    window_days: int
    columns: list[ColumnShape]
    later: dict[str, Any]
    rows: list[StepShape]
    why: str


class ConversionShape(TypedDict):
    """The trials of a month, a segment, or a kind."""

    segment: Segment
    cohort: str | None
    trials: int
    mature: int
    converted: int
    rate: ShareShape
    is_small: bool


class TrialsShape(TypedDict, total=False):
    """The trial report."""

    as_of: str
    about: str
    columns: list[ColumnShape]
    cards_labels: dict[str, str]
    whole: list[ConversionShape]
    cards: dict[str, ConversionShape]
    card_difference: dict[str, Any]
    time_to_convert: dict[str, Any]
    used: dict[str, Any]
    left: dict[str, Any]
    rows: list[ConversionShape]
    why: str
