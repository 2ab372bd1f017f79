"""The company's switches, with the defaults of the written conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

REASONS: Mapping[str, tuple[str, ...]] = {
    "voluntary": ("customer request", "too expensive"),
    "involuntary": ("payment failed",),
}


@dataclass(frozen=True)
class Conventions:
    """One value for every contested rule."""

    weeks_per_month: str = "52/12"
    days_per_month: str = "365/12"
    discounts: str = "recurring"
    usage: str = "include"
    free_plan: str = "churn"
    past_due_grace: str = "30d"
    paused: str = "churn"
    churn_booked: str = "period_end"
    fx: str = "daily"
    netting: str = "day"
    reactivation_window: str = "forever"
    churn_denominator: str = "start"
    revenue_rates: str = "accounts"
    cac_lag: str = "0m"
    fcr: str = "agent_replies"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Conventions:
        """The defaults with `given` laid over them; an unknown key is a ValueError."""
        known = {entry.name for entry in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(f"unknown conventions: {sorted(unknown)}")
        return cls(**given)

    def factor(self, interval: str) -> Fraction:
        """Months' worth of one interval's bill."""
        return {
            "year": Fraction(1, 12),
            "quarter": Fraction(1, 3),
            "month": Fraction(1),
            "week": Fraction(self.weeks_per_month),
            "day": Fraction(self.days_per_month),
        }[interval]


@dataclass(frozen=True)
class Settings:
    """Everything that decides a number besides the rows."""

    currency: str
    zone: ZoneInfo
    as_of: datetime
    conventions: Conventions = field(default_factory=Conventions)
    reasons: Mapping[str, str] = field(default_factory=dict)
    fiscal_year_start: int = 1
    exclude: tuple[str, ...] = ()


def days(duration: str) -> int | None:
    """The number in "30d"; None for "forever"."""
    return None if duration == "forever" else int(duration.removesuffix("d"))
