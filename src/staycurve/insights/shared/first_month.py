"""First-month behaviour: traits of accounts from what they did in their first 30 days.

The window is the 30 local days from the day on which the account signed up; from its first paid
day where the sign-up is not known or lies later. What was done in it comes from usage_days: so
[usage] in staycurve.toml says what is activity, what counts nowhere and what a feature is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from staycurve.metrics import dimensions
from staycurve.metrics.context import Context
from staycurve.period import AsOf
from staycurve.tables.engine import name, quoted

ACTIVE_DAYS = "first_month_active_days"
"""On how many of the 30 days the account was active, in bands."""

USED = "first_month_used:"
"""With the name of a feature after it: whether the account used it in the 30 days."""

WINDOW_DAYS = 30

# 30 days are a little over four weeks: up to 4 active days is one a week or less, up to 12 is
# three a week or less. Moving a bound moves accounts between bands and no total.
BANDS = ((0, "0 days"), (1, "1-4 days (low)"), (5, "5-12 days (middle)"), (13, "13+ days (high)"))

USED_VALUES = ("not used", "used")


def is_first_month(dim: str) -> bool:
    """Whether a dimension is a trait of the first month."""
    return dim == ACTIVE_DAYS or (dim.startswith(USED) and len(dim) > len(USED))


def feature_of(dim: str) -> str | None:
    """The feature that a dimension asks for, if it asks for one."""
    return dim.removeprefix(USED) if dim.startswith(USED) else None


def order_of(dim: str, value: str | None) -> tuple[int, str]:
    """Where a value stands among its dimension's; see `staycurve.metrics.dimensions.order_of`."""
    if value is None or not is_first_month(dim):
        return dimensions.order_of(dim, value)
    known = [label for _, label in BANDS] if dim == ACTIVE_DAYS else list(USED_VALUES)
    return (known.index(value), "") if value in known else (len(known), value)


@dataclass(frozen=True)
class TraitContext(Context):
    """A context whose dimensions may be traits of the first month.

    The statement must hold the relation `first_month` where `asks_first_month` (see `shared`).
    """

    @property
    def asks_first_month(self) -> bool:
        """Whether any asked dimension is a trait of the first month."""
        return any(is_first_month(dim) for dim in self.dims)

    def segments(
        self, *, account: str, own: Mapping[str, str], day: str = "", fallback_day: str = "",
        user: str = "",
    ) -> tuple[str, str]:
        """SQL of the segment columns, and of the joins that they need; see Context."""
        traits = {dim: f"fm.{column_of(dim)}" for dim in self.dims if is_first_month(dim)}
        columns, joins = super().segments(
            account=account, own={**own, **traits}, day=day, fallback_day=fallback_day, user=user
        )
        if traits:
            joins = f"{joins}\nLEFT JOIN first_month fm ON fm.account_id = {account}".strip()
        return columns, joins

    def shared(self) -> str:
        """SQL of `first_month`, to follow `firsts` in a WITH; empty where nothing asks for it."""
        if not self.asks_first_month:
            return ""
        return f"first_month AS ({statement(self.dims, self.as_of)}),\n"


def column_of(dim: str) -> str:
    """The column of `first_month` that holds a trait."""
    return name(dim)


def statement(dims: Iterable[str], seen: AsOf) -> str:
    """SQL of rows (account_id, one column a trait); it reads `firsts` and usage_days.

    A trait is empty, not 'not used', where it is not known: the 30 days are not over, or they
    began before the first event that is loaded.
    """
    asked = [dim for dim in dims if is_first_month(dim)]
    counts, traits = [], []
    for place, dim in enumerate(asked):
        feature = feature_of(dim)
        if feature is None:
            counts.append(f"COUNT(DISTINCT CASE WHEN u.is_active THEN u.day END) AS found{place}")
            cases = " ".join(
                f"WHEN found{place} >= {low} THEN {quoted(label)}" for low, label in reversed(BANDS)
            )
            value = f"CASE {cases} END"
        else:
            counts.append(
                f"SUM(CASE WHEN u.feature = {quoted(feature)} THEN 1 ELSE 0 END) AS found{place}"
            )
            no, yes = USED_VALUES
            value = f"CASE WHEN found{place} > 0 THEN {quoted(yes)} ELSE {quoted(no)} END"
        traits.append(
            f"CAST(CASE WHEN is_known = 1 THEN {value} END AS VARCHAR) AS {column_of(dim)}"
        )
    # A window that closes on the first day that is not seen whole is over.
    unseen = seen.last_day + dt.timedelta(days=1) if seen.is_whole else seen.last_day
    return f"""
    SELECT account_id, {", ".join(traits)}
    FROM (
        SELECT w.account_id,
               CASE WHEN w.closes_on <= DATE '{unseen}' AND w.opens_on >= b.first_on
                    THEN 1 ELSE 0 END AS is_known,
               {", ".join(counts)}
        FROM (
            SELECT account_id, opens_on,
                   CAST(opens_on + INTERVAL {WINDOW_DAYS} DAY AS DATE) AS closes_on
            FROM (
                SELECT f.account_id,
                       least(coalesce(a.created_on, f.first_paid_on), f.first_paid_on) AS opens_on
                FROM firsts f
                LEFT JOIN accounts a ON a.account_id = f.account_id
            ) opened
        ) w
        CROSS JOIN (SELECT MIN(day) AS first_on FROM usage_days) b
        LEFT JOIN usage_days u ON u.account_id = w.account_id AND u.day >= w.opens_on
             AND u.day < w.closes_on AND u.day <= DATE '{seen.last_day}'
        GROUP BY w.account_id, w.opens_on, w.closes_on, b.first_on
    ) counted"""
