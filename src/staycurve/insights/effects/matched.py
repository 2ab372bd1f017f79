"""What became of accounts that a playbook was carried out for, beside similar ones: no proof.

Without a holdout nobody knows what would have become of them. Each is compared with up to FIVE
accounts that were like it on the day: of the same plan, tenure band and use, and nearest in MRR,
for which nothing of the playbook was done. What such a comparison cannot see is why those accounts
were chosen, and that is said first. A placebo outcome, from before anything was done, shows whether
the two groups were going different ways already: what was done later cannot have moved it.

References
----------
Iacus, King & Porro (2012), Political Analysis 20:1-24 (matching on coarsened values). Rosenbaum
(2002), Observational Studies, ch. 6 (outcomes that are known not to be affected).
"""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Annotated, Any, Protocol

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    HighField,
    Key,
    Kind,
    LowField,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.effects.taking import USED_DAYS
from staycurve.insights.fit.mature import spells_statement
from staycurve.insights.shared.halves import place_of
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.dimensions import TENURE_BANDS
from staycurve.money import MICRO
from staycurve.tables.engine import FAR, AnyEngine

FIVE = 5
"""Accounts that one is compared with: more are less alike, fewer make the comparison noisier."""
CANDIDATES = 20_000
"""Accounts that are looked through for similar ones, taken by a hash where there are more."""
LEAST = 20
"""Matched accounts: with fewer the interval says nothing."""
USE_BANDS = (0, 1, 5, 13, 21)
"""Active days of the last 28: none, up to one a week, up to three, up to five, and more."""
Z = NormalDist().inv_cdf(0.975)

WEAKNESS = N_(
    "No accounts were held out: that these were chosen for a reason, and others not, may be all "
    "that the difference shows."
)
FEW = N_("only {matched} accounts have their {days} days behind them and a similar account; it "
         "takes {least}")
NEVER = N_("nothing has been done in an alert of this playbook yet")


class Doer(Reader, Protocol):
    """A company that knows for whom a playbook was carried out."""

    def acted(self, playbook: str) -> Mapping[str, dt.date]:
        """account_id → the day on which something was first done for it."""


@dataclass(frozen=True, kw_only=True)
class Compared(Row):
    """One outcome of those that something was done for, and of similar accounts."""

    outcome: Annotated[str, col(N_("Outcome"), Kind.NAME)]
    is_placebo: Annotated[
        bool, col(N_("Placebo"), Kind.FLAG, N_("From before anything was done: it should be 0."))
    ]
    accounts: Annotated[int, col(N_("Accounts"), Unit.COUNT, N_("With a similar account."))]
    done: Annotated[float, col(N_("With it"), Unit.RATIO)]
    similar: Annotated[float, col(N_("Similar"), Unit.RATIO, N_("Mean of their similar accounts."))]
    difference: Annotated[float, col(N_("Difference"), Unit.RATIO, ends=("low", "high"))]
    low: LowField
    high: HighField


@dataclass(frozen=True, kw_only=True)
class Matched(Answer):
    """A playbook's accounts beside similar ones."""

    as_of: AsOfField
    playbook: Annotated[str, Key(N_("The playbook."))]
    days: Annotated[int, Key(N_("Days after which outcomes are read."))]
    done: Annotated[int, Key(N_("Accounts for which something was done and the days are over."))]
    matched: Annotated[int, Key(N_("Of those, the ones that a similar account was found for."))]
    is_believable: Annotated[
        bool | None,
        Key(N_("Whether the placebo outcome is like that of similar accounts; empty without one.")),
    ]
    rows: Annotated[tuple[Compared, ...], Table(N_("Beside similar accounts"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("%(playbook)s beside similar accounts, as of %(as_of)s"),
                    {"playbook": (self.playbook, Kind.TEXT), "as_of": self.as_of})

    def said(self) -> tuple[Said, ...]:
        values: dict[str, str | Value | Said] = {
            "matched": (self.matched, Unit.COUNT), "done": (self.done, Unit.COUNT),
        }
        found = [Said(WEAKNESS)]
        if self.is_believable is False:
            found.append(Said(N_("Do not believe it: before anything was done the two groups were "
                                 "going different ways already (the placebo outcome).")))
        found.append(Said(N_("%(matched)s of %(done)s accounts have a similar one."), values))
        return tuple(found)


@insight("effects matched", comes_from="/playbooks")
def matched(
    company: Doer, *,
    playbook: Annotated[
        str, Param(N_("The playbook, by its name."), metavar="NAME", is_argument=True)
    ],
    days: Annotated[
        int, Param(N_("Days after which outcomes are read."), least=1, most=730)
    ] = 90,
    as_of: AsOfText = None,
) -> Matched:
    """What became of accounts that a playbook was carried out for, beside similar ones?"""
    seen = company.as_of(as_of)
    question = Question(company.config, seen)
    acted = company.acted(playbook)
    over = {
        account: day for account, day in acted.items()
        if day + dt.timedelta(days=days) <= question.last_whole_day
    }
    told: dict[str, Any] = {"as_of": seen.at.isoformat(), "playbook": playbook, "days": days}
    if not over:
        return Matched(**told, done=0, matched=0, is_believable=None, rows=(),
                       why=NEVER if not acted else
                       FEW.format(matched=0, days=days, least=LEAST), notes=(WEAKNESS,))
    sql = spells_statement(question)
    with company.seeing(seen) as engine:
        history = _read(engine, sql, over, acted)
    pairs = [
        (account, day, similar)
        for account, day in sorted(over.items())
        if (similar := history.similar(account, day, days, acted))
    ]
    rows = tuple(
        row for name, is_placebo in (
            ("retention", False), ("upgrade", False), ("active_days", False),
            ("upgrade_before", True),
        ) if (row := _compared(history, pairs, days, name, is_placebo)) is not None
    ) if len(pairs) >= LEAST else ()
    placebo = next((row for row in rows if row.is_placebo), None)
    return Matched(
        **told, done=len(over), matched=len(pairs), rows=rows, sql=sql, notes=(WEAKNESS,),
        is_believable=None if placebo is None else _holds(placebo, 0.0),
        why=None if rows else FEW.format(matched=len(pairs), days=days, least=LEAST),
    )


def _holds(row: Compared, value: float) -> bool | None:
    if row.low is None or row.high is None:
        return None
    return row.low <= value <= row.high


@dataclass(frozen=True)
class History:
    """What accounts paid and when they were active, to be asked as of any day.

    Attributes
    ----------
    spells : mapping
        account_id → its spells, each (first_paid_on, starts_on, ends_on, mrr).
    plans : mapping
        account_id → (starts_on, ends_on, plan) of its items, the largest first.
    active : mapping
        account_id → ordinals of its active days, rising.
    has_events : bool
        Whether any are loaded.
    """

    spells: Mapping[str, Sequence[tuple[dt.date, dt.date, dt.date, int]]]
    plans: Mapping[str, Sequence[tuple[dt.date, dt.date, str | None]]]
    active: Mapping[str, Sequence[int]]
    has_events: bool
    cells: dict[dt.date, dict[tuple[Any, ...], list[str]]] = field(default_factory=dict)

    def mrr(self, account: str, day: dt.date) -> float:
        """MRR at the close of a day, in major units."""
        return next(
            (mrr / MICRO for _first, starts, ends, mrr in self.spells.get(account, ())
             if starts <= day < ends), 0.0,
        )

    def active_days(self, account: str, day: dt.date) -> int:
        """Active days of the 28 up to a day."""
        days = self.active.get(account, ())
        last = day.toordinal()
        return bisect_right(days, last) - bisect_left(days, last - USED_DAYS + 1)

    def cell(self, account: str, day: dt.date) -> tuple[Any, ...] | None:
        """What similar accounts have in common; None for one that does not pay."""
        if self.mrr(account, day) <= 0:
            return None
        first = self.spells[account][0][0]
        months = (day - first).days / 30.44
        plan = next(
            (name for starts, ends, name in self.plans.get(account, ()) if starts <= day < ends),
            None,
        )
        band = sum(months >= low for low, _label in TENURE_BANDS)
        use = sum(self.active_days(account, day) >= low for low in USE_BANDS)
        return plan, band, use

    def similar(
        self, account: str, day: dt.date, days: int, acted: Mapping[str, dt.date]
    ) -> list[str]:
        """Up to FIVE accounts of the same cell, nearest in MRR, that nothing was done for."""
        own = self.cell(account, day)
        if own is None:
            return []
        end = day + dt.timedelta(days=days)
        size = math.log(self.mrr(account, day))
        # Whose turn comes after the days are over was not treated within them.
        found = [
            (abs(math.log(self.mrr(other, day)) - size), other)
            for other in self._cells(day).get(own, ())
            if other != account and (other not in acted or acted[other] > end)
        ]
        return [other for _gap, other in sorted(found)[:FIVE]]

    def _cells(self, day: dt.date) -> dict[tuple[Any, ...], list[str]]:
        if day not in self.cells:
            by_cell: dict[tuple[Any, ...], list[str]] = {}
            for other in self.spells:
                cell = self.cell(other, day)
                if cell is not None:
                    by_cell.setdefault(cell, []).append(other)
            self.cells[day] = by_cell
        return self.cells[day]

    def outcome(self, account: str, day: dt.date, days: int, name: str) -> float:
        """One outcome of an account whose days began on a day."""
        end = day + dt.timedelta(days=days)
        if name == "retention":
            return float(self.mrr(account, end) > 0)
        if name == "active_days":
            return float(self.active_days(account, end))
        if name == "upgrade_before":
            before = self.mrr(account, day - dt.timedelta(days=days))
            return float(before > 0 and self.mrr(account, day) > before)
        return float(self.mrr(account, end) > self.mrr(account, day))


def _read(
    engine: AnyEngine, sql: str, over: Mapping[str, dt.date], acted: Mapping[str, dt.date]
) -> History:
    spells: dict[str, list[tuple[dt.date, dt.date, dt.date, int]]] = {}
    for account, first, starts, ends, mrr, _pays in engine.rows(sql):
        spells.setdefault(account, []).append((first, starts, ends, mrr))
    if len(spells) > CANDIDATES:
        chosen = sorted(spells, key=lambda one: place_of("similar accounts", one))[:CANDIDATES]
        wanted = {*chosen, *acted}
        spells = {account: own for account, own in spells.items() if account in wanted}
    plans: dict[str, list[tuple[dt.date, dt.date, str | None]]] = {}
    for account, starts, ends, plan in engine.rows(f"""
SELECT account_id, starts_on, coalesce(ends_on, {FAR}) AS ends_on, plan FROM mrr_items
WHERE amount > 0
ORDER BY account_id, amount DESC, subscription_id, coalesce(item_id, ''), starts_at"""):
        if account in spells:
            plans.setdefault(account, []).append((starts, ends, plan))
    earliest = min(over.values()) - dt.timedelta(days=2 * USED_DAYS)
    active: dict[str, list[int]] = {}
    for account, day in engine.rows(
        "SELECT DISTINCT account_id, day FROM usage_days WHERE is_active "
        f"AND account_id IS NOT NULL AND day >= DATE '{earliest}' ORDER BY account_id, day"
    ):
        if account in spells:
            active.setdefault(account, []).append(day.toordinal())
    return History(spells, plans, active, bool(active))


def _compared(
    history: History, pairs: Sequence[tuple[str, dt.date, list[str]]], days: int, name: str,
    is_placebo: bool,
) -> Compared | None:
    if name == "active_days" and not history.has_events:
        return None
    own, others = [], []
    for account, day, similar in pairs:
        own.append(history.outcome(account, day, days, name))
        found = [history.outcome(one, day, days, name) for one in similar]
        others.append(sum(found) / len(found))
    gaps = [one - other for one, other in zip(own, others, strict=True)]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1) / len(gaps))
    return Compared(
        outcome=name, is_placebo=is_placebo, accounts=len(pairs), done=sum(own) / len(own),
        similar=sum(others) / len(others), difference=mean, low=mean - Z * spread,
        high=mean + Z * spread,
    )
