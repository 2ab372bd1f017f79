"""The trial report: starts, conversion, what converters did, and who left afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.onboarding import trial_facts
from staycurve.insights.onboarding.trial_facts import CARDS
from staycurve.insights.shared.account_facts import Opened, described
from staycurve.insights.shared.members import Question, Segment
from staycurve.insights.statistics import survival
from staycurve.insights.statistics.association import MIN_COMPARED, TOO_FEW, shown
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)
from staycurve.metrics.cohorts import SMALL

Row = dict[str, Any]
Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Statement → rows."""

TOP = 50
HORIZONS = (1, 3, 6, 12)
"""Months after the first paid day; a leaving on the day on which the month is full counts in it."""

ABOUT = N_(
    "One trial an account, its first. A trial is mature when it has ended; it converted when the "
    "account paid within 30 days of its end. Immature trials are in neither part."
)
USED_ABOUT = N_(
    "Of the mature trials that converted, and of those that did not, the share that used the "
    "feature while the trial ran, before the first payment. Newcombe's 95% interval; Fisher's "
    "exact test, raised by Holm for all features shown, at 1%. An association, not a cause."
)
LEFT_ABOUT = N_(
    "Of the converted accounts that were followed for so many months after their first paid day, "
    "the share that ceased to pay within them, come back or not; by class of end too. The curve "
    "uses everybody, followed long or short (Kaplan-Meier)."
)

COLUMNS = described({
    "cohort": (N_("Trial started in"), "period", ""),
    "trials": (N_("Trials"), "count", N_("First trials that started in the month")),
    "mature": (N_("Ended"), "count", N_("Trials that have ended")),
    "converted": (N_("Converted"), "count", N_("Paid within 30 days of the trial's end")),
    "rate": (N_("Conversion"), "percent", N_("Converted / ended; Wilson's 95% interval")),
})
USED_COLUMNS = described({
    "feature": (N_("Feature"), "text", N_("Used while the trial ran")),
    "converted": (N_("Converted"), "percent", N_("Share of the trials that converted")),
    "not_converted": (N_("Did not convert"), "percent", N_("Share of the other mature trials")),
    "difference": (N_("Difference"), "points", N_("With Newcombe's 95% interval")),
})
LEFT_COLUMNS = described({
    "card": (N_("Trial"), "text", N_("With a card, without one, or all")),
    "months": (N_("Within months"), "count", N_("Of the first paid day")),
    "left": (N_("Left"), "percent", N_("Of the accounts followed that long")),
    "by_class": (N_("Left, by class of end"), "percent", N_("Sums to those who left")),
    "kaplan_meier": (N_("Left, by the curve"), "percent", N_("Of everybody, followed or not")),
})
CARD_LABELS = {
    "with": N_("With a card"), "without": N_("Without a card"),
    "unknown": N_("Not known whether there was a card"),
}
PARTS = {
    "started": N_("accounts that started a trial"),
    "mature": N_("accounts whose trial has ended"),
    "converted": N_("accounts that paid within 30 days of their trial's end"),
    "not_converted": N_("accounts whose trial has ended, and that did not pay within 30 days"),
    "immature": N_("accounts whose trial has not ended"),
    "left": N_("converted accounts that ceased to pay"),
    "stayed": N_("converted accounts that never ceased to pay"),
    "used": N_("accounts that used the feature during a trial that has ended"),
}

NO_TRIALS = N_("no trial has started, as far as is known")
NONE_MATURE = N_("no trial has ended yet")
NOBODY_FOLLOWED = N_("nobody has been followed that long")


@dataclass(frozen=True)
class Conversion:
    """The trials of a cohort or segment.

    Attributes
    ----------
    cohort : date, optional
        The first day of the month in which they started; None for all.
    """

    segment: Mapping[str, str | None]
    cohort: dt.date | None
    trials: int
    rate: Share

    def as_dict(self) -> Row:
        """One row as `--format json` prints it."""
        rate = shown(self.rate)
        if rate["value"] is None:
            rate["why"] = NONE_MATURE
        return {
            "segment": dict(self.segment),
            "cohort": self.cohort and str(self.cohort),
            "trials": self.trials,
            "mature": self.rate.size,
            "converted": self.rate.count,
            "rate": rate,
            "is_small": self.rate.size < SMALL,
        }


@dataclass(frozen=True)
class Gap:
    """Two shares beside each other.

    Attributes
    ----------
    p_value : float, optional
        Fisher's exact test, raised by Holm where several were tested; None where not tested.
    """

    one: Share
    other: Share
    gap: tuple[float, float, float] | None
    p_value: float | None
    is_named: bool = False
    why: str | None = None

    def as_dict(self, one: str, other: str) -> Row:
        """As `--format json` prints it, the sides under their names."""
        value, low, high = self.gap or (None, None, None)
        return {
            one: shown(self.one), other: shown(self.other), "difference": value,
            "difference_low": low, "difference_high": high, "p_value": self.p_value,
            "is_named": self.is_named, **({"why": self.why} if self.why else {}),
        }


@dataclass(frozen=True)
class Left:
    """How many of one kind of converted trial left within some months.

    Attributes
    ----------
    by_class : mapping
        Class of end → the share that left so.
    estimate : survival.Point, optional
        The Kaplan-Meier curve at that time.
    """

    card: str
    months: int
    left: Share
    by_class: Mapping[str, Share]
    estimate: survival.Point | None

    def as_dict(self) -> Row:
        """One row as `--format json` prints it."""
        left = shown(self.left)
        if left["value"] is None:
            left["why"] = NOBODY_FOLLOWED
        curve = self.estimate and {
            "value": self.estimate.share, "low": self.estimate.low, "high": self.estimate.high,
        }
        return {
            "card": self.card, "months": self.months, "left": left,
            "by_class": {name: shown(one) for name, one in self.by_class.items()},
            "kaplan_meier": curve,
            "is_small": self.left.size < SMALL,
        }


@dataclass(frozen=True)
class TrialReport:
    """Everything about the trials of a company."""

    as_of: str
    whole: tuple[Conversion, ...]
    cohorts: tuple[Conversion, ...]
    cards: Mapping[str, Conversion]
    card_gap: Gap
    days: Mapping[str, tuple[tuple[int, int], ...]]
    used: tuple[tuple[str, Gap], ...]
    rest: tuple[str, ...]
    left: tuple[Left, ...]
    left_gaps: Mapping[int, Gap]
    left_p_value: float | None
    why: str | None = None
    sql: Mapping[str, str] = field(default_factory=dict, repr=False)
    _accounts: Callable[..., Opened] | None = field(default=None, repr=False)

    @property
    def rows(self) -> list[Row]:
        """One row a segment and month in which trials started."""
        return [one.as_dict() for one in self.cohorts]

    def accounts(self, part: str = "started", **chosen: Any) -> Opened:
        """The accounts behind one number.

        Parameters
        ----------
        **chosen
            cohort, card, feature, without, within or end_class; see
            `staycurve.workspace.trials.Trials.accounts`.
        """
        assert self._accounts is not None
        return self._accounts(part, **chosen)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "about": ABOUT,
            "columns": [column.as_dict() for column in COLUMNS],
            "cards_labels": CARD_LABELS,
            "whole": [one.as_dict() for one in self.whole],
            "cards": {card: one.as_dict() for card, one in self.cards.items()},
            "card_difference": self.card_gap.as_dict("with", "without"),
            "time_to_convert": {card: _spread(found) for card, found in self.days.items()},
            "used": {
                "about": USED_ABOUT,
                "columns": [column.as_dict() for column in USED_COLUMNS],
                "rows": [
                    {"feature": name, **gap.as_dict("converted", "not_converted")}
                    for name, gap in self.used
                ],
                "rest": {"features": len(self.rest), "names": list(self.rest)},
            },
            "left": {
                "about": LEFT_ABOUT,
                "columns": [column.as_dict() for column in LEFT_COLUMNS],
                "rows": [one.as_dict() for one in self.left],
                "differences": [
                    {"months": months, **gap.as_dict("with", "without")}
                    for months, gap in self.left_gaps.items()
                ],
                "p_value": self.left_p_value,
            },
            "rows": self.rows,
            **({"why": self.why} if self.why else {}),
        }


def _spread(found: Sequence[tuple[int, int]]) -> Row:
    """Days to convert: how many on each day, and the quarters."""
    size = sum(count for _, count in found)
    curve = survival.kaplan_meier({days: (count, 0) for days, count in found})
    q25, median, q75 = (curve.quantile(q)[0] for q in (0.25, 0.5, 0.75))
    return {
        "accounts": size, "q25": q25, "median": median, "q75": q75,
        "rows": [{"days": days, "accounts": count} for days, count in found],
    }


def report(asked: Question, ask: Ask, *, top: int = TOP) -> TrialReport:
    """The report of every trial that has started."""
    places = len(asked.by)
    groups: dict[tuple[Segment, dt.date | None], list[int]] = {}
    cards = {card: [0, 0, 0] for card in CARDS}
    for cohort, *rest in ask(trial_facts.counts_statement(asked)):
        values, card, counts = tuple(rest[:places]), rest[places], rest[places + 1 :]
        for cell in (
            groups.setdefault((values, None), [0, 0, 0]),
            groups.setdefault((values, cohort), [0, 0, 0]),
            cards[card],
        ):
            for place, count in enumerate(counts):
                cell[place] += count
    keys = sorted(groups, key=lambda key: (asked.order(key[0]), key[1] or dt.date.min))
    found = {
        key: _conversion(asked.segment(key[0]), key[1], groups[key]) for key in keys
    }
    kinds = {card: _conversion({}, None, counts) for card, counts in cards.items()}
    days: dict[str, list[tuple[int, int]]] = {card: [] for card in CARDS}
    for card, number, count in ask(trial_facts.days_statement(asked)):
        days[card].append((number, count))
    use = list(ask(trial_facts.used_statement(asked)))
    mature = sum(one.rate.size for one in kinds.values())
    converted = sum(one.rate.count for one in kinds.values())
    lives = list(ask(trial_facts.lives_statement(asked)))
    left = _left(lives)
    return TrialReport(
        as_of=asked.as_of.at.isoformat(),
        whole=tuple(found[key] for key in keys if key[1] is None),
        cohorts=tuple(found[key] for key in keys if key[1] is not None),
        cards=kinds,
        card_gap=_gaps([(kinds["with"].rate, kinds["without"].rate)])[0],
        days={card: tuple(rows) for card, rows in days.items()},
        used=_used(use[:top], converted, mature - converted),
        rest=tuple(name for name, *_ in use[top:]),
        left=left,
        left_gaps=_left_gaps(left),
        left_p_value=survival.differ_by_chance(
            [_counts(lives, card) for card in ("with", "without")]
        ),
        why=None if keys else NO_TRIALS,
        sql={"trials": trial_facts.counts_statement(asked),
             "used": trial_facts.used_statement(asked),
             "left": trial_facts.lives_statement(asked)},
    )


def _conversion(
    segment: Mapping[str, str | None], cohort: dt.date | None, counts: Sequence[int]
) -> Conversion:
    trials, mature, converted = counts
    return Conversion(segment, cohort, trials, share(converted, mature))


def _gaps(pairs: Iterable[tuple[Share, Share]]) -> list[Gap]:
    """Pairs of shares, those that are large enough tested; chances raised by Holm."""
    found = []
    for one, other in pairs:
        is_small = min(one.size, other.size) < MIN_COMPARED
        chance = None if is_small else different_by_chance(one, other)
        why = TOO_FEW.format(count=MIN_COMPARED) if is_small else None
        found.append(Gap(one, other, difference(one, other), chance, why=why))
    raised = iter(adjusted([gap.p_value for gap in found if gap.p_value is not None]))
    judged = []
    for gap in found:
        chance = None if gap.p_value is None else next(raised)
        is_named = chance is not None and chance <= ALPHA
        judged.append(replace(gap, p_value=chance, is_named=is_named))
    return judged


def _used(
    rows: Sequence[Sequence[Any]], converted: int, others: int
) -> tuple[tuple[str, Gap], ...]:
    """Features by how much more converters used them, those beyond chance first."""
    names = [name for name, *_ in rows]
    gaps = _gaps([(share(own, converted), share(rest, others)) for _, own, rest in rows])
    found = zip(names, gaps, strict=True)
    return tuple(sorted(
        found, key=lambda one: (not one[1].is_named, -abs((one[1].gap or (0.0,))[0]), one[0])
    ))


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
            found.append(Left(
                card, months, share(sum(row[-1] for row in gone), size),
                {c: share(sum(row[-1] for row in gone if row[1] == c), size) for c in classes},
                curve.at(months),
            ))
    return tuple(found)


def _counts(lives: Iterable[Sequence[Any]], card: str) -> dict[int, tuple[int, int]]:
    return survival.counted(
        (months, bool(has_left), count)
        for own, _, has_left, months, _, count in lives
        if card in ("all", own)
    )


def _left_gaps(left: Iterable[Left]) -> dict[int, Gap]:
    found = {(one.card, one.months): one.left for one in left}
    pairs = {
        months: (found["with", months], found["without", months])
        for months in HORIZONS
        if ("with", months) in found and ("without", months) in found
    }
    return dict(zip(pairs, _gaps(pairs.values()), strict=True))
