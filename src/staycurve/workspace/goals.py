"""Goals of one project: set, followed, dropped and reviewed."""

from __future__ import annotations

from dataclasses import replace

from staycurve.actions import goals as pacing
from staycurve.actions.goal_settings import GOALS
from staycurve.actions.goals import Pace
from staycurve.errors import ConfigError, UsageError
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.typed_values import text_of
from staycurve.period import AsOf
from staycurve.sections import near
from staycurve.state.goals import OUTCOMES, PLACES, too_many
from staycurve.state.records import Goal
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.playing import read_playbooks
from staycurve.workspace.state import State


class Goals:
    """What the company wants its metrics to reach; at most two at a time.

    Parameters
    ----------
    company : MeasuredCompany
        Whose metrics they are of.
    state : State
        Where they are kept.
    """

    def __init__(self, company: MeasuredCompany, state: State) -> None:
        self._company = company
        self._state = state

    def active(self, seen: AsOf | None = None) -> tuple[Pace, ...]:
        """The active goals by their dates, each with its pace as of an instant."""
        return self.paced(self._state.goals(), seen)

    def every(self, seen: AsOf | None = None) -> tuple[Pace, ...]:
        """The active goals, then those that have ended, the newest first."""
        return self.paced(self._state.goals(has_past=True), seen)

    def paced(self, goals: tuple[Goal, ...], seen: AsOf | None = None) -> tuple[Pace, ...]:
        """The pace of goals that have been read already."""
        if not goals:
            return ()
        own = self._company.config[GOALS].playbooks
        return tuple(
            replace(one, playbooks=own.get(one.goal.metric, ())) if one.goal.is_active else one
            for one in pacing.paces(self._company, goals, seen or self._company.as_of())
        )

    def served_by(self, playbook: str) -> tuple[tuple[str, Pace | None], ...]:
        """(metric, its active goal or None) that a playbook serves, by [goals]."""
        metrics = self._company.config[GOALS].metrics_of(playbook)
        active = self.active() if metrics else ()
        found: list[tuple[str, Pace | None]] = []
        for metric in metrics:
            own = [one for one in active if one.goal.metric == metric]
            found += [(metric, one) for one in own] or [(metric, None)]
        return tuple(found)

    def check(self) -> None:
        """Refuse [goals] that names a playbook which there is not.

        Raises
        ------
        ConfigError
            Which names the nearest one.
        """
        stated = self._company.config[GOALS].playbooks
        known = [one.name for one in read_playbooks(self._company).playbooks] if stated else []
        for metric, playbooks in stated.items():
            for name in playbooks:
                if name not in known:
                    raise ConfigError(
                        f"staycurve.toml: [goals] playbooks of {metric} names '{name}', which is "
                        f"no playbook.{near(name, known)}",
                        hint="All playbooks: staycurve playbooks list",
                    )

    def add(
        self,
        metric: str,
        target: str | float,
        *,
        until: str,
        owner: str,
        source: str = "",
        drop: int | None = None,
        by: str = "",
    ) -> Pace:
        """Set a goal.

        Parameters
        ----------
        target : str or float
            95%, 0.95 or 120K: in the metric's unit.
        until : str
            2026, 2026-Q2, 2026-06 or 2026-06-30; the month in which that ends.
        owner : str
            Who answers for it.
        source : str
            Where the numbers come from; the tables that the metric stands on without it.
        drop : int, optional
            The number of an active goal that makes room for it.
        by : str
            Who sets it.

        Raises
        ------
        UsageError
            If two goals are active, the target is no value of the metric's unit or is reached
            already, or the date has passed.
        NotAnsweredError
            If the metric has no value to start from.
        """
        _known = METRICS[metric]
        active = self._state.goals()
        if drop is None and len(active) >= len(PLACES):
            raise too_many(active)
        seen = self._company.as_of()
        text = target if isinstance(target, str) else text_of(target)
        made = pacing.wanted(
            self._company, metric, text, until=until, source=source, seen=seen
        )
        goal = self._state.add_goal(
            metric=made.metric, target=made.target, until_on=made.until_on, owner=owner,
            source=made.source, start_on=made.start_on, start_value=made.start_value, drop=drop,
            by=by,
        )
        (found,) = self.paced((goal,), seen)
        return found

    def drop(self, goal: int, *, by: str = "") -> Goal:
        """Give an active goal up; it stays in the history."""
        return self._state.end_goal(goal, status="dropped", note="", value=None, by=by)

    def review(
        self, goal: int, *, outcome: str = "", note: str = "", by: str = ""
    ) -> Goal:
        """Say of a goal whose month has closed whether it was reached; it stays in the history.

        Parameters
        ----------
        outcome : str
            reached or missed; what the numbers say without it.
        note : str
            Why, and what follows. Needed where the outcome is not what the numbers say.

        Raises
        ------
        UsageError
            If its month has not closed, or the outcome is missing or contradicts without a note.
        """
        (pace,) = self.paced((self._state.goal(goal),))
        if pace.goal.is_active and not pace.is_due and pace.status != "reached":
            raise UsageError(
                f"Goal {goal} runs until {pace.goal.until_on}, and that month has not closed.",
                hint=f"Drop it instead: staycurve goals drop {goal}",
            )
        if outcome and outcome not in OUTCOMES:
            raise UsageError(
                f"'{outcome}' is no outcome.", hint=f"One of: {', '.join(OUTCOMES)}"
            )
        said = pace.status if pace.status in OUTCOMES else ""
        if not (outcome or said):
            raise UsageError(
                f"What {pace.goal.metric} came to is unknown: {pace.why}.",
                hint="Say whether it was reached or missed.",
            )
        if outcome and said and outcome != said and not note.strip():
            raise UsageError(
                f"By the numbers the goal was {said}, not {outcome}.",
                hint="Say why in a note.",
            )
        return self._state.end_goal(
            goal, status=outcome or said, note=note, value=pace.value, by=by
        )
