"""What models learn from: frames of past days, of large companies a sample of each day."""

from __future__ import annotations

from collections.abc import Sequence

from staycurve.insights.risk.frames import (
    KEPT,
    Frame,
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
    company: Reader, engine: AnyEngine, moment: Moment, horizon: int
) -> Sequence[Frame]:
    """Frames of the past days that models learn from, oldest first.

    Of a large company what was drawn is kept, since its features cost most: the horizons that are
    asked for together learn from the same draw. Requested cancellations are all there, undrawn.
    """
    accounts = int(engine.value("SELECT COUNT(DISTINCT account_id) FROM mrr_movements"))
    days = days_of(engine, moment, horizon)
    if accounts * len(days) <= KEPT:
        return history(company, engine, moment, horizon)
    longest = max(together(horizon))

    def make() -> list[Frame]:
        found = []
        for part in frames(company, engine, days, longest):
            own = part.is_requested
            drawn = joined([sampled(part.where(~own)), part.where(own)])
            assert drawn is not None
            found.append(drawn)
        return found

    kept = company.kept(
        "risk drawn", (moment.seen.at, together(horizon), mark_of(company.pulses())), make,
        most=1,
    )
    return [one for part in kept if len(one := cut(part, moment.past, horizon))]


def sampled(part: Frame) -> Frame:
    """A day's accounts, or as many of them as models learn from; always the same ones."""
    import numpy as np

    days = len(np.unique(part.days)) or 1
    if len(part) <= PER_DAY * days:
        return part
    draw = np.random.default_rng(int(part.days[0].astype(int)))
    return part.where(np.sort(draw.choice(len(part), PER_DAY * days, replace=False)))
