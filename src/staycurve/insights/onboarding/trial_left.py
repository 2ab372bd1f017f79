"""Converted trials that left: within how many months, by churn type, and by the card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    SPREAD,
    Key,
    Kind,
    Measure,
    Opens,
    Row,
    SmallField,
    col,
)
from staycurve.insights.onboarding.trial_facts import CARD_LABELS, CARDS
from staycurve.insights.onboarding.trial_gaps import CardGap, apart, gaps
from staycurve.insights.shared.columns import AboutField, ColumnsField, columns_of
from staycurve.insights.shared.params import CLASS_NAMES
from staycurve.insights.statistics import survival
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import SMALL

HORIZONS = (1, 3, 6, 12)
"""Months after the first paid day; a leaving on the day on which the month is full counts in it."""

ABOUT = N_(
    "Of the converted accounts that were followed for so many months after their first paid day, "
    "the share that churned within them, come back or not; by churn type too. The Kaplan–Meier "
    "estimate includes censored accounts."
)
NOBODY_FOLLOWED = N_("nobody has been followed that long")


def _behind(part: str, **take: str) -> Opens:
    return Opens(
        "trials accounts", {"card": "kind", "within": "months", **take}, {"part": part}
    )


@dataclass(frozen=True)
class Estimate(Measure):
    """A share by the Kaplan-Meier curve."""

    value: Annotated[float, col(N_("Share"), Unit.PERCENT, ends=("low", "high"))]
    low: Annotated[float, Key(N_("The lower end of its 95% interval."))]
    high: Annotated[float, Key(N_("The upper end of its 95% interval."))]


@dataclass(frozen=True, kw_only=True)
class Left(Row):
    """How many of one kind of converted trial left within some months."""

    card: Annotated[
        str,
        col(N_("Trial"), Kind.NAME, N_("With a card, without one, or all"),
            named_by={"all": N_("All"), **CARD_LABELS}),
    ]
    months: Annotated[
        int,
        col(N_("Within months"), Unit.COUNT, N_("Of the first paid day")),
    ]
    followed: Annotated[
        int,
        col(N_("Followed"), Unit.COUNT, N_("Converted accounts that were followed so long."),
            opens=_behind("converted")),
    ]
    left: Annotated[
        Share,
        col(N_("Left"), Unit.PERCENT, N_("Of the accounts followed that long"),
            opens=_behind("left"), ends=("left.low", "left.high")),
    ]
    by_class: Annotated[
        Mapping[str, Share],
        col(N_("Left, by churn type"), Unit.PERCENT, N_("Sums to those who left"),
            spread=tuple(CLASS_NAMES.items()), opens=_behind("left", end_class=SPREAD)),
    ]
    kaplan_meier: Annotated[
        Estimate | None,
        col(N_("Kaplan–Meier estimate"), Unit.PERCENT, N_("Censored accounts included.")),
    ]
    is_small: SmallField

    @property
    def kind(self) -> str | None:
        """The card, where the row is of one."""
        return None if self.card == "all" else self.card


@dataclass(frozen=True, kw_only=True)
class LeftGap(CardGap):
    """Those with a card beside those without, within some months."""

    months: Annotated[int, Key(N_("Of the first paid day."))]


@dataclass(frozen=True, kw_only=True)
class Leaving(Row):
    """Who left after the first paid day."""

    about: AboutField = ABOUT
    columns: ColumnsField
    rows: Annotated[tuple[Left, ...], Key(N_("By card and months."))]
    differences: Annotated[tuple[LeftGap, ...], Key(N_("With a card against without."))]
    p_value: Annotated[
        float | None, Key(N_("Of the same curve with a card and without (log-rank)."))
    ]


def leaving(lives: Sequence[Sequence[Any]]) -> Leaving:
    """Who left, from the rows of `trial_facts.lives_statement`."""
    rows = _left(lives)
    return Leaving(
        columns=columns_of(Left, "card", "months", "left", "by_class", "kaplan_meier"),
        rows=rows,
        differences=_left_gaps(rows),
        p_value=survival.differ_by_chance(
            [_counts(lives, card) for card in ("with", "without")]
        ),
    )


def _left(lives: Sequence[Sequence[Any]]) -> tuple[Left, ...]:
    classes = sorted({row[1] for row in lives if row[1] is not None})
    found = []
    for card in ("all", *CARDS):
        own = [row for row in lives if card in ("all", row[0])]
        if not own and card != "all":
            continue
        curve = survival.kaplan_meier(_counts(lives, card))
        for months in HORIZONS:
            followed = [row for row in own if row[4] >= months]
            size = sum(row[-1] for row in followed)
            gone = [row for row in followed if row[2] and row[3] <= months]
            point = curve.at(months)
            found.append(Left(
                card=card,
                months=months,
                followed=size,
                left=share(sum(row[-1] for row in gone), size).because(NOBODY_FOLLOWED),
                by_class={
                    c: share(sum(row[-1] for row in gone if row[1] == c), size) for c in classes
                },
                kaplan_meier=Estimate(point.share, point.low, point.high) if point else None,
                is_small=size < SMALL,
            ))
    return tuple(found)


def _counts(lives: Iterable[Sequence[Any]], card: str) -> dict[int, tuple[int, int]]:
    return survival.counted(
        (months, bool(has_left), count)
        for own, _, has_left, months, _, count in lives
        if card in ("all", own)
    )


def _left_gaps(left: Iterable[Left]) -> tuple[LeftGap, ...]:
    found = {(one.card, one.months): one.left for one in left}
    pairs = {
        months: (found["with", months], found["without", months])
        for months in HORIZONS
        if ("with", months) in found and ("without", months) in found
    }
    return tuple(
        LeftGap(months=months, with_card=gap.one, without_card=gap.other, **apart(gap))
        for months, gap in zip(pairs, gaps(pairs.values()), strict=True)
    )
