"""The onboarding checklist: who reached which step, where people stop, and who stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Kind,
    Opens,
    Row,
    Said,
    Segment,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.onboarding.checklist_facts import (
    CONFOUNDERS,
    LATER_MONTHS,
    gaps_statement,
    later_statement,
    reach_statement,
)
from staycurve.insights.shared.columns import (
    AboutField,
    ColumnsField,
    Named,
    columns_of,
    named,
)
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.members import Question, Segment as Values
from staycurve.insights.shared.params import AsOfText, By, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.staying import Stayed, stayed
from staycurve.insights.shared.told_use import use_on_day
from staycurve.insights.statistics.association import METHOD, Association, Stratum, associations
from staycurve.insights.statistics.proportions import Share, share
from staycurve.metrics.base import Unit

ABOUT = N_(
    "Accounts whose window has passed. In order: a step counts from the first time that it was "
    "done after the step before it. In any order: it was done at all. Within the window: in any "
    "order, by the window's last day. Time between: of those who reached the step, in order."
)
LATER_ABOUT = N_(
    "Accounts that signed up at least three months ago. Those that did the step within the window, "
    "beside the others: the shares that pay three months after sign-up, and that were active in "
    "the 28 days up to that day."
)

NO_STEPS = N_("staycurve.toml states no [activation] checklist")
NOBODY = N_("nobody's window has passed yet")


def _behind(state: str) -> Opens:
    return Opens("onboarding progress", {"step": "step"}, {"state": state})


@dataclass(frozen=True, kw_only=True)
class Step(Row):
    """One step of one segment."""

    segment: Segment
    step: Annotated[str, col(N_("Step"), about=N_("From [activation] checklist"))]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT, N_("Whose window has passed."), opens=_behind("members")),
    ]
    in_order: Annotated[
        Share,
        col(N_("Reached in order"), Unit.PERCENT, N_("This step and all before it, in order"),
            opens=_behind("reached")),
    ]
    any_order: Annotated[
        Share,
        col(N_("Reached in any order"), Unit.PERCENT, N_("This step, whatever else"),
            opens=_behind("any_order")),
    ]
    in_window: Annotated[
        Share,
        col(N_("Within the window"), Unit.PERCENT, N_("In any order, in time"),
            opens=_behind("in_window")),
    ]
    stopped: Annotated[
        int,
        col(N_("Went no further"), Unit.COUNT,
            N_("Accounts whose last step in order is the one before"), opens=_behind("stopped")),
    ]
    is_largest_loss: Annotated[bool, Key(N_("Whether most accounts stop before it."))]
    median_hours: Annotated[
        float | None,
        col(N_("Median hours from the step before"), Unit.RATIO,
            N_("Of those who reached it, in order; from sign-up for the first step")),
    ]
    paying: Annotated[
        Association | None,
        col(N_("Paying three months later"), Kind.POINTS, METHOD, is_folded=True),
    ] = None
    active: Annotated[
        Association | None,
        col(N_("Active three months later"), Kind.POINTS, METHOD, is_folded=True),
    ] = None


NAMES = ("step", "in_order", "any_order", "in_window", "stopped", "median_hours", "paying",
         "active")
"""The columns that JSON describes."""


@dataclass(frozen=True, kw_only=True)
class Later(Row):
    """How it is told who stays."""

    months: Annotated[int, Key(N_("From sign-up to the day on which it is asked."))] = LATER_MONTHS
    about: AboutField = LATER_ABOUT
    method: Annotated[str, Key(N_("How the two sides are compared."))] = METHOD
    confounders: Annotated[tuple[Named, ...], Key(N_("What else may differ."))] = named(CONFOUNDERS)


@dataclass(frozen=True, kw_only=True)
class Checklist(Answer):
    """How far accounts get along the steps of onboarding."""

    as_of: AsOfField
    about: AboutField = ABOUT
    window_days: Annotated[int, Key(N_("Days after sign-up within which a step is in time."))]
    columns: ColumnsField
    later: Annotated[Later, Key(N_("How it is told who stays."))] = Later()
    rows: Annotated[tuple[Step, ...], Table(N_("Checklist"))] = ()
    why: WhyField = None
    paying: Annotated[
        tuple[Stayed, ...],
        Table(N_("Pays three months after sign-up: those who did it, beside the others (an "
                 "association, not a cause)"), is_view=True),
    ] = ()
    active: Annotated[
        tuple[Stayed, ...],
        Table(N_("Active three months after sign-up: those who did it, beside the others (an "
                 "association, not a cause)"), is_view=True),
    ] = ()

    def title(self) -> Said:
        return Said(
            N_("Onboarding checklist, window %(days)s days, as of %(as_of)s"),
            {"days": (self.window_days, Unit.COUNT), "as_of": self.as_of},
        )

    def said(self) -> tuple[Said, ...]:
        losses = [one for one in self.rows if one.is_largest_loss and not one.segment]
        return tuple(
            Said(N_("Most accounts stop before %(step)s: %(count)s."),
                 {"step": (one.step, Kind.TEXT), "count": (one.stopped, Unit.COUNT)})
            for one in losses[:1]
        )


@insight("onboarding checklist", comes_from="/activation#checklist", needs="accounts")
def checklist(
    company: Reader, *, by: By = "", where: Where = "", as_of: AsOfText = None
) -> Checklist:
    """How far do new accounts get along the checklist, where do they stop, and who stays?

    The steps are those of [activation] checklist. Who stays is told for all segments together.
    """
    asked = use_on_day(company, by, where, as_of, relation="signups")
    activation = asked.config.behaviour.activation
    names, places = activation.checklist, len(asked.by)
    told: dict[str, Any] = {
        "as_of": asked.as_of.at.isoformat(), "window_days": activation.window_days,
        "columns": columns_of(Step, *NAMES, median_hours="hours"),
    }
    if not names:
        return Checklist(**told, why=NO_STEPS)
    if not knows_use(company):
        return Checklist(**told, why=missing(company))
    sql, later = reach_statement(asked), later_statement(asked.undivided())
    gaps: dict[tuple[Values, int], list[tuple[int, int]]] = {}
    with company.seeing(asked.as_of) as engine:
        reach = [row for row in engine.rows(sql) if row[places]]
        if not reach:
            return Checklist(**told, why=NOBODY)
        for row in engine.rows(gaps_statement(asked)) if len(names) > 1 else ():
            step, minutes, count = row[places:]
            gaps.setdefault((tuple(row[:places]), step), []).append((minutes, count))
        beside = _later(names, engine.rows(later))
    steps: list[Step] = []
    for row in sorted(reach, key=lambda row: asked.order(tuple(row[:places]))):
        steps += _steps(asked, names, row, gaps, beside)
    return Checklist(
        **told,
        rows=tuple(steps),
        paying=stayed((one.step, one.paying) for one in steps),
        active=stayed((one.step, one.active) for one in steps),
        sql=f"{sql};\n\n{later}",
    )


def _steps(
    asked: Question,
    names: Sequence[str],
    row: Sequence[Any],
    gaps: Mapping[tuple[Values, int], Sequence[tuple[int, int]]],
    beside: Mapping[str, Association],
) -> list[Step]:
    places = len(asked.by)
    segment, accounts, counts = tuple(row[:places]), row[places], row[places + 1 :]
    orderly, anyhow = counts[: 2 * len(names) : 2], counts[1 : 2 * len(names) : 2]
    timely = counts[2 * len(names) :]
    lost = [before - now for before, now in zip((accounts, *orderly), orderly, strict=False)]
    return [
        Step(
            segment=asked.segment(segment),
            step=name,
            accounts=accounts,
            in_order=share(orderly[place], accounts),
            any_order=share(anyhow[place], accounts),
            in_window=share(timely[place], accounts),
            stopped=lost[place],
            is_largest_loss=lost[place] > 0 and lost[place] == max(lost),
            median_hours=_median_hours(gaps.get((segment, place), ())),
            paying=None if asked.by else beside.get(f"{name} paying"),
            active=None if asked.by else beside.get(f"{name} active"),
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
