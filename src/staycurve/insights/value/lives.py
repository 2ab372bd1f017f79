"""How long accounts of each segment stayed, as counts by subscription month.

The months, and who is at risk in them, are those of `cohorts riskiest`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.insights.cohorts.riskiest_months import statement as statement
from staycurve.insights.shared.members import Question, Segment
from staycurve.insights.statistics.lifetimes import LifeTable, life_table

Lives = dict[Segment, dict[int, tuple[int, int]]]
"""Segment → month → (who left in it, who was last seen after it)."""


def lives_of(question: Question, answer: Sequence[Sequence[Any]]) -> Lives:
    """Counts from the rows of `statement`."""
    places = len(question.by)
    found: Lives = {}
    for row in answer:
        left_month, _reason, seen_months, accounts, _returned = row[places:]
        own = found.setdefault(tuple(row[:places]), {})
        # Who left in a month that is not over yet is seen up to the month before, as others are.
        has_left = left_month is not None and left_month <= seen_months
        month = left_month if has_left else seen_months
        left, censored = own.get(month, (0, 0))
        own[month] = (left + accounts, censored) if has_left else (left, censored + accounts)
    return found


def tables_of(question: Question, lives: Lives) -> dict[Segment, LifeTable]:
    """The life table of each segment, in the order of segments."""
    return {values: life_table(lives[values]) for values in sorted(lives, key=question.order)}
