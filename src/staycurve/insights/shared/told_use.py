"""Told use: questions about accounts whose use is restricted by what each event or its user tells.

A filter on a property of events, or on a trait of users, keeps the events that have it; the answer
is then what it would be if there were no others. The tables of use are made anew from them, by
their own statements and under their own names, so that every reading of them stays as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from staycurve.errors import NotAnsweredError
from staycurve.insights.shared.account_facts import check_dims
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.reader import Reader
from staycurve.metrics import user_traits
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import PROPERTY, dims_of
from staycurve.metrics.filters import filters_of
from staycurve.metrics.segment_values import check_property
from staycurve.metrics.told_use import activations_sql, tell_sql
from staycurve.tables.derived import Derived
from staycurve.tables.usage_days import USAGE_DAYS
from staycurve.tables.usage_months import ACCOUNT_MONTHS, FEATURE_MONTHS

_TABLES: tuple[Derived, ...] = (USAGE_DAYS, ACCOUNT_MONTHS, FEATURE_MONTHS)


@dataclass(frozen=True)
class UseOf(Question):
    """A question about accounts, and which of their events count.

    Attributes
    ----------
    told : tuple of Filter
        On properties of events and traits of their users; those on accounts are `filters`.
    """

    told: tuple[Filter, ...] = ()

    def undivided(self) -> UseOf:
        """The same accounts and events, not split."""
        return replace(self, by=())

    def activations_sql(self) -> str:
        """The relation account_months of the told events, with activated_on alone.

        To follow WITH, a comma after it; empty where nothing is told. Who reached first value needs
        no more, and what is done every day need not be summed up for it.
        """
        if not self.told:
            return ""
        dims = tuple(dict.fromkeys(one.dim for one in self.told))
        traits = tuple(dim for dim in dims if not dim.startswith(PROPERTY))
        context = Context(self.config, "day", (), self.as_of, dims, 0, self.told, traits)
        return f"account_months AS ({activations_sql(context)}),\n"

    def told_sql(self, first: dt.date | None = None, last: dt.date | None = None) -> str:
        """The relations events, usage_days, account_months and feature_months of the told events.

        To follow WITH, a comma after each; empty where nothing is told. Columns that are computed
        over all months of a table are not there.

        Parameters
        ----------
        first, last : date, optional
            Local days between which, ends included.
        """
        if not self.told:
            return ""
        tests = [f"e.occurred_at < {self.context.as_of_sql}"]
        if first:
            tests.append(f"e.occurred_on >= DATE '{first}'")
        if last:
            tests.append(f"e.occurred_on <= DATE '{last}'")
        tests += [one.sql(tell_sql(one.dim)) for one in self.told]
        users = ""
        if any(not one.dim.startswith(PROPERTY) for one in self.told):
            users = "\n    LEFT JOIN users t ON t.user_id = e.user_id"
        events = f"""events AS (
    SELECT e.* FROM events e{users}
    WHERE {" AND ".join(tests)}
)"""
        tables = [f"{one.name} AS ({one.statement(self.config).strip()})" for one in _TABLES]
        return "".join(f"{one},\n" for one in (events, *tables))


def use_on_day(
    company: Reader, by: str | Sequence[str], where: str | Sequence[Filter], as_of: str | None, *,
    relation: str = "closing",
) -> UseOf:
    """A question about what accounts are on a day, and about their use by what events tell.

    Parameters
    ----------
    relation : str
        The relation of the metrics that can be cut as the answer can.

    Raises
    ------
    UnknownNameError
        If a dimension, or a property, is not known.
    NotAnsweredError
        If the answer cannot be split by it.
    """
    dims, filters = dims_of(by), filters_of(where)
    asked = tuple(dict.fromkeys((*dims, *(one.dim for one in filters))))
    traits = user_traits.among(asked, company.traits(), company.attributes())
    told_dims = {dim for dim in asked if dim.startswith(PROPERTY) or dim in traits}
    for dim in dims:
        if dim in told_dims:
            raise NotAnsweredError(
                f"This cannot be split by {dim}: an account has several.",
                hint=f"Restrict it instead, one value after another: --where {dim}=…",
                dimension=dim,
            )
    told = tuple(one for one in filters if one.dim in told_dims)
    rest = tuple(one for one in filters if one.dim not in told_dims)
    check_dims(
        dims, rest, company.attributes(), relation=relation,
        also=user_traits.names(company.traits()),
    )
    for one in told:
        if one.dim.startswith(PROPERTY):
            with company.reading() as engine:
                check_property(one.dim.removeprefix(PROPERTY), engine)
    return UseOf(company.config, company.as_of(as_of), dims, rest, told)
