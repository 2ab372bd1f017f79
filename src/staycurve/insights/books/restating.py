"""What changed in a closed month since: figure by figure, account by account, and by which load."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Row, Said, col
from staycurve.insights.books.closing import (
    MOVED,
    account_figures,
    closed_months,
    figures,
)
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.relations import RELATIONS
from staycurve.money import MICRO
from staycurve.period import as_of, period_of
from staycurve.tables import books
from staycurve.tables.books import ClosedMonth
from staycurve.tables.pointer import LoadRecord, undone_by

MOST = 512
"""Closed months whose restatements are remembered."""

_BEHIND_MRR = frozenset(
    {"subscriptions", "invoice_lines", "plans", "payments", "accounts", "fx_rates"}
)


@dataclass(frozen=True)
class Reason(Row):
    """Why a closed figure is another one now."""

    loads: Annotated[
        tuple[int, ...],
        Key(N_("The loads that changed its rows; several where they changed the same "
               "accounts, none where only conventions did.")),
    ]
    difference: Annotated[
        float | None, Key(N_("What they change, now less closed; empty where it is not known."))
    ]
    accounts: Annotated[int, Key(N_("How many accounts changed by them."))]


@dataclass(frozen=True)
class RestatedFigure(Row):
    """A figure of a closed month that is another one now."""

    month: Annotated[str, col(N_("Month"), Kind.MONTH)]
    metric: Annotated[str, col(N_("Metric"))]
    closed: Annotated[
        float | None, col(N_("Closed"), Unit.RATIO, N_("When it was closed."), shown_as="was")
    ]
    now: Annotated[float | None, col(N_("Now"), Unit.RATIO, shown_as="is_now")]
    difference: Annotated[
        float | None, col(N_("Difference"), Unit.RATIO, N_("Now less closed."), shown_as="changed")
    ]
    reasons: Annotated[tuple[Reason, ...], Key(N_("The largest difference first."))]

    @property
    def was(self) -> Said:
        """What it was when the month was closed."""
        return self._valued(self.closed)

    @property
    def is_now(self) -> Said:
        """What it is now."""
        return self._valued(self.now)

    @property
    def changed(self) -> Said:
        """Now less closed."""
        return self._valued(self.difference)

    def _valued(self, value: float | None) -> Said:
        return Said("%(value)s", {"value": (value, METRICS[self.metric].unit)})


@dataclass(frozen=True)
class Change(Row):
    """One value of one account of a closed month."""

    closed: Annotated[float, Key(N_("When it was closed."))]
    now: Annotated[float, Key()]
    difference: Annotated[float, Key(N_("Now less closed."))]


@dataclass(frozen=True)
class Cause(Row):
    """A load that changed rows of an account since a month was closed."""

    load: Annotated[int, Key()]
    kind: Annotated[str, Key(N_("load, replace, adjust or undo."))]
    file: Annotated[str, Key()]
    table: Annotated[str, Key()]
    rows: Annotated[
        tuple[str, ...], Key(N_("What happened to which key: changed s1, 2024-01-01. At most 20."))
    ]
    count: Annotated[int, Key(N_("How many rows it changed."))]

    def told(self) -> str:
        """In one line."""
        shown = self.rows[:3]
        hidden = self.count - len(shown)
        return (
            f"load {self.load} ({self.kind} {self.file}): {self.table} {'; '.join(shown)}"
            + (f" and {hidden} more" if hidden else "")
        )


@dataclass(frozen=True)
class RestatedAccount(Row):
    """An account whose part in a closed month is another one now."""

    account_id: Annotated[str, Key()]
    changes: Annotated[Mapping[str, Change], Key(N_("Metric → what it was and is."))]
    causes: Annotated[tuple[Cause, ...], Key()]

    @property
    def loads(self) -> tuple[int, ...]:
        """The loads that changed its rows."""
        return tuple(sorted({cause.load for cause in self.causes}))


@dataclass(frozen=True)
class Restatement(Row):
    """A closed month that is another one now."""

    month: Annotated[str, Key()]
    closed_at: Annotated[str, Key()]
    as_of: Annotated[str, Key(N_("The instant after which its closing ignored data."))]
    conventions: Annotated[tuple[str, ...], Key(N_("Those that changed since."))]
    figures: Annotated[tuple[RestatedFigure, ...], Key()]
    accounts: Annotated[tuple[RestatedAccount, ...], Key()]


def closed_month(company: Reader, text: str) -> ClosedMonth:
    """The closed month that `text` names, such as 2024-12.

    Raises
    ------
    UnknownNameError
        If no such month is closed.
    """
    months = {f"{closed.month:%Y-%m}": closed for closed in closed_months(company)}
    if text not in months:
        raise UnknownNameError(
            "closed month", text, months, hint="" if months else "No month is closed yet."
        )
    return months[text]


def restatement(company: Reader, closed: ClosedMonth) -> Restatement | None:
    """How a closed month differs from what it is now; None when it does not.

    Found once a snapshot, and month by month: who asks for one need not wait for all.

    Raises
    ------
    NotAnsweredError
        If something was loaded that is not computed yet.
    """
    if company.is_due():
        raise NotAnsweredError(
            "Something was loaded that is not computed yet.", hint="Run: staycurve refresh"
        )
    key = (closed.month, closed.seq)
    return company.kept("restatement", key, lambda: restated(company, closed), most=MOST)


def restated(company: Reader, closed: ClosedMonth) -> Restatement | None:
    """How a closed month differs from what it is now; see `restatement`."""
    seen = as_of(dt.datetime.fromisoformat(closed.as_of), company.config.company.zone)
    period = period_of(closed.month, "month")
    with company.reading() as engine:
        was = books.closed_figures(company.lake, company.snapshot, engine, closed.month)
        had = books.closed_accounts(company.lake, company.snapshot, engine, closed.month)
    now, have = figures(company, period, seen), account_figures(company, period, seen)
    moved: dict[str, dict[str, Change]] = {}
    for metric, account in sorted({*had, *have}, key=lambda key: (key[1], MOVED.index(key[0]))):
        then, since = had.get((metric, account), 0), have.get((metric, account), 0)
        if then != since:
            change = Change(then / MICRO, since / MICRO, (since - then) / MICRO)
            moved.setdefault(account, {})[metric] = change
    changed = {
        metric: value for metric, value in now.items() if metric in was and was[metric] != value
    }
    if not (moved or changed):
        return None
    accounts = _accounts(company, closed, moved)
    conventions = books.changed_conventions(
        closed.conventions, books.conventions_of(company.config)
    )
    month = f"{closed.month:%Y-%m}"
    return Restatement(
        month=month,
        closed_at=closed.closed_at,
        as_of=closed.as_of,
        conventions=conventions,
        figures=tuple(
            RestatedFigure(
                month, metric, was[metric], value, _difference(was[metric], value),
                _reasons(company, closed, metric, accounts),
            )
            for metric, value in changed.items()
        ),
        accounts=accounts,
    )


def _accounts(
    company: Reader, closed: ClosedMonth, moved: Mapping[str, Mapping[str, Change]]
) -> tuple[RestatedAccount, ...]:
    causes: Mapping[str, Sequence[books.Cause]] = {}
    if moved:
        with company.reading() as engine:
            causes = books.causes(
                company.lake, engine, closed, company.snapshot, config=company.config
            )
    return tuple(
        RestatedAccount(
            account, changes, tuple(Cause(**vars(one)) for one in causes.get(account, ()))
        )
        for account, changes in moved.items()
    )


def _difference(closed: float | None, now: float | None) -> float | None:
    return None if closed is None or now is None else now - closed


def _reasons(
    company: Reader, closed: ClosedMonth, metric: str, accounts: Sequence[RestatedAccount]
) -> tuple[Reason, ...]:
    """Why a closed figure changed, the largest difference first.

    Of MRR and its movements every account's value was kept, so their differences are exact. Of
    other metrics the loads are named that changed rows of the tables that they read.
    """
    if metric not in MOVED:
        return (Reason(_loads_behind(company, closed, metric), None, 0),)
    sums: dict[tuple[int, ...], int] = defaultdict(int)
    counts: dict[tuple[int, ...], int] = defaultdict(int)
    for account in accounts:
        if metric in account.changes:
            # Back to the integer that it is in the lake, so that the parts sum exactly.
            sums[account.loads] += round(account.changes[metric].difference * MICRO)
            counts[account.loads] += 1
    ordered = sorted(sums, key=lambda loads: (-abs(sums[loads]), loads))
    return tuple(Reason(loads, sums[loads] / MICRO, counts[loads]) for loads in ordered)


def _loads_behind(company: Reader, closed: ClosedMonth, metric: str) -> tuple[int, ...]:
    tables = tables_of(company, metric)
    since = loads_since(company.loads(), closed)
    own = [record.load for record in since if tables & {*record.versions}]
    return tuple(own or [record.load for record in since])


def loads_since(records: Sequence[LoadRecord], closed: ClosedMonth) -> list[LoadRecord]:
    """The loads since a month was closed, without those that were taken back since."""
    since = {record.load: record for record in records if record.seq > closed.seq}
    pairs = [(load, by) for load, by in undone_by(records).items() if load in since and by in since]
    over = {load for pair in pairs for load in pair}
    return [record for load, record in since.items() if load not in over]


def tables_of(company: Reader, metric: str) -> set[str]:
    """The conformed tables that a metric reads."""
    formula = METRICS[metric].resolve(company.config.conventions)
    relations = [RELATIONS[measure.relation] for measure in formula.measures()]
    found = {relation.base for relation in relations}
    if any(relation.has_account for relation in relations):
        found.add("accounts")
    return found | (_BEHIND_MRR if "subscriptions" in found else set())
