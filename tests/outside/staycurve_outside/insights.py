"""The insight `greetings newest`: whom to welcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from staycurve.insights.answers import Answer, AsOfField, Kind, Opens, Row, Said, Table, col
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class Month(Row):
    """One month's new customers."""

    month: Annotated[dt.date, col("Month", Kind.MONTH)]
    customers: Annotated[
        int,
        col("Customers", Unit.COUNT, "Those who first paid in it.",
            opens=Opens("greetings guests", {"month": "month"})),
    ]


@dataclass(frozen=True, kw_only=True)
class Newest(Answer):
    """The months in which customers first paid."""

    as_of: AsOfField
    rows: Annotated[tuple[Month, ...], Table("New customers by month")]

    def said(self) -> tuple[Said, ...]:
        count = sum(row.customers for row in self.rows)
        return (Said("%(count)s to welcome.", {"count": (count, Unit.COUNT)}),)


@insight("greetings newest")
def newest(
    company: Reader, *,
    months: Annotated[int, Param("How many months.", least=1, most=60)] = 12,
    as_of: AsOfText = None,
) -> Newest:
    """Whom is there to welcome?"""
    seen = company.as_of(as_of)
    sql = f"""SELECT CAST(date_trunc('month', first_paid_on) AS DATE) AS month,
       CAST(COUNT(DISTINCT account_id) AS BIGINT) AS customers
FROM mrr_movements
WHERE first_paid_on <= DATE '{seen.last_day}'
GROUP BY 1
ORDER BY 1 DESC
LIMIT {months}"""
    with company.seeing(seen) as engine:
        rows = engine.rows(sql)
    return Newest(as_of=seen.at.isoformat(), rows=tuple(Month(*row) for row in rows), sql=sql)


@dataclass(frozen=True)
class Guest(Row):
    """One account that first paid in the month."""

    account_id: Annotated[str, col("Account")]
    first_paid_on: Annotated[dt.date, col("First paid", Kind.DAY)]


@dataclass(frozen=True, kw_only=True)
class Guests(Answer):
    """The accounts that first paid in a month."""

    as_of: AsOfField
    rows: Annotated[tuple[Guest, ...], Table("Accounts", is_list=True)]


@insight("greetings guests")
def guests(
    company: Reader, *,
    month: Annotated[str, Param("The month, such as 2024-01.", metavar="P")],
    as_of: AsOfText = None,
) -> Guests:
    """Who first paid in a month?"""
    seen = company.as_of(as_of)
    with company.seeing(seen) as engine:
        rows = engine.rows(
            "SELECT DISTINCT account_id, first_paid_on FROM mrr_movements "
            f"WHERE first_paid_on <= DATE '{seen.last_day}' ORDER BY first_paid_on, account_id"
        )
    found = tuple(Guest(*row) for row in rows if str(row[1])[:7] == month[:7])
    return Guests(as_of=seen.at.isoformat(), rows=found)
