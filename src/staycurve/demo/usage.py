"""What people do in the product: events with named features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END, START
from staycurve.demo.ledger import History
from staycurve.demo.market import Account
from staycurve.demo.people import Ints, People

# Share of accounts that use a feature at all, and its weight among the events of those.
FEATURES: Final = {
    "task_completed": (1.00, 10.0), "board_viewed": (1.00, 9.0), "comment_posted": (0.95, 6.0),
    "file_uploaded": (0.85, 3.0), "search_run": (0.90, 3.0), "report_viewed": (0.70, 3.0),
    "dashboard_created": (0.40, 0.6), "template_applied": (0.55, 1.0),
    "automation_run": (0.20, 3.0), "integration_synced": (0.45, 2.0), "sso_login": (0.06, 3.0),
    "api_called": (0.15, 2.5), "mobile_opened": (0.60, 3.0), "calendar_synced": (0.40, 1.2),
    "time_logged": (0.35, 2.0), "form_submitted": (0.30, 1.2), "export_created": (0.40, 0.8),
    "approval_given": (0.25, 1.0),
}  # fmt: skip
STEPS: Final = ("signed_up", "project_created", "teammate_invited", "data_imported")
NAMES: Final = (*FEATURES, *STEPS)
PLATFORMS: Final = ("web", "mobile", "api")
_SSO_LARGE: Final = 0.68
_LATE_DAYS: Final = 30


@dataclass(frozen=True)
class Events:
    """Product events in order of time; arrays of shape (events,).

    `name` indexes `NAMES`, `platform` indexes `PLATFORMS`, `user` is a row of `People` or -1.
    """

    account: Ints
    user: Ints
    name: Ints
    platform: Ints
    occurred: Ints
    received: Ints


def events_of(accounts: list[Account], history: History, people: People, seed: int) -> Events:
    """All events: steps of the first days, then features at each month's rate."""
    rng = np.random.default_rng([seed, 3])
    created = np.array([a.created_at for a in accounts], dtype=np.int64)
    is_early = np.array([a.has_early_automation for a in accounts])
    month = np.array([m.account for m in history.months], dtype=np.int64)
    begin = np.array([m.begin for m in history.months], dtype=np.int64)
    finish = np.array([m.finish for m in history.months], dtype=np.int64)
    size = rng.poisson([m.rate for m in history.months])

    account = np.repeat(month, size)
    low, high = np.repeat(begin, size), np.repeat(finish, size)
    at = _office_hours(rng, low, high)
    uses = _uses(rng, accounts, is_early)
    name = _features(rng, uses, account)
    automation = NAMES.index("automation_run")
    free_of_it = np.where(is_early, 0, _LATE_DAYS * DAY)[account]
    name = np.where((name == automation) & (at < created[account] + free_of_it), 0, name)

    steps = _steps(rng, accounts)
    early = _early_automation(rng, created, is_early, automation)
    parts = [np.stack([account, name, at]), steps, early]
    account, name, at = np.concatenate(parts, axis=1)
    keep = (at < END) & (at >= START)
    account, name, at = account[keep], name[keep], at[keep]
    order = np.lexsort((name, account, at))
    account, name, at = account[order], name[order], at[order]

    user = people.who(account, at, rng.geometric(0.4, len(at)).astype(np.int64) - 1)
    is_signup = name == NAMES.index("signed_up")
    user = np.where(is_signup, people.first[account], user)
    platform = np.where(name == NAMES.index("api_called"), 2, rng.random(len(at)) < 0.18)
    platform = np.where(name == NAMES.index("mobile_opened"), 1, platform)
    delay = rng.exponential(4.0, len(at)) + (rng.random(len(at)) < 0.004) * rng.uniform(
        0, 2 * DAY, len(at)
    )
    received = np.minimum(at + delay.astype(np.int64), END - 1)
    return Events(account, user, name, platform.astype(np.int64), at, received)


def _office_hours(rng: np.random.Generator, low: Ints, high: Ints) -> Ints:
    """Instants in [low, high), mostly on weekdays and in working hours of the company."""
    day = (low + rng.random(len(low)) * (high - low)).astype(np.int64) // DAY
    weekday = (day + 3) % 7
    moved = (weekday >= 5) & (rng.random(len(low)) < 0.75)
    day = np.where(moved, day - (weekday - 4), day)
    second = np.clip(rng.normal(18.0, 3.2, len(low)), 10, 28) * 3600
    return np.clip(day * DAY + second.astype(np.int64), low, high - 1)


def _uses(
    rng: np.random.Generator, accounts: list[Account], is_early: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Weight of each feature for each account, shape (accounts, features)."""
    share = np.array([s for s, _ in FEATURES.values()])
    weight = np.array([w for _, w in FEATURES.values()])
    chance = np.tile(share, (len(accounts), 1))
    is_large = np.array([a.employees >= CAUSES.large_employees for a in accounts])
    names = list(FEATURES)
    chance[is_large, names.index(CAUSES.confounded_feature)] = _SSO_LARGE
    chance[is_early, names.index("automation_run")] = 1.0
    is_used = rng.random(chance.shape) < chance
    return np.where(is_used, weight * rng.lognormal(0.0, 0.4, chance.shape), 0.0)


def _features(rng: np.random.Generator, uses: npt.NDArray[np.float64], account: Ints) -> Ints:
    """One feature for each event, by the account's weights."""
    cumulated = np.cumsum(uses, axis=1)
    cumulated /= cumulated[:, -1:]
    draw = rng.random(len(account))
    name = np.zeros(len(account), dtype=np.int64)
    for column in range(cumulated.shape[1] - 1):
        name += draw >= cumulated[account, column]
    return name


def _steps(rng: np.random.Generator, accounts: list[Account]) -> Ints:
    """Sign-up and the steps after it, shape (3, steps): account, name, instant."""
    rows: list[tuple[int, int, int]] = []
    draw = rng.random((3, len(accounts)))
    delay = rng.lognormal(0.0, 1.1, (3, len(accounts))) * DAY
    for a in accounts:
        i, t = a.index, a.created_at
        rows.append((i, NAMES.index("signed_up"), t))
        if a.is_activated or draw[0, i] < 0.15:
            wait = delay[0, i] if a.is_activated else 6 * DAY + delay[0, i]
            rows.append((i, NAMES.index("project_created"), t + int(wait)))
            if draw[1, i] < 0.65:
                rows.append((i, NAMES.index("teammate_invited"), t + int(wait + delay[1, i])))
            if draw[2, i] < 0.5:
                rows.append((i, NAMES.index("data_imported"), t + int(wait + delay[2, i])))
    return np.array(rows, dtype=np.int64).T


def _early_automation(
    rng: np.random.Generator, created: Ints, is_early: npt.NDArray[np.bool_], automation: int
) -> Ints:
    """Two to five automation runs within the first days, shape (3, runs)."""
    account = np.repeat(np.flatnonzero(is_early), rng.integers(2, 6, int(is_early.sum())))
    days = rng.uniform(0.2, CAUSES.automation_days - 1.0, len(account))
    at = created[account] + (days * DAY).astype(np.int64)
    return np.stack([account, np.full(len(account), automation), at])
