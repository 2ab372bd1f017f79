"""Flows: funnels and paths of one company's users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from staycurve.errors import NotAnsweredError
from staycurve.insights.usage import funnels, funnels_asked, funnels_sql
from staycurve.insights.usage import paths as following
from staycurve.insights.usage.funnels import Funnel
from staycurve.insights.usage.paths import Paths
from staycurve.insights.usage.usage_question import doing, seconds_of
from staycurve.insights.usage.usage_segments import Members
from staycurve.metrics.context import Filter
from staycurve.workspace.usage_asking import Asking, narrowed


@dataclass(frozen=True)
class Flows(Asking):
    """What users do in which order."""

    def funnel(
        self,
        *steps: str,
        window: str = "14d",
        first: str | None = None,
        last: str | None = None,
        order: str = "any",
        entry: str = "deepest",
        exclude: Sequence[str] = (),
        whose: str = "user",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Funnel:
        """How many get from step to step; see `staycurve.insights.usage.funnels`.

        Parameters
        ----------
        *steps : str
            What is done, in order.
        window : str
            30m, 24h, 14d: the time from the first step to the last.
        first, last : str, optional
            Days, or longer periods, in which the first step lies; the last 90 days without them.
        order, entry : str
            any or strict; deepest or first.
        exclude : sequence of str
            'refund_asked', or 'refund_asked@1-2': not to be done between all steps, or those two.
        by : str or sequence of str
            Beside account dimensions, 'property:NAME' of the first step's event.
        """
        use = self._question(whose, by, where, as_of)
        begin, end = self._days(use, first, last)
        asked = funnels_asked.Asked(
            use, tuple(doing(step) for step in steps), seconds_of(window), begin, end, order,
            entry, tuple(funnels_asked.exclusion(one, len(steps)) for one in exclude),
        )
        funnels_asked.check(asked)
        sql = funnels_sql.statement(asked)
        named = (*asked.steps, *(one.doing for one in asked.exclusions))
        with self._seeing(use, named, own=tuple(asked.own)) as engine:
            answer = engine.rows(sql)
        return funnels.funnel(
            asked, answer, sql=sql, has_events=self._has_events(),
            members=lambda step, part, segment: self._stepped(asked, step, part, segment),
        )

    def _stepped(
        self, asked: funnels_asked.Asked, step: int, part: str,
        segment: Mapping[str, str | None],
    ) -> Members:
        last = len(asked.steps) - (part == "pending")
        if not (2 if part == "dropped" else 1) <= step <= last:
            raise NotAnsweredError(
                f"The funnel has no step {step} to ask about.",
                hint=f"Its steps are 1 to {len(asked.steps)}; nobody drops out before the first, "
                "nor goes on after the last.",
            )
        one = replace(asked, use=narrowed(asked.use, segment))
        sql = funnels_sql.members_statement(one, step, part)
        with self._seeing(one.use, (), own=tuple(one.own)) as engine:
            answer = engine.rows(sql)
        return funnels.members_of(one, answer, step=step, part=part, sql=sql)

    def paths(
        self,
        anchor: str,
        *,
        size: int = 3,
        way: str = "after",
        within: str = "",
        first: str | None = None,
        last: str | None = None,
        listed: int = 20,
        repeats: str = "keep",
        whose: str = "user",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Paths:
        """The most common things done next, or before; see `staycurve.insights.usage.paths`.

        Parameters
        ----------
        anchor : str
            What paths begin with.
        size : int
            How many things follow.
        way : str
            after or before.
        within : str
            30m, 24h, … or session; without it the session where the configuration names one, else
            30 minutes.
        first, last : str, optional
            Days, or longer periods, in which the anchor lies; the last 90 days without them.
        listed : int
            How many paths are listed; the others are counted together.
        repeats : str
            keep, or drop: a run of one thing counts once.
        """
        use = self._question(whose, by, where, as_of)
        begin, end = self._days(use, first, last)
        usual = following.SESSION if use.config.behaviour.usage.session else "30m"
        within = within or usual
        window = None if within == following.SESSION else seconds_of(within)
        asked = following.Asked(
            use, doing(anchor), size, way, window, begin, end, listed, repeats
        )
        following.check(asked)
        sql = following.statement(asked)
        with self._seeing(use, (asked.anchor,)) as engine:
            answer = engine.rows(sql)
        return following.paths(
            asked, answer, within=within, sql=sql, has_events=self._has_events(),
            members=lambda path, but, segment: self._on_path(asked, path, but, segment),
        )

    def _on_path(
        self, asked: following.Asked, path: Sequence[str] | None,
        but: Sequence[Sequence[str]], segment: Mapping[str, str | None],
    ) -> Members:
        one = replace(asked, use=narrowed(asked.use, segment))
        sql = following.members_statement(one, path, but)
        with self._seeing(one.use, ()) as engine:
            answer = engine.rows(sql)
        return following.members_of(one, answer, path=path, sql=sql)
