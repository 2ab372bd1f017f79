"""The shapes of answers about use, as /api/openapi.json states them."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

Segment = dict[str, str | None]


class UseCellShape(TypedDict, total=False):
    """A cohort in one period after its start; `value` is returned ÷ size."""

    cohort: str
    segment: Segment
    age: int
    size: int
    returned: int
    value: float | None
    low: float | None
    high: float | None
    open: bool
    is_small: bool
    why: str


class AgeShape(TypedDict):
    """All cohorts together whose cell of this age has closed."""

    segment: Segment
    age: int
    cohorts: int
    size: int
    returned: int
    value: float | None
    low: float | None
    high: float | None
    is_small: bool


class UseRetentionShape(TypedDict, total=False):
    """Who was back, by cohort and period since."""

    as_of: str
    whose: str
    per: str
    start: str
    back: str
    starts: str
    returns: str
    windows: str
    unit: str
    additive: bool
    why: str
    notes: list[str]
    rows: list[UseCellShape]
    totals: list[AgeShape]


class KindsShape(TypedDict, total=False):
    """The users of one period, by kind; `active` is the sum of the first three."""

    period: str
    segment: Segment
    new: int
    returning: int
    resurrecting: int
    dormant: int | None
    active: int
    active_before: int
    change: int | None
    quick_ratio: float | None
    open: bool
    why: str


class UseLifecycleShape(TypedDict, total=False):
    """New, returning, resurrecting and dormant; `kinds` says what each means."""

    as_of: str
    whose: str
    per: str
    doing: str
    unit: str
    kinds: dict[str, str]
    additive: bool
    why: str
    rows: list[KindsShape]


class StepShareShape(TypedDict):
    """A share with its 95% interval."""

    value: float | None
    low: float | None
    high: float | None


class FunnelStepShape(TypedDict, total=False):
    """One step of a funnel; `value` is of the first step. Times are seconds."""

    segment: Segment
    step: int
    doing: str
    count: int
    dropped: int | None
    pending: int
    value: float | None
    low: float | None
    high: float | None
    from_previous: StepShareShape | None
    mean_seconds: float | None
    median_seconds: float | None
    is_small: bool
    why: str


class FunnelTotalShape(TypedDict):
    """A funnel from its first step to its last."""

    segment: Segment
    started: int
    converted: int
    excluded: int
    pending: int
    value: float | None
    low: float | None
    high: float | None
    mean_seconds: float | None
    median_seconds: float | None
    is_small: bool


# The functional form: `from` is a keyword.
UseFunnelShape = TypedDict(
    "UseFunnelShape",
    {
        "as_of": str, "whose": str, "from": str, "to": str, "window_seconds": int, "order": str,
        "entry": str, "steps": list[str], "exclusions": list[str], "unit": str, "additive": bool,
        "why": str, "notes": list[str], "rows": list[FunnelStepShape],
        "totals": list[FunnelTotalShape],
    },
    total=False,
)


class PathShape(TypedDict, total=False):
    """One path, or all that are not listed (`is_other`); `value` is of all occurrences."""

    segment: Segment
    path: list[str]
    count: int
    people: int | None
    is_other: bool
    paths: int
    value: float | None
    low: float | None
    high: float | None
    is_small: bool


class PathTotalShape(TypedDict):
    """How often the anchor was done."""

    segment: Segment
    count: int


LinkShape = TypedDict(
    "LinkShape", {"segment": Segment, "position": int, "from": str, "to": str, "count": int}
)

UsePathsShape = TypedDict(
    "UsePathsShape",
    {
        "as_of": str, "whose": str, "anchor": str, "way": str, "size": int, "within": str,
        "from": str, "to": str, "repeats": str, "unit": str, "additive": bool, "why": str,
        "rows": list[PathShape], "totals": list[PathTotalShape], "links": list[LinkShape],
    },
    total=False,
)


class FigureShape(TypedDict):
    """How many were active in a window, and in the one right before."""

    segment: Segment
    figure: str
    label: str
    days: int
    value: int
    before: int
    open: bool


class ActiveDaysShape(TypedDict, total=False):
    """How many were active on so many of the 28 days; `value` is the share."""

    segment: Segment
    active_days: int
    count: int
    value: float | None
    is_small: bool
    why: str


class PowerShape(TypedDict, total=False):
    """One of the most active."""

    user_id: str
    account_id: str | None
    active_days: int
    uses: int
    features: int
    last_on: str


class SessionsShape(TypedDict):
    """Sessions of a segment; times are seconds."""

    segment: Segment
    sessions: int
    people: int
    events: int
    mean_events: float
    median_events: float
    mean_seconds: float
    median_seconds: float


class UseActivityShape(TypedDict, total=False):
    """Who was active up to a day."""

    as_of: str
    whose: str
    day: str
    days: int
    open: bool
    additive: bool
    why: str
    figures: list[FigureShape]
    rows: list[ActiveDaysShape]
    power: list[PowerShape]
    sessions: list[SessionsShape]
    why_no_sessions: str


class MembersShape(TypedDict, total=False):
    """Who is behind a number, and which; `accounts` sum (or divide) to `total`."""

    as_of: str
    whose: str
    cohort: str | None
    age: int
    is_open: bool
    period: str
    kind: str
    step: int
    doing: str
    dropped: bool
    pending: bool
    anchor: str
    way: str
    path: list[str] | None
    day: str
    least: int
    most: int
    figure: str
    rows: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    total: dict[str, float | None]
