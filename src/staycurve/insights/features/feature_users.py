"""The users of one feature in a period."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Hidden,
    Kind,
    Said,
    Table,
    col,
)
from staycurve.insights.base import insight
from staycurve.insights.features.feature_accounts import FeatureName
from staycurve.insights.features.feature_use import (
    FeatureQuestion,
    WindowText,
    active_sql,
    asked_of,
    check_features,
    listed,
    with_sql,
)
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

ABOUT = N_("users of the feature in the period")


@dataclass(frozen=True)
class User(AccountRow):
    """One user of the feature; an account's uses by nobody that is known are a row without one."""

    account_id: AccountField
    user_id: Annotated[str | None, col(N_("User"), is_personal=True, stands_in=True)]
    uses: Annotated[int, col(N_("Uses"), Unit.COUNT, is_summed=True)]
    days: Annotated[int, col(N_("Days"), Unit.COUNT)]
    last_on: Annotated[dt.date, col(N_("Last used"), Kind.DAY)]


@dataclass(frozen=True, kw_only=True)
class FeatureUsers(Answer):
    """The users of one feature in the period, those who used it most first."""

    as_of: AsOfField
    about: AboutField = ABOUT
    rows: Annotated[tuple[User, ...], Table(N_("Users"), is_list=True)]
    total: TotalField
    feature: Annotated[str, Hidden()] = ""
    period: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        return Said(
            N_("Users of %(feature)s, %(period)s"),
            {"feature": (self.feature, Kind.TEXT), "period": (self.period, Kind.TEXT)},
        )


@insight("features users", comes_from="/features?period#report", needs="events")
def users(
    company: Reader, *, feature: FeatureName, period: WindowText = None, where: Where = "",
    as_of: AsOfText = None,
) -> FeatureUsers:
    """Who uses a feature most?"""
    asked = asked_of(company, period, where, as_of)
    sql = statement(asked, feature)
    with company.seeing(asked.question.as_of) as engine:
        check_features(engine, asked, [feature])
        rows = tuple(User(*row) for row in engine.rows(sql))
    known = [row for row in rows if row.user_id is not None]
    return FeatureUsers(
        as_of=asked.question.as_of.at.isoformat(),
        rows=rows,
        total={"users": len(known), "uses": sum(row.uses for row in rows)},
        feature=feature,
        period=asked.window.name,
        sql=sql,
    )


def statement(asked: FeatureQuestion, feature: str) -> str:
    """SQL of the rows of User."""
    window = asked.window
    return f"""{with_sql(asked, window.last_seen, active_sql(asked, window), use=window)}
SELECT u.account_id, u.user_id, CAST(SUM(u.uses) AS BIGINT) AS uses,
       CAST(COUNT(DISTINCT u.day) AS BIGINT) AS days, MAX(u.day) AS last_on
FROM usage_days u JOIN active a ON a.account_id = u.account_id
WHERE {window.days_sql("u.day")} AND u.feature IN ({listed([feature])})
GROUP BY u.account_id, u.user_id
ORDER BY uses DESC, u.account_id, u.user_id NULLS FIRST"""
