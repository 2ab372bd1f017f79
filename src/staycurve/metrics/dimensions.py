"""Dimensions: what numbers can be cut by, and how a row finds its segment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.i18n import N_
from staycurve.registry import Registry
from staycurve.tables.engine import FAR, quoted

ITEM_TRAITS = ("plan", "product", "kind", "interval", "currency")
"""Columns of mrr_items: they filter items, so an account may stand in several segments."""

COHORT = "cohort"

PROPERTY = "property:"
"""Before the name of a property of events, as a dimension of what users do."""

USER = "user:"
"""Before the name of a trait of users, where a dimension of accounts may have the same."""

OTHER = "(other)"
"""The segment of all values that are not shown one by one."""

NUMBERS = ("employees",)
"""Dimensions of whole numbers from 0: of two, the one with more digits is larger."""

_NOW = "_now"

TENURE_BANDS = ((0, "0-2 months"), (3, "3-5 months"), (6, "6-11 months"), (12, "12-23 months"),
                (24, "24+ months"))
MRR_BANDS = ((0, "under 50"), (50, "50-199"), (200, "200-999"), (1000, "1000-4999"),
             (5000, "5000+"))


@dataclass(frozen=True)
class Moving:
    """A dimension whose value changes with time for one account.

    Attributes
    ----------
    spans : callable
        Config → SQL of rows (account_id, value, starts_on, ends_on), without overlaps per account;
        `ends_on` is never null.
    at_close : callable, optional
        The same with what holds at each day's close, where `spans` books a change otherwise.
    values : tuple of str
        The values in their own order.
    """

    name: str
    about: str
    spans: Callable[[Config], str]
    at_close: Callable[[Config], str] | None = None
    values: tuple[str, ...] = ()

    @property
    def now(self) -> str:
        """The dimension of the value that holds on the as-of's day, whichever day is asked for."""
        return self.name + _NOW


def _tenure(config: Config) -> str:
    del config
    parts = []
    for place, (months, label) in enumerate(TENURE_BANDS):
        is_last = place == len(TENURE_BANDS) - 1
        end = (
            FAR
            if is_last
            else f"CAST(first_paid_on + INTERVAL {TENURE_BANDS[place + 1][0]} MONTH AS DATE)"
        )
        parts.append(
            f"SELECT account_id, '{label}' AS value, "
            f"CAST(first_paid_on + INTERVAL {months} MONTH AS DATE) AS starts_on, "
            f"{end} AS ends_on FROM firsts"
        )
    return " UNION ALL ".join(parts)


def _mrr_band(config: Config) -> str:
    del config
    cases = " ".join(
        f"WHEN after >= {low * 1_000_000} THEN '{label}'" for low, label in reversed(MRR_BANDS)
    )
    return f"""SELECT account_id, CASE {cases} END AS value, day AS starts_on,
       coalesce(next_day, {FAR}) AS ends_on
FROM (
    SELECT account_id, day, after,
           lead(day) OVER (PARTITION BY account_id ORDER BY day, last_mark) AS next_day
    FROM mrr_movements
) closes
WHERE after > 0 AND (next_day IS NULL OR next_day > day)"""


TENURE = Moving(
    "tenure", N_("Time since the account first paid."), _tenure,
    values=tuple(label for _, label in TENURE_BANDS),
)
MRR_BAND = Moving(
    "mrr_band",
    N_("The account's MRR after its last change, in the company's currency."),
    _mrr_band,
    values=tuple(label for _, label in MRR_BANDS),
)

MOVING: Registry[Moving] = Registry(
    "dimension",
    Moving,
    (
        "staycurve.metrics.dimensions",
        "staycurve.insights.lifecycle.lifecycle_spans",
    ),
    group="",
    named=lambda moving: moving.name,
)
"""Name → moving dimension: every metric can be cut by it, whichever floor computes it."""


_LISTED = re.compile(r'\s*(?:property:|user:)?"(?:[^"]|"")*"|[^,]+')
_SIGNS = re.compile(r'[=<>~,"|\[\]!]|^\s|\s$|\s(?:is|contains|does not)\b')


def dims_of(by: str | Sequence[str]) -> tuple[str, ...]:
    """The dimensions in 'plan,industry', or as they are given one by one.

    A name with a comma stands in quotes: property:"a, b".
    """
    return tuple(map(dim_of, _LISTED.findall(by))) if isinstance(by, str) else tuple(by)


def dim_of(text: str) -> str:
    """A dimension as it is written: in quotes, or after property: or user: in quotes, or plain."""
    text = text.strip()
    prefix = next((one for one in (PROPERTY, USER) if text.startswith(one)), "")
    name = text.removeprefix(prefix)
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        return prefix + name[1:-1].replace('""', '"')
    return text


def dim_text(dim: str) -> str:
    """A dimension as `dims_of` and filters read it: in quotes where it holds their signs."""
    prefix = next((one for one in (PROPERTY, USER) if dim.startswith(one)), "")
    name = dim.removeprefix(prefix)
    if not _SIGNS.search(name):
        return dim
    doubled = name.replace('"', '""')
    return f'{prefix}"{doubled}"'


def moving_dims() -> list[str]:
    """Every dimension whose value changes with time, and those of its value as of now."""
    return [*MOVING, *(moving.now for _, moving in MOVING.items())]


def now_of(dim: str) -> Moving | None:
    """The moving dimension of which `dim` is the value as of now, if it is one."""
    name = dim.removesuffix(_NOW)
    return MOVING[name] if dim.endswith(_NOW) and name in MOVING else None


def own_order(dim: str) -> tuple[str, ...]:
    """The values of a dimension that has an order of its own, in it; none for any other."""
    moving = MOVING[dim] if dim in MOVING else now_of(dim)
    return moving.values if moving else ()


def order_of(dim: str, value: str | None) -> tuple[int, str]:
    """Where a value stands among its dimension's: bands and numbers by size, stages by their
    place, other values by name, what is in no segment first.
    """
    own = own_order(dim)
    if value is None:
        return -1, ""
    if dim in NUMBERS:
        return len(value), value
    return (own.index(value), "") if value in own else (len(own), value)


def order_sql(dim: str, column: str) -> str:
    """SQL to order by a column with the values of a dimension, as `order_of` does."""
    own = own_order(dim)
    if dim in NUMBERS:
        return f"CASE WHEN {column} IS NULL THEN -1 ELSE length({column}) END, {column} NULLS FIRST"
    if not own:
        return f"{column} NULLS FIRST"
    cases = " ".join(
        f"WHEN {column} = {quoted(value)} THEN {place}" for place, value in enumerate(own)
    )
    return (
        f"CASE WHEN {column} IS NULL THEN -1 {cases} ELSE {len(own)} END, {column} NULLS FIRST"
    )


MOVEMENT_COHORT = {COHORT: "strftime(v.first_paid_on, '%Y-%m')"}
"""A row `v` of mrr_movements knows its account's cohort without another join."""

# The first paid item begins within one group of changes: no other row need be read.
FIRSTS_SQL = """SELECT account_id, MIN(first_paid_on) AS first_paid_on
FROM mrr_movements WHERE first_paid_on >= first_day AND first_paid_on <= day GROUP BY account_id"""
