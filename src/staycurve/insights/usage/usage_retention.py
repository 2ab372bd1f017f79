"""Retention of use: of those who started in a period, who was back k periods later.

A cohort is everybody whose start lies in one local day, week or month: the first ever (`first`),
or any of them (`every`), so that somebody may be in several cohorts. Period 0 is the cohort's own:
its count is the cohort's size. Back in period k is whoever did the returning thing *on* it, or on
it or any later one (`after`). Calendar windows are the local periods themselves; rolling ones are
24 hours, 7 days or 30 days long and begin with everybody's own start, the first of the period.

References
----------
The same switches, by other names, in PostHog: https://posthog.com/docs/product-analytics/retention
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.usage import usage_segments as segments
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL
from staycurve.insights.usage.usage_retention_asked import Asked
from staycurve.insights.usage.usage_segments import Members, Row, shares
from staycurve.metrics.query import STILL_OPEN

NOBODY = N_("nobody started in this period")
REPEATED = N_(
    "Somebody may start in several periods; the intervals of all cohorts together take them for "
    "different people, and are too narrow."
)
LATER = N_("Who is not back yet may still come: shares of young cohorts can rise.")


@dataclass(frozen=True)
class UseRetention:
    """Who was back, by cohort and period since.

    Attributes
    ----------
    rows : list of dict
        One a cell: cohort, segment, age, size, returned, value, low, high, open, is_small; `why`
        where value is empty. `value` is returned ÷ size with its 95% interval.
    totals : list of dict
        The same over all cohorts whose cell has closed, by segment and age.
    notes : tuple of str
    why : str, optional
        Why there are no rows.
    """

    as_of: str
    whose: str
    per: str
    start: str
    back: str
    starts: str
    returns: str
    windows: str
    rows: list[Row]
    totals: list[Row]
    is_additive: bool = True
    notes: tuple[str, ...] = ()
    sql: str = field(repr=False, default="")
    why: str | None = None
    _members: Callable[..., Members] | None = field(repr=False, compare=False, default=None)

    def users(self, cohort: str | None, age: int, **segment: str | None) -> Members:
        """Who is behind a cell: the cohort, and who of it was back.

        Parameters
        ----------
        cohort : str, optional
            The first day of its period; None for all whose cell has closed, as in `totals`.
        **segment
            Dimension → value, where the answer is split.
        """
        assert self._members is not None
        return self._members(cohort, age, segment)

    def accounts(self, cohort: str | None, age: int, **segment: str | None) -> list[Row]:
        """The accounts behind a cell; they divide to it."""
        return self.users(cohort, age, **segment).accounts

    def to_json(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of, "whose": self.whose, "per": self.per, "start": self.start,
            "back": self.back, "starts": self.starts, "returns": self.returns,
            "windows": self.windows, "unit": "percent",
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "notes": list(self.notes), "rows": self.rows, "totals": self.totals,
        }


def retention(
    asked: Asked, answer: Iterable[Sequence[Any]], *, sql: str = "",
    members: Callable[..., Members] | None = None, has_events: bool = True,
) -> UseRetention:
    """What the answer of `statement` says, cell by cell."""
    found = segments.by_segment(asked.use, answer, has_events=has_events)
    rows = [
        row for values, own in found.items() for row in _cells(asked, values, own)
    ]
    _add_shares(rows)
    notes = [
        *([REPEATED] if asked.starts == "every" else []),
        *([LATER] if asked.returns == "after" else []),
    ]
    return UseRetention(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, per=asked.per,
        start=asked.start.label, back=asked.back.label, starts=asked.starts,
        returns=asked.returns, windows=asked.windows, rows=rows,
        totals=_totals(rows), is_additive=asked.use.is_additive, notes=tuple(notes), sql=sql,
        why=None if has_events else NO_EVENTS, _members=members,
    )


def closed(asked: Asked, age: int) -> list[int]:
    """The places of the cohorts whose cell of that age has closed."""
    return [
        place for place in range(len(asked.cohorts))
        if 0 <= age <= asked.ages and asked.has_begun(place, age) and not asked.is_open(place, age)
    ]


def _cells(
    asked: Asked, values: tuple[Any, ...], own: dict[dt.date, Sequence[int]]
) -> Iterable[Row]:
    nobody = [0] * (asked.ages + 1)
    for place, period in enumerate(asked.cohorts):
        numbers = own.get(period.start, nobody)
        for age in range(asked.ages + 1):
            if not asked.has_begun(place, age):
                break
            is_open = asked.is_open(place, age)
            yield {
                "cohort": str(period.start), "segment": asked.use.segment(values), "age": age,
                "size": numbers[0], "returned": numbers[age], "open": is_open,
                "is_small": numbers[0] < SMALL,
            }


def _add_shares(rows: Sequence[Row]) -> None:
    found = shares([row["returned"] for row in rows], [row["size"] for row in rows])
    for row, (value, low, high) in zip(rows, found, strict=True):
        if row["open"]:
            row |= {"value": None, "low": None, "high": None, "why": STILL_OPEN}
        elif value is None:
            row |= {"value": None, "low": None, "high": None, "why": NOBODY}
        else:
            row |= {"value": value, "low": low, "high": high}


def _totals(rows: Sequence[Row]) -> list[Row]:
    sums: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row["value"] is not None:
            key = (*row["segment"].values(), row["age"])
            own = sums.setdefault(key, {
                "segment": row["segment"], "age": row["age"], "cohorts": 0, "size": 0,
                "returned": 0,
            })
            own["cohorts"] += 1
            own["size"] += row["size"]
            own["returned"] += row["returned"]
    found = list(sums.values())
    counted = shares([row["returned"] for row in found], [row["size"] for row in found])
    for row, (value, low, high) in zip(found, counted, strict=True):
        row |= {"value": value, "low": low, "high": high, "is_small": row["size"] < SMALL}
    return found


def members_of(
    asked: Asked, answer: Iterable[Sequence[Any]], *, cohort: int | None, age: int, sql: str
) -> Members:
    """Who is behind a cell, from the answer of `members_statement`; None is all cohorts."""
    about = {
        "cohort": None if cohort is None else str(asked.cohorts[cohort].start), "age": age,
        "is_share": True, "is_open": cohort is not None and asked.is_open(cohort, age),
    }
    found = segments.members(asked.use, answer, ("cohort", "is_counted"), about=about, sql=sql)
    for row in found.rows:
        start = row.pop("cohort")
        if cohort is None:
            row["cohort"] = str(start)
    return found
