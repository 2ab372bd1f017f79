"""What one account used of its limit in a month, by user and day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UnknownNameError
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
from staycurve.insights.base import Param, insight
from staycurve.insights.features.feature_accounts import FeatureName
from staycurve.insights.features.limit_facts import Month, MonthText, month_of
from staycurve.insights.shared.asking import question_on_day
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.engine import quoted

ABOUT = N_("uses of the feature in the month, by user and day")


@dataclass(frozen=True)
class Use(AccountRow):
    """What one user did on one day; a row without a user is of nobody that is known."""

    account_id: AccountField
    user_id: Annotated[str | None, col(N_("User"), is_personal=True, stands_in=True)]
    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    uses: Annotated[int, col(N_("Uses"), Unit.COUNT, is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class LimitUses(Answer):
    """What an account used of a feature in a month, as limits count it."""

    as_of: AsOfField
    about: AboutField = ABOUT
    rows: Annotated[tuple[Use, ...], Table(N_("Uses"), is_list=True)]
    total: TotalField
    account: Annotated[str, Hidden()] = ""
    feature: Annotated[str, Hidden()] = ""
    period: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        values = {
            "feature": (self.feature, Kind.TEXT), "account": (self.account, Kind.TEXT),
            "period": (self.period, Kind.TEXT),
        }
        return Said(N_("%(feature)s, %(account)s, %(period)s"), values)


@insight(
    "features limit-uses", aliases=("/features/limits/uses",), page="/features/uses",
    comes_from="/features?period#limits", needs="events",
)
def limit_uses(
    company: Reader, *,
    account: Annotated[
        str, Param(N_("Its account_id."), metavar="ACCOUNT", is_argument=True)
    ],
    feature: FeatureName, period: MonthText = None, as_of: AsOfText = None,
) -> LimitUses:
    """What did an account use of its limit in a month, by user and day?"""
    asked = question_on_day(company, (), "", as_of)
    month = month_of(period, asked.as_of, company.config.company.zone)
    sql = statement(month, account, feature)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
        for kind, own in (("account", account), ("feature", feature)) if not answer else ():
            if not engine.value(known_statement(kind, own)):
                raise UnknownNameError(kind, own, (), hint="Known: staycurve features limits")
    rows = tuple(Use(account, user, day, count) for user, day, count in answer)
    return LimitUses(
        as_of=asked.as_of.at.isoformat(), rows=rows,
        total={"uses": sum(row.uses for row in rows)}, account=account, feature=feature,
        period=month.window.name, sql=sql,
    )


def statement(month: Month, account: str, feature: str) -> str:
    """SQL of rows (user_id, day, uses) of one account's use of one feature in a month."""
    return f"""SELECT u.user_id, u.day, CAST(SUM(u.uses) AS BIGINT) AS uses
FROM usage_days u
WHERE u.account_id = {quoted(account)} AND u.feature = {quoted(feature)}
  AND {month.window.days_sql("u.day")}
GROUP BY u.user_id, u.day
ORDER BY u.day, u.user_id NULLS FIRST"""


def known_statement(kind: str, own: str) -> str:
    """SQL of how many times an account, or a feature, is known."""
    if kind == "account":
        return f"SELECT COUNT(*) FROM account_roots WHERE account_id = {quoted(own)}"
    return f"SELECT COUNT(*) FROM usage_days WHERE feature = {quoted(own)}"
