"""Themes: what customers speak of, what stands behind it, and whether those who say it leave."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AlphaField,
    Answer,
    AsOfField,
    CurrencyField,
    FromField,
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
from staycurve.insights.shared.saying import of_segment
from staycurve.insights.statistics.proportions import (
    ALPHA,
    Share,
    adjusted,
    difference,
    different_by_chance,
    share,
)
from staycurve.insights.voice.accounts_sql import Standing, standing_of, stretches_sql
from staycurve.insights.voice.asked import VoiceAsked, voice_asked
from staycurve.insights.voice.codebook import Codebook
from staycurve.insights.voice.kept import Listener
from staycurve.insights.voice.masking import Masker
from staycurve.insights.voice.people import Unmasked, masked, masker
from staycurve.insights.voice.texts import SOURCES, Heard, book_of, heard
from staycurve.metrics.base import Unit
from staycurve.money import major
from staycurve.tables.engine import AnyEngine

TREND_DAYS = 90
"""Days whose comments are compared with as many before them: one round of a quarterly survey."""
HORIZON = 90
"""Days after a comment in which an account may leave."""
RENEWS_WITHIN = 90
MIN_COMPARED = 20
"""Accounts on each side below which churn is shown and not tested."""
QUOTES = 3

OTHERS = N_("(none of them)")
NO_TEXT = N_("nobody wrote anything in the range")
TOO_FEW = N_("fewer than {count} accounts on one side")
NOT_YET = N_("no account that pays has been observed for long enough after its comment")

CodebookVersion = Annotated[
    int | None,
    Param(N_("Count by this version of the codebook, such as 3; the newest without."), least=0),
]
Source = Annotated[
    str | None, Param(N_("Only texts of this source."), choices=tuple(SOURCES), metavar="SOURCE")
]


@dataclass(frozen=True, kw_only=True)
class Quote(Row):
    """What somebody wrote."""

    comment_id: Annotated[str, Key(N_("The answer, ticket or note."))]
    text: Annotated[str, Key(N_("Its words; personal data is masked."))]

    def brief(self) -> Said:
        return Said("%(text)s", {"text": (f"“{self.text}”", Kind.TEXT)})


@dataclass(frozen=True, kw_only=True)
class ThemeRow(Row):
    """One theme of one segment."""

    segment: Segment
    theme: Annotated[str | None, Key(N_("Its id; empty for texts that fit no theme."))]
    name: Annotated[str, col(N_("Theme"), Kind.NAME)]
    comments: Annotated[
        int,
        col(N_("Comments"), Unit.COUNT, opens=Opens("feedback comments", {
            "theme": "opened", "start": "period_from", "end": "period_to", "source": "source",
            "version": "version"})),
    ]
    share: Annotated[
        float | None, col(N_("Share"), Unit.PERCENT, N_("Of all texts in the range."))
    ]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT)]
    recent: Annotated[int, Key(N_("Of the last 90 days."))]
    before: Annotated[int, Key(N_("Of the 90 days before them."))]
    trend: Annotated[
        float | None,
        col(N_("Trend"), Kind.POINTS,
            N_("Share of the texts of the last 90 days less that of the 90 days before."),
            ends=("trend_low", "trend_high")),
    ]
    trend_low: LowField
    trend_high: HighField
    trend_p_value: Annotated[
        float | None, col(N_("p of the trend"), Kind.CHANCE, N_("With the Holm correction."))
    ]
    mean_score: Annotated[
        float | None,
        col(N_("Mean score"), Unit.PERCENT,
            N_("Of answers with a score, from the worst (0%) to the best of the scale (100%)."),
            why="score_why"),
    ]
    scored: Annotated[int, Key(N_("How many answers have a score."))]
    mrr: Annotated[
        float, col(N_("MRR"), Unit.MONEY, N_("Of the accounts that said it, as they pay now."))
    ]
    renewing_mrr: Annotated[
        float, col(N_("Renews in 90 days"), Unit.MONEY, N_("MRR of those that renew by then."))
    ]
    churned: Annotated[int, Key(N_("Accounts that left within 90 days of saying it."))]
    followed: Annotated[int, Key(N_("Accounts that paid when they said it, 90 days ago or more."))]
    churn_rate: Annotated[
        float | None,
        col(N_("Churn after it"), Unit.PERCENT,
            N_("Left within 90 days of saying it, of accounts that paid then."),
            ends=("churn_low", "churn_high"), why="churn_why"),
    ]
    churn_low: LowField
    churn_high: HighField
    rest_churn_rate: Annotated[
        float | None,
        col(N_("Others"), Unit.PERCENT,
            N_("The same of accounts that wrote, but not this; from their first text on."),
            why="churn_why"),
    ]
    churn_difference: Annotated[
        float | None,
        col(N_("Difference"), Kind.POINTS, ends=("difference_low", "difference_high"),
            why="churn_why"),
    ]
    difference_low: LowField
    difference_high: HighField
    churn_p_value: Annotated[
        float | None, col(N_("p of churn"), Kind.CHANCE, N_("With the Holm correction."))
    ]
    is_significant: Annotated[
        bool, col(N_("Significant"), Kind.FLAG, N_("Whether churn differs significantly."))
    ]
    quotes: Annotated[tuple[Quote, ...], col(N_("Quotes"))]
    churn_why: Annotated[str | None, Key(N_("Why churn is not compared."), is_omitted=True)] = None
    score_why: Annotated[str | None, Key(N_("Why there is no score."), is_omitted=True)] = None

    @property
    def is_moving(self) -> bool:
        """Whether it comes up significantly more, or less, than before."""
        return self.trend_p_value is not None and self.trend_p_value <= ALPHA

    @property
    def opened(self) -> str:
        """The theme as `feedback comments` takes it."""
        return self.theme or "none"


@dataclass(frozen=True, kw_only=True)
class Themes(Answer):
    """What customers speak of."""

    as_of: AsOfField
    currency: CurrencyField
    period_from: FromField
    period_to: ToField
    version: Annotated[int, Key(N_("The version of the codebook that it was counted by."))]
    alpha: AlphaField
    comments: Annotated[int, col(N_("Texts"), Unit.COUNT, N_("Answers, notes and ticket topics."))]
    unassigned: Annotated[int, col(N_("Fit no theme"), Unit.COUNT)]
    source: Annotated[str | None, Key(N_("Where the texts come from; empty for everywhere."))]
    rows: Annotated[tuple[ThemeRow, ...], Table(N_("Themes"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Themes, %(from)s to %(to)s"), {
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY)})

    def said(self) -> tuple[Said, ...]:
        found = [_told_trend(row) for row in self.rows
                 if row.theme and row.is_moving]
        found += [_told_churn(row) for row in self.rows if row.theme and row.is_significant]
        return tuple(found)


def _told_trend(row: ThemeRow) -> Said:
    values: dict[str, str | Value | Said] = {
        "name": (row.name, Kind.NAME), "segment": of_segment(row.segment),
        "recent": (row.recent, Unit.COUNT), "before": (row.before, Unit.COUNT),
    }
    if (row.trend or 0) > 0:
        return Said(N_("%(name)s comes up more%(segment)s: %(recent)s texts in 90 days, %(before)s "
                       "in those before."), values)
    return Said(N_("%(name)s comes up less%(segment)s: %(recent)s texts in 90 days, %(before)s in "
                   "those before."), values)


def _told_churn(row: ThemeRow) -> Said:
    return Said(
        N_("Of accounts that spoke of %(name)s%(segment)s %(own)s left within 90 days, of others "
           "%(rest)s. Its cause may still be something else."),
        {"name": (row.name, Kind.NAME), "segment": of_segment(row.segment),
         "own": (row.churn_rate, Unit.PERCENT), "rest": (row.rest_churn_rate, Unit.PERCENT)},
    )


@insight("feedback themes", comes_from="/feedback#themes", needs="")
def themes(
    company: Listener, *, by: By = "", source: Source = None, version: CodebookVersion = None,
    unmasked: Unmasked = False, start: From = None, end: To = None, where: Where = "",
    as_of: AsOfText = None,
) -> Themes:
    """What do customers speak of, what stands behind it, and do those who say it leave?

    Comments of survey answers, notes on accounts and topics of tickets, each in the theme of the
    company's codebook that it fits best. A theme's texts, its trend, the mean score beside it, the
    MRR and renewals of the accounts that said it, and their churn within 90 days beside that of
    the other accounts that wrote: tested, with the Holm correction. An earlier version of the
    codebook gives the counts as they were.
    """
    asked = voice_asked(company, by=by, where=where, as_of=as_of, start=start, end=end)
    book = book_of(company, version)
    with company.seeing(asked.as_of) as engine:
        every = heard(company, engine, asked, book, sources=(source,) if source else ())
        standing = standing_of(engine, asked.config, asked.as_of) if every else {}
        left = followed_up(engine, asked, every)
        hides = masker(engine, is_unmasked=unmasked)
    rows = theme_rows(asked, book, every, standing, left, hides)
    return Themes(
        as_of=asked.as_of.at.isoformat(), currency=asked.config.company.currency,
        period_from=str(asked.first), period_to=str(asked.last), version=book.version,
        alpha=ALPHA, comments=len(every), source=source,
        unassigned=sum(not one.found.theme for one in every), rows=rows,
        why=None if every else NO_TEXT,
    )


Followed = Mapping[tuple[str, dt.date], bool]
"""(account, day of a text) → whether it left within the horizon; only those that paid that day and
were observed for all of it."""


def followed_up(engine: AnyEngine, asked: VoiceAsked, every: Sequence[Heard]) -> Followed:
    """What became of the accounts after each of their texts."""
    pairs = sorted({(one.account_id, one.day) for one in every if one.account_id})
    last = asked.as_of.last_day - dt.timedelta(days=HORIZON)
    days = sorted({day for _account, day in pairs if day <= last})
    if not days:
        return {}
    found: dict[tuple[str, dt.date], bool] = {}
    wanted = set(pairs)
    listed = ", ".join(f"(DATE '{day}')" for day in days)
    for account, day, has_left in engine.rows(f"""WITH {stretches_sql(asked.as_of)},
days AS (SELECT * FROM (VALUES {listed}) AS v(day))
SELECT s.account_id, d.day,
       s.ends_on <= CAST(d.day + INTERVAL {HORIZON} DAY AS DATE) AS has_left
FROM days d
JOIN stretches s ON s.starts_on <= d.day AND s.ends_on > d.day
ORDER BY s.account_id, d.day"""):
        if (account, day) in wanted:
            found[account, day] = bool(has_left)
    return found


def theme_rows(
    asked: VoiceAsked, book: Codebook, every: Sequence[Heard], standing: Mapping[str, Standing],
    left: Followed, hides: Masker | None,
) -> tuple[ThemeRow, ...]:
    """A row a segment and theme, the most texts first; those that fit none stand last."""
    groups: dict[tuple[str | None, ...], list[Heard]] = {}
    for one in every:
        groups.setdefault(one.segments, []).append(one)
    rows: list[ThemeRow] = []
    for values in sorted(groups, key=asked.order):
        own = groups[values]
        counts = Counter(one.found.theme for one in own)
        named = [theme for theme in book.themes if counts[theme.id]]
        named.sort(key=lambda theme: -counts[theme.id])
        for theme_id, name in [*((one.id, one.name) for one in named), ("", OTHERS)]:
            if counts[theme_id]:
                rows.append(_row(asked, values, theme_id, name, own, standing, left, hides))
    return _tested(rows)


def _tested(rows: Sequence[ThemeRow]) -> tuple[ThemeRow, ...]:
    """p-values with the Holm correction: those of trends, and those of churn."""
    trends = iter(adjusted([one.trend_p_value for one in rows if one.trend_p_value is not None]))
    churns = iter(adjusted([one.churn_p_value for one in rows if one.churn_p_value is not None]))
    made = []
    for row in rows:
        trend = None if row.trend_p_value is None else next(trends)
        churn = None if row.churn_p_value is None else next(churns)
        made.append(replace(row, trend_p_value=trend, churn_p_value=churn,
                            is_significant=churn is not None and churn <= ALPHA))
    return tuple(made)


def _row(
    asked: VoiceAsked, values: tuple[str | None, ...], theme: str, name: str,
    every: Sequence[Heard], standing: Mapping[str, Standing], left: Followed,
    hides: Masker | None,
) -> ThemeRow:
    own = [one for one in every if one.found.theme == theme]
    accounts = {one.account_id for one in own if one.account_id}
    now, earlier, (recent, before) = _recent(asked, every, own)
    moved = difference(now, earlier)
    scores = [one.content for one in own if one.content is not None]
    until = asked.as_of.last_day + dt.timedelta(days=RENEWS_WITHIN)
    paying = [standing[one] for one in accounts if one in standing]
    renewing = [one.mrr for one in paying if one.renews_on is not None and one.renews_on <= until]
    said, rest, why = _churn(every, own, left)
    gap = difference(said, rest) or (None, None, None)
    return ThemeRow(
        segment=asked.segment(values), theme=theme or None, name=name, comments=len(own),
        share=len(own) / len(every) if every else None, accounts=len(accounts), recent=recent,
        before=before, trend=moved[0] if moved else None, trend_low=moved[1] if moved else None,
        trend_high=moved[2] if moved else None,
        trend_p_value=different_by_chance(now, earlier) if moved and theme else None,
        mean_score=sum(scores) / len(scores) if scores else None, scored=len(scores),
        mrr=major(sum(one.mrr for one in paying)), renewing_mrr=major(sum(renewing)),
        churned=said.count, followed=said.size, churn_rate=said.value, churn_low=said.low,
        churn_high=said.high, rest_churn_rate=rest.value, churn_difference=gap[0],
        difference_low=gap[1], difference_high=gap[2],
        churn_p_value=None if why or not theme else different_by_chance(said, rest),
        is_significant=False, quotes=_quotes(own, hides), churn_why=why,
        score_why=None if scores else N_("none of these texts comes with a score"),
    )


def _recent(
    asked: VoiceAsked, every: Sequence[Heard], own: Sequence[Heard]
) -> tuple[Share, Share, tuple[int, int]]:
    """The theme's share of the texts of the last days, and of those before."""
    middle = asked.last - dt.timedelta(days=TREND_DAYS)
    first = middle - dt.timedelta(days=TREND_DAYS)
    if first < asked.first - dt.timedelta(days=1):
        # The range is too short to be compared with what was before it.
        none = share(0, 0)
        recent = sum(one.day > middle for one in own)
        return none, none, (recent, len(own) - recent)
    late = [sum(one.day > middle for one in part) for part in (own, every)]
    early = [sum(first < one.day <= middle for one in part) for part in (own, every)]
    return share(*late), share(*early), (late[0], early[0])


def _churn(
    every: Sequence[Heard], own: Sequence[Heard], left: Followed
) -> tuple[Share, Share, str | None]:
    """Who left after saying it, and who of the others left after the first thing that they said."""
    def fates(texts: Sequence[Heard]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for one in texts:
            key = (one.account_id or "", one.day)
            if key in left:
                found.setdefault(key[0], left[key])
        return found

    mine = fates(own)
    speakers = {one.account_id for one in own}
    others = fates([one for one in every if one.account_id not in speakers])
    said = share(sum(mine.values()), len(mine))
    rest = share(sum(others.values()), len(others))
    if not said.size:
        return said, rest, NOT_YET
    if min(said.size, rest.size) < MIN_COMPARED:
        return said, rest, TOO_FEW.format(count=MIN_COMPARED)
    return said, rest, None


def _quotes(own: Sequence[Heard], hides: Masker | None) -> tuple[Quote, ...]:
    """The most typical texts, the newest of those that fit alike; each text once."""
    ranked = sorted(
        (one for one in own if one.source != "ticket"),
        key=lambda one: (-one.found.weight, -one.day.toordinal(), one.id),
    )
    found: dict[str, Quote] = {}
    for one in ranked:
        text = masked(one.text, hides) or ""
        found.setdefault(text, Quote(comment_id=one.id, text=text))
        if len(found) == QUOTES:
            break
    return tuple(found.values())


def named_theme(book: Codebook, theme: str | None) -> str | None:
    """The id of a theme by its id or name; '' for `none`, None for all.

    Raises
    ------
    UnknownNameError
        If there is no such theme.
    UsageError
        If it is empty.
    """
    if theme is None:
        return None
    if not theme:
        raise UsageError("'theme' is empty.", hint="Name one, or 'none' for what fits none.",
                         parameter="theme")
    return "" if theme == "none" else book.theme(theme).id
