"""The shapes of acquisition's answers, as /api/openapi.json states them."""

from __future__ import annotations

from typing_extensions import TypedDict

Segment = dict[str, str | None]


class ColumnShape(TypedDict, total=False):
    """What a column of the channel report is."""

    name: str
    label: str
    about: str
    unit: str
    better: str


class ChannelRowShape(TypedDict, total=False):
    """A channel in a period; `why` says why a column is empty. Totals carry no channel."""

    period: str
    open: bool
    channel: str | None
    visits: float | None
    social_engagements: float | None
    mentions: float | None
    lead_rate: float | None
    demo_requests: float | None
    trial_starts: float | None
    trial_conversion_rate: float | None
    new_customers: float | None
    new_mrr: float | None
    cac: float | None
    leads: int | None
    qualified: int | None
    lead_trials: int | None
    won: int | None
    lost: int | None
    spend: float | None
    why: dict[str, str]


class ChannelsShape(TypedDict, total=False):
    """What every channel brought."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    columns: list[ColumnShape]
    rows: list[ChannelRowShape]
    totals: list[ChannelRowShape]


class FunnelRowShape(TypedDict, total=False):
    """A step of a cohort of leads; shares are of those whose horizon has passed."""

    cohort: str | None
    segment: Segment
    leads: int
    mature: int
    step: str
    label: str
    reached: int
    value: float | None
    low: float | None
    high: float | None
    previous: str | None
    from_previous: float | None
    from_previous_low: float | None
    from_previous_high: float | None
    is_small: bool
    why: str


class FunnelShape(TypedDict, total=False):
    """How far leads came."""

    as_of: str
    currency: str
    why: str
    horizon_days: int
    rows: list[FunnelRowShape]


class LeadShape(TypedDict):
    """One lead, with the day of each step."""

    lead_id: str
    account_id: str | None
    created_on: str
    qualified_on: str | None
    demo_on: str | None
    trial_on: str | None
    won_on: str | None
    paying_on: str | None
    lost_on: str | None
    is_mature: bool


class LeadsShape(TypedDict):
    """The leads of a cohort."""

    as_of: str
    cohort: str
    horizon_days: int
    rows: list[LeadShape]


class ActivationShape(TypedDict, total=False):
    """Accounts that reached first value in time, of those whose window has passed."""

    value: float | None
    low: float | None
    high: float | None
    activated: int
    size: int
    is_small: bool
    why: str


class KeptShape(TypedDict):
    """Accounts that pay at an age in months, of those whose month of that age has closed."""

    age: int
    value: float | None
    low: float | None
    high: float | None
    retained: int
    size: int
    is_small: bool


class QualityRowShape(TypedDict, total=False):
    """How the accounts of a channel fare."""

    channel: str | None
    activation: ActivationShape
    retention: list[KeptShape]
    customers: float | None
    mrr: float | None
    arpa: float | None


class QualityShape(TypedDict, total=False):
    """How the accounts of each channel fare."""

    as_of: str
    currency: str
    notes: list[str]
    rows: list[QualityRowShape]


class ReferrerShape(TypedDict):
    """An account, and what those it brought are worth."""

    account_id: str
    name: str | None
    is_known: bool
    referred: int
    ever_paid: int
    paying: int
    mrr: float
    lifetime_mrr: float


class ReferralSummaryShape(TypedDict):
    """All referrers together; `share` of all accounts were referred."""

    accounts: int
    referrers: int
    referred: int
    share: float | None
    low: float | None
    high: float | None
    ever_paid: int
    paying: int
    mrr: float
    lifetime_mrr: float


class SideShape(TypedDict):
    """Retention of one side of a comparison."""

    size: int
    retained: int
    value: float | None
    low: float | None
    high: float | None


class ReferralRetentionShape(TypedDict):
    """Retention of the referred beside that of the others."""

    age: int
    referred: SideShape
    others: SideShape
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    is_small: bool


class ReferralsShape(TypedDict, total=False):
    """Who brought whom."""

    as_of: str
    currency: str
    notes: list[str]
    why: str
    summary: ReferralSummaryShape
    retention: list[ReferralRetentionShape]
    rows: list[ReferrerShape]


class ReferredAccountShape(TypedDict):
    """One referred account; `lifetime_mrr` sums its MRR at the closes of all closed months."""

    account_id: str
    name: str | None
    referred_by: str
    created_on: str | None
    first_paid_on: str | None
    mrr: float
    lifetime_mrr: float


class ReferredShape(TypedDict):
    """The accounts that others brought."""

    as_of: str
    currency: str
    rows: list[ReferredAccountShape]
