"""The shapes of what is compared and of the books, as /api/openapi.json states them."""

from __future__ import annotations

from typing_extensions import TypedDict


class DifferenceShape(TypedDict, total=False):
    """What one rule changes for one account, theirs less ours."""

    account_id: str | None
    rule: str
    difference: float | None
    numerator: float
    denominator: float


class RuleShape(TypedDict):
    """What one rule changes over all accounts, with both definitions in words."""

    rule: str
    ours: str
    theirs: str
    difference: float | None
    accounts: int


class NotImitatedShape(TypedDict):
    """A rule of the other tool for which there is no switch."""

    rule: str
    source: str
    difference: None


class ReconciliationShape(TypedDict, total=False):
    """One number under two definitions; `rows` sum to `gap`, which is theirs less ours."""

    as_of: str
    currency: str
    metric: str
    period: str
    against: str
    ours: float | None
    theirs: float | None
    gap: float | None
    why: str
    rows: list[DifferenceShape]
    rules: list[RuleShape]
    not_imitated: list[NotImitatedShape]


# The functional form: `with` is a keyword.
EffectShape = TypedDict(
    "EffectShape",
    {
        "switch": str, "value": str, "metric": str, "period": str, "ours": float | None,
        "with": float | None, "difference": float | None, "why": str,
    },
    total=False,
)


class EffectsShape(TypedDict):
    """Every headline figure under every other value of every switch, each switched alone."""

    as_of: str
    currency: str
    rows: list[EffectShape]


class LoadShape(TypedDict):
    """One load."""

    load: int
    loaded_at: str
    kind: str
    file: str
    table: str
    accepted: int
    replaced: int
    rejected: int
    removed: int
    undoes: int | None
    undone_by: int | None


class LoadsShape(TypedDict):
    """Every load, oldest first."""

    rows: list[LoadShape]


class ClosedMonthShape(TypedDict):
    """One closed month, and how much of it changed since."""

    month: str
    closed_at: str
    as_of: str
    seq: int
    figures_changed: int
    accounts_changed: int


class ReasonShape(TypedDict):
    """Why a closed figure is another one now."""

    loads: list[int]
    difference: float | None
    accounts: int


class RestatedFigureShape(TypedDict):
    """A figure of a closed month that is another one now."""

    month: str
    metric: str
    closed: float | None
    now: float | None
    difference: float | None
    reasons: list[ReasonShape]


class ChangeShape(TypedDict):
    """One value of one account of a closed month."""

    closed: float
    now: float
    difference: float


class CauseShape(TypedDict):
    """A load that changed rows of an account."""

    load: int
    kind: str
    file: str
    table: str
    rows: list[str]
    count: int


class RestatedAccountShape(TypedDict):
    """An account whose part in a closed month is another one now; `changes` go by metric."""

    account_id: str
    changes: dict[str, ChangeShape]
    causes: list[CauseShape]


class RestatementShape(TypedDict):
    """A closed month that is another one now."""

    month: str
    closed_at: str
    as_of: str
    conventions: list[str]
    figures: list[RestatedFigureShape]
    accounts: list[RestatedAccountShape]


class AdjustmentShape(TypedDict):
    """One column of one row that was set by hand."""

    load: int
    made_at: str
    table: str
    key: str
    column: str
    value: str
    author: str
    reason: str
    state: str


class BooksShape(TypedDict):
    """The closed months, what changed them since, and what was set by hand."""

    rows: list[ClosedMonthShape]
    restatements: list[RestatementShape]
    adjustments: list[AdjustmentShape]
