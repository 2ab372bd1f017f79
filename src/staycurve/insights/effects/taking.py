"""Who takes part in an experiment, and what became of each within its days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from staycurve.experiments import LEADS, Arms, Experiment
from staycurve.insights.effects.arm import Arm
from staycurve.insights.effects.attributes import text_of
from staycurve.insights.fit.mature import spells_statement
from staycurve.insights.shared.halves import is_held_out
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.money import MICRO
from staycurve.tables.engine import AnyEngine, quoted, timestamp

USED_DAYS = 28
"""Days whose activity is an outcome: four whole weeks, so that no weekday counts twice."""
BATCH = 2_000
"""Accounts of one statement."""


class Drawer(Reader, Protocol):
    """A company whose arms are kept."""

    def arms(self, experiment: str) -> Mapping[str, Arm]:
        """account_id → its arm, of an experiment whose arms are kept."""


@dataclass(frozen=True)
class Taking:
    """One account of an experiment whose days are over: MRR at its first and last day.

    Attributes
    ----------
    known_on : date
        The last of its days.
    active_before, active_after : int, optional
        Active days in the 28 before its first day, and in the last 28 of its days; None where no
        events reach there.
    answers, answer_sum : int
        Its people's last NPS answers within its days: how many, and their sum, each 100, 0 or -100.
    has_converted : bool
        Whether it paid at all within its days.
    """

    account_id: str
    known_on: dt.date
    is_held_out: bool
    before: float
    after: float
    active_before: int | None = None
    active_after: int | None = None
    answers: int = 0
    answer_sum: int = 0
    has_converted: bool = True

    def outcome(self, name: str) -> float:
        """1 where it happened, else 0; `mrr` and `active_days` are numbers."""
        if name == "mrr":
            return self.after
        if name == "active_days":
            return float(self.active_after or 0)
        if name == "usage":
            return float(bool(self.active_after))
        if name == "conversion":
            return float(self.has_converted)
        return float(self.after > (self.before if name == "upgrade" else 0.0))

    def has(self, name: str) -> bool:
        """Whether the outcome is known of it."""
        if name in ("usage", "active_days"):
            return self.active_after is not None
        if name == "nps":
            return self.answers > 0
        return True


@dataclass(frozen=True)
class Entry:
    """When an account's days begin, and its arm."""

    starts_on: dt.date
    is_held_out: bool


@dataclass(frozen=True)
class Took:
    """Everyone who takes part: those whose days are over, in that order, and how many wait."""

    known: tuple[Taking, ...]
    waiting: int
    sql: str


def took(company: Drawer, asked: Experiment, question: Question) -> Took:
    """Who takes part as of an instant, with every outcome."""
    sql = spells_statement(question)
    last_day = question.last_whole_day
    with company.seeing(question.as_of) as engine:
        rows = engine.rows(sql)
        if asked.arms is not None and asked.arms.of == LEADS:
            known, waiting = _leads(engine, rows, asked, asked.arms, question)
        else:
            entries = _entries(company, engine, rows, asked, last_day)
            known, waiting = taking(rows, asked, last_day, entries)
        known = _with_use(engine, known, asked.days, last_day)
        known = _with_answers(engine, known, asked.days, question)
    return Took(tuple(known), waiting, sql)


def taking(
    spells: Sequence[Sequence[Any]], asked: Experiment, last_day: dt.date,
    entries: Mapping[str, Entry] | None = None,
) -> tuple[list[Taking], int]:
    """Accounts whose days are over, in that order, and how many more take part.

    Parameters
    ----------
    spells : rows of (account_id, first_paid_on, starts_on, ends_on, mrr, is_paying)
    entries : mapping, optional
        Who takes part since when, in which arm. Without, everyone who pays, by a hash.
    """
    by_account = _by_account(spells)
    known, waiting = [], 0
    if entries is None:
        entries = dict(_paying(by_account, asked))
    for account_id, entry in entries.items():
        own = by_account.get(account_id, [])
        if entry.starts_on > last_day:
            continue
        end = entry.starts_on + dt.timedelta(days=asked.days)
        if end > last_day:
            waiting += 1
            continue
        known.append(Taking(
            account_id, end, entry.is_held_out, _mrr_at(own, entry.starts_on), _mrr_at(own, end),
            has_converted=bool(own) and own[0][1] <= end,
        ))
    return sorted(known, key=lambda one: (one.known_on, one.account_id)), waiting


def past(company: Reader, question: Question, days: int) -> list[Taking]:
    """Every account that paid so many days ago, with what became of it since: no experiment."""
    start = question.last_whole_day - dt.timedelta(days=days)
    with company.seeing(question.as_of) as engine:
        by_account = _by_account(engine.rows(spells_statement(question)))
        known = [
            Taking(account, question.last_whole_day, False, _mrr_at(own, start),
                   _mrr_at(own, question.last_whole_day))
            for account, own in sorted(by_account.items()) if _mrr_at(own, start)
        ]
        return _with_answers(engine, known, days, question)


def _by_account(spells: Sequence[Sequence[Any]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = {}
    for row in spells:
        found.setdefault(row[0], []).append(row)
    return found


def _paying(
    by_account: Mapping[str, Sequence[Sequence[Any]]], asked: Experiment
) -> Iterator[tuple[str, Entry]]:
    """Everyone who pays on the first day, or comes to."""
    for account_id, own in by_account.items():
        start = asked.starts_on
        if not _mrr_at(own, start):
            start = own[0][1]
            if start < asked.starts_on or not _mrr_at(own, start):
                continue
        held = is_held_out(asked.salt, account_id, share=asked.holdout)
        yield account_id, Entry(start, held)


def _entries(
    company: Drawer, engine: AnyEngine, spells: Sequence[Sequence[Any]], asked: Experiment,
    last_day: dt.date,
) -> dict[str, Entry] | None:
    if asked.arms is not None:
        arms = asked.arms
        values = _values(engine, arms)
        wanted = {arms.treated: False, arms.control: True}
        starts = dict(_paying(_by_account(spells), asked))
        return {
            account: Entry(entry.starts_on, wanted[values[account]])
            for account, entry in starts.items() if values.get(account) in wanted
        }
    if not asked.is_kept:
        return None
    counted = {
        one for (one,) in engine.rows(
            "SELECT DISTINCT root_id FROM account_roots WHERE NOT is_excluded ORDER BY root_id"
        )
    }
    return {
        account: Entry(arm.entered_on, arm.is_held_out)
        for account, arm in company.arms(asked.name).items()
        if account in counted and asked.starts_on <= arm.entered_on <= last_day
    }


def _values(engine: AnyEngine, arms: Arms) -> dict[str, str]:
    """account_id → the attribute that tells its arm."""
    return {
        account: value
        for account, channel, more in engine.rows(
            "SELECT account_id, channel, attributes FROM accounts ORDER BY account_id"
        )
        if (value := text_of(arms.by, channel, more)) is not None
    }


def _leads(
    engine: AnyEngine, spells: Sequence[Sequence[Any]], asked: Experiment, arms: Arms,
    question: Question,
) -> tuple[list[Taking], int]:
    by_account = _by_account(spells)
    at = timestamp(question.as_of.at)
    wanted = {arms.treated: False, arms.control: True}
    known, waiting = [], 0
    for lead, account, came_on, won_on, channel, more in engine.rows(f"""
SELECT l.lead_id, r.root_id AS account_id, l.created_on,
       CASE WHEN l.won_at < {at} THEN l.won_on END AS won_on, l.channel, l.attributes
FROM leads l
LEFT JOIN account_roots r ON r.account_id = l.account_id
WHERE l.created_at < {at} AND coalesce(r.is_excluded, FALSE) = FALSE
  AND l.created_on >= DATE '{asked.starts_on}'
ORDER BY l.lead_id"""):
        value = text_of(arms.by, channel, more)
        if value not in wanted:
            continue
        end = came_on + dt.timedelta(days=asked.days)
        if end > question.last_whole_day:
            waiting += 1
            continue
        own = by_account.get(account, [])
        paid = any(row[1] <= end for row in own)
        known.append(Taking(
            lead, end, wanted[value], 0.0, _mrr_at(own, end),
            has_converted=paid or (won_on is not None and won_on <= end),
        ))
    return sorted(known, key=lambda one: (one.known_on, one.account_id)), waiting


def _mrr_at(spells: Sequence[Sequence[Any]], day: dt.date) -> float:
    return next((row[4] / MICRO for row in spells if row[2] <= day < row[3]), 0.0)


def batches(known: Sequence[Taking]) -> Iterable[Sequence[Taking]]:
    """So many at a time as one statement carries."""
    return (known[place : place + BATCH] for place in range(0, len(known), BATCH))


def windows_sql(known: Sequence[Taking], days: int) -> str:
    """The relation (account_id, starts_on, ends_on) of each account's days, to read FROM."""
    rows = ", ".join(
        f"({quoted(one.account_id)}, DATE '{one.known_on - dt.timedelta(days=days)}', "
        f"DATE '{one.known_on}')"
        for one in known
    )
    return f"(SELECT * FROM (VALUES {rows}) AS v(account_id, starts_on, ends_on))"


def _with_use(
    engine: AnyEngine, known: Sequence[Taking], days: int, last_day: dt.date
) -> list[Taking]:
    """The same with their active days, where events reach so far back."""
    first = engine.value("SELECT MIN(day) FROM usage_days")
    if first is None or not known:
        return list(known)
    found = []
    for some in batches(known):
        counts = {
            account: (before, after)
            for account, before, after in engine.rows(f"""
SELECT w.account_id,
       COUNT(DISTINCT CASE WHEN u.day < w.starts_on THEN u.day END) AS active_before,
       COUNT(DISTINCT CASE WHEN u.day > CAST(w.ends_on - INTERVAL {USED_DAYS} DAY AS DATE)
                           THEN u.day END) AS active_after
FROM {windows_sql(some, days)} w
JOIN usage_days u ON u.account_id = w.account_id AND u.is_active AND u.day <= w.ends_on
     AND (u.day > CAST(w.ends_on - INTERVAL {USED_DAYS} DAY AS DATE)
          OR (u.day < w.starts_on
              AND u.day >= CAST(w.starts_on - INTERVAL {USED_DAYS} DAY AS DATE)))
GROUP BY w.account_id ORDER BY w.account_id""")
        }
        for one in some:
            before, after = counts.get(one.account_id, (0, 0))
            starts = one.known_on - dt.timedelta(days=days)
            has_before = starts - dt.timedelta(days=USED_DAYS) >= first
            has_after = one.known_on - dt.timedelta(days=USED_DAYS) >= first
            found.append(replace(
                one, active_before=int(before) if has_before else None,
                active_after=int(after) if has_after else None,
            ))
    return found


def _with_answers(
    engine: AnyEngine, known: Sequence[Taking], days: int, question: Question
) -> list[Taking]:
    """The same with the last NPS answer of each of their people within their days."""
    found = []
    for some in batches(known):
        counts = {
            account: (people, total)
            for account, people, total in engine.rows(f"""
SELECT account_id, COUNT(*) AS people,
       CAST(SUM(CASE WHEN score >= 9 THEN 100 WHEN score <= 6 THEN -100 ELSE 0 END) AS BIGINT)
       AS total
FROM (
    SELECT w.account_id, a.score, row_number() OVER (
               PARTITION BY w.account_id, coalesce(a.user_id, a.answer_id)
               ORDER BY a.answered_at DESC, a.answer_id DESC) AS place
    FROM answers a
    LEFT JOIN users u ON u.user_id = a.user_id
    JOIN account_roots r ON r.account_id = coalesce(a.account_id, u.account_id)
    JOIN {windows_sql(some, days)} w ON w.account_id = r.root_id
         AND a.answered_on >= w.starts_on AND a.answered_on <= w.ends_on
    WHERE a.kind = 'nps' AND a.score IS NOT NULL
      AND a.answered_at < {timestamp(question.as_of.at)}
) last
WHERE place = 1
GROUP BY account_id ORDER BY account_id""")
        }
        for one in some:
            people, total = counts.get(one.account_id, (0, 0))
            found.append(replace(one, answers=int(people), answer_sum=int(total or 0)))
    return found
