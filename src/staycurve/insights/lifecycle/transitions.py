"""Transitions: moves from stage to stage, and what each stage opened and closed with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    CurrencyField,
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
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import (
    NEW,
    SMALL,
    StageLabel,
    known_of,
    points_sql,
    question_of,
)
from staycurve.insights.shared.account_facts import shared_sql
from staycurve.insights.shared.asked import segs_of
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText, By, From, Grain, To, Where
from staycurve.insights.shared.ranges import range_of
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.lifecycle_rules import LABELS, STAGES
from staycurve.metrics.base import Unit
from staycurve.period import Period

MOVED = Opens(
    "lifecycle moved", {"before": "came_from", "after": "after", "period": "period_name"}
)
CAME_FROM = {**LABELS, "": N_("(became known)")}


@dataclass(frozen=True)
class Move(Row):
    """Moves from one stage to another in a period; without `before` accounts became known."""

    period: PeriodField
    open: OpenField
    segment: Segment
    before: Annotated[
        str | None,
        col(N_("From"), Kind.NAME, N_("The stage before; empty where accounts became known."),
            name="from", named_by=CAME_FROM),
    ]
    after: Annotated[str, col(N_("To"), Kind.NAME, name="to", named_by=LABELS)]
    count: Annotated[int, col(N_("Moves"), Unit.COUNT, is_size=True, opens=MOVED)]
    share: Annotated[
        float | None,
        col(N_("Share"), Unit.PERCENT, N_("Of all moves out of the stage before."),
            ends=("low", "high"), opens=MOVED),
    ]
    low: LowField
    high: HighField
    is_small: Annotated[bool, Key(N_("Whether few moves lead out of the stage before."))]
    period_name: Annotated[str, Hidden()] = ""

    @property
    def came_from(self) -> str:
        """The stage before, as `lifecycle moved` takes it."""
        return self.before or NEW


@dataclass(frozen=True)
class StageFlow(Row):
    """What a stage opened and closed with: opening + entered − left = closing.

    In a split by what changes with time it need not be.
    """

    period: PeriodField
    open: OpenField
    segment: Segment
    stage: Annotated[str, Key()]
    label: StageLabel
    opening: Annotated[int, col(N_("Opening"), Unit.COUNT)]
    entered: Annotated[
        int,
        col(N_("Entered"), Unit.COUNT,
            opens=Opens("lifecycle moved", {"after": "stage", "period": "period_name"})),
    ]
    left: Annotated[
        int,
        col(N_("Left"), Unit.COUNT,
            opens=Opens("lifecycle moved", {"before": "stage", "period": "period_name"})),
    ]
    closing: Annotated[
        int,
        col(N_("Closing"), Unit.COUNT,
            opens=Opens("lifecycle accounts", {"stage": "stage", "period": "period_name"})),
    ]
    period_name: Annotated[str, Hidden()] = ""


@dataclass(frozen=True, kw_only=True)
class Transitions(Answer):
    """Moves between stages."""

    as_of: AsOfField
    currency: CurrencyField
    why: WhyField = None
    rows: Annotated[tuple[Move, ...], Table(N_("Moves between stages"))]
    stages: Annotated[
        tuple[StageFlow, ...], Table(N_("What each stage opened and closed with"))
    ]

    def title(self) -> Said:
        return Said(N_("Moves between stages, as of %(as_of)s"), {"as_of": self.as_of})

    def matrix(self, period: str | None = None) -> dict[str, dict[str, int]]:
        """from → to → count of one period, or of all together; arrivals stand under ''."""
        found: dict[str, dict[str, int]] = {}
        for row in self.rows:
            if period is None or str(row.period).startswith(period):
                cells = found.setdefault(row.before or "", {})
                cells[row.after] = cells.get(row.after, 0) + row.count
        return found


@insight("lifecycle transitions", comes_from="/lifecycle#flow", needs="accounts")
def transitions(
    company: Reader, *, grain: Grain = "month", start: From = None, end: To = None, by: By = "",
    where: Where = "", as_of: AsOfText = None,
) -> Transitions:
    """From which stage to which did accounts move in each period?

    Each move beside its share of all moves out of the stage, and what each stage opened and
    closed with. Without a range the last twelve periods.
    """
    asked = question_of(company, by, where, as_of)
    periods = range_of(asked, grain, start, end)
    sql = moves_statement(asked, periods)
    with company.seeing(asked.as_of) as engine:
        moves = engine.rows(sql)
        openings = engine.rows(openings_statement(asked, periods))
        known = known_of(engine, asked.config)
    rows, flows = rows_of(asked, moves, openings, periods)
    return Transitions(
        as_of=asked.as_of.at.isoformat(),
        currency=asked.config.company.currency,
        why=None if rows else known.why,
        rows=tuple(rows),
        stages=tuple(flows),
        notes=known.notes,
        sql=sql,
    )


def moves_statement(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, from_stage, to_stage, count); from_stage NULL for arrivals."""
    segments, joins = question.context.segments(account="m.account_id", own={}, day="m.day")
    segs = segs_of(question)
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, periods)}),
moves AS ({moves_sql()})
SELECT start_on{segs}, from_stage, to_stage, CAST(COUNT(*) AS BIGINT) AS moves
FROM (
    SELECT p.start_on, m.from_stage, m.to_stage{segments}
    FROM periods p
    JOIN moves m ON m.day > p.open_on AND m.day <= p.close_on
    {joins}
) moved
WHERE {question.context.where()}
GROUP BY start_on{segs}, from_stage, to_stage
ORDER BY start_on{segs}, from_stage, to_stage"""


def moves_sql() -> str:
    """SQL of every change of stage, an account's first day among them."""
    return """
    SELECT n.account_id, n.starts_on AS day, b.stage AS from_stage, n.stage AS to_stage,
           b.starts_on AS since
    FROM lifecycle_spans n
    LEFT JOIN lifecycle_spans b ON b.account_id = n.account_id AND b.ends_on = n.starts_on
"""


def openings_statement(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, stage, accounts): where accounts stood when periods opened."""
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.open_on")
    segs = segs_of(question)
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, periods)})
SELECT start_on{segs}, stage, CAST(COUNT(*) AS BIGINT) AS accounts
FROM (
    SELECT p.start_on, s.stage{segments}
    FROM periods p
    JOIN lifecycle_spans s ON s.starts_on <= p.open_on AND s.ends_on > p.open_on
    {joins}
) standing
WHERE {question.context.where()}
GROUP BY start_on{segs}, stage
ORDER BY start_on{segs}, stage"""


def rows_of(
    question: Question,
    moves: Iterable[Sequence[Any]],
    openings: Iterable[Sequence[Any]],
    periods: Sequence[Period],
) -> tuple[list[Move], list[StageFlow]]:
    """The rows and the stages of Transitions."""
    places = len(question.by)
    fiscal = question.config.company.fiscal_year_start
    counts: dict[tuple[Any, ...], dict[tuple[str | None, str], int]] = {}
    opened: dict[tuple[Any, ...], dict[str, int]] = {}
    for start, *rest in moves:
        values, (before, after, count) = tuple(rest[:places]), rest[places:]
        counts.setdefault((start, values), {})[before, after] = count
    for start, *rest in openings:
        values, (stage, accounts) = tuple(rest[:places]), rest[places:]
        opened.setdefault((start, values), {})[stage] = accounts
    by_start = {period.start: period for period in periods}
    order = {stage: place for place, stage in enumerate((None, *STAGES))}
    rows, flows = [], []
    for key in sorted({*counts, *opened}, key=lambda one: (one[0], question.order(one[1]))):
        start, values = key
        segment, name = question.segment(values), by_start[start].name(fiscal)
        is_open = question.as_of.is_open(by_start[start])
        cells = counts.get(key, {})
        for (before, after), count in sorted(
            cells.items(), key=lambda one: (order[one[0][0]], order[one[0][1]])
        ):
            out = sum(n for (b, _), n in cells.items() if b == before)
            part = share(count, out)
            rows.append(Move(
                start, is_open, segment, before, after, count, part.value, part.low, part.high,
                out < SMALL, name,
            ))
        for stage in STAGES:
            opening = opened.get(key, {}).get(stage, 0)
            entered = sum(n for (_, a), n in cells.items() if a == stage)
            left = sum(n for (b, _), n in cells.items() if b == stage)
            flows.append(StageFlow(
                start, is_open, segment, stage, LABELS[stage], opening, entered, left,
                opening + entered - left, name,
            ))
    return rows, flows
