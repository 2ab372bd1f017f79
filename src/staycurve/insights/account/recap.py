"""The value recap of one account: what it got out of a period. It is made to be sent to it.

Nothing internal is read for it: no health, no risk, no price, no note and no owner.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.agreed import Agreeing
from staycurve.insights.account.asked import AccountId, Whose, whose
from staycurve.insights.account.facts import NOT_COUNTED
from staycurve.insights.account.limits import LimitUse, limit_uses
from staycurve.insights.account.recap_similar import BASES, not_tried
from staycurve.insights.account.recap_usage import Usage, Window, tickets_sql, usage_of, window_of
from staycurve.insights.answers import (
    AccountField,
    Answer,
    AsOfField,
    Key,
    Kind,
    NameField,
    Row,
    Said,
    Table,
    Value,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.known_use import NO_EVENTS
from staycurve.insights.shared.params import AsOfText
from staycurve.metrics.base import Unit
from staycurve.period import AsOf, Period, local_day, parse_period, period_of
from staycurve.tables.engine import AnyEngine

NO_USE = N_("the product was not used in this period")
NO_TICKETS = N_("no tickets are loaded")
NO_PLAN = N_("no goals have been agreed")
NO_LIMITS = N_("no limit is set for its plan")
ALL_TRIED = N_("it has tried every feature that similar customers keep using")

UNKNOWN_ABOUT = N_("What is not known → why.")


@dataclass(frozen=True, kw_only=True)
class FeatureUsed(Row):
    """One feature in the period, and in the one before."""

    feature: Annotated[str, col(N_("Feature"), Kind.NAME)]
    days: Annotated[int, col(N_("Days used"), Unit.COUNT)]
    days_before: Annotated[
        int | None, col(N_("Days before"), Unit.COUNT, N_("In the period before."))
    ]
    uses: Annotated[int, col(N_("Uses"), Unit.COUNT)]
    uses_before: Annotated[
        int | None, col(N_("Uses before"), Unit.COUNT, N_("In the period before."))
    ]
    is_new: Annotated[
        bool, col(N_("New to it"), Kind.FLAG, N_("Used in this period for the first time."))
    ]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Untried(Row):
    """One feature that the account has never used, and similar customers keep using."""

    feature: Annotated[str, col(N_("Feature"), Kind.NAME)]
    used_share: Annotated[
        float,
        col(N_("Similar customers using it"), Unit.PERCENT, N_("In the last 28 days.")),
    ]
    kept_share: Annotated[
        float,
        col(N_("Of them still using it"), Unit.PERCENT,
            N_("Of those who used it in the 28 days before, the share that did so again.")),
    ]


@dataclass(frozen=True, kw_only=True)
class GoalReached(Row):
    """One goal of the success plan that was reached in the period."""

    title: Annotated[str, col(N_("Goal"), is_personal=True)]
    due_on: Annotated[dt.date, col(N_("Due"), Kind.DAY)]
    reached_on: Annotated[dt.date, col(N_("Reached"), Kind.DAY)]


@dataclass(frozen=True, kw_only=True)
class Recap(Answer):
    """What one account got out of a period; what is not known is named in `unknown`."""

    as_of: AsOfField
    account_id: AccountField
    name: NameField
    period: Annotated[str, Key(N_("The period, such as 2026-Q3."))]
    first_day: Annotated[dt.date, Key(N_("Its first day."))]
    last_day: Annotated[dt.date, Key(N_("Its last day that is seen."))]
    is_open: Annotated[bool, Key(N_("Whether the period is not over."))]
    active_users: Annotated[int | None, col(N_("Active users"), Unit.COUNT)]
    active_users_before: Annotated[
        int | None, col(N_("Active users before"), Unit.COUNT, N_("In the period before."))
    ]
    active_days: Annotated[int | None, col(N_("Active days"), Unit.COUNT)]
    active_days_before: Annotated[
        int | None, col(N_("Active days before"), Unit.COUNT, N_("In the period before."))
    ]
    tickets_opened: Annotated[int | None, col(N_("Tickets opened"), Unit.COUNT)]
    tickets_solved: Annotated[int | None, col(N_("Tickets solved"), Unit.COUNT)]
    tickets_open: Annotated[
        int | None, col(N_("Tickets still open"), Unit.COUNT, N_("At the end of the period."))
    ]
    similar: Annotated[str, Key(N_("Whom it is compared with: plan_and_size, plan or all."))]
    unknown: Annotated[Mapping[str, str], Key(UNKNOWN_ABOUT)]
    rows: Annotated[tuple[FeatureUsed, ...], Table(N_("Features used"), is_main=True)]
    untried: Annotated[tuple[Untried, ...], Table(N_("Not tried yet"))]
    limits: Annotated[tuple[LimitUse, ...], Table(N_("Limits, this month"))]
    goals: Annotated[tuple[GoalReached, ...], Table(N_("Goals reached"))]
    why: WhyField = None

    def title(self) -> Said:
        return Said(
            N_("%(account)s, %(period)s"),
            {"account": (self.name or self.account_id, Kind.TEXT),
             "period": (self.period, Kind.TEXT)},
        )

    def said(self) -> tuple[Said, ...]:
        found = [*self._said_usage(), *self._said_tickets()]
        if self.untried:
            found.append(Said(N_("Compared with %(basis)s."), {"basis": Said(BASES[self.similar])}))
        found += [Said(one) for one in dict.fromkeys(
            self.unknown[key] for key in ("goals", "limits", "untried") if key in self.unknown
        )]
        return tuple(found)

    def _said_usage(self) -> list[Said]:
        if self.active_days is None:
            return []
        values: dict[str, str | Value | Said] = {
            "days": (self.active_days, Unit.COUNT), "users": (self.active_users, Unit.COUNT),
            "before": (self.active_days_before, Unit.COUNT),
        }
        found = [Said(
            N_("Used on %(days)s days.") if self.active_users is None
            else N_("Used by %(users)s people on %(days)s days."), values,
        )]
        if self.active_days_before is None:
            found.append(Said(self.unknown["before"]))
        elif self.is_open:
            found.append(Said(
                N_("In as many days of the period before it was used on %(before)s."), values
            ))
        else:
            found.append(Said(N_("In the period before it was used on %(before)s."), values))
        return found

    def _said_tickets(self) -> list[Said]:
        if self.tickets_solved is None:
            return [Said(self.unknown["tickets"])]
        return [Said(
            N_("%(solved)s tickets were solved; %(open)s are open."),
            {"solved": (self.tickets_solved, Unit.COUNT), "open": (self.tickets_open, Unit.COUNT)},
        )]


RecapPeriod = Annotated[
    str | None,
    Param(N_("A month, quarter or year. Default: the last quarter that is over."), metavar="P",
          examples="2026-Q3"),
]


@insight("account recap", needs="accounts", has_history=False)
def recap(
    company: Agreeing, *, account: AccountId, period: RecapPeriod = None, as_of: AsOfText = None
) -> Recap:
    """What did one account get out of the last quarter?

    It is made to be sent to the customer: usage and its growth, features that similar customers
    keep and it has not tried, limits, tickets solved and goals reached. Nothing internal is in it.
    Features that it has not tried, and limits, are as of now; the rest is of the period. A period
    that is not over is compared with as many days of the one before.
    """
    seen = company.as_of(as_of)
    fiscal_start = company.config.company.fiscal_year_start
    asked = period_asked(period, seen, fiscal_start)
    with company.seeing(seen) as engine:
        of = whose(engine, company, account, seen)
        found = _Found(engine, company, of, window_of(asked, of, fiscal_start))
        return found.answer(asked.name(fiscal_start))


def period_asked(text: str | None, seen: AsOf, fiscal_start: int) -> Period:
    """The period of a text; the last quarter that is over without one.

    Raises
    ------
    UsageError
        If it has not begun, or is no month, quarter or year.
    """
    if not text:
        current = period_of(seen.last_day, "quarter", fiscal_start)
        return current.previous(fiscal_start) if seen.is_open(current) else current
    found = parse_period(text, fiscal_start)
    if found.grain not in ("month", "quarter", "year"):
        raise UsageError(
            f"'{text}' is too short for a recap.", hint="Write 2026-09, 2026-Q3 or 2026."
        )
    if found.start > seen.last_day:
        raise UsageError(
            f"'{text}' has not begun by {seen.last_day}.", hint="Choose an earlier period."
        )
    return found


class _Found:
    """The parts of a recap, each with why it is empty."""

    def __init__(
        self, engine: AnyEngine, company: Agreeing, of: Whose, window: Window
    ) -> None:
        self.engine, self.company, self.of, self.window = engine, company, of, window
        self.unknown: dict[str, str] = {}

    def answer(self, period: str) -> Recap:
        of, window = self.of, self.window
        [identity] = self.engine.rows(facts_sql.identity(of))
        usage = self._usage()
        basis, untried = self._untried(usage)
        why = self.unknown.get("usage")
        if usage is not None and not usage.days and not usage.features:
            why = NO_USE
        return Recap(
            as_of=of.seen.at.isoformat(), account_id=of.account_id, name=identity[0],
            period=period, first_day=window.start, last_day=window.last, is_open=window.is_open,
            active_users=usage.users if usage else None,
            active_users_before=usage.users_before if usage else None,
            active_days=usage.days if usage else None,
            active_days_before=usage.days_before if usage else None,
            **self._tickets(), similar=basis, rows=_rows(usage), untried=untried,
            limits=self._limits(usage), goals=self._goals(), unknown=self.unknown, why=why,
        )

    def _has(self, table: str) -> bool:
        return bool(self.company.lake.rows(self.company.snapshot, table))

    def _usage(self) -> Usage | None:
        # Usage of accounts that no metric counts is not kept: that is not to have used nothing.
        why = NO_EVENTS if not self._has("events") else NOT_COUNTED if self.of.is_excluded else ""
        if why:
            self.unknown |= {"usage": why, "before": why}
            return None
        usage = usage_of(self.engine, self.company, self.of, self.window)
        if usage.why_before:
            self.unknown["before"] = usage.why_before
        return usage

    def _untried(self, usage: Usage | None) -> tuple[str, tuple[Untried, ...]]:
        if usage is None:
            self.unknown["untried"] = self.unknown["usage"]
            return "all", ()
        basis, found, why = not_tried(self.engine, self.company, self.of, usage.tried)
        if why or not found:
            self.unknown["untried"] = why or ALL_TRIED
        return basis, tuple(
            Untried(feature=one.feature, used_share=one.used_share, kept_share=one.kept_share)
            for one in found
        )

    def _limits(self, usage: Usage | None) -> tuple[LimitUse, ...]:
        if usage is None:
            # How much of an allowance is used is not known without events: it is not nothing.
            self.unknown["limits"] = self.unknown["usage"]
            return ()
        plans = [one[2] for one in self.engine.rows(facts_sql.items(self.of))]
        found = limit_uses(self.engine, self.of, plans)
        if not found:
            self.unknown["limits"] = NO_LIMITS
        return found

    def _tickets(self) -> dict[str, Any]:
        if not self._has("tickets"):
            self.unknown["tickets"] = NO_TICKETS
            return dict.fromkeys(("tickets_opened", "tickets_solved", "tickets_open"))
        [(opened, solved, is_open)] = self.engine.rows(tickets_sql(self.of, self.window))
        return {"tickets_opened": opened, "tickets_solved": solved, "tickets_open": is_open}

    def _goals(self) -> tuple[GoalReached, ...]:
        every = self.company.agreed(self.of.account_id)
        zone = self.of.config.company.zone
        if not every:
            self.unknown["goals"] = NO_PLAN
        found = []
        for one in every:
            if one.reached_at is None:
                continue
            day = local_day(one.reached_at, zone)
            if self.window.start <= day <= self.window.last:
                found.append(GoalReached(title=one.title, due_on=one.due_on, reached_on=day))
        return tuple(sorted(found, key=lambda one: (one.reached_on, one.title)))


def _rows(usage: Usage | None) -> tuple[FeatureUsed, ...]:
    if usage is None:
        return ()
    return tuple(
        FeatureUsed(
            feature=one.feature, days=one.days, days_before=one.days_before, uses=one.uses,
            uses_before=one.uses_before, is_new=one.is_new, why=usage.why_before,
        )
        for one in usage.features
    )
