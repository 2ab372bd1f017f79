"""Who took a step of a funnel, did not, or may still go on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Col, Key, Said, Table, Value, col
from staycurve.insights.shared.reader import Reader
from staycurve.insights.usage import funnels_sql as sqls, members as people
from staycurve.insights.usage.funnels_asked import FunnelQuestion
from staycurve.insights.usage.members import Members, Person, number
from staycurve.insights.usage.usage_asking import narrowed, seeing
from staycurve.insights.usage.usage_question import WHOSE
from staycurve.metrics.base import Unit

TOOK, DROPPED, PENDING = "took", "dropped", "pending"


@dataclass(frozen=True)
class Stepped(Person):
    """Somebody who took a step, or did not."""

    at: Annotated[
        Mapping[str, str | None],
        Col(label=N_("Steps"), about=N_("step1_at, step2_at, …: the instant of each; empty where "
                                         "it was not taken."), is_flat=True),
    ]
    seconds: Annotated[
        int | None,
        col(N_("Seconds since the step before"), Unit.COUNT, is_omitted=True),
    ] = None


@dataclass(frozen=True, kw_only=True)
class OfStep(Members):
    """Who took a step, did not, or may still go on."""

    step: Annotated[int, Key(N_("From 1."))]
    doing: Annotated[str, Key(N_("What the step is."))]
    dropped: Annotated[bool, Key(N_("Whether they took the step before and not this one."))]
    pending: Annotated[
        bool | None,
        Key(N_("Whether they took it and are still in time to go on."), is_omitted=True),
    ] = None
    rows: Annotated[tuple[Stepped, ...], Table(N_("Who is behind it"), is_list=True)]

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "step": (self.step, Unit.COUNT), "doing": self.doing,
            "whose": Said(WHOSE[self.whose]), "as_of": self.as_of,
        }
        if self.dropped:
            return Said(N_("Did not take step %(step)s of the funnel, %(doing)s: %(whose)s, "
                           "as of %(as_of)s"), values)
        if self.pending:
            return Said(N_("Took step %(step)s of the funnel, %(doing)s, and may still go on: "
                           "%(whose)s, as of %(as_of)s"), values)
        return Said(N_("Took step %(step)s of the funnel, %(doing)s: %(whose)s, as of %(as_of)s"),
                    values)


def part_of(
    members: str | None, dropped: int | None, pending: int | None
) -> tuple[int, str] | None:
    """The one step that is asked about, and the part of it; None where none is."""
    given = [
        *([_step_of(members)] if members else []),
        *([(dropped, DROPPED)] if dropped is not None else []),
        *([(pending, PENDING)] if pending is not None else []),
    ]
    if len(given) > 1:
        raise UsageError(
            "members, dropped and pending go one at a time.", hint="Choose one of them."
        )
    return given[0] if given else None


def _step_of(members: str) -> tuple[int, str]:
    """A step by its name: '2' who took it, '2:dropped' or '1:pending'."""
    words = "2, 2:dropped or 1:pending"
    place, _, part = members.partition(":")
    step = number(place, words)
    if part not in ("", DROPPED, PENDING):
        raise UsageError(f"'{part}' is no part of a step.", hint=f"Write: {words}")
    return step, part or TOOK


def of_step(
    company: Reader, asked: FunnelQuestion, step: int, part: str, segment: Mapping[str, str | None]
) -> OfStep:
    """Who is behind a count; see `Funnel.users`."""
    last = len(asked.steps) - (part == PENDING)
    if not (2 if part == DROPPED else 1) <= step <= last:
        raise NotAnsweredError(
            f"The funnel has no step {step} to ask about.",
            hint=f"Its steps are 1 to {len(asked.steps)}; nobody drops out before the first, "
            "nor goes on after the last.",
        )
    use = narrowed(asked.use, segment)
    one = replace(asked, use=use)
    sql = sqls.members_statement(one, step, part)
    with seeing(company, use) as engine:
        answer = engine.rows(sql)
    rows = []
    for entity, customer, *instants in answer:
        seconds = None
        if part == TOOK and step > 1:
            # Whole seconds, as the funnel counts them.
            here, before = (
                int(instants[place].replace(tzinfo=dt.UTC).timestamp() // 1)
                for place in (step - 1, step - 2)
            )
            seconds = here - before
        at = {
            f"step{place}_at": None if instant is None else f"{instant.isoformat()}+00:00"
            for place, instant in enumerate(instants, 1)
        }
        rows.append(Stepped(*people.ids(use, entity, customer), at, seconds))
    return OfStep(
        **people.told(use, rows), step=step, doing=asked.labels[step - 1],
        dropped=part == DROPPED, pending=True if part == PENDING else None, sql=sql,
    )
