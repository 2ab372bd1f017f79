"""The onboarding checklist: who reached which step, where people stop, and who stays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.onboarding.checklist_facts import (
    CONFOUNDERS,
    LATER_MONTHS,
    accounts_statement,
    gaps_statement,
    later_statement,
    reach_statement,
)
from staycurve.insights.shared.account_facts import Opened, described
from staycurve.insights.shared.members import Question, Segment
from staycurve.insights.statistics.association import (
    METHOD,
    Association,
    Stratum,
    associations,
    shown,
)
from staycurve.insights.statistics.proportions import Share, share

Row = dict[str, Any]
Ask = Callable[[str], Sequence[Sequence[Any]]]

ABOUT = N_(
    "Accounts whose window has passed. In order: a step counts from the first time that it was "
    "done after the step before it. In any order: it was done at all. Within the window: in any "
    "order, by the window's last day. Time between: of those who got there, in order."
)
LATER_ABOUT = N_(
    "Accounts that signed up at least three months ago. Those that did the step within the window, "
    "beside the others: the shares that pay three months after sign-up, and that were active in "
    "the 28 days up to that day."
)

COLUMNS = described({
    "step": (N_("Step"), "text", N_("From [activation] checklist")),
    "in_order": (N_("Reached in order"), "percent", N_("This step and all before it, in order")),
    "any_order": (N_("Reached in any order"), "percent", N_("This step, whatever else")),
    "in_window": (N_("Within the window"), "percent", N_("In any order, in time")),
    "stopped": (N_("Went no further"), "count",
                N_("Accounts whose last step in order is the one before")),
    "median_hours": (N_("Median hours from the step before"), "hours",
                     N_("Of those who got there, in order; from sign-up for the first step")),
    "paying": (N_("Pays three months later"), "points", METHOD),
    "active": (N_("Active three months later"), "points", METHOD),
})

NO_STEPS = N_("staycurve.toml states no [activation] checklist")
NOBODY = N_("nobody's window has passed yet")

STATES = {
    "members": N_("accounts whose window has passed"),
    "reached": N_("accounts that reached the step in order"),
    "any_order": N_("accounts that did the step, in any order"),
    "in_window": N_("accounts that did the step within the window"),
    "stopped": N_("accounts that did all steps before in order, and not this one"),
    "did": N_("accounts that did the step within the window, and signed up three months ago"),
    "did_paying": N_("accounts that did it, and paid three months after sign-up"),
    "did_active": N_("accounts that did it, and were active three months after sign-up"),
    "did_not": N_("accounts that did not do it in time, and signed up three months ago"),
    "did_not_paying": N_("accounts that did not do it in time, and paid three months after"),
    "did_not_active": N_("accounts that did not do it in time, and were active three months after"),
}


@dataclass(frozen=True)
class Step:
    """One step of one segment.

    Attributes
    ----------
    in_order, any_order, in_window : Share
        Of the segment's accounts.
    stopped : int
        Accounts that did every step before it in order, and not this one.
    median_hours : float, optional
        From the step before; None for the first step, or where nobody got there.
    """

    segment: Mapping[str, str | None]
    name: str
    in_order: Share
    any_order: Share
    in_window: Share
    stopped: int
    median_hours: float | None
    is_largest_loss: bool
    paying: Association | None = None
    active: Association | None = None

    def as_dict(self) -> Row:
        """One row as `--format json` prints it."""
        return {
            "segment": dict(self.segment),
            "step": self.name,
            "in_order": shown(self.in_order),
            "any_order": shown(self.any_order),
            "in_window": shown(self.in_window),
            "stopped": self.stopped,
            "is_largest_loss": self.is_largest_loss,
            "median_hours": self.median_hours,
            "paying": self.paying and self.paying.as_dict(),
            "active": self.active and self.active.as_dict(),
        }


@dataclass(frozen=True)
class Checklist:
    """How far accounts get along the steps of onboarding."""

    as_of: str
    window_days: int
    steps: tuple[Step, ...]
    why: str | None = None
    sql: Mapping[str, str] = field(default_factory=dict, repr=False)
    _accounts: Callable[[str, str], Opened] | None = field(default=None, repr=False)

    @property
    def rows(self) -> list[Row]:
        """One row a segment and step, in their order."""
        return [one.as_dict() for one in self.steps]

    def accounts(self, step: str, state: str = "reached") -> Opened:
        """The accounts behind one number; `state` is a key of STATES."""
        assert self._accounts is not None
        return self._accounts(step, state)

    def to_json(self) -> Row:
        """The object that `--format json` prints."""
        return {
            "as_of": self.as_of,
            "about": ABOUT,
            "window_days": self.window_days,
            "columns": [column.as_dict() for column in COLUMNS],
            "later": {
                "months": LATER_MONTHS, "about": LATER_ABOUT, "method": METHOD,
                "confounders": [
                    {"name": name, "label": label} for name, label in CONFOUNDERS.items()
                ],
            },
            "rows": self.rows,
            **({"why": self.why} if self.why else {}),
        }


def checklist(asked: Question, ask: Ask) -> Checklist:
    """How far accounts get, by segment; who stays is told for all of them together."""
    names = asked.config.behaviour.activation.checklist
    at, days = asked.as_of.at.isoformat(), asked.config.behaviour.activation.window_days
    if not names:
        return Checklist(at, days, (), NO_STEPS)
    places = len(asked.by)
    reach = [row for row in ask(reach_statement(asked)) if row[places]]
    if not reach:
        return Checklist(at, days, (), NOBODY)
    gaps: dict[tuple[Segment, int], list[tuple[int, int]]] = {}
    if len(names) > 1:
        for row in ask(gaps_statement(asked)):
            step, minutes, count = row[places:]
            gaps.setdefault((tuple(row[:places]), step), []).append((minutes, count))
    later = asked.undivided()
    beside = _later(names, ask(later_statement(later)))
    found: list[Step] = []
    for row in sorted(reach, key=lambda row: asked.order(tuple(row[:places]))):
        found += _steps(asked, names, row, gaps, beside)
    sql = {"reach": reach_statement(asked), "later": later_statement(later)}
    return Checklist(at, days, tuple(found), sql=sql)


def _steps(
    asked: Question,
    names: Sequence[str],
    row: Sequence[Any],
    gaps: Mapping[tuple[Segment, int], Sequence[tuple[int, int]]],
    beside: Mapping[str, Association],
) -> list[Step]:
    places = len(asked.by)
    segment, accounts, counts = tuple(row[:places]), row[places], row[places + 1 :]
    orderly, anyhow = counts[: 2 * len(names) : 2], counts[1 : 2 * len(names) : 2]
    timely = counts[2 * len(names) :]
    lost = [before - now for before, now in zip((accounts, *orderly), orderly, strict=False)]
    return [
        Step(
            asked.segment(segment), name, share(orderly[place], accounts),
            share(anyhow[place], accounts), share(timely[place], accounts), lost[place],
            _median_hours(gaps.get((segment, place), ())),
            lost[place] > 0 and lost[place] == max(lost),
            None if asked.by else beside.get(f"{name} paying"),
            None if asked.by else beside.get(f"{name} active"),
        )
        for place, name in enumerate(names)
    ]


def _median_hours(found: Iterable[tuple[int, int]]) -> float | None:
    """The median of minutes with their counts, in hours; the mean of the two in the middle."""
    counts = sorted(found)
    size = sum(count for _, count in counts)
    if not size:
        return None
    middle = []
    for wanted in ((size - 1) // 2, size // 2):
        so_far = 0
        for minutes, count in counts:
            so_far += count
            if so_far > wanted:
                middle.append(minutes)
                break
    return sum(middle) / 2 / 60


def _later(names: Sequence[str], answer: Iterable[Sequence[Any]]) -> dict[str, Association]:
    """Each step's association with paying and with being active later."""
    cells: dict[int, dict[tuple[str, ...], dict[int, Sequence[int]]]] = {}
    for step, did, *rest in answer:
        cells.setdefault(step, {}).setdefault(tuple(rest[:-3]), {})[did] = rest[-3:]
    nobody = (0, 0, 0)
    given = {
        f"{name} {outcome}": [
            Stratum(
                levels, sides.get(1, nobody)[0], sides.get(1, nobody)[column],
                sides.get(0, nobody)[0], sides.get(0, nobody)[column],
            )
            for levels, sides in sorted(cells.get(place, {}).items())
        ]
        for place, name in enumerate(names)
        for outcome, column in (("paying", 1), ("active", 2))
    }
    return associations(given, CONFOUNDERS)


def opened(asked: Question, step: str, state: str, ask: Ask) -> Opened:
    """The accounts behind one number."""
    names = asked.config.behaviour.activation.checklist
    if state not in STATES:
        raise UnknownNameError("state", state, STATES)
    if not names:
        raise UsageError(
            f"There are no steps: {NO_STEPS}.",
            hint='Write: [activation] checklist = ["signed_up", "project_created"]',
        )
    if step not in names:
        raise UnknownNameError("step", step, names)
    sql = accounts_statement(asked, names.index(step), state)
    rows = [
        {"account_id": account, "signup_on": str(signup), "steps_in_order": orderly,
         "steps": {name: _text(at) for name, at in zip(names, instants, strict=True)}}
        for account, signup, orderly, *instants in ask(sql)
    ]
    return Opened(STATES[state], asked.as_of.at.isoformat(), rows, {"accounts": len(rows)}, sql)


def _text(at: dt.datetime | None) -> str | None:
    return None if at is None else at.replace(tzinfo=dt.UTC).isoformat()
