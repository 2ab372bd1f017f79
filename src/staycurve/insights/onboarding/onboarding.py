"""Onboarding: how many new accounts reach first value, and how fast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Measure,
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
from staycurve.insights.onboarding.signup_facts import accounts_statement, statement
from staycurve.insights.shared.columns import AboutField, ColumnsField, columns_of
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.members import Question, Segment as Values
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.told_use import use_on_day
from staycurve.insights.statistics import survival
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.base import Unit
from staycurve.metrics.cohorts import SMALL

QUARTERS = (0.25, 0.5, 0.75)

CURVE_DAYS = 90
"""Days of the curve that are handed out; who gets there later is counted, not drawn."""

ABOUT = N_(
    "Sign-up is the day on which the account was created; where that is not known, the day of its "
    "first trial or subscription. First value is the first of the events in [activation] events; "
    "the first active event without it. Who is not there yet counts as long as they have been seen "
    "(Kaplan-Meier; Greenwood's 95% interval on the log-log scale)."
)

NOBODY = N_("nobody signed up, as far as is known")
WINDOW_OPEN = N_("nobody's window has passed yet")
NOT_SO_MANY = N_("so many are not there, nor expected so far")


def _behind(part: str) -> Opens:
    return Opens("onboarding accounts", {"cohort": "month"}, {"part": part})


@dataclass(frozen=True)
class Days(Measure):
    """Days by which a share is there, with the 95% interval."""

    value: Annotated[int | None, col(N_("Days"), Unit.COUNT, ends=("low", "high"))]
    low: Annotated[int | None, Key(N_("The lower end of its 95% interval."))]
    high: Annotated[int | None, Key(N_("The upper end of its 95% interval."))]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Reached(Row):
    """Accounts that signed up together, or all of a segment, and when they got there."""

    segment: Segment
    cohort: Annotated[
        dt.date | None,
        col(N_("Signed up in"), Kind.MONTH, named_by={"": N_("all")}),
    ]
    size: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT, N_("Accounts that signed up in the month"),
            opens=_behind("signed_up")),
    ]
    activated: Annotated[
        int,
        col(N_("Activated so far"), Unit.COUNT, N_("Accounts that have reached first value"),
            opens=_behind("activated")),
    ]
    rate: Annotated[
        Share,
        col(N_("Activation rate"), Unit.PERCENT,
            N_("Of the accounts whose window has passed, the share that activated within it; "
               "Wilson's 95% interval"), opens=_behind("in_window"),
            ends=("rate.low", "rate.high")),
    ]
    is_small: SmallField
    q25: Annotated[Days, col(N_("25% by day"), Unit.COUNT)]
    median: Annotated[
        Days,
        col(N_("Median days"), Unit.COUNT, N_("Time to first value by which half are there")),
    ]
    q75: Annotated[Days, col(N_("75% by day"), Unit.COUNT)]

    @property
    def month(self) -> str | None:
        """What asks for the month again."""
        return f"{self.cohort:%Y-%m}" if self.cohort else None


@dataclass(frozen=True, kw_only=True)
class AllReached(Reached):
    """All accounts of a segment, with their curve."""

    curve: Annotated[
        tuple[survival.CurvePoint, ...], Key(N_("The share that has activated, by days."))
    ]


NAMES = ("cohort", "size", "activated", "rate", "median", "q25", "q75")
"""The columns in words, in their order."""


@dataclass(frozen=True, kw_only=True)
class Onboarding(Answer):
    """Time to first value and activation rate, as a whole and by month of sign-up."""

    as_of: AsOfField
    about: AboutField = ABOUT
    events: Annotated[tuple[str, ...], Key(N_("What first value is; empty for any use."))]
    window_days: Annotated[int, Key(N_("Days after sign-up within which it counts as in time."))]
    columns: ColumnsField
    unknown_signup: Annotated[int, Key(N_("Accounts whose sign-up is not known."))]
    activated_before_signup: Annotated[
        int, Key(N_("Accounts that were there before they signed up: they count as day 0."))
    ]
    whole: Annotated[tuple[AllReached, ...], Table(N_("All accounts that signed up"))]
    p_value: Annotated[
        float | None, Key(N_("Of the same curve in all segments (log-rank); empty without them."))
    ]
    rows: Annotated[tuple[Reached, ...], Table(N_("By month of sign-up"))]
    why: WhyField = None

    def title(self) -> Said:
        events: str | Value = (
            (", ".join(self.events), Kind.TEXT) if self.events else N_("the first active event")
        )
        return Said(
            N_("Time to first value (%(events)s), window %(days)s days, as of %(as_of)s"),
            {"events": events, "days": (self.window_days, Unit.COUNT), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        found = []
        if self.p_value is not None:
            chance = {"chance": (self.p_value, Kind.CHANCE)}
            found.append(Said(
                N_("Do the segments differ? Log-rank test: p = %(chance)s."), chance
            ))
        if self.unknown_signup:
            count = {"count": (self.unknown_signup, Unit.COUNT)}
            found.append(Said(
                N_("Accounts whose sign-up is not known, and which are left out: %(count)s."), count
            ))
        if self.activated_before_signup:
            count = {"count": (self.activated_before_signup, Unit.COUNT)}
            found.append(Said(
                N_("Accounts that were there before they signed up, and count as day 0: "
                   "%(count)s."), count,
            ))
        return tuple(found)


@insight(
    "onboarding time", aliases=("/onboarding",), comes_from="/activation#months", needs="accounts"
)
def time_to_value(
    company: Reader, *, by: By = "", where: Where = "", as_of: AsOfText = None
) -> Onboarding:
    """How fast do new accounts reach first value, and how many of them do?

    Time to first value and activation rate, by month of sign-up. What changes with time is read on
    the day of sign-up.
    """
    asked = use_on_day(company, by, where, as_of, relation="signups")
    is_known = knows_use(company)
    sql = statement(asked)
    places = len(asked.by)
    groups: dict[tuple[Values, dt.date | None], list[tuple[Any, ...]]] = {}
    with company.seeing(asked.as_of) as engine:
        # Without any event nobody knows who reached first value; that is not nobody.
        for cohort, *rest in engine.rows(sql) if is_known else ():
            values = tuple(rest[:places])
            for key in ((values, None), (values, cohort)):
                groups.setdefault(key, []).append(tuple(rest[places:]))
        unknown = len(engine.rows(accounts_statement(asked, "unknown", None)))
        before = len(engine.rows(accounts_statement(replace(asked, by=()), "before", None)))
    keys = sorted(groups, key=lambda key: (asked.order(key[0]), key[1] or dt.date.min))
    activation = asked.config.behaviour.activation
    whole = tuple(_all_of(asked, key[0], groups[key]) for key in keys if key[1] is None)
    return Onboarding(
        as_of=asked.as_of.at.isoformat(),
        events=activation.events,
        window_days=activation.window_days,
        columns=columns_of(Reached, *NAMES, median="days", q25="days", q75="days"),
        unknown_signup=unknown,
        activated_before_signup=before,
        whole=whole,
        p_value=survival.differ_by_chance([_counts(groups[key]) for key in keys if not key[1]]),
        rows=tuple(
            Reached(**_reached(asked, key[0], groups[key]), cohort=key[1])
            for key in keys if key[1] is not None
        ),
        why=None if whole else NOBODY if is_known else missing(company),
        sql=sql,
    )


def _counts(rows: Iterable[tuple[Any, ...]]) -> dict[int, tuple[int, int]]:
    return survival.counted((days, bool(there), size) for days, there, *_, size in rows)


def _all_of(asked: Question, values: Values, rows: Sequence[tuple[Any, ...]]) -> AllReached:
    points = survival.kaplan_meier(_counts(rows)).points
    return AllReached(
        **_reached(asked, values, rows), cohort=None,
        curve=tuple(point for point in points if point.time <= CURVE_DAYS),
    )


def _reached(
    asked: Question, values: Values, rows: Sequence[tuple[Any, ...]]
) -> dict[str, Any]:
    mature = sum(size for _, _, is_mature, _, size in rows if is_mature)
    inside = sum(size for _, _, is_mature, is_in, size in rows if is_mature and is_in)
    size = sum(row[-1] for row in rows)
    curve = survival.kaplan_meier(_counts(rows))
    q25, median, q75 = (_days(curve, quarter) for quarter in QUARTERS)
    return {
        "segment": asked.segment(values), "size": size,
        "activated": sum(row[-1] for row in rows if row[1]),
        "rate": share(inside, mature).because(WINDOW_OPEN), "is_small": size < SMALL,
        "q25": q25, "median": median, "q75": q75,
    }


def _days(curve: survival.Curve, quarter: float) -> Days:
    value, low, high = curve.quantile(quarter)
    return Days(value, low, high, None if value is not None else NOT_SO_MANY)
