"""What models learn from: frames of past days, of large companies a sample of each day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from staycurve.insights.risk.feature_table import leavers_sql
from staycurve.insights.risk.frames import (
    KEPT,
    Frame,
    Labels,
    Moment,
    cut,
    days_of,
    frames,
    history,
    joined,
    together,
)
from staycurve.insights.risk.pulse import mark_of
from staycurve.insights.shared.reader import Reader
from staycurve.tables.engine import AnyEngine

PER_DAY = 25_000
"""Accounts of a day that are learned from; drawn from a seed where there are more."""


def learned(
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int,
    labels: Labels = leavers_sql,
) -> Sequence[Frame]:
    """Frames of the past days that models learn from, oldest first.

    Of a large company what was drawn is kept, since its features cost most: the horizons that are
    asked for together, and other outcomes, learn from the same draw. Requested cancellations are
    all there, undrawn.

    Parameters
    ----------
    labels : callable
        (days, horizon) → SQL of who has the outcome; churn without it.
    """
    accounts = int(engine.value("SELECT COUNT(DISTINCT account_id) FROM mrr_movements"))
    days = days_of(engine, moment, horizon)
    if accounts * len(days) <= KEPT:
        return history(company, engine, moment, horizon, labels)
    longest = max(together(horizon))

    def make() -> list[Frame]:
        found = []
        for part in frames(company, engine, days, longest):
            own = part.is_requested
            day = joined([sampled(part.where(~own)), part.where(own)])
            assert day is not None
            found.append(day)
        return found

    key = (moment.seen.at, together(horizon), mark_of(company.pulses()))
    drawn = kept = company.kept("risk drawn", key, make, most=1)
    if labels is not leavers_sql:
        kept = company.kept(
            f"risk drawn, {labels.__name__}", key,
            lambda: labelled(engine, drawn, longest, labels), most=1,
        )
    return [one for part in kept if len(one := cut(part, moment.past, horizon))]


def labelled(
    engine: AnyEngine, parts: Sequence[Frame], horizon: int, labels: Labels
) -> list[Frame]:
    """The same rows under other labels: what is known on a day knows nothing of them."""
    import numpy as np

    days = sorted({day for part in parts for day in np.unique(part.days).tolist()})
    if not days:
        return list(parts)
    # One statement for all days: whoever finds the outcomes of one day reads those of all.
    table: Any = engine.arrow(labels(days, horizon))
    on = table["day"].to_numpy().astype("datetime64[D]")
    names = table["account_id"].to_numpy().astype(object)
    firsts = table["left_on"].to_numpy().astype("datetime64[D]")
    found = []
    for part in parts:
        left = np.full(len(part), np.datetime64("NaT"), dtype="datetime64[D]")
        for day in np.unique(part.days):
            then = on == day
            known = dict(zip(names[then], firsts[then], strict=True))
            for place in (part.days == day).nonzero()[0]:
                if (first := known.get(part.account_ids[place])) is not None:
                    left[place] = first
        found.append(replace(part, left_on=left))
    return found


def sampled(part: Frame) -> Frame:
    """A day's accounts, or as many of them as models learn from; always the same ones."""
    import numpy as np

    days = len(np.unique(part.days)) or 1
    if len(part) <= PER_DAY * days:
        return part
    draw = np.random.default_rng(int(part.days[0].astype(int)))
    return part.where(np.sort(draw.choice(len(part), PER_DAY * days, replace=False)))
