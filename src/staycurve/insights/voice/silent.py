"""Who did not answer, and what the score could be if they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    FromField,
    Hidden,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    SignificantField,
    Table,
    ToField,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.shared.params import AsOfText, By, From, To, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)
from staycurve.insights.voice.answers_sql import asked_sql
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.satisfaction import KindParam
from staycurve.insights.voice.scores import KINDS, UNITS, Score
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import dims_of, order_of

DIMS = ("mrr_band", "lifecycle")
USAGE = "usage"
"""The trait beside dimensions: on how many of the 28 days before the invitation it was active."""
USAGE_BANDS = ((0, "0 days"), (1, "1-4 days"), (5, "5-14 days"), (15, "15-28 days"))
MIN_COMPARED = 20
"""People on each side below whom a difference of response is shown and not tested."""

NOBODY_ASKED = N_("nobody was invited to this survey in the range")
TOO_FEW = N_("fewer than {count} people on one side")
NO_ANSWERS = N_("nobody who was invited has answered")


@dataclass(frozen=True, kw_only=True)
class Responded(Row):
    """How those with one value of a trait responded, beside all others."""

    trait: Annotated[str, col(N_("Trait"), Kind.NAME)]
    value: Annotated[str | None, col(N_("Value"), named_by={"": N_("(none)")})]
    invited: Annotated[int, col(N_("Invited"), Unit.COUNT, N_("People, each once."))]
    answered: Annotated[int, col(N_("Answered"), Unit.COUNT)]
    response_rate: Annotated[
        float | None, col(N_("Response rate"), Unit.PERCENT, ends=("low", "high"))
    ]
    low: LowField
    high: HighField
    rest: Annotated[float | None, col(N_("All others"), Unit.PERCENT)]
    difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, ends=("difference_low", "difference_high")),
    ]
    difference_low: LowField
    difference_high: HighField
    p_value: Annotated[
        float | None, col(N_("p"), Kind.CHANCE, N_("With the Holm correction."))
    ]
    is_significant: SignificantField
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Silent(Answer):
    """Who was asked and did not answer, and the bounds of the score."""

    as_of: AsOfField
    kind: Annotated[str, Key(N_("Which score."))]
    period_from: FromField
    period_to: ToField
    alpha: AlphaField
    invited: Annotated[int, col(N_("Invited"), Unit.COUNT, N_("People, each once."))]
    answered: Annotated[int, col(N_("Answered"), Unit.COUNT)]
    value: Annotated[
        float | None,
        col(N_("Score"), Unit.PERCENT, N_("Of those who were invited and answered."),
            unit_from="unit"),
    ]
    least: Annotated[
        float | None,
        col(N_("Lowest possible"), Unit.PERCENT,
            N_("If all who were silent had given the worst answer."), unit_from="unit"),
    ]
    most: Annotated[
        float | None,
        col(N_("Highest possible"), Unit.PERCENT,
            N_("If all who were silent had given the best answer."), unit_from="unit"),
    ]
    weighted: Annotated[
        float | None,
        col(N_("Weighted by MRR band"), Unit.PERCENT,
            N_("If the silent of each MRR band had answered as those of the band who did; empty "
               "where nobody of a band answered."), unit_from="unit"),
    ]
    rows: Annotated[tuple[Responded, ...], Table(N_("Who answers"))]
    why: WhyField = None
    unit: Annotated[str, Hidden()] = "percent"

    def title(self) -> Said:
        return Said(N_("Who did not answer: %(kind)s, %(from)s to %(to)s"), {
            "kind": Said(KINDS[self.kind]), "from": (self.period_from, Kind.DAY),
            "to": (self.period_to, Kind.DAY)})

    def said(self) -> tuple[Said, ...]:
        if self.why or self.value is None:
            return ()
        unit = Unit(self.unit)
        silent = (self.invited - self.answered, Unit.COUNT)
        found = [Said(
            N_("%(silent)s of %(invited)s people who were invited did not answer: the score of all "
               "lies between %(least)s and %(most)s, whatever they think."),
            {"silent": silent, "invited": (self.invited, Unit.COUNT), "least": (self.least, unit),
             "most": (self.most, unit)},
        )]
        return (*found, *(_told(row) for row in self.rows if row.is_significant))


def _told(row: Responded) -> Said:
    values: dict[str, str | Value | Said] = {
        "trait": (row.trait, Kind.NAME), "value": (row.value or "–", Kind.TEXT),
        "own": (row.response_rate, Unit.PERCENT), "rest": (row.rest, Unit.PERCENT),
    }
    if (row.difference or 0) > 0:
        return Said(N_("They answer more often where %(trait)s is %(value)s: %(own)s, others "
                       "%(rest)s."), values)
    return Said(N_("They answer less often where %(trait)s is %(value)s: %(own)s, others "
                   "%(rest)s."), values)


@insight("satisfaction silent", comes_from="/satisfaction#silent", needs="invitations")
def silent(
    company: Reader, *, kind: KindParam = "nps", by: By = "", start: From = None, end: To = None,
    where: Where = "", as_of: AsOfText = None,
) -> Silent:
    """Who did not answer, and what would the score be if they had?

    Each person who was invited in the range counts once, by the last invitation. The response is
    shown by MRR band, lifecycle stage and usage before the invitation, or by the dimensions asked
    for, each compared with all others and tested. The bounds of the score take the silent as all
    unhappy, and as all happy.
    """
    dims = dims_of(by) or DIMS
    asked = voice_asked(company, by=tuple(dict.fromkeys((*dims, "mrr_band"))), where=where,
                        as_of=as_of, start=start, end=end)
    has_use = not by and company.lake.rows(company.snapshot, "account_months") > 0
    sql = _statement(asked, kind, has_use=has_use)
    with company.seeing(asked.as_of) as engine:
        found = engine.rows(sql)
    places = len(asked.by)
    every = [(dict(zip(asked.by, row[:places], strict=True)) | {USAGE: _band(row[places])},
              row[places + 1], _score(kind, row[places + 2:])) for row in found]
    traits = (*dims, USAGE) if has_use else dims
    whole = _summed(kind, every)
    bounds = _bounds(whole)
    return Silent(
        as_of=asked.as_of.at.isoformat(), kind=kind, period_from=str(asked.first),
        period_to=str(asked.last), alpha=ALPHA, invited=whole[0], answered=whole[1].size,
        value=whole[1].value, least=bounds[0], most=bounds[1], weighted=_weighted(kind, every),
        rows=_rows(kind, every, traits), unit=UNITS[kind], sql=sql,
        why=NOBODY_ASKED if not whole[0] else NO_ANSWERS if not whole[1].size else None,
    )


_Line = tuple[Mapping[str, str | None], int, Score]


def _statement(asked: VoiceAsked, kind: str, *, has_use: bool) -> str:
    """SQL of (seg…, days, invited, high, low, answered): people by traits, usage in days."""
    names = [f"seg{place}" for place in range(len(asked.by))]
    days = "CAST(NULL AS BIGINT)"
    use = ""
    if has_use:
        use = """,
used AS (
    SELECT a.who, COUNT(DISTINCT u.day) AS days
    FROM asked a
    JOIN usage_days u ON u.account_id = a.account_id AND u.is_active AND u.day < a.asked_on
         AND u.day >= CAST(a.asked_on - INTERVAL 28 DAY AS DATE)
    GROUP BY a.who
)"""
        days = "CAST(coalesce(d.days, 0) AS BIGINT)"
    cases = " ".join(
        f"WHEN days >= {least} THEN {place}"
        for place, (least, _label) in reversed(list(enumerate(USAGE_BANDS)))
    )
    listed = ", ".join(names)
    return f"""WITH {asked_sql(asked, kind)}{use}
SELECT {listed}, CASE {cases} END AS band, CAST(COUNT(*) AS BIGINT) AS invited,
       CAST(COUNT(CASE WHEN is_answered AND is_high THEN 1 END) AS BIGINT) AS high,
       CAST(COUNT(CASE WHEN is_answered AND is_low THEN 1 END) AS BIGINT) AS low,
       CAST(COUNT(CASE WHEN is_answered THEN 1 END) AS BIGINT) AS answered
FROM (
    SELECT a.*, {days} AS days FROM asked a
    {"LEFT JOIN used d ON d.who = a.who" if has_use else ""}
) people
GROUP BY {listed}, CASE {cases} END
ORDER BY {", ".join(f"{name} NULLS FIRST" for name in names)}, band NULLS FIRST"""


def _band(place: int | None) -> str | None:
    return None if place is None else USAGE_BANDS[place][1]


def _score(kind: str, counts: Sequence[int]) -> Score:
    high, low, size = counts
    return Score(kind, high, low, size)


def _summed(kind: str, lines: Sequence[_Line]) -> tuple[int, Score]:
    """How many were invited, and the score of those who answered."""
    return sum(one[1] for one in lines), Score(
        kind, sum(one[2].high for one in lines), sum(one[2].low_count for one in lines),
        sum(one[2].size for one in lines),
    )


def _bounds(whole: tuple[int, Score]) -> tuple[float | None, float | None]:
    """The score if all who were silent had given the worst answer, and the best one."""
    invited, score = whole
    if not invited:
        return None, None
    quiet = invited - score.size
    worst = Score(score.kind, score.high, score.low_count + quiet, invited)
    best = Score(score.kind, score.high + quiet, score.low_count, invited)
    return worst.value, best.value


def _weighted(kind: str, lines: Sequence[_Line]) -> float | None:
    """The score if each MRR band had answered as often as the others."""
    bands = {one[0]["mrr_band"] for one in lines}
    found, invited = 0.0, 0
    for band in bands:
        own = _summed(kind, [one for one in lines if one[0]["mrr_band"] == band])
        if own[1].value is None:
            return None
        found += own[1].value * own[0]
        invited += own[0]
    return found / invited if invited else None


def _rows(kind: str, lines: Sequence[_Line], traits: Sequence[str]) -> tuple[Responded, ...]:
    every_invited, every = _summed(kind, lines)
    whole = share(every.size, every_invited)
    rows: list[Responded] = []
    for trait in traits:
        values = sorted({one[0][trait] for one in lines}, key=lambda one: _order(trait, one))
        for value in values:
            invited, score = _summed(kind, [one for one in lines if one[0][trait] == value])
            rows.append(_row(trait, value, share(score.size, invited), whole))
    raised = iter(adjusted([row.p_value for row in rows if row.p_value is not None]))
    made = []
    for row in rows:
        p_value = None if row.p_value is None else next(raised)
        made.append(replace(row, p_value=p_value,
                            is_significant=p_value is not None and p_value <= ALPHA))
    return tuple(made)


def _order(trait: str, value: str | None) -> tuple[int, str]:
    if trait == USAGE:
        return [label for _least, label in USAGE_BANDS].index(value or ""), ""
    return order_of(trait, value)


def _row(trait: str, value: str | None, own: Share, whole: Share) -> Responded:
    rest = share(whole.count - own.count, whole.size - own.size)
    gap, low, high = difference(own, rest) or (None, None, None)
    is_tested = min(own.size, rest.size) >= MIN_COMPARED
    return Responded(
        trait=trait, value=value, invited=own.size, answered=own.count, response_rate=own.value,
        low=own.low, high=own.high, rest=rest.value, difference=gap, difference_low=low,
        difference_high=high, is_significant=False,
        p_value=different_by_chance(own, rest) if is_tested else None,
        why=None if is_tested else TOO_FEW.format(count=MIN_COMPARED),
    )
