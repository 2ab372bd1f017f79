"""Use: retention, lifecycle, funnels, paths and activity of the users of one company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.usage import activity as being_active
from staycurve.insights.usage import (
    activity_uses,
    sessions,
    usage_lifecycle,
    usage_retention,
    usage_retention_asked,
    usage_retention_sql,
)
from staycurve.insights.usage.activity import Activity
from staycurve.insights.usage.usage_lifecycle import UseLifecycle
from staycurve.insights.usage.usage_question import UseQuestion, doing
from staycurve.insights.usage.usage_retention import UseRetention
from staycurve.insights.usage.usage_segments import Members, members
from staycurve.metrics.context import Filter
from staycurve.period import parse_period
from staycurve.workspace.usage_asking import SHOWN, narrowed, place_of
from staycurve.workspace.usage_flows import Flows

_TWICE: dict[tuple[Path, int | None], bool] = {}
"""(project, version of user_months) → whether some user has rows in several accounts."""


@dataclass(frozen=True)
class Usage(Flows):
    """The use of one company's product.

    Every reading takes `whose`, user or account; `by`, account dimensions to split by; `where`,
    such as 'industry=EdTech'; and `as_of`, an instant after which no facts are seen. What was done
    is named by an event, 'report_viewed', with properties where they matter,
    'plan_chosen[plan=Pro|Team]', or by a feature, 'feature:Reports'; nothing means any activity.
    """

    def retention(
        self,
        *,
        per: str = "month",
        start: str = "",
        back: str | None = None,
        starts: str = "first",
        returns: str = "on",
        windows: str = "calendar",
        first: str | None = None,
        last: str | None = None,
        ages: int | None = None,
        whose: str = "user",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> UseRetention:
        """Who was back k periods after starting; see `staycurve.insights.usage.usage_retention`.

        Parameters
        ----------
        per : str
            day, week or month.
        start, back : str
            What begins, and what counts as being back; the same without `back`.
        starts : str
            first (the first ever) or every.
        returns : str
            on (in the period) or after (in it or later).
        windows : str
            calendar or rolling.
        first, last : str, optional
            Cohorts from and to: 2024, 2024-Q1, 2024-01 or 2024-01-31, both included.
        ages : int, optional
            Number of periods.
        """
        use = self._question(whose, by, where, as_of)
        cohorts = self._periods(use, per, first, last) if per in SHOWN else ()
        begun = doing(start)
        asked = usage_retention_asked.Asked(
            use, begun, begun if back is None else doing(back), per, cohorts,
            max(len(cohorts) - 1, 0) if ages is None else ages, starts, returns, windows,
        )
        usage_retention_asked.check(asked)
        can_count = asked.is_counted and self._has_users_once(use)
        with self._seeing(use, (asked.start, asked.back)) as engine:
            if can_count:
                sql = usage_retention_sql.counted_statement(asked)
                answer = usage_retention_sql.as_counted(asked, engine.rows(sql))
            else:
                sql = usage_retention_sql.statement(asked)
                answer = engine.rows(sql)
            has_events = bool(answer) or self._has_events()
        return usage_retention.retention(
            asked, answer, sql=sql, has_events=has_events,
            members=lambda cohort, age, segment: self._retained(asked, cohort, age, segment),
        )

    def _retained(
        self, asked: usage_retention_asked.Asked, cohort: str | None, age: int,
        segment: Mapping[str, str | None],
    ) -> Members:
        if cohort is None:
            places = usage_retention.closed(asked, age)
        else:
            place = place_of(asked.cohorts, cohort)
            has_it = 0 <= age <= asked.ages and asked.has_begun(place, age)
            places = [place] if has_it else []
        if not places:
            raise NotAnsweredError(
                f"Cohort {cohort} has no period {age} yet." if cohort
                else f"No cohort has closed its period {age} yet.",
                hint="Choose one of the cells.",
            )
        one = replace(asked, use=narrowed(asked.use, segment))
        sql = usage_retention_sql.members_statement(one, places, age)
        with self._seeing(one.use, ()) as engine:
            answer = engine.rows(sql)
        return usage_retention.members_of(
            one, answer, cohort=None if cohort is None else places[0], age=age, sql=sql
        )

    def lifecycle(
        self,
        *,
        per: str = "month",
        event: str = "",
        first: str | None = None,
        last: str | None = None,
        whose: str = "user",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> UseLifecycle:
        """New, returning, resurrecting and dormant; see `staycurve.insights.usage.usage_lifecycle`.

        Parameters
        ----------
        per : str
            day, week, month, quarter or year.
        event : str
            What counts as activity.
        first, last : str, optional
            Periods from and to, both included.
        """
        use = self._question(whose, by, where, as_of)
        periods = self._periods(use, per, first, last)
        asked = usage_lifecycle.Asked(use, doing(event), periods, self._fiscal)
        usage_lifecycle.check(asked)
        sql = usage_lifecycle.statement(asked)
        with self._seeing(use, (asked.doing,)) as engine:
            answer = engine.rows(sql)
            has_events = bool(answer) or self._has_events()
        return usage_lifecycle.lifecycle(
            asked, answer, sql=sql, has_events=has_events,
            members=lambda period, kind, segment: self._of_kind(asked, period, kind, segment),
        )

    def _of_kind(
        self, asked: usage_lifecycle.Asked, period: str, kind: str,
        segment: Mapping[str, str | None],
    ) -> Members:
        usage_lifecycle.check_kind(kind)
        place = place_of(asked.periods, period)
        one = replace(asked, use=narrowed(asked.use, segment))
        sql = usage_lifecycle.members_statement(one, place, kind)
        with self._seeing(one.use, ()) as engine:
            answer = engine.rows(sql)
        return usage_lifecycle.members_of(one, answer, place=place, kind=kind, sql=sql)

    def activity(
        self,
        *,
        day: str | None = None,
        top: int = 20,
        whose: str = "user",
        by: str | Sequence[str] = (),
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Activity:
        """Who is active, on how many days, and how long; see `staycurve.insights.usage.activity`.

        Parameters
        ----------
        day : str, optional
            The last of the 28 days; the last one that is seen without it.
        top : int
            How many power users are listed.
        """
        use = self._question(whose, by, where, as_of)
        asked = self._activity_asked(use, day, top)
        sql = being_active.statement(asked)
        with self._seeing(use, ()) as engine:
            answer = engine.rows(sql)
            most = engine.rows(being_active.top_statement(asked))
            named = asked.span.is_named
            held = engine.rows(sessions.statement(asked.span)) if named else []
        return being_active.activity(
            asked, answer, most, held, sql=sql, has_events=self._has_events(),
            session_members=lambda segment: self._with_sessions(asked, segment),
            members=lambda least, most, segment, figure=None: self._active(
                asked, least, most, segment, figure
            ),
        )

    def uses(
        self,
        who: str,
        *,
        day: str | None = None,
        whose: str = "user",
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """What one user or account did on the 28 days of `activity`, by day and feature.

        Parameters
        ----------
        who : str
            A user_id, or an account_id with `whose="account"`.
        """
        use = self._question(whose, (), where, as_of)
        asked = self._activity_asked(use, day, 1)
        sql = activity_uses.statement(asked, who)
        with self._seeing(use, ()) as engine:
            answer = engine.rows(sql)
            if not answer and not engine.value(activity_uses.known_statement(asked, who)):
                hint = "Who is active: staycurve usage activity"
                raise UnknownNameError(whose, who, (), hint=hint)
        return activity_uses.uses(asked, who, answer, sql=sql)

    def _activity_asked(
        self, use: UseQuestion, day: str | None, top: int
    ) -> being_active.Asked:
        last = parse_period(day, self._fiscal).end - dt.timedelta(days=1) if day else None
        asked = being_active.Asked(use, last or use.as_of.last_day, top)
        being_active.check(asked)
        return asked

    def _active(
        self, asked: being_active.Asked, least: int, most: int,
        segment: Mapping[str, str | None], figure: str | None,
    ) -> Members:
        one = replace(asked, use=narrowed(asked.use, segment))
        sql = being_active.members_statement(one, least=least, most=most, figure=figure or "mau")
        with self._seeing(one.use, ()) as engine:
            answer = engine.rows(sql)
        return being_active.members_of(
            one, answer, least=least, most=most, figure=figure, sql=sql
        )

    def _with_sessions(
        self, asked: being_active.Asked, segment: Mapping[str, str | None]
    ) -> Members:
        one = replace(asked, use=narrowed(asked.use, segment))
        if not one.span.is_named:
            raise NotAnsweredError(
                "No session is known: staycurve.toml names no property for it.",
                hint="Name it: [usage] session",
            )
        sql = sessions.users_statement(one.span)
        with self._seeing(one.use, ()) as engine:
            answer = engine.rows(sql)
        return members(
            one.use, answer, ("sessions", "events", "seconds"), about={"day": str(one.day)},
            sql=sql,
        )

    def _has_users_once(self, use: UseQuestion) -> bool:
        if use.whose == "account":
            return True
        key = (self.company.folder, self.company.snapshot.tables.get("user_months"))
        if key not in _TWICE:
            # Asked once a version, of all that is loaded: it takes longer than the answer.
            with self.company.reading() as engine:
                _TWICE[key] = bool(engine.value(usage_retention_sql.twice_statement()))
        return not _TWICE[key]
