"""Funnels: how many get from step to step, in time, and where the others stop.

Every occurrence of the first step in the range opens a chain. Each next step is its earliest one at
or after the step before, within the window from the chain's first step, its end included; a step
that might be the same event as an earlier one must come later. Each user or account counts once,
by the chain that gets furthest (`entry="deepest"`): of chains that get as far, the one that got
there first, from its latest start. With `entry="first"` only the first start in the range counts.

With `order="strict"` nothing else that counts may come between two steps.

Who does something excluded after one step and until another (or until the window ends, where the
other is not reached) in that chain is left out of every step and counted as excluded; a chain that
nothing excluded interrupts is preferred to any that is interrupted.

References
----------
ClickHouse, windowFunnel:
https://clickhouse.com/docs/sql-reference/aggregate-functions/parametric-functions#windowfunnel
PostHog, funnels: https://posthog.com/docs/product-analytics/funnels
docs/explanation/flows.md says where they count otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.usage import usage_segments as segments
from staycurve.insights.usage.funnels_asked import Asked
from staycurve.insights.usage.usage_question import NO_EVENTS, SMALL
from staycurve.insights.usage.usage_segments import Members, Row, shares

NOBODY = N_("nobody took the first step in the range")
STILL_IN_TIME = N_(
    "Some who have not gone on are still within the window: shares can rise. They are counted as "
    "pending."
)


@dataclass(frozen=True)
class Funnel:
    """How many took each step, and how long they needed.

    Attributes
    ----------
    rows : list of dict
        One a segment and step: step (from 1), doing, count, dropped (since the step before),
        pending (of those who took it and have not gone on: still within the window), value (of the
        first step) and from_previous, each with low and high of its 95% interval; mean_seconds and
        median_seconds from the step before.
    totals : list of dict
        One a segment: started, converted, excluded, value, and mean_seconds and median_seconds
        from the first step to the last.
    """

    as_of: str
    whose: str
    first: str
    last: str
    window_seconds: int
    order: str
    entry: str
    steps: tuple[str, ...]
    exclusions: tuple[str, ...]
    rows: list[Row]
    totals: list[Row]
    is_additive: bool = True
    notes: tuple[str, ...] = ()
    sql: str = field(repr=False, default="")
    why: str | None = None
    _members: Callable[..., Members] | None = field(repr=False, compare=False, default=None)

    def users(self, step: int, *, dropped: bool = False, **segment: str | None) -> Members:
        """Who took a step; with `dropped`, who took the one before and not this one.

        Parameters
        ----------
        step : int
            From 1; from 2 with `dropped`.
        **segment
            Dimension → value, where the answer is split.
        """
        assert self._members is not None
        return self._members(step, "dropped" if dropped else "took", segment)

    def pending(self, step: int, **segment: str | None) -> Members:
        """Who took a step and has not gone on, but is still within the window.

        Parameters
        ----------
        step : int
            From 1 to the last but one.
        """
        assert self._members is not None
        return self._members(step, "pending", segment)

    def accounts(self, step: int, *, dropped: bool = False, **segment: str | None) -> list[Row]:
        """The accounts behind a count; they sum to it."""
        return self.users(step, dropped=dropped, **segment).accounts

    def to_json(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of, "whose": self.whose, "from": self.first, "to": self.last,
            "window_seconds": self.window_seconds, "order": self.order, "entry": self.entry,
            "steps": list(self.steps), "exclusions": list(self.exclusions), "unit": "percent",
            **({} if self.is_additive else {"additive": False}),
            **({"why": self.why} if self.why else {}),
            "notes": list(self.notes), "rows": self.rows, "totals": self.totals,
        }


def funnel(
    asked: Asked, answer: Iterable[Sequence[Any]], *, sql: str = "",
    members: Callable[..., Members] | None = None, has_events: bool = True,
) -> Funnel:
    """What the answer of `statement` says, step by step."""
    places, count = len(asked.use.by), len(asked.steps)
    rows: list[Row] = []
    totals: list[Row] = []
    for line in answer:
        segment = asked.use.segment(line[:places])
        excluded, *numbers = line[places:]
        counts = numbers[:count]
        pending = numbers[count:2 * count - 1]
        times = numbers[2 * count - 1:]
        if not (counts[0] or excluded):
            continue
        rows += [
            {
                "segment": segment, "step": i + 1, "doing": asked.steps[i].label,
                "count": counts[i], "dropped": counts[i - 1] - counts[i] if i else None,
                "pending": pending[i] if i < count - 1 else 0,
                "mean_seconds": times[2 * i - 2] if i else None,
                "median_seconds": times[2 * i - 1] if i else None,
                "started": counts[0], "before": counts[i - 1] if i else counts[0],
            }
            for i in range(count)
        ]
        totals.append({
            "segment": segment, "started": counts[0], "converted": counts[-1],
            "excluded": excluded, "pending": sum(pending),
            "mean_seconds": times[-2], "median_seconds": times[-1],
        })
    _add_shares(rows, totals)
    why = None if rows else NOBODY
    notes = [STILL_IN_TIME] if any(total["pending"] for total in totals) else []
    return Funnel(
        as_of=asked.use.as_of.at.isoformat(), whose=asked.use.whose, first=str(asked.first),
        last=str(asked.last), window_seconds=asked.window, order=asked.order, entry=asked.entry,
        steps=tuple(step.label for step in asked.steps),
        exclusions=tuple(f"{one.doing.label}@{one.after}-{one.until}" for one in asked.exclusions),
        rows=rows, totals=totals, is_additive=asked.use.is_additive, notes=tuple(notes), sql=sql,
        why=why if has_events else NO_EVENTS, _members=members,
    )


def _add_shares(rows: Sequence[Row], totals: Sequence[Row]) -> None:
    counts = [row["count"] for row in rows]
    whole = shares(counts, [row["started"] for row in rows])
    since = shares(counts, [row.pop("before") for row in rows])
    for row, of_all, of_before in zip(rows, whole, since, strict=True):
        row["value"], row["low"], row["high"] = of_all
        value, low, high = of_before
        row["from_previous"] = (
            {"value": value, "low": low, "high": high} if row["step"] > 1 else None
        )
        row["is_small"] = row.pop("started") < SMALL
        if row["value"] is None:
            row["why"] = NOBODY
    overall = shares([t["converted"] for t in totals], [t["started"] for t in totals])
    for total, (value, low, high) in zip(totals, overall, strict=True):
        total |= {"value": value, "low": low, "high": high, "is_small": total["started"] < SMALL}


def members_of(
    asked: Asked, answer: Iterable[Sequence[Any]], *, step: int, part: str, sql: str
) -> Members:
    """Who is behind a count, from the answer of `members_statement`, with each step's instant."""
    about = {
        "step": step, "doing": asked.steps[step - 1].label, "dropped": part == "dropped",
        **({"pending": True} if part == "pending" else {}),
    }
    names = tuple(f"step{i}_at" for i in range(1, len(asked.steps) + 1))
    found = segments.members(asked.use, answer, names, about=about, sql=sql)
    for row in found.rows:
        for name in names:
            row[name] = row[name] and f"{row[name].isoformat()}+00:00"
    return found
