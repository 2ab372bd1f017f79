"""Scores over time: each period's score, and whether it moved more than chance would."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    OpenField,
    Opens,
    PeriodField,
    Row,
    Said,
    Segment,
    SignificantField,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.proportions import ALPHA, adjusted
from staycurve.insights.voice.answers_sql import counts_sql, given_sql, invited_sql
from staycurve.insights.voice.asked import VoiceAsked, periods_of, voice_asked
from staycurve.insights.voice.satisfaction import KindParam, response, summed
from staycurve.insights.voice.scores import KINDS, NO_ANSWERS, UNITS, Score, change
from staycurve.metrics.base import Unit
from staycurve.period import Period

GRAINS = ("month", "quarter")
NO_ANSWER = N_("nobody answered")
NO_EARLIER = N_("nothing to compare with: nobody answered in the period before")
NOT_CLOSED = N_("the period has not closed")

_CHANGE_UNIT = {"nps": Unit.SCORE.value, "csat": Kind.POINTS.value, "ces": Kind.POINTS.value}


@dataclass(frozen=True, kw_only=True)
class TrendRow(Row):
    """One period of one segment."""

    segment: Segment
    period: PeriodField
    answers: Annotated[
        int,
        col(N_("Answers"), Unit.COUNT,
            opens=Opens("satisfaction answers", {"kind": "kind", "start": "period",
                                                 "end": "last_day"})),
    ]
    value: Annotated[
        float | None, col(N_("Value"), Unit.PERCENT, unit_from="unit", ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    change: Annotated[
        float | None,
        col(N_("Change"), Kind.POINTS, N_("From the period before."), unit_from="changes_in",
            ends=("change_low", "change_high"), why="change_why"),
    ]
    change_low: LowField
    change_high: HighField
    p_value: Annotated[
        float | None,
        col(N_("p"), Kind.CHANCE, N_("p-value of the change, with the Holm correction over all "
                                     "periods.")),
    ]
    is_significant: SignificantField
    invitations: Annotated[int | None, col(N_("Invitations"), Unit.COUNT)]
    response_rate: Annotated[
        float | None,
        col(N_("Response rate"), Unit.PERCENT, ends=("response_low", "response_high"),
            why="response_why"),
    ]
    response_low: LowField
    response_high: HighField
    response_why: Annotated[
        str | None, Key(N_("Why there is no response rate."), is_omitted=True)
    ] = None
    change_why: Annotated[str | None, Key(N_("Why there is no change."), is_omitted=True)] = None
    open: OpenField = False
    why: WhyField = None
    unit: Annotated[str, Hidden()] = "percent"
    changes_in: Annotated[str, Hidden()] = "points"
    last_day: Annotated[dt.date | None, Hidden()] = None
    kind: Annotated[str, Hidden()] = "nps"


@dataclass(frozen=True, kw_only=True)
class Trend(Answer):
    """One score over time."""

    as_of: AsOfField
    kind: Annotated[str, Key(N_("Which score."))]
    grain: Annotated[str, Key(N_("How long the periods are."))]
    alpha: AlphaField
    rows: Annotated[tuple[TrendRow, ...], Table(N_("Score over time"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("%(kind)s over time"), {"kind": Said(KINDS[self.kind])})

    def said(self) -> tuple[Said, ...]:
        found = [_told(row) for row in self.rows if row.is_significant]
        if found or not any(row.p_value is not None for row in self.rows):
            return tuple(found)
        return (Said(N_("No change from one period to the next is statistically significant.")),)


def _told(row: TrendRow) -> Said:
    values: dict[str, str | Value | Said] = {
        "period": (row.period, Kind.MONTH), "segment": of_segment(row.segment),
        "value": (row.value, Unit(row.unit)),
    }
    if (row.change or 0) > 0:
        return Said(N_("It rose in %(period)s%(segment)s, to %(value)s."), values)
    return Said(N_("It fell in %(period)s%(segment)s, to %(value)s."), values)


@insight("satisfaction trend", comes_from="/satisfaction#trend", needs="answers")
def trend(
    company: Reader, *, kind: KindParam = "nps",
    grain: Annotated[str, Param(N_("The length of a period."), choices=GRAINS)] = "month",
    by: By = "", start: From = None, end: To = None, where: Where = "", as_of: AsOfText = None,
) -> Trend:
    """Is a score moving, or does it only wobble?

    The score of each period with its interval and response rate, and its change from the period
    before: tested, with the Holm correction over all periods that are compared. NPS counts each
    person's last answer in the period. An open period is shown and not compared.
    """
    asked = voice_asked(company, by=by, where=where, as_of=as_of, start=start, end=end)
    with company.seeing(asked.as_of) as engine:
        sql = counts_sql(asked, grain=grain)
        counted = engine.rows(sql)
        given = engine.rows(given_sql(asked, grain=grain))
        invited = engine.rows(invited_sql(asked, grain=grain))
    rows = _rows(asked, kind, grain, _Found(asked, kind, counted, given, invited))
    return Trend(
        as_of=asked.as_of.at.isoformat(), kind=kind, grain=grain, alpha=ALPHA, rows=rows,
        why=None if rows else NO_ANSWERS, sql=sql,
    )


class _Found:
    """What the statements counted of one kind, by period and segment."""

    def __init__(
        self, asked: VoiceAsked, kind: str, counted: Sequence[Sequence[Any]],
        given: Sequence[Sequence[Any]], invited: Sequence[Sequence[Any]],
    ) -> None:
        places = len(asked.by)
        self.scores = {
            (bucket, tuple(rest[:places])): Score(kind, rest[places + 1], rest[places + 2],
                                                  rest[places])
            for own, bucket, *rest in counted if own == kind
        }
        self.given = summed(
            (str(rest[0]), tuple(rest[1:1 + places]), rest[-1])
            for own, _survey, *rest in given if own == kind
        )
        self.invited = summed(
            (str(rest[0]), tuple(rest[1:1 + places]), rest[-1])
            for own, _survey, *rest in invited if own == kind
        )


def _rows(asked: VoiceAsked, kind: str, grain: str, found: _Found) -> tuple[TrendRow, ...]:
    segments = sorted({values for _bucket, values in found.scores}, key=asked.order)
    rows: list[TrendRow] = []
    for values in segments:
        before: Score | None = None
        for period in periods_of(asked, grain):
            score = found.scores.get((period.start, values), Score(kind, 0, 0, 0))
            rows.append(_row(asked, period, values, score, before, found))
            before = score
    tested = [row.p_value for row in rows if row.p_value is not None]
    raised = iter(adjusted(tested))
    made = []
    for row in rows:
        p_value = None if row.p_value is None else next(raised)
        made.append(replace(row, p_value=p_value,
                            is_significant=p_value is not None and p_value <= ALPHA))
    return tuple(made)


def _row(
    asked: VoiceAsked, period: Period, values: tuple[str | None, ...], score: Score,
    before: Score | None, found: _Found,
) -> TrendRow:
    is_open = asked.as_of.is_open(period)
    moved = change(score, before) if before is not None and not is_open else None
    low, high = score.interval
    why = None
    if moved is None:
        why = NOT_CLOSED if is_open else NO_EARLIER if score.size else NO_ANSWER
    key = (str(period.start), values)
    return TrendRow(
        segment=asked.segment(values), period=period.start, answers=score.size, value=score.value,
        low=low, high=high, change=moved.value if moved else None,
        change_low=moved.low if moved else None, change_high=moved.high if moved else None,
        p_value=moved.p_value if moved else None, is_significant=False, open=is_open,
        why=None if score.size else NO_ANSWER, change_why=why, unit=UNITS[score.kind],
        changes_in=_CHANGE_UNIT[score.kind], last_day=period.end - dt.timedelta(days=1),
        kind=score.kind,
        **response(asked, found.given.get(key, 0), found.invited.get(key, 0)),
    )
