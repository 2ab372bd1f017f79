"""Relations: the rows that measures sum, each with its account, period and segments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from staycurve.metrics.context import Context
from staycurve.metrics.lifetimes import life_rows, mean_lifetimes
from staycurve.metrics.mrr_relations import (
    ITEM_COLUMNS,
    history_rows,
    movement_rows,
    standing_rows,
)
from staycurve.metrics.mrr_totals import (
    counts_openers,
    follows_accounts,
    has_still_segments,
    opener_totals,
    payer_totals,
    value_totals,
)
from staycurve.metrics.openers import base_rows, opener_rows
from staycurve.metrics.told_use import told_dims, told_filters
from staycurve.metrics.usage_relations import (
    FEATURE,
    account_rows as usage_account_rows,
    calendar_rows,
    feature_base_rows,
    feature_base_totals,
    feature_rows,
    signup_medians,
    signup_rows,
    user_rows,
)
from staycurve.tables.conformed import CONFORMED


@dataclass(frozen=True)
class Relation:
    """Rows of (account_id, start_on, seg…, and what measures read).

    Attributes
    ----------
    base : str
        The conformed table that it stands on; empty there means unknown, not zero.
    rows : callable
        Context → SQL.
    own : mapping
        Dimension → SQL, for dimensions that the rows carry themselves.
    has_account : bool
        Whether a row belongs to an account, so that account attributes cut it.
    day : str
        The column of `source` that places a row; the first such day begins the default range.
    table : str
        The table that has `day`, where it is not `base`.
    rests_on : str
        A derived table; empty, it means unknown too: events that belong to no account say nothing
        of accounts.
    needs : tuple of str
        Shared relations that the SQL names.
    totals : callable, optional
        Context → SQL of fewer rows without accounts that sum to the same.
    has_totals : callable
        Context → whether `totals` can be asked.
    totals_filter : bool
        Whether `totals` keep to the asked segments themselves, and have no column for those that
        only restrict.
    has_users : bool
        Whether it is of what users do, so that their traits and properties of events cut it.
    is_restricted_by_use : bool
        Whether these restrict it all the same, and do not split it: an account has several.
    is_summed : bool
        Whether an account has at most one row in a period and its segments.
    told : callable
        Context → those of the asked dimensions to whose segments its rows are kept already.
    """

    base: str
    rows: Callable[[Context], str]
    own: Mapping[str, str] = field(default_factory=dict)
    has_account: bool = True
    day: str = "starts_on"
    needs: tuple[str, ...] = ()
    table: str = ""
    rests_on: str = ""
    totals: Callable[[Context], str] | None = None
    has_totals: Callable[[Context], bool] = has_still_segments
    totals_filter: bool = False
    has_users: bool = False
    is_restricted_by_use: bool = False
    is_summed: bool = False
    told: Callable[[Context], tuple[str, ...]] = lambda context: ()

    def is_unknown(self, empty_tables: Collection[str]) -> bool:
        """Whether nothing is loaded to tell it from: its numbers are unknown, not zero."""
        return self.base in empty_tables or self.rests_on in empty_tables

    @property
    def source(self) -> str:
        """The table that has `day`."""
        return self.table or self.base


def _simple(
    table: str,
    day: str,
    *,
    at: str = "",
    own: Mapping[str, str] | None = None,
    has_account: bool = True,
    columns: str = "",
    base: str = "",
) -> Relation:
    """A relation over one table whose rows are placed by one day."""
    traits = dict(own or {})
    # Not all of `t`: an engine may refuse a second account_id.
    columns = columns or ", ".join(
        f't."{column}"' for column, _ in CONFORMED[table].stored if column != "account_id"
    )

    def rows(context: Context) -> str:
        account = "r.root_id" if has_account else "NULL"
        segments, joins = context.segments(account=account, own=traits, day=f"t.{day}")
        roots = "LEFT JOIN account_roots r ON r.account_id = t.account_id" if has_account else ""
        counted = "AND coalesce(r.is_excluded, FALSE) = FALSE" if has_account else ""
        seen = f"AND t.{at} < {context.as_of_sql}" if at else ""
        shown = columns.format(
            as_of=context.as_of_sql, last_day=f"DATE '{context.as_of.last_day}'"
        )
        return f"""SELECT CAST({account} AS VARCHAR) AS account_id, p.start_on{segments},
       {shown}
FROM {table} t
{roots}
{context.join_period(f"t.{day}")}
{joins}
WHERE 1 = 1 {seen} {counted}"""

    return Relation(base or table, rows, traits, has_account, day, table=table)


def _spend(lag: Callable[[Context], int]) -> Callable[[Context], str]:
    def rows(context: Context) -> str:
        from staycurve.tables.mrr_movements import rate_join, value_sql

        months = lag(context)
        month = f"CAST(i.month + INTERVAL {months} MONTH AS DATE)" if months else "i.month"
        segments, joins = context.segments(account="NULL", own=_SPEND)
        return f"""SELECT CAST(NULL AS VARCHAR) AS account_id, p.start_on{segments},
       i.purpose, i.kind, {value_sql(context.config, item="i", rate="x")} AS amount
FROM spend i
{rate_join(item="i", day="i.month", rate="x")}
{context.join_period(month)}
{joins}"""

    return rows


def _no_lag(context: Context) -> int:
    del context
    return 0


def _cac_lag(context: Context) -> int:
    return int(context.config.convention("cac_lag")[:-1])


def _nps_rows(context: Context) -> str:
    segments, joins = context.segments(account="r.root_id", own=_ANSWER, day="t.answered_on")
    places = "".join(f", seg{place}" for place in range(len(context.dims)))
    return f"""SELECT * FROM (
    SELECT answered.*, row_number() OVER (PARTITION BY start_on{places}, user_id
               ORDER BY answered_at DESC, answer_id DESC) AS place
    FROM (
        SELECT r.root_id AS account_id, p.start_on{segments}, t.user_id, t.answered_at,
               t.answer_id, t.score
        FROM answers t
        LEFT JOIN account_roots r ON r.account_id = t.account_id
        {context.join_period("t.answered_on")}
        {joins}
        WHERE t.kind = 'nps' AND t.score IS NOT NULL
          AND t.answered_at < {context.as_of_sql}
          AND coalesce(r.is_excluded, FALSE) = FALSE
    ) answered
) ranked
WHERE user_id IS NULL OR place = 1"""


_ITEM = ITEM_COLUMNS
# Only what means the same on both sides of a ratio: spend and reach have kinds of their own.
_SPEND = {"channel": "i.channel"}
_ANSWER = {"survey": "t.survey", "touchpoint": "t.touchpoint"}
_REACH = {"channel": "t.channel"}
_TICKET = {"channel": "t.channel", "priority": "t.priority", "topic": "t.topic"}
_LEAD = {"channel": "t.channel"}
_TRIAL = {"card_on_file": "t.card_on_file"}


def always(context: Context) -> bool:
    """Totals can be asked in every cut."""
    del context
    return True


def _usage(
    table: str,
    rows: Callable[[Context], str],
    *,
    own: Mapping[str, str] | None = None,
    totals: Callable[[Context], str] | None = None,
) -> Relation:
    """A relation over a month table of usage."""
    return Relation(
        "events", rows, own or {}, day="first_day", table=table, rests_on=table, totals=totals,
        has_totals=always, has_users=True, told=partial(told_dims, table=table),
    )


RELATIONS: dict[str, Relation] = {
    "movements": Relation("subscriptions", movement_rows, _ITEM),
    "closing": Relation("subscriptions", standing_rows("periods"), _ITEM),
    "closing_value": Relation(
        "subscriptions",
        standing_rows("periods"),
        _ITEM,
        totals=value_totals("periods", "close_on"),
    ),
    "payers": Relation(
        "subscriptions",
        standing_rows("periods", is_counting=True),
        _ITEM,
        totals=payer_totals("periods", "close_on"),
        has_totals=follows_accounts,
    ),
    "history": Relation("subscriptions", history_rows, _ITEM),
    "opening": Relation(
        "subscriptions",
        standing_rows("periods", "open_on"),
        _ITEM,
        totals=value_totals("periods", "open_on"),
    ),
    "month_value": Relation(
        "subscriptions",
        standing_rows("months"),
        _ITEM,
        needs=("months",),
        totals=value_totals("months", "close_on"),
    ),
    "month_payers": Relation(
        "subscriptions",
        standing_rows("months", is_counting=True),
        _ITEM,
        needs=("months",),
        totals=payer_totals("months", "close_on"),
        has_totals=follows_accounts,
    ),
    "openers": Relation(
        "subscriptions",
        opener_rows("periods"),
        _ITEM,
        totals=opener_totals("periods"),
        has_totals=counts_openers,
        is_summed=True,
    ),
    "month_openers": Relation(
        "subscriptions",
        opener_rows("months"),
        _ITEM,
        needs=("months",),
        totals=opener_totals("months"),
        has_totals=counts_openers,
    ),
    "year_openers": Relation(
        "subscriptions", opener_rows("years"), _ITEM, needs=("years",), is_summed=True
    ),
    "rolling_openers": Relation(
        "subscriptions", opener_rows("rolling"), _ITEM, needs=("rolling",), is_summed=True
    ),
    "month_rolling_openers": Relation(
        "subscriptions", opener_rows("month_rolling"), _ITEM, needs=("month_rolling",)
    ),
    "base": Relation("subscriptions", base_rows("periods"), _ITEM),
    "month_base": Relation(
        "subscriptions", base_rows("months"), _ITEM, needs=("months",)
    ),
    "lives": Relation(
        "subscriptions", life_rows, totals=mean_lifetimes, has_totals=always, totals_filter=True,
    ),
    "spend": Relation("spend", _spend(_no_lag), _SPEND, False, "month"),
    "lagged_spend": Relation("spend", _spend(_cac_lag), _SPEND, False, "month"),
    "reach": _simple("reach", "day", own=_REACH, has_account=False),
    "leads": _simple("leads", "created_on", at="created_at", own=_LEAD),
    "demos": _simple("leads", "demo_on", at="demo_at", own=_LEAD),
    "tickets": _simple("tickets", "solved_on", at="solved_at", own=_TICKET),
    "nps_answers": Relation("answers", _nps_rows, _ANSWER, True, "answered_on"),
    "answers": _simple("answers", "answered_on", at="answered_at", own=_ANSWER),
    "invitations": _simple(
        "invitations", "asked_on", at="asked_at", own={"survey": "t.survey"}
    ),
    "trials": _simple(
        "trials",
        "started_on",
        at="started_at",
        own=_TRIAL,
        base="subscriptions",
        columns=(
            "t.started_on, "
            "CASE WHEN t.ended_at <= {as_of} THEN 1 ELSE 0 END AS is_mature, "
            "CASE WHEN t.paid_on <= CAST(t.ended_on + INTERVAL 30 DAY AS DATE) "
            "AND t.paid_on <= {last_day} THEN 1 ELSE 0 END AS is_converted"
        ),
    ),
    "period_users": _usage("user_months", user_rows()),
    "users_7d": _usage("user_months", user_rows(7)),
    "users_28d": _usage("user_months", user_rows(28)),
    "calendar": _usage("user_months", calendar_rows),
    "active_accounts": _usage("account_months", usage_account_rows),
    "feature_accounts": _usage("feature_months", feature_rows, own=FEATURE),
    "feature_base": _usage(
        "account_months", feature_base_rows, own=FEATURE, totals=feature_base_totals
    ),
    "signups": Relation(
        "events", signup_rows, day="created_on", table="accounts", rests_on="account_months",
        told=told_filters, is_restricted_by_use=True,
    ),
    "first_value": Relation(
        "events", signup_rows, day="created_on", table="accounts", rests_on="account_months",
        totals=signup_medians, has_totals=always, totals_filter=True,
        told=told_filters, is_restricted_by_use=True,
    ),
}

RESTED_ON = frozenset(one.rests_on for one in RELATIONS.values() if one.rests_on)
"""Derived tables that say nothing while they are empty."""
