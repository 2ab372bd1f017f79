"""The accounts of the example company: who they are before anything happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from staycurve.demo.clock import DAY, END, MONTHS, START, month_start

INDUSTRIES: Final = {
    "Software": 0.19, "Retail": 0.15, "Professional Services": 0.12, "Healthcare": 0.11,
    "Finance": 0.10, "Manufacturing": 0.10, "Education": 0.08, "Media": 0.07,
    "Logistics": 0.05, "Nonprofit": 0.03,
}  # fmt: skip
COUNTRIES: Final = {
    "US": (0.50, "USD"), "CA": (0.06, "USD"), "AU": (0.04, "USD"), "GB": (0.12, "GBP"),
    "DE": (0.09, "EUR"), "FR": (0.06, "EUR"), "NL": (0.04, "EUR"), "ES": (0.03, "EUR"),
    "JP": (0.06, "JPY"),
}  # fmt: skip
CHANNELS: Final = {
    "organic search": 0.22, "paid search": 0.18, "content": 0.14, "outbound": 0.12,
    "affiliate": 0.13, "referral": 0.10, "partner": 0.07, "social": 0.04,
}  # fmt: skip
OWNERS: Final = ("Ines Faber", "Tom Adeyemi", "Keiko Mori", "Paul Lindqvist", "Rosa Quintero")

# Employees at which half of the accounts move on to the next plan.
_PLAN_STEPS: Final = ((700.0, "Enterprise"), (170.0, "Business"), (48.0, "Team"), (0.0, "Starter"))
_SEATS: Final = {"Starter": (3, 0.5), "Team": (10, 0.5), "Business": (30, 0.5),
                 "Enterprise": (105, 0.45)}  # fmt: skip
_INTERVALS: Final = {
    "Starter": {"month": 0.74, "year": 0.16, "quarter": 0.04, "week": 0.06},
    "Team": {"month": 0.64, "year": 0.28, "quarter": 0.08},
    "Business": {"month": 0.44, "year": 0.48, "quarter": 0.08},
    "Enterprise": {"year": 0.85, "quarter": 0.15},
}
_DISCOUNTS: Final = {
    "none": 0.73, "percent": 0.11, "first year": 0.04, "first invoice": 0.05, "amount": 0.045,
    "two months free": 0.015, "sponsored": 0.01,
}  # fmt: skip
_FIRST: Final = ("Amber", "Birch", "Cobalt", "Delta", "Ember", "Fjord", "Granite", "Hollow",
                 "Indigo", "Juniper", "Kestrel", "Lantern", "Maple", "Nimbus", "Orchard", "Pebble",
                 "Quarry", "Raven", "Saffron", "Thistle", "Umber", "Velvet", "Willow",
                 "Yarrow")  # fmt: skip
_SECOND: Final = ("Bay", "Bridge", "Brook", "Cliff", "Cove", "Crest", "Field", "Ford", "Gate",
                  "Grove", "Harbor", "Hill", "Lake", "Mill", "Point", "Ridge", "River", "Stone",
                  "Vale", "Yard")  # fmt: skip
_THIRD: Final = {
    "Software": "Systems", "Retail": "Goods", "Professional Services": "Partners",
    "Healthcare": "Clinics", "Finance": "Capital", "Manufacturing": "Works",
    "Education": "Academy", "Media": "Studio", "Logistics": "Freight", "Nonprofit": "Trust",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it signs up; instants in seconds, `seats` a count, `quality` around 0."""

    index: int
    account_id: str
    name: str
    created_at: int
    industry: str
    country: str
    currency: str
    employees: int
    channel: str
    owner: str
    referred_by: str | None
    parent_id: str | None
    plan: str
    interval: str
    seats: int
    path: str
    has_trial_card: bool
    discount: str
    quality: float
    has_early_automation: bool
    is_activated: bool
    has_champion: bool
    is_metered: bool
    is_test: bool

    @property
    def domain(self) -> str:
        """A mail domain under `.example`, which RFC 2606 keeps free of real addresses."""
        return f"{self.name.lower().replace(' ', '-')}.example"


def _pick(rng: np.random.Generator, shares: dict[str, float], size: int) -> list[str]:
    weights = np.array(list(shares.values()))
    names = np.array(list(shares))
    return [str(n) for n in rng.choice(names, size=size, p=weights / weights.sum())]


def _sign_ups(rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """Sign-up instants, sorted, shape (count,): growing, seasonal, mostly in working hours."""
    month = np.arange(MONTHS)
    season = np.where(np.isin(month % 12, (6, 7, 11)), 0.82, 1.06)
    weight = (0.55 + month / MONTHS) * season
    weight[0] *= 1.6
    chosen = rng.choice(month, size=count, p=weight / weight.sum())
    first = np.array([month_start(int(m)) for m in range(MONTHS + 1)])
    span = (first[chosen + 1] - first[chosen]) // DAY
    day = (rng.random(count) * span).astype(np.int64)
    second = rng.integers(14 * 3600, 22 * 3600, count)
    return np.sort(np.clip(first[chosen] + day * DAY + second, START, END - 3600))


def _plans(rng: np.random.Generator, employees: npt.NDArray[np.int64]) -> list[str]:
    scale = employees * np.exp(rng.normal(0.0, 0.45, len(employees)))
    return [next(plan for least, plan in _PLAN_STEPS if s >= least) for s in scale]


def _path(plan: str, draw: float) -> str:
    if plan == "Enterprise":
        return "sales"
    if plan == "Starter" and draw < 0.13:
        return "free"
    trial = {"Starter": 0.80, "Team": 0.74, "Business": 0.45}[plan]
    return "trial" if draw < trial else "sales"


def accounts_of(count: int, seed: int, automation_share: float) -> list[Account]:
    """All accounts in order of sign-up, shape (count,).

    Parameters
    ----------
    count : int
        At least 50: fewer cannot hold a parent, a referral and an internal account.
    seed : int
        Same seed, same accounts.
    automation_share : float
        Share (0-1) of accounts that use automation in their first days, drawn independently.

    Raises
    ------
    ValueError
        If `count` is below 50.
    """
    if count < 50:
        raise ValueError(f"accounts is {count}, but the example company needs at least 50")
    rng = np.random.default_rng([seed, 1])
    created = _sign_ups(rng, count)
    industry = _pick(rng, INDUSTRIES, count)
    country = _pick(rng, {c: share for c, (share, _) in COUNTRIES.items()}, count)
    channel = _pick(rng, CHANNELS, count)
    discount = _pick(rng, _DISCOUNTS, count)
    employees = np.maximum(2, np.exp(rng.normal(4.0, 1.25, count))).astype(np.int64)
    plan = _plans(rng, employees)
    draw = rng.random((10, count))
    normal = rng.normal(0.0, 1.0, (2, count))
    tests = set(rng.choice(np.arange(20, count), size=max(3, count * 3 // 1000), replace=False))
    rows: list[Account] = []
    for i in range(count):
        is_test = i in tests
        seats, spread = _SEATS[plan[i]]
        shares = _INTERVALS[plan[i]]
        path = _path(plan[i], draw[0, i])
        earlier = int(draw[1, i] * i)
        mates = [r for r in rows[-150:] if r.industry == industry[i] and r.parent_id is None]
        is_child = not is_test and draw[2, i] < 0.012 and bool(mates)
        name = f"{_FIRST[int(draw[3, i] * 24)]} {_SECOND[int(draw[4, i] * 20)]}"
        rows.append(
            Account(
                index=i,
                account_id=f"A{i + 1:06d}",
                name=f"test account {i + 1}" if is_test else f"{name} {_THIRD[industry[i]]}",
                created_at=int(created[i]),
                industry=industry[i],
                country=country[i],
                currency=COUNTRIES[country[i]][1],
                employees=int(employees[i]),
                channel=channel[i],
                owner=OWNERS[int(draw[5, i] * len(OWNERS))],
                referred_by=_referrer(rows, earlier) if channel[i] == "referral" else None,
                parent_id=mates[-1].account_id if is_child and not mates[-1].is_test else None,
                plan="Free" if path == "free" else plan[i],
                interval=_by_share(shares, draw[6, i]),
                seats=max(1, round(seats * float(np.exp(spread * normal[0, i])))),
                path=path,
                has_trial_card=bool(draw[7, i] < 0.36),
                discount=_discount(discount[i], plan[i], industry[i]),
                quality=float(0.35 * normal[1, i]),
                has_early_automation=bool(draw[8, i] < automation_share),
                is_activated=bool(draw[9, i] < 0.72),
                has_champion=bool((draw[9, i] * 7) % 1 < 0.75),
                is_metered=plan[i] in ("Team", "Business") and (draw[8, i] * 11) % 1 < 0.14,
                is_test=is_test,
            )
        )
    return rows


def _referrer(rows: list[Account], position: int) -> str | None:
    """The account at or after `position` that is not internal."""
    return next((r.account_id for r in rows[position:] if not r.is_test), None)


def _by_share(shares: dict[str, float], draw: float) -> str:
    """The name at position `draw` (0-1) of the cumulated shares."""
    total = 0.0
    for name, share in shares.items():
        total += share
        if draw < total:
            return name
    return next(iter(shares))


def _discount(kind: str, plan: str, industry: str) -> str:
    # Sponsorship is for nonprofits and the smallest plan, or one giveaway would distort revenue.
    if kind == "sponsored" and plan != "Starter" and industry != "Nonprofit":
        return "none"
    return kind
