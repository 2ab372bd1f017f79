"""The closed months of a company as cohorts see them: what each brought at each age."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from staycurve.insights.shared.asking import first_paid_on
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.insights.statistics.projecting import Triangle
from staycurve.metrics import cohorts
from staycurve.metrics.query import Query
from staycurve.period import Period, periods_between


@dataclass(frozen=True)
class Closed:
    """What closed months brought.

    Attributes
    ----------
    months : tuple of Period
        From the first paid one to the last that has closed.
    values, accounts : Triangle
    series : tuple of float
        The whole at each close.
    """

    months: tuple[Period, ...]
    values: Triangle
    accounts: Triangle
    series: tuple[float, ...]
    sql: str = ""


def closed_months(company: Reader, asked: Question, what: str) -> Closed:
    """The closed months of 'mrr' or 'customers'; none where nobody has paid in one."""
    with company.seeing(asked.as_of) as engine:
        first = first_paid_on(engine, asked)
        if first is None:
            return Closed((), (), (), ())
        every = tuple(periods_between(first, asked.as_of.last_day, "month"))
        months = tuple(month for month in every if not asked.as_of.is_open(month))
        if not months:
            return Closed((), (), (), ())
        read: dict[str, Triangle] = {}
        sql = ""
        for value in dict.fromkeys(("customers", "net_mrr" if what == "mrr" else "customers")):
            query = cohorts.CohortQuery(value, "count", every, asked.as_of, (), asked.filters)
            cohorts.check(query, company.attributes())
            sql = cohorts.statement(query, asked.config)
            rows = cohorts.matrix(query, engine.rows(sql))
            read[value] = _triangle(months, rows)
    shown = company.answer(
        Query((what,), "month", months, asked.as_of, (), asked.filters)
    )
    series = {row["period"]: row["value"] for row in shown.rows}
    return Closed(
        months=months,
        values=read["net_mrr" if what == "mrr" else "customers"],
        accounts=read["customers"],
        series=tuple(float(series[str(month.start)] or 0) for month in months),
        sql=sql,
    )


def _triangle(months: tuple[Period, ...], rows: list[dict[str, object]]) -> Triangle:
    places = {month.start: place for place, month in enumerate(months)}
    found = [[0.0] * (len(months) - place) for place in range(len(months))]
    for row in rows:
        place = places.get(dt.date.fromisoformat(str(row["cohort"])))
        if place is None or row["value"] is None:
            # The month that is still open, as a cohort or as an age.
            continue
        found[place][int(str(row["age"]))] = float(str(row["value"]))
    return found
