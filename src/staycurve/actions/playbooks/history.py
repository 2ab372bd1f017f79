"""Dry run: what playbooks would have opened in the last months, and what came of it.

Rules are looked at every seven days with what was known of each day then; an account that is in a
rule at the first look did not come into it within the months, and is not counted.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from staycurve.actions.facts.base import Moment, Together, kept_usage
from staycurve.actions.playbooks.base import FEW, SHARE, Playbook
from staycurve.actions.playbooks.finding import evidence_facts
from staycurve.actions.rules.conditions import known_of
from staycurve.errors import NotAnsweredError
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.proportions import share
from staycurve.period import AsOf, as_of, day_start

LOOK_EVERY = 7
MONTHS = 12


class Moments(Protocol):
    """Opens a moment."""

    def __call__(
        self, seen: AsOf, *, usage: str, together: Together
    ) -> AbstractContextManager[Moment]:
        """The moment as of an instant; `usage` and `together` as Moment says."""


@dataclass
class Past:
    """What one playbook would have done.

    Attributes
    ----------
    opened : list of (day, account_id)
        Entries, oldest first.
    judged, came : int
        Entries whose outcome is known by now, and those after which it came.
    points, points_came : int
        The same of every account that the outcome could befall, at every look: the base rate.
    """

    opened: list[tuple[dt.date, str]] = field(default_factory=list)
    looks: int = 0
    too_many: int = 0
    why: str = ""
    judged: int = 0
    came: int = 0
    points: int = 0
    points_came: int = 0

    def as_dict(self, playbook: Playbook) -> dict[str, Any]:
        """As JSON; rates are fractions."""
        precision = share(self.came, self.judged)
        months: dict[str, int] = {}
        for day, _account in self.opened:
            months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + 1
        return {
            "opened": len(self.opened), "looks": self.looks,
            "by_month": [{"month": month, "opened": n} for month, n in sorted(months.items())],
            "accounts": [
                {"account_id": account, "opened_on": day.isoformat()}
                for day, account in self.opened
            ],
            "outcome": playbook.outcome or None, "outcome_days": playbook.outcome_days,
            "judged": self.judged, "came": self.came,
            "precision": precision.value, "precision_low": precision.low,
            "precision_high": precision.high,
            "base_rate": self.points_came / self.points if self.points else None,
            "why": self.why or self._why(playbook),
        }

    def _why(self, playbook: Playbook) -> str | None:
        if not playbook.outcome:
            return "the playbook names no outcome"
        if not self.opened:
            return "nobody came into the rule in these months"
        if not self.judged:
            return f"no alert of it is {playbook.outcome_days} days old yet"
        return None


@dataclass(frozen=True)
class Looks:
    """The days at which rules are looked at, oldest first, and what their moments share."""

    at: tuple[AsOf, ...]
    usage: str
    together: Together


@contextmanager
def looking(
    company: Reader, playbooks: Sequence[Playbook], seen: AsOf, *, months: int = MONTHS
) -> Iterator[Looks]:
    """The looks of the months before an instant: what all of them read is read once."""
    zone = company.config.company.zone
    at = tuple(
        as_of(day_start(day + dt.timedelta(days=1), zone), zone)
        for day in _days(seen.last_day, months)
    )
    facts = {name for one in playbooks for name in evidence_facts(one)}
    with company.seeing(at[-1]) as engine, kept_usage(engine, facts) as usage:
        yield Looks(at, usage, Together(tuple(one.last_day for one in at)))


def past_of(
    company: Reader, playbooks: Sequence[Playbook], seen: AsOf, looks: Looks, moments: Moments
) -> dict[str, Past]:
    """What each playbook would have opened at the looks before an instant."""
    found = {one.name: Past() for one in playbooks}
    inside: dict[str, frozenset[str]] = {}
    outcomes = _Outcomes(company, seen)
    for then in looks.at:
        with moments(then, usage=looks.usage, together=looks.together) as moment:
            every = moment.accounts()
            for one in playbooks:
                _look(one, found[one.name], moment, every, inside)
                outcomes.count(one, found[one.name], every, then.last_day)
    for one in playbooks:
        outcomes.judge(one, found[one.name])
    return found


def _look(
    playbook: Playbook, past: Past, moment: Moment, every: Sequence[str],
    inside: dict[str, frozenset[str]],
) -> None:
    try:
        known = known_of(moment, playbook.rule.facts)
    except NotAnsweredError as error:
        past.why = error.message
        return
    before = inside.get(playbook.name)
    held = before or frozenset()
    members = frozenset(
        one for one in every if playbook.rule.matches(known, one, is_in=one in held)
    )
    past.looks += 1
    if len(members) >= FEW and len(members) > SHARE * len(every):
        past.too_many += 1
    if before is not None:
        past.opened += [(moment.seen.last_day, one) for one in sorted(members - before)]
    inside[playbook.name] = members


def _days(last: dt.date, months: int) -> Iterator[dt.date]:
    count = round(months * 365.25 / 12 / LOOK_EVERY)
    return (last - dt.timedelta(days=LOOK_EVERY * back) for back in range(count, -1, -1))


class _Outcomes:
    """On which days accounts churned, grew and came to pay, up to an instant."""

    def __init__(self, company: Reader, seen: AsOf) -> None:
        self.last = seen.last_day
        sql = f"""SELECT account_id, day, before, after FROM mrr_movements
WHERE day <= DATE '{self.last}' ORDER BY account_id, day, last_mark"""
        self.days: dict[str, dict[str, list[dt.date]]] = {
            "churned": {}, "expanded": {}, "paying": {},
        }
        self.levels: dict[str, tuple[list[dt.date], list[int]]] = {}
        with company.seeing(seen) as engine:
            for account, day, before, after in engine.rows(sql):
                days, levels = self.levels.setdefault(account, ([], []))
                days.append(day)
                levels.append(after)
                if before > 0 == after:
                    self.days["churned"].setdefault(account, []).append(day)
                elif before == 0 < after:
                    self.days["paying"].setdefault(account, []).append(day)
                elif after > before > 0:
                    self.days["expanded"].setdefault(account, []).append(day)

    def _came(self, playbook: Playbook, account: str, day: dt.date) -> bool:
        days = self.days[playbook.outcome].get(account, [])
        place = bisect.bisect_right(days, day)
        return place < len(days) and days[place] <= day + dt.timedelta(playbook.outcome_days)

    def _is_known(self, playbook: Playbook, day: dt.date) -> bool:
        return day + dt.timedelta(days=playbook.outcome_days) <= self.last

    def _can_come(self, playbook: Playbook, account: str, day: dt.date) -> bool:
        days, levels = self.levels.get(account, ([], []))
        place = bisect.bisect_right(days, day)
        pays = place > 0 and levels[place - 1] > 0
        # Coming back is for those who paid before and do not now.
        return (place > 0 and not pays) if playbook.outcome == "paying" else pays

    def count(self, playbook: Playbook, past: Past, every: Sequence[str], day: dt.date) -> None:
        """Count the base rate at one look."""
        if not playbook.outcome or not self._is_known(playbook, day):
            return
        own = [one for one in every if self._can_come(playbook, one, day)]
        past.points += len(own)
        past.points_came += sum(self._came(playbook, one, day) for one in own)

    def judge(self, playbook: Playbook, past: Past) -> None:
        """Count what came after the entries."""
        if not playbook.outcome:
            return
        known = [
            (day, one) for day, one in past.opened
            if self._is_known(playbook, day) and self._can_come(playbook, one, day)
        ]
        past.judged = len(known)
        past.came = sum(self._came(playbook, one, day) for day, one in known)
