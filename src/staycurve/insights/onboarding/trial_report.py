"""Trials: starts, conversion by month and card, time to convert, use, and who left afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    SmallField,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.onboarding import trial_facts
from staycurve.insights.onboarding.trial_facts import CARD_LABELS, CARDS
from staycurve.insights.onboarding.trial_gaps import (
    CardGap,
    ChanceField,
    DifferenceField,
    NamedField,
    apart,
    gaps,
)
from staycurve.insights.onboarding.trial_left import Leaving, Left, leaving
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.columns import AboutField, ColumnsField, Rest, columns_of
from staycurve.insights.shared.members import Segment as Values
from staycurve.insights.shared.params import FIRST_FEATURES, AsOfText, By, Top, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics import survival
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import SMALL

ABOUT = N_(
    "One trial an account, its first. A trial is mature when it has ended; it converted when the "
    "account paid within 30 days of its end. Immature trials are in neither part."
)
USED_ABOUT = N_(
    "Of the mature trials that converted, and of those that did not, the share that used the "
    "feature while the trial ran, before the first payment. Newcombe's 95% interval; Fisher's "
    "exact test, raised by Holm for all features shown, at 1%. An association, not a cause."
)
NO_TRIALS = N_("no trial has started, as far as is known")
NONE_MATURE = N_("no trial has ended yet")


def _behind(part: str) -> Opens:
    return Opens("trials accounts", {"cohort": "month"}, {"part": part})


def _of_card(part: str) -> Opens:
    return Opens("trials accounts", {"card": "card"}, {"part": part})


def _used_in(part: str) -> Opens:
    return Opens("trials accounts", {"feature": "feature"}, {"part": part})


@dataclass(frozen=True, kw_only=True)
class Conversion(Row):
    """The trials of a month, a segment, or a kind."""

    segment: Segment
    cohort: Annotated[
        dt.date | None,
        col(N_("Trial started in"), Kind.MONTH, named_by={"": N_("all")}),
    ]
    trials: Annotated[
        int,
        col(N_("Trials"), Unit.COUNT, N_("First trials that started in the month"),
            opens=_behind("started")),
    ]
    mature: Annotated[
        int,
        col(N_("Ended"), Unit.COUNT, N_("Trials that have ended"), opens=_behind("mature")),
    ]
    converted: Annotated[
        int,
        col(N_("Converted"), Unit.COUNT, N_("Paid within 30 days of the trial's end"),
            opens=_behind("converted")),
    ]
    rate: Annotated[
        Share,
        col(N_("Conversion"), Unit.PERCENT, N_("Converted / ended; Wilson's 95% interval"),
            opens=_behind("converted"), ends=("rate.low", "rate.high")),
    ]
    is_small: SmallField

    @property
    def month(self) -> str | None:
        """What asks for the month again."""
        return f"{self.cohort:%Y-%m}" if self.cohort else None


@dataclass(frozen=True)
class OnDay(Row):
    """Accounts that first paid so many days after the trial's start."""

    days: Annotated[int, col(N_("Days"), Unit.COUNT)]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class Spread(Row):
    """Days to convert: how many on each day, and the quarters."""

    accounts: Annotated[int, Key(N_("Who converted."))]
    q25: Annotated[int | None, Key(N_("The day by which a quarter of them had paid."))]
    median: Annotated[int | None, col(N_("Median days"), Unit.COUNT)]
    q75: Annotated[int | None, Key(N_("The day by which three quarters of them had paid."))]
    rows: Annotated[tuple[OnDay, ...], Key(N_("Accounts by days."))]


@dataclass(frozen=True, kw_only=True)
class OfCard(Row):
    """The trials with a card, without one, or of which that is not known."""

    card: Annotated[str, col(N_("Trial"), Kind.NAME, named_by=CARD_LABELS)]
    trials: Annotated[int, col(N_("Trials"), Unit.COUNT, opens=_of_card("started"))]
    mature: Annotated[int, col(N_("Ended"), Unit.COUNT, opens=_of_card("mature"))]
    converted: Annotated[int, col(N_("Converted"), Unit.COUNT, opens=_of_card("converted"))]
    rate: Annotated[
        Share,
        col(N_("Conversion"), Unit.PERCENT, opens=_of_card("converted"),
            ends=("rate.low", "rate.high")),
    ]
    median: Annotated[int | None, col(N_("Median days"), Unit.COUNT)]
    is_small: Annotated[bool, Key()]


@dataclass(frozen=True, kw_only=True)
class UsedInTrial(Row):
    """A feature, by how many of those who converted used it while the trial ran."""

    feature: Annotated[str, col(N_("Feature"), about=N_("Used while the trial ran"))]
    converted: Annotated[
        Share,
        col(N_("Converted"), Unit.PERCENT, N_("Share of the trials that converted"),
            opens=_used_in("converted")),
    ]
    not_converted: Annotated[
        Share,
        col(N_("Did not convert"), Unit.PERCENT, N_("Share of the other mature trials"),
            opens=_used_in("not_converted")),
    ]
    difference: DifferenceField
    difference_low: LowField
    difference_high: HighField
    p_value: ChanceField
    is_named: NamedField
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class TrialUse(Row):
    """What was used while trials ran."""

    about: AboutField = USED_ABOUT
    columns: ColumnsField
    rows: Annotated[
        tuple[UsedInTrial, ...],
        Key(N_("By how much more converters used it, the statistically significant first.")),
    ]
    rest: Annotated[Rest, Key(N_("Features that are not shown one by one."))]


@dataclass(frozen=True, kw_only=True)
class TrialReport(Answer):
    """Everything about the trials of a company."""

    as_of: AsOfField
    about: AboutField = ABOUT
    columns: ColumnsField
    cards_labels: Annotated[Mapping[str, str], Key(N_("The kinds of trials in words."))]
    whole: Annotated[tuple[Conversion, ...], Table(N_("All trials"))]
    cards: Annotated[Mapping[str, Conversion], Key(N_("By whether a card was on file."))]
    card_difference: Annotated[CardGap, Key(N_("With a card against without."))]
    time_to_convert: Annotated[Mapping[str, Spread], Key(N_("By card."))]
    used: Annotated[TrialUse, Key(N_("What converters used."))]
    left: Annotated[Leaving, Key(N_("Who left after the first paid day."))]
    rows: Annotated[tuple[Conversion, ...], Table(N_("Conversion by month"))]
    why: WhyField = None
    by_card: Annotated[
        tuple[OfCard, ...], Table(N_("With and without a card"), is_view=True)
    ] = ()
    used_rows: Annotated[
        tuple[UsedInTrial, ...],
        Table(N_("Used during the trial (an association, not a cause)"), is_view=True),
    ] = ()
    left_rows: Annotated[
        tuple[Left, ...], Table(N_("Churn after conversion"), is_view=True)
    ] = ()

    def title(self) -> Said:
        return Said(N_("Trials, as of %(as_of)s"), {"as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        found = list(card_gap_said(self.card_difference))
        if self.used.rest.features:
            count = {"count": (self.used.rest.features, Unit.COUNT)}
            found.append(Said(N_("%(count)s other features are not shown."), count))
        return tuple(found)


def card_gap_said(gap: CardGap) -> tuple[Said, ...]:
    """What a card goes with, in a sentence; nothing where it is not known."""
    if gap.difference is None:
        return ()
    verdict = gap.why or (
        N_("statistically significant; whoever gives a card may differ in other ways too")
        if gap.is_named else N_("not statistically significant")
    )
    values: dict[str, str | Value | Said] = {
        "gap": (gap.difference, Kind.POINTS), "low": (gap.difference_low, Kind.POINTS),
        "high": (gap.difference_high, Kind.POINTS), "verdict": verdict,
    }
    text = N_("Conversion with a card less that without: %(gap)s (%(low)s to %(high)s); "
              "%(verdict)s.")
    return (Said(text, values),)


@insight("trials report", aliases=("/trials",), comes_from="/trials#cohorts")
def report(
    company: Reader, *, by: By = "", where: Where = "", as_of: AsOfText = None,
    top: Top = FIRST_FEATURES,
) -> TrialReport:
    """Who converts from a trial, what did converters use, and do they stay?

    Conversion by month and card, time to convert, what converters used, who left. `by` splits the
    conversion by month; the rest is told of all trials together. What changes with time is read on
    the day on which the trial started.
    """
    asked = question_on_day(company, by, where, as_of, relation="trials")
    sql = [trial_facts.counts_statement(asked), trial_facts.used_statement(asked),
           trial_facts.lives_statement(asked)]
    with company.seeing(asked.as_of) as engine:
        counts, use, lives = (list(engine.rows(one)) for one in sql)
        times = engine.rows(trial_facts.days_statement(asked))
    groups: dict[tuple[Values, dt.date | None], list[int]] = {}
    sums = {card: [0, 0, 0] for card in CARDS}
    places = len(asked.by)
    for cohort, *rest in counts:
        values, card, numbers = tuple(rest[:places]), rest[places], rest[places + 1 :]
        for cell in (
            groups.setdefault((values, None), [0, 0, 0]),
            groups.setdefault((values, cohort), [0, 0, 0]),
            sums[card],
        ):
            for place, count in enumerate(numbers):
                cell[place] += count
    keys = sorted(groups, key=lambda key: (asked.order(key[0]), key[1] or dt.date.min))
    found = {key: _conversion(asked.segment(key[0]), key[1], groups[key]) for key in keys}
    cards = {card: _conversion({}, None, numbers) for card, numbers in sums.items()}
    days = {
        card: _spread([(day, count) for own, day, count in times if own == card])
        for card in CARDS
    }
    [gap] = gaps([(cards["with"].rate, cards["without"].rate)])
    used = _used(use, cards, top)
    left = leaving(lives)
    return TrialReport(
        as_of=asked.as_of.at.isoformat(),
        columns=columns_of(Conversion),
        cards_labels=CARD_LABELS,
        whole=tuple(found[key] for key in keys if key[1] is None),
        cards=cards,
        card_difference=CardGap(
            with_card=gap.one, without_card=gap.other, **apart(gap)
        ),
        time_to_convert=days,
        used=used,
        left=left,
        rows=tuple(found[key] for key in keys if key[1] is not None),
        why=None if keys else NO_TRIALS,
        by_card=tuple(
            OfCard(card=card, trials=one.trials, mature=one.mature, converted=one.converted,
                   rate=one.rate, median=days[card].median, is_small=one.is_small)
            for card, one in cards.items() if one.trials
        ),
        used_rows=used.rows,
        left_rows=left.rows,
        sql=";\n\n".join(sql),
    )


def _conversion(
    segment: Mapping[str, str | None], cohort: dt.date | None, counts: Sequence[int]
) -> Conversion:
    trials, mature, converted = counts
    return Conversion(
        segment=segment, cohort=cohort, trials=trials, mature=mature, converted=converted,
        rate=share(converted, mature).because(NONE_MATURE), is_small=mature < SMALL,
    )


def _spread(found: Sequence[tuple[int, int]]) -> Spread:
    curve = survival.kaplan_meier({days: (count, 0) for days, count in found})
    q25, median, q75 = (curve.quantile(q)[0] for q in (0.25, 0.5, 0.75))
    return Spread(
        accounts=sum(count for _, count in found), q25=q25, median=median, q75=q75,
        rows=tuple(OnDay(*one) for one in found),
    )


def _used(
    use: Sequence[Sequence[Any]], cards: Mapping[str, Conversion], top: int
) -> TrialUse:
    mature = sum(one.mature for one in cards.values())
    converted = sum(one.converted for one in cards.values())
    shown, rest = use[:top], use[top:]
    found = gaps([
        (share(own, converted), share(others, mature - converted)) for _, own, others in shown
    ])
    rows = [
        UsedInTrial(feature=name, converted=gap.one, not_converted=gap.other, **apart(gap))
        for (name, _, _), gap in zip(shown, found, strict=True)
    ]
    return TrialUse(
        columns=columns_of(
            UsedInTrial, "feature", "converted", "not_converted", "difference"
        ),
        rows=tuple(sorted(
            rows, key=lambda one: (not one.is_named, -abs(one.difference or 0.0), one.feature)
        )),
        rest=Rest(features=len(rest), names=tuple(name for name, *_ in rest)),
    )
