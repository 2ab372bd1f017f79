"""How content customers are: each score with its interval, and the response rate beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    FromField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    ToField,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.proportions import share
from staycurve.insights.voice.answers_sql import (
    TOUCHPOINT,
    counts_sql,
    given_sql,
    invited_sql,
    scored_sql,
)
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.scores import KINDS, NO_ANSWERS, UNITS, Score
from staycurve.metrics.base import Unit

NO_INVITATIONS = N_("no invitations are loaded for these surveys")
MORE_ANSWERS = N_("there are more answers than invitations")
SEVERAL_TOUCHPOINTS = N_("invitations name no touchpoint, and their survey has several")

KindParam = Annotated[
    str, Param(N_("Which score: NPS, CSAT or CES."), choices=tuple(KINDS), metavar="KIND")
]

Values = tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class ScoreRow(Row):
    """One score of one segment."""

    segment: Segment
    kind: Annotated[str, col(N_("Score"), Kind.NAME, named_by=KINDS)]
    answers: Annotated[
        int,
        col(N_("Answers"), Unit.COUNT, N_("That the score rests on: of NPS the last of each "
                                          "person."),
            opens=Opens("satisfaction answers", {"kind": "kind", "start": "period_from",
                                                 "end": "period_to"})),
    ]
    people: Annotated[int, col(N_("People"), Unit.COUNT, N_("Known people who answered."))]
    value: Annotated[
        float | None,
        col(N_("Value"), Unit.PERCENT, N_("NPS from -100 to 100; CSAT and CES as the share of "
                                          "content answers."),
            unit_from="unit", ends=("low", "high")),
    ]
    low: LowField
    high: HighField
    high_answers: Annotated[
        int, col(N_("High"), Unit.COUNT, N_("Promoters, or content answers."))
    ]
    low_answers: Annotated[
        int, col(N_("Low"), Unit.COUNT, N_("Detractors, or answers that are not content."))
    ]
    invitations: Annotated[int | None, col(N_("Invitations"), Unit.COUNT)]
    response_rate: Annotated[
        float | None,
        col(N_("Response rate"), Unit.PERCENT,
            N_("Answers given in the range ÷ invitations sent in it."),
            ends=("response_low", "response_high"), why="response_why"),
    ]
    response_low: LowField
    response_high: HighField
    response_why: Annotated[str | None, Key(N_("Why there is no response rate."),
                                            is_omitted=True)] = None
    why: WhyField = None
    unit: Annotated[str, Hidden()] = "percent"


@dataclass(frozen=True, kw_only=True)
class Scores(Answer):
    """Every score in the range."""

    as_of: AsOfField
    period_from: FromField
    period_to: ToField
    rows: Annotated[tuple[ScoreRow, ...], Table(N_("Scores"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Satisfaction, %(from)s to %(to)s"), {
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY)})

    def said(self) -> tuple[Said, ...]:
        found = []
        for row in self.rows:
            if row.segment or row.value is None:
                continue
            unit = Unit(row.unit)
            values: dict[str, str | Value | Said] = {
                "kind": Said(KINDS[row.kind]), "value": (row.value, unit),
                "low": (row.low, unit), "high": (row.high, unit),
                "answers": (row.answers, Unit.COUNT), "segment": of_segment(row.segment),
            }
            found.append(Said(
                N_("%(kind)s is %(value)s (95%% interval %(low)s to %(high)s) from %(answers)s "
                   "answers."), values,
            ))
        return tuple(found)


@insight("satisfaction scores", comes_from="/satisfaction#scores", needs="answers")
def scores(
    company: Reader, *, by: By = "", start: From = None, end: To = None, where: Where = "",
    as_of: AsOfText = None,
) -> Scores:
    """How content are customers, and how sure is that?

    NPS, CSAT and CES of the last twelve months or of a range, each with its 95% interval and the
    response rate beside it. NPS has the adjusted Wald interval, which holds for few answers too;
    CSAT and CES have Wilson's. Split by any dimension: touchpoint, lifecycle, tenure, mrr_band, or
    what is known of accounts.
    """
    asked = voice_asked(company, by=by, where=where, as_of=as_of, start=start, end=end)
    with company.seeing(asked.as_of) as engine:
        sql = counts_sql(asked)
        counted = engine.rows(sql)
        given = engine.rows(given_sql(asked))
        invited = engine.rows(invited_sql(asked))
    rows = score_rows(asked, counted, given, invited)
    return Scores(
        as_of=asked.as_of.at.isoformat(), period_from=str(asked.first), period_to=str(asked.last),
        rows=tuple(rows), why=None if rows else NO_ANSWERS, sql=sql,
    )


def score_rows(
    asked: VoiceAsked, counted: Sequence[Sequence[Any]], given: Sequence[Sequence[Any]],
    invited: Sequence[Sequence[Any]],
) -> list[ScoreRow]:
    """Rows by kind and segment; those of `counted` without a bucket."""
    places = len(asked.by)
    answered = summed((kind, tuple(rest[1:1 + places]), rest[-1])
                      for kind, _survey, *rest in given)
    sent = summed((kind, tuple(rest[1:1 + places]), rest[-1])
                  for kind, _survey, *rest in invited)
    rows = []
    for kind, _bucket, *rest in counted:
        values = tuple(rest[:places])
        size, high, low, people = rest[places:]
        score = Score(kind, high, low, size)
        low_end, high_end = score.interval
        rows.append(ScoreRow(
            segment=asked.segment(values), kind=kind, answers=size, people=people,
            value=score.value, low=low_end, high=high_end, high_answers=high, low_answers=low,
            unit=UNITS[kind],
            **response(asked, answered.get((kind, values), 0), sent.get((kind, values), 0)),
        ))
    order = list(KINDS)
    return sorted(rows, key=lambda one: (
        order.index(one.kind), asked.order(tuple(one.segment.values()))))


def summed(rows: Iterable[tuple[str, Values, int]]) -> Mapping[tuple[str, Values], int]:
    """(kind, segment) → how many."""
    found: dict[tuple[str, Values], int] = {}
    for kind, values, count in rows:
        found[kind, values] = found.get((kind, values), 0) + count
    return found


def response(asked: VoiceAsked, answers: int, invitations: int) -> dict[str, Any]:
    """The fields of a response rate: answers ÷ invitations, with Wilson's interval."""
    why = None
    if not invitations:
        why = SEVERAL_TOUCHPOINTS if TOUCHPOINT in asked.dims else NO_INVITATIONS
    elif answers > invitations:
        why = MORE_ANSWERS
    found = None if why else share(answers, invitations)
    return {
        "invitations": invitations or None,
        "response_rate": found.value if found else None,
        "response_low": found.low if found else None,
        "response_high": found.high if found else None,
        "response_why": why,
    }


@dataclass(frozen=True, kw_only=True)
class AnswerRow(Row):
    """One answer that a score rests on."""

    answer_id: Annotated[str, col(N_("Answer"))]
    account_id: Annotated[str | None, col(N_("Account"), Kind.ACCOUNT)]
    survey: Annotated[str, col(N_("Survey"))]
    answered_on: Annotated[dt.date, col(N_("Answered"), Kind.DAY)]
    score: Annotated[float, col(N_("Score"), Unit.COUNT)]


@dataclass(frozen=True, kw_only=True)
class AnswerRows(Answer):
    """The answers behind a score, newest first."""

    as_of: AsOfField
    kind: Annotated[str, Key(N_("Which score."))]
    period_from: FromField
    period_to: ToField
    rows: Annotated[tuple[AnswerRow, ...], Table(N_("Answers"), is_list=True)]

    def title(self) -> Said:
        return Said(N_("Answers behind %(kind)s, %(from)s to %(to)s"), {
            "kind": Said(KINDS[self.kind]), "from": (self.period_from, Kind.DAY),
            "to": (self.period_to, Kind.DAY)})


@insight("satisfaction answers", comes_from="/satisfaction#scores", needs="answers")
def answers(
    company: Reader, *, kind: KindParam = "nps", start: From = None, end: To = None,
    where: Where = "", as_of: AsOfText = None,
) -> AnswerRows:
    """Which answers does a score rest on?"""
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end)
    sql = f"""WITH {scored_sql(asked)}
SELECT answer_id, account_id, survey, answered_on, CAST(score AS DOUBLE) AS score
FROM scored WHERE kind = '{kind}'
ORDER BY answered_at DESC, answer_id"""
    with company.seeing(asked.as_of) as engine:
        found = engine.rows(sql)
    return AnswerRows(
        as_of=asked.as_of.at.isoformat(), kind=kind, period_from=str(asked.first),
        period_to=str(asked.last), sql=sql,
        rows=tuple(
            AnswerRow(answer_id=answer, account_id=account, survey=survey, answered_on=day,
                      score=score)
            for answer, account, survey, day, score in found
        ),
    )
