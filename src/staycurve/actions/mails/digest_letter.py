"""The weekly digest as a letter: what changed, what was missed, what is due, and for whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from staycurve.actions.mails.documents import (
    EMPTY,
    Document,
    Grid,
    Part,
    day,
    money,
    several,
)
from staycurve.i18n import N_
from staycurve.insights.overview.changes import KINDS

SHOWN = 15
"""Lines of one table; the others are counted."""

Link = Callable[[str], str]


@dataclass(frozen=True)
class Moved:
    """One thing that happened to an account; `mrr` is signed, None where it is no money."""

    account_id: str
    name: str
    on: dt.date
    kind: str
    mrr: float | None


@dataclass(frozen=True)
class Alerted:
    """An alert that opened or was resolved."""

    account_id: str
    name: str
    owner: str
    playbook: str
    on: dt.date
    mrr: float
    reason: str = ""


@dataclass(frozen=True)
class Missed:
    """An account that churned while it was called healthy."""

    account_id: str
    name: str
    on: dt.date
    mrr: float


@dataclass(frozen=True)
class Renewing:
    """What one account renews."""

    account_id: str
    name: str
    on: dt.date
    mrr: float
    is_cancelled: bool


@dataclass(frozen=True)
class Doing:
    """A task or a milestone; `state` is overdue, due or reached."""

    account_id: str
    name: str
    title: str
    on: dt.date
    owner: str
    state: str = ""


@dataclass(frozen=True)
class Week:
    """What there is to tell of a week, of all accounts or of one owner's.

    Attributes
    ----------
    first, last : date
        The days of data that are looked at.
    why : mapping
        Part → why nothing is known of it: movements, misses or renewals.
    """

    first: dt.date
    last: dt.date
    currency: str
    movements: Sequence[Moved] = ()
    opened: Sequence[Alerted] = ()
    resolved: Sequence[Alerted] = ()
    misses: Sequence[Missed] = ()
    renewals: Sequence[Renewing] = ()
    tasks: Sequence[Doing] = ()
    milestones: Sequence[Doing] = ()
    why: Mapping[str, str] = field(default_factory=dict)


def letter_of(week: Week, *, company: str, whose: str, account_at: Link) -> Document:
    """The letter of a week.

    Parameters
    ----------
    whose : str
        Whose accounts it tells of; empty for all.
    account_at : callable
        account_id → the address of its page.
    """
    said = [N_("%s – %s, by the data until then.") % (day(week.first), day(week.last))]
    said.append(N_("Accounts of %s.") % whose if whose else N_("All accounts."))
    return Document(
        title=N_("%s: the week to %s") % (company, day(week.last)),
        said=said,
        parts=[
            _movements(week, account_at), _opened(week, account_at),
            _resolved(week, account_at), _misses(week, account_at),
            _renewals(week, account_at), _tasks(week, account_at), _milestones(week, account_at),
        ],
        foot=[N_("Sent once a week; [digest] in staycurve.toml says when and to whom.")],
    )


def _part(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], accounts: Sequence[str],
    *, at: Link, none: str, said: Sequence[str] = (), why: str = "",
) -> Part:
    if why:
        return Part(title, [N_("Not known: %s.") % why])
    if not rows:
        return Part(title, [none])
    more = len(rows) - SHOWN
    told = [*said, *([N_("The first %s of %s:") % (SHOWN, f"{len(rows):,}")] if more > 0 else [])]
    links = [at(one) for one in accounts[:SHOWN]]
    return Part(title, told, Grid(heads, rows[:SHOWN], links))


def _movements(week: Week, at: Link) -> Part:
    sums = []
    for kind, label in KINDS.items():
        own = [one for one in week.movements if one.kind == kind]
        if own:
            amounts = [one.mrr for one in own if one.mrr is not None]
            total = f", {money(_sum(amounts), week.currency)}" if amounts else ""
            sums.append(f"{label}: {len(own):,}{total}.")
    return _part(
        N_("What changed"), [N_("Account"), N_("What"), N_("Day"), N_("MRR")],
        [[one.name, KINDS[one.kind], day(one.on),
          EMPTY if one.mrr is None else money(one.mrr, week.currency)]
         for one in week.movements],
        [one.account_id for one in week.movements], at=at, said=sums,
        none=N_("Nothing changed."), why=week.why.get("movements", ""),
    )


def _sum(amounts: Sequence[float]) -> float:
    # In whole millionths, so that cents add up.
    return sum(round(one * 1_000_000) for one in amounts) / 1_000_000


def _opened(week: Week, at: Link) -> Part:
    return _part(
        N_("Alerts that opened"),
        [N_("Account"), N_("Playbook"), N_("Owner"), N_("Opened"), N_("MRR")],
        [[one.name, one.playbook, one.owner, day(one.on), money(one.mrr, week.currency)]
         for one in week.opened],
        [one.account_id for one in week.opened], at=at, none=N_("None opened."),
    )


def _resolved(week: Week, at: Link) -> Part:
    return _part(
        N_("Alerts that were resolved"),
        [N_("Account"), N_("Playbook"), N_("Reason"), N_("Resolved"), N_("MRR")],
        [[one.name, one.playbook, one.reason.replace("_", " "), day(one.on),
          money(one.mrr, week.currency)] for one in week.resolved],
        [one.account_id for one in week.resolved], at=at, none=N_("None was resolved."),
    )


def _misses(week: Week, at: Link) -> Part:
    return _part(
        N_("Misses: churned while healthy"), [N_("Account"), N_("Churned"), N_("MRR")],
        [[one.name, day(one.on), money(one.mrr, week.currency)] for one in week.misses],
        [one.account_id for one in week.misses], at=at,
        none=N_("No account churned that was called healthy."), why=week.why.get("misses", ""),
    )


def _renewals(week: Week, at: Link) -> Part:
    total = money(_sum([one.mrr for one in week.renewals]), week.currency)
    count = several(len({one.account_id for one in week.renewals}), N_("account"), N_("accounts"))
    return _part(
        N_("Renewals in the next 30 days"),
        [N_("Account"), N_("Renews"), N_("Cancellation"), N_("MRR")],
        [[one.name, day(one.on), N_("requested") if one.is_cancelled else EMPTY,
          money(one.mrr, week.currency)] for one in week.renewals],
        [one.account_id for one in week.renewals], at=at, said=[f"{count}, {total}."],
        none=N_("Nothing renews."), why=week.why.get("renewals", ""),
    )


def _tasks(week: Week, at: Link) -> Part:
    return _part(
        N_("Tasks overdue"), [N_("Account"), N_("Task"), N_("Owner"), N_("Due")],
        [[one.name, one.title, one.owner, day(one.on)] for one in week.tasks],
        [one.account_id for one in week.tasks], at=at, none=N_("None is overdue."),
    )


def _milestones(week: Week, at: Link) -> Part:
    return _part(
        N_("Milestones"), [N_("Account"), N_("Milestone"), N_("State"), N_("Due")],
        [[one.name, one.title, one.state, day(one.on)] for one in week.milestones],
        [one.account_id for one in week.milestones], at=at,
        none=N_("None was reached, is overdue or is due in the next 7 days."),
    )
