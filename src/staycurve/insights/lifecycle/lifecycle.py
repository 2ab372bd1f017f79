"""The lifecycle read: who is in which stage, who moved, and what every account went through.

Every statement here names the relation `lifecycle_spans`, whose rows are every visit of every
account (`staycurve.insights.lifecycle.lifecycle_spans`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.shared.members import Question, segs_of
from staycurve.insights.statistics.proportions import share
from staycurve.lifecycle_rules import LABELS, STAGES, THRESHOLDS, LifecycleRules
from staycurve.metrics.dimensions import FIRSTS_SQL, ITEM_TRAITS
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import Period

SMALL = 30
"""Shares of fewer accounts than this are marked: one account moves them by over three points."""

NOBODY = N_("no account is known yet, as of this instant")
UNTRACKED = N_(
    "No events are loaded: what rests on use is not known, and stages come from leads, trials and "
    "payments alone."
)
TRACKED_LATE = N_("Use is known from {day} on; before it, stages come from payments alone.")

_OWN = ("lifecycle", "lifecycle_now")
"""Dimensions that are what is read here."""

Row = dict[str, Any]
Open = Callable[..., list[Row]]


@dataclass(frozen=True)
class Reading:
    """What every answer about the lifecycle carries.

    Attributes
    ----------
    rows : list of dict
        One row a number or a group of them.
    notes : tuple of str
        What a reader must know.
    why : str, optional
        Why there are no rows.
    """

    as_of: str
    currency: str
    rows: list[Row]
    notes: tuple[str, ...] = ()
    why: str | None = None
    sql: str = field(repr=False, default="")
    _open: Open | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "currency": self.currency,
            **({"notes": list(self.notes)} if self.notes else {}),
            **({"why": self.why} if self.why else {}),
            "rows": self.rows,
        }

    def to_json(self) -> str:
        """The same as one JSON text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, default=str)

    def accounts(self, **which: Any) -> list[Row]:
        """The accounts behind a number; see the answer's own words on what `which` takes."""
        if self._open is None:
            raise NotAnsweredError(
                "These numbers belong to no accounts.", hint="Ask `show` for their rows."
            )
        return self._open(**which)


@dataclass(frozen=True)
class Transitions(Reading):
    """Moves between stages, and what each stage opened and closed with.

    Attributes
    ----------
    rows : list of dict
        period, open, segment, from, to, count, share (of the moves out of `from`, with low and
        high), is_small. `from` is None where accounts became known.
    stages : list of dict
        period, open, segment, stage, opening, entered, left, closing: opening + entered − left
        = closing. In a cut by what changes with time it need not be.
    """

    stages: list[Row] = field(default_factory=list)

    def as_dict(self) -> Row:
        return {**super().as_dict(), "stages": self.stages}

    def matrix(self, period: str | None = None) -> dict[str, dict[str, int]]:
        """from → to → count of one period, or of all together; arrivals stand under ''."""
        found: dict[str, dict[str, int]] = {}
        for row in self.rows:
            if period is None or row["period"].startswith(period):
                cells = found.setdefault(row["from"] or "", {})
                cells[row["to"]] = cells.get(row["to"], 0) + row["count"]
        return found


def check(question: Question, attributes: Sequence[str]) -> None:
    """Raise where a dimension is not known, or is not an account's own."""
    known = [d for d in known_dims(RELATIONS["closing"], attributes) if d not in ITEM_TRAITS]
    known = [dim for dim in known if dim not in _OWN]
    for dim in question.dims:
        if dim in (*ITEM_TRAITS, *_OWN):
            raise NotAnsweredError(
                f"The lifecycle cannot be cut by {dim}: it is not one of an account at a time.",
                hint=f"Cut it by: {', '.join(known)}",
                dimension=dim,
            )
        if dim not in known:
            raise UnknownNameError("dimension", dim, known)


def check_stage(stage: str | None) -> None:
    """Raise for a stage that is not known."""
    if stage is not None and stage not in STAGES:
        raise UnknownNameError("stage", stage, STAGES)


def rules_shown(rules: LifecycleRules) -> Row:
    """The rules in force in words, and their numbers with default and reason."""
    return {
        "rows": [
            {
                "rule": place, "stage": rule.stage, "label": LABELS[rule.stage],
                "when": list(rule.when), "words": rules.rule_words(place),
            }
            for place, rule in enumerate(rules.rules)
        ],
        "thresholds": [
            {
                "key": key, "value": rules.threshold(key), "default": known.default,
                "about": known.about, "why": known.why,
            }
            for key, known in THRESHOLDS.items()
        ],
    }


def shared_sql(question: Question) -> str:
    """The relations `firsts` and of moving dimensions, to follow WITH, each with a comma."""
    return f"firsts AS ({FIRSTS_SQL}),\n{question.context.segment_ctes}"


def mrr_sql(question: Question, period: Period) -> str:
    """SQL of rows (account_id, start_on, mrr) at the close of the relation `periods`."""
    # The same rows that `mrr` sums, whatever the accounts are cut by.
    context = replace(
        question.context, dims=(), by_count=0, filters=(), periods=(period,), grain=period.grain
    )
    return (
        "SELECT account_id, start_on, CAST(SUM(value) AS HUGEINT) AS mrr "
        f"FROM ({RELATIONS['closing'].rows(context)}) closing GROUP BY account_id, start_on"
    )


def points_sql(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, open_on, close_on), the close no later than what is seen."""
    rows = ", ".join(
        f"(DATE '{p.start}', DATE '{p.start - dt.timedelta(days=1)}', "
        f"DATE '{min(p.end - dt.timedelta(days=1), question.as_of.last_day)}')"
        for p in periods
    )
    return f"SELECT * FROM (VALUES {rows}) AS v(start_on, open_on, close_on)"


def stages_statement(question: Question, periods: Sequence[Period]) -> str:
    """SQL of rows (start_on, seg…, stage, accounts, mrr) at each period's close."""
    segments, joins = question.context.segments(account="s.account_id", own={}, day="p.close_on")
    segs = segs_of(question)
    return f"""WITH {shared_sql(question)}periods AS ({points_sql(question, periods)}),
paid AS ({mrr_sql(question, periods[0])})
SELECT start_on{segs}, stage, CAST(COUNT(*) AS BIGINT) AS accounts,
       CAST(SUM(coalesce(mrr, 0)) AS HUGEINT) AS mrr
FROM (
    SELECT p.start_on, s.account_id, s.stage, m.mrr{segments}
    FROM periods p
    JOIN lifecycle_spans s ON s.starts_on <= p.close_on AND s.ends_on > p.close_on
    LEFT JOIN paid m ON m.account_id = s.account_id AND m.start_on = p.start_on
    {joins}
) standing
WHERE {question.context.where()}
GROUP BY start_on{segs}, stage
ORDER BY start_on{segs}, stage"""


def stages_rows(
    question: Question, answer: Iterable[Sequence[Any]], periods: Sequence[Period]
) -> list[Row]:
    """period, open, segment, stage, label, accounts, share (with low, high), mrr, is_small."""
    places = len(question.by)
    found: dict[tuple[Any, ...], dict[str, tuple[int, int]]] = {}
    for start, *rest in answer:
        values, (stage, accounts, mrr) = tuple(rest[:places]), rest[places:]
        found.setdefault((start, values), {})[stage] = (accounts, mrr)
    by_start = {period.start: period for period in periods}
    rows = []
    for (start, values), stages in sorted(
        found.items(), key=lambda one: (one[0][0], question.order(one[0][1]))
    ):
        whole = sum(accounts for accounts, _ in stages.values())
        for stage in STAGES:
            accounts, mrr = stages.get(stage, (0, 0))
            part = share(accounts, whole)
            rows.append({
                "period": str(start), "open": question.as_of.is_open(by_start[start]),
                "segment": question.segment(values), "stage": stage, "label": LABELS[stage],
                "accounts": accounts, "share": part.value, "low": part.low, "high": part.high,
                "mrr": mrr / MICRO, "is_small": whole < SMALL,
            })
    return rows


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


def transitions_rows(
    question: Question,
    moves: Iterable[Sequence[Any]],
    openings: Iterable[Sequence[Any]],
    periods: Sequence[Period],
) -> tuple[list[Row], list[Row]]:
    """The rows and the stages of Transitions."""
    places = len(question.by)
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
    rows, stages = [], []
    for key in sorted({*counts, *opened}, key=lambda one: (one[0], question.order(one[1]))):
        start, values = key
        head: Row = {
            "period": str(start), "open": question.as_of.is_open(by_start[start]),
            "segment": question.segment(values),
        }
        cells = counts.get(key, {})
        for (before, after), count in sorted(
            cells.items(), key=lambda one: (order[one[0][0]], order[one[0][1]])
        ):
            out = sum(n for (b, _), n in cells.items() if b == before)
            part = share(count, out)
            rows.append({
                **head, "from": before, "to": after, "count": count, "share": part.value,
                "low": part.low, "high": part.high, "is_small": out < SMALL,
            })
        for stage in STAGES:
            opening = opened.get(key, {}).get(stage, 0)
            entered = sum(n for (_, a), n in cells.items() if a == stage)
            left = sum(n for (b, _), n in cells.items() if b == stage)
            stages.append({
                **head, "stage": stage, "label": LABELS[stage], "opening": opening,
                "entered": entered, "left": left, "closing": opening + entered - left,
            })
    return rows, stages


def notes_of(first_use: dt.date | None, rules: LifecycleRules) -> tuple[str, ...]:
    """What a reader must know of how far use is known."""
    if first_use is None:
        return (UNTRACKED,)
    known = first_use + dt.timedelta(days=rules.trailing_days - 1)
    return (TRACKED_LATE.format(day=known),)
