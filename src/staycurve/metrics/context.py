"""Context: the question as relations see it, and the pieces of SQL that they share."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.metrics.dimensions import COHORT, ITEM_TRAITS, MOVING, now_of
from staycurve.metrics.user_traits import trait_sql
from staycurve.period import AsOf, Period
from staycurve.tables.account_roots import account_column
from staycurve.tables.engine import name, quoted, timestamp

EQUALS, CONTAINS = "=", "~"
COMPARED = ("<", "<=", ">", ">=")
"""Tests of a filter that look at size: of numbers where the value is one, else of texts."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LARGEST = "1e308"
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}|$)")
_DAY = "'____-__-__%'"


@dataclass(frozen=True)
class Filter:
    """`where` on one dimension: the segment's value is, or is not, one of these.

    Attributes
    ----------
    test : str
        = one of the values, ~ contains one of them in any case, <, <=, > or >= one of them: as
        numbers where it is a number, as dates where it is a date, else as texts. What is not
        there is neither smaller nor larger than anything.
    """

    dim: str
    values: tuple[str | None, ...]
    is_negated: bool = False
    test: str = EQUALS

    @property
    def is_of_values(self) -> bool:
        """Whether its values are such as the dimension has, and not parts or bounds of them."""
        return self.test == EQUALS

    @property
    def sign(self) -> str:
        """The test as `where` writes it."""
        return f"{'!' if self.is_negated else ''}{self.test}"

    def sql(self, column: str) -> str:
        """SQL that is true for a row in the segment."""
        either = f"({' OR '.join(self._one(column, value) for value in self.values)})"
        return f"NOT {either}" if self.is_negated else either

    def _one(self, column: str, value: str | None) -> str:
        if value is None:
            return f"{column} IS NULL"
        if self.test == EQUALS:
            return f"coalesce({column} = {quoted(value)}, FALSE)"
        if self.test == CONTAINS:
            return f"strpos(lower(coalesce({column}, '')), {quoted(value.lower())}) > 0"
        if _DATE.match(value):
            # Numbers and words are neither before nor after a day.
            return f"coalesce({column} {self.test} {quoted(value)} AND {column} LIKE {_DAY}, FALSE)"
        if not _NUMBER.fullmatch(value):
            return f"coalesce({column} {self.test} {quoted(value)}, FALSE)"
        number = f"TRY_CAST({column} AS DOUBLE)"
        # NaN is larger than all numbers where engines order it, and no number.
        return (
            f"coalesce({number} {self.test} CAST({quoted(value)} AS DOUBLE) "
            f"AND abs({number}) <= {_LARGEST}, FALSE)"
        )


@dataclass(frozen=True)
class Context:
    """Metrics × grain × segments × range × as-of, before any relation is chosen.

    Attributes
    ----------
    periods : tuple of Period
        In order, without gaps.
    dims : tuple of str
        Every dimension asked for in `by` or `where`; `seg0`, `seg1`, … hold their values.
    by_count : int
        How many of `dims`, from the first, the answer is split by.
    of_users : tuple of str
        Those of `dims` that are traits of users.
    """

    config: Config
    grain: str
    periods: tuple[Period, ...]
    as_of: AsOf
    dims: tuple[str, ...] = ()
    by_count: int = 0
    filters: tuple[Filter, ...] = ()
    of_users: tuple[str, ...] = ()

    def close_on(self, period: Period) -> dt.date:
        """The last day of the period that is seen."""
        return min(period.end - dt.timedelta(days=1), self.as_of.last_day)

    def seg(self, dim: str) -> str:
        """The column that holds a dimension's value."""
        return f"seg{self.dims.index(dim)}"

    @property
    def as_of_sql(self) -> str:
        """The as-of as an SQL timestamp."""
        return timestamp(self.as_of.at)

    @property
    def traits(self) -> list[str]:
        """Asked dimensions that are traits of items."""
        return [dim for dim in self.dims if dim in ITEM_TRAITS]

    @property
    def moving(self) -> list[str]:
        """Asked dimensions whose value changes with time."""
        return [dim for dim in self.dims if dim in MOVING]

    @property
    def needs_firsts(self) -> bool:
        """Whether the relations of the asked dimensions read the relation `firsts`."""
        return any(dim in (COHORT, "tenure", "tenure_now") for dim in self.dims)

    def segment_relations(self) -> dict[str, str]:
        """Name → SQL of the relations that `segments` joins, beside `firsts` and tables."""
        found = {}
        for dim in self.dims:
            current = now_of(dim)
            if dim in MOVING:
                found[f"moving_{dim}"] = MOVING[dim].spans(self.config)
            elif current:
                spans = (current.at_close or current.spans)(self.config)
                day = f"DATE '{self.as_of.last_day}'"
                found[dim] = (
                    f"SELECT account_id, value FROM ({spans}) now_spans "
                    f"WHERE starts_on <= {day} AND ends_on > {day}"
                )
        return found

    @property
    def segment_ctes(self) -> str:
        """The same to follow WITH, each with a comma after it."""
        return "".join(f"{name} AS ({sql}),\n" for name, sql in self.segment_relations().items())

    def join_period(self, day: str, *, periods: str = "periods") -> str:
        """SQL that joins the period `p` in which a day lies and is seen."""
        seen = f"{day} <= p.close_on"
        fiscal = self.config.company.fiscal_year_start != 1
        if periods == "months":
            return (
                f"JOIN months p ON p.month_on = CAST(date_trunc('month', {day}) AS DATE) "
                f"AND {seen}"
            )
        if self.grain == "day":
            return f"JOIN periods p ON p.start_on = {day} AND {seen}"
        if self.grain == "week" and self.config.company.week_start == "sunday":
            # Engines truncate to Mondays; a Sunday belongs with the Monday after it.
            monday = f"date_trunc('week', CAST({day} + INTERVAL 1 DAY AS DATE))"
            return (
                f"JOIN periods p ON p.start_on = CAST({monday} - INTERVAL 1 DAY AS DATE) "
                f"AND {seen}"
            )
        if self.grain in ("week", "month") or not fiscal:
            start = f"CAST(date_trunc('{self.grain}', {day}) AS DATE)"
            return f"JOIN periods p ON p.start_on = {start} AND {seen}"
        return f"JOIN periods p ON {day} >= p.start_on AND {seen}"

    def segments(
        self,
        *,
        account: str,
        own: Mapping[str, str],
        day: str = "",
        fallback_day: str = "",
        user: str = "",
    ) -> tuple[str, str]:
        """SQL of the segment columns, and of the joins that they need.

        Parameters
        ----------
        account : str
            SQL of the row's account.
        own : mapping
            Dimension → SQL, for what the relation itself knows.
        day : str
            SQL of the day on which a moving dimension is read.
        fallback_day : str
            Read where there is no value on `day`.
        user : str
            SQL of the row's user, where it has one.
        """
        columns, joins = [], []
        for dim in self.dims:
            seg = self.seg(dim)
            if dim in own:
                columns.append(f"CAST({own[dim]} AS VARCHAR) AS {seg}")
            elif user and dim in self.of_users:
                columns.append(f"{trait_sql(dim, alias=f'{seg}u')} AS {seg}")
                joins.append(f"LEFT JOIN users {seg}u ON {seg}u.user_id = {user}")
            elif dim in MOVING:
                columns.append(
                    f"coalesce({seg}a.value, {seg}b.value) AS {seg}"
                    if fallback_day
                    else f"{seg}a.value AS {seg}"
                )
                for mark, at in (("a", day), ("b", fallback_day)):
                    if at:
                        joins.append(
                            f"LEFT JOIN moving_{dim} {seg}{mark} "
                            f"ON {seg}{mark}.account_id = {account} "
                            f"AND {seg}{mark}.starts_on <= {at} AND {seg}{mark}.ends_on > {at}"
                        )
            elif now_of(dim):
                columns.append(f"{seg}n.value AS {seg}")
                joins.append(f"LEFT JOIN {dim} {seg}n ON {seg}n.account_id = {account}")
            elif dim == COHORT:
                columns.append(f"strftime({seg}f.first_paid_on, '%Y-%m') AS {seg}")
                joins.append(f"LEFT JOIN firsts {seg}f ON {seg}f.account_id = {account}")
            else:
                columns.append(f"{account_column(dim, alias=f'{seg}t')} AS {seg}")
                joins.append(f"LEFT JOIN accounts {seg}t ON {seg}t.account_id = {account}")
        listed = "".join(f", {column}" for column in columns)
        return listed, "\n".join(joins)

    @property
    def seg_names(self) -> str:
        """`, seg0, seg1, …` for a SELECT or GROUP BY."""
        return "".join(f", seg{place}" for place in range(len(self.dims)))

    @property
    def split_names(self) -> str:
        """Those of them that split the answer."""
        return "".join(f", seg{place}" for place in range(self.by_count))

    @property
    def any_of_rest(self) -> str:
        """`, MIN(seg1) AS seg1, …` of those that only restrict: of what passes, any value does."""
        rest = range(self.by_count, len(self.dims))
        return "".join(f", MIN(seg{place}) AS seg{place}" for place in rest)

    def item_where(self, alias: str) -> str:
        """SQL that keeps the items in the segments that an item's own traits make."""
        tests = [
            f.sql(f"CAST({alias}.{name(f.dim)} AS VARCHAR)")
            for f in self.filters if f.dim in ITEM_TRAITS
        ]
        return " AND ".join(tests) or "1 = 1"

    def chosen(self, account: str) -> str:
        """SQL that keeps accounts with any item in the asked segments.

        Of an account every item counts, since one segment gains what another loses; of an account
        that never was in the asked segments, nothing can pass.
        """
        if not any(f.dim in ITEM_TRAITS for f in self.filters):
            return "1 = 1"
        return (
            f"{account} IN (SELECT c.account_id FROM mrr_items c WHERE {self.item_where('c')})"
        )

    def where(self, *, without: Collection[str] = ()) -> str:
        """SQL that keeps the rows in the asked segments.

        Parameters
        ----------
        without : collection of str
            Dimensions to whose segments the rows are kept already.
        """
        tests = [f.sql(self.seg(f.dim)) for f in self.filters if f.dim not in without]
        return " AND ".join(tests) or "1 = 1"
