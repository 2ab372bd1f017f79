"""Features of one company: the report, adoption over time, limits, and the accounts behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.features import (
    feature_accounts,
    feature_adoption,
    feature_report,
    feature_retention,
    feature_use,
    limits,
)
from staycurve.insights.features.feature_adoption import Adoption
from staycurve.insights.features.feature_report import Answers, FeatureReport
from staycurve.insights.features.feature_use import TOP, Asked
from staycurve.insights.features.limits import Limits
from staycurve.insights.shared.account_facts import Opened, check_dims
from staycurve.insights.shared.members import Question
from staycurve.insights.usage.usage_windows import Window, earlier, three_months_before, window_of
from staycurve.metrics.context import Filter
from staycurve.metrics.query import filters_of
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    from staycurve.workspace.measured import MeasuredCompany


@dataclass(frozen=True)
class Features:
    """The features of one company.

    Every reading takes `where`, such as 'industry=EdTech', and `as_of`, an instant after which no
    facts are seen. What changes with time, such as the plan, is read at each period's close; for
    repeat use and retention before it is known who came back or stayed. A `period` is 2024-05,
    2024-Q2, 2024, or 28d; without it the last month that has closed.
    """

    company: MeasuredCompany

    def report(
        self,
        *,
        period: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        top: int = TOP,
        features: Sequence[str] = (),
        months: int = feature_retention.MONTHS,
        spans: int = feature_retention.SPANS,
    ) -> FeatureReport:
        """The feature report of a period.

        Parameters
        ----------
        top : int
            How many features are shown one by one; the rest is counted and named.
        features : sequence of str
            Show these instead.
        months : int
            Between use and whether the account still pays.
        spans : int
            How many stretches of so many months are looked at; 0 leaves retention out.
        """
        if top < 1 or not 1 <= months <= 60 or not 0 <= spans <= 60:
            raise UsageError(
                "The report shows at least 1 feature, looks 1 to 60 months ahead, 0 to 60 times.",
                hint=f"Write: --top {TOP} --months {feature_retention.MONTHS}",
            )
        asked = self._asked(period, where, as_of, top=top, features=features)
        with self.company.seeing(asked.question.as_of) as engine:
            first_day = _first_day(engine)
            for name in features:
                feature_accounts.check(name, "using", _known(engine, asked))
            answers = self._answers(engine, asked, first_day)
            every = feature_report.every_row(answers)
            if features:
                found = {row[0]: row for row in every}
                shown = [
                    found.get(name, feature_report.unused_row(name))
                    for name in dict.fromkeys(features)
                ]
            else:
                shown = every[:top]
            chosen = feature_report.features(asked, answers, shown)
            compared = feature_retention.compared(asked, months, spans, first_day)
            sql = ""
            if compared.spans and chosen:
                names = [one.name for one in chosen]
                sql = feature_retention.statement(asked, compared.spans, names)
                beside = feature_retention.retention(engine.rows(sql), names)
                chosen = [replace(one, retention=beside[one.name]) for one in chosen]
            counts = engine.rows(feature_use.breadth_statement(asked))
            breadth = [(features_used, accounts) for features_used, accounts in counts]
        return feature_report.report(
            asked,
            statuses=answers.statuses,
            chosen=chosen,
            rest=[] if features else every[top:],
            breadth=breadth,
            retention_of=compared.as_dict(),
            sql={"features": feature_use.features_statement(asked), "retention": sql},
            accounts=lambda feature, part: self._opened(asked, feature, part, months, spans),
            users=lambda feature: self._users(asked, feature),
        )

    def accounts(
        self,
        feature: str = "",
        *,
        part: str = "using",
        period: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        months: int = feature_retention.MONTHS,
        spans: int = feature_retention.SPANS,
        breadth: int | None = None,
    ) -> Opened:
        """The accounts behind one number of the report.

        Parameters
        ----------
        part : str
            A key of `feature_accounts.PARTS`, such as using, again, kept or others.
        breadth : int, optional
            With the part breadth: those that used so many features.
        """
        asked = self._asked(period, where, as_of)
        return self._opened(asked, feature, part, months, spans, breadth=breadth)

    def users(
        self,
        feature: str,
        *,
        period: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
    ) -> Opened:
        """The users of a feature in a period, those who used it most first."""
        return self._users(self._asked(period, where, as_of), feature)

    def adoption(
        self,
        *,
        months: int = feature_adoption.MONTHS,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        top: int = TOP,
        features: Sequence[str] = (),
    ) -> Adoption:
        """Adoption of each feature month by month, the last closed month last."""
        if top < 1 or not 1 <= months <= 120:
            raise UsageError(
                "Adoption shows at least 1 feature over 1 to 120 months.",
                hint=f"Write: --top {TOP} --months {feature_adoption.MONTHS}",
            )
        asked = self._asked(None, where, as_of, top=top, features=features)
        windows = feature_adoption.windows_of(asked, months)
        sql = feature_use.adoption_statement(asked, windows)
        with self.company.seeing(asked.question.as_of) as engine:
            for name in features:
                feature_accounts.check(name, "using", _known(engine, asked))
            answer = engine.rows(sql)
        return feature_adoption.adoption(
            asked, windows, answer, sql=sql,
            accounts=lambda feature, month: self.accounts(
                feature, period=month, where=where, as_of=as_of
            ),
        )

    def limits(
        self,
        *,
        period: str | None = None,
        where: str | Sequence[Filter] = "",
        as_of: str | None = None,
        least: float = 0.5,
    ) -> Limits:
        """How much of each plan's allowance each account has used in a month, to date.

        Parameters
        ----------
        period : str, optional
            A month, such as 2024-05; without it the as-of's.
        least : float
            Accounts are listed from this utilisation (0-1), or where projected to pass; all of
            them count in the summary.
        """
        asked = self._question(where, as_of)
        month = limits.month_of(period, asked.as_of, self.company.config.company.zone)
        with self.company.seeing(asked.as_of) as engine:
            return limits.limits(asked, month, engine.rows, least=least)

    def limit_uses(
        self,
        account: str,
        feature: str,
        *,
        period: str | None = None,
        as_of: str | None = None,
    ) -> Opened:
        """What one account used of a feature in a month, by user and day, as `limits` counts it."""
        asked = self._question("", as_of)
        month = limits.month_of(period, asked.as_of, self.company.config.company.zone)
        sql = limits.uses_statement(month, account, feature)
        with self.company.seeing(asked.as_of) as engine:
            answer = engine.rows(sql)
            for kind, own in (("account", account), ("feature", feature)) if not answer else ():
                if not engine.value(limits.known_statement(kind, own)):
                    raise UnknownNameError(kind, own, (), hint="Known: staycurve features limits")
        return limits.uses(asked, account, answer, sql=sql)

    def _question(self, where: str | Sequence[Filter], as_of: str | None) -> Question:
        filters = filters_of(where)
        check_dims((), filters, self.company.attributes())
        return Question(self.company.config, self.company.as_of(as_of), (), filters)

    def _asked(
        self, period: str | None, where: str | Sequence[Filter], as_of: str | None,
        *, top: int = TOP, features: Sequence[str] = (),
    ) -> Asked:
        question = self._question(where, as_of)
        fiscal = self.company.config.company.fiscal_year_start
        window = window_of(period, question.as_of, fiscal)
        return Asked(question, window, top, tuple(features))

    def _answers(
        self, engine: AnyEngine, asked: Asked, first_day: dt.date | None
    ) -> Answers:
        seen, fiscal = asked.question.as_of, asked.question.config.company.fiscal_year_start

        def using(window: Window | None) -> dict[str | None, int] | None:
            if window is None or first_day is None or window.start < first_day.replace(day=1):
                return None
            return dict(engine.rows(feature_use.using_statement(asked, window)))

        again = None
        start = asked.window.last_seen - dt.timedelta(days=2 * 28 - 1)
        if first_day is not None and start >= first_day:
            rows = engine.rows(feature_use.repeat_statement(asked))
            again = {name: (before, then) for name, before, then in rows}
        return Answers(
            now=engine.rows(feature_use.features_statement(asked)),
            statuses=dict(engine.rows(feature_use.statuses_statement(asked))),
            earlier=using(earlier(asked.window, seen, fiscal)),
            three_months=using(three_months_before(asked.window, seen)),
            again=again,
        )

    def _opened(
        self, asked: Asked, feature: str, part: str, months: int, spans: int, *,
        breadth: int | None = None,
    ) -> Opened:
        with self.company.seeing(asked.question.as_of) as engine:
            feature_accounts.check(feature, part, _known(engine, asked))
            beside = feature_retention.compared(asked, months, spans, _first_day(engine))
            return feature_accounts.opened(
                asked, beside, feature, part, engine.rows, breadth=breadth
            )

    def _users(self, asked: Asked, feature: str) -> Opened:
        with self.company.seeing(asked.question.as_of) as engine:
            feature_accounts.check(feature, "using", _known(engine, asked))
            return feature_accounts.users(asked, feature, engine.rows)


def _known(engine: AnyEngine, asked: Asked) -> list[str]:
    return [row[0] for row in engine.rows(feature_accounts.known_features(asked))]


def _first_day(engine: AnyEngine) -> dt.date | None:
    """The first day of which any use is known."""
    found: dt.date | None = engine.value("SELECT MIN(first_day) FROM feature_months")
    return found
