"""What is asked of tickets in several places: whether they are open, how old, and first contact."""

from __future__ import annotations

import datetime as dt

from staycurve.insights.value.measured import ratio_of
from staycurve.insights.voice.asked import VoiceAsked
from staycurve.metrics.base import Measure
from staycurve.metrics.catalogue import METRICS

BANDS = ((0, "under 1 day"), (1, "1-2 days"), (3, "3-6 days"), (7, "7-29 days"),
         (30, "30 days or more"))
"""Whole days that a ticket has been open."""


def utc(at: dt.datetime) -> dt.datetime:
    """An instant of the engine, with its zone."""
    return at.replace(tzinfo=dt.UTC)


def first_contact_measures(asked: VoiceAsked) -> tuple[Measure, Measure]:
    """What the metric fcr counts above and below the line, under the company's conventions."""
    sides = ratio_of(METRICS["fcr"].resolve(asked.config.conventions))
    assert sides is not None
    top, bottom = sides
    assert isinstance(top, Measure)
    assert isinstance(bottom, Measure)
    return top, bottom


def is_open_sql(asked: VoiceAsked) -> str:
    """SQL over `t`: whether a ticket is open at the instant."""
    return (
        f"(t.solved_at IS NULL OR t.solved_at >= {asked.at} "
        f"OR (t.reopened_at < {asked.at} AND t.reopened_at > t.solved_at))"
    )


def since_sql(asked: VoiceAsked) -> str:
    """SQL over `t`: since when a ticket has been open."""
    return (
        f"CASE WHEN t.reopened_at < {asked.at} AND t.reopened_at > t.solved_at "
        "THEN t.reopened_at ELSE t.opened_at END"
    )


def band_of(days: int) -> str:
    """The band of a number of whole days."""
    return next(label for least, label in reversed(BANDS) if days >= least)
