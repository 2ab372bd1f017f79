"""The accounts and users behind each number of the feature report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import NotAnsweredError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Beside,
    Hidden,
    Kind,
    NameField,
    OwnerField,
    Row,
    Said,
    Table,
    Value,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.features import feature_retention
from staycurve.insights.features.feature_retention import MONTHS, SPANS, compared
from staycurve.insights.features.feature_use import (
    BREADTH_SQL,
    STATUSES,
    FeatureQuestion,
    Months,
    Spans,
    WindowText,
    active_sql,
    asked_of,
    check_features,
    first_day_of,
    listed,
    repeat_sql,
    standing_sql,
    used_sql,
    with_sql,
)
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit
from staycurve.tables.engine import AnyEngine

PARTS: Mapping[str, str] = {
    "active": N_("accounts that were active in the period, and how many features each used"),
    **{status: N_("active accounts of this status") for status in STATUSES},
    "using": N_("active accounts that used it in the period"),
    **{f"using_{status}": N_("active accounts of this status that used it") for status in STATUSES},
    "breadth": N_("active accounts by how many features they used"),
    "before": N_("accounts that used it in the 28 days before the last 28"),
    "again": N_("those of them that used it again in the last 28 days"),
    "followed": N_("accounts that used it and paid at the start of a span, once a span"),
    "kept": N_("those of them that paid at the span's end"),
    "others": N_("accounts that did not use it and paid at the start of a span, once a span"),
    "others_kept": N_("those of them that paid at the span's end"),
}

_ALL = ("active", "breadth", *STATUSES)
_RETENTION = {"followed": (1, None), "kept": (1, 1), "others": (0, None), "others_kept": (0, 1)}
_KEPT = tuple(_RETENTION)
BESIDE: Mapping[str, Sequence[str]] = {
    **{one: [other for other in _KEPT if other != one] for one in _KEPT},
    "again": ["before"], "before": ["again"], "using": ["active"],
    **{f"using_{status}": [status] for status in STATUSES},
}
"""What a part is a share of, and what it is compared with."""
ANCHORS = {
    "breadth": "breadth", **dict.fromkeys(_KEPT, "stay"),
    **{f"using_{status}": "statuses" for status in STATUSES},
}
STATUS_NAMES = {
    "paying": N_("Paying"), "trial": N_("In a trial"), "other": N_("Neither"),
}

Status = Annotated[str, col(N_("Status"), Kind.NAME, named_by=STATUS_NAMES)]


@dataclass(frozen=True, kw_only=True)
class Behind(Answer):
    """The accounts behind one number of the report; its rows say more, by what is asked."""

    as_of: AsOfField
    about: AboutField
    total: TotalField
    part: Annotated[str, Hidden()] = ""
    feature: Annotated[str, Hidden()] = ""
    period: Annotated[str, Hidden()] = ""
    breadth: Annotated[int | None, Hidden()] = None

    def title(self) -> Said:
        values: dict[str, str | Value | Said] = {
            "feature": (self.feature, Kind.TEXT), "period": (self.period, Kind.TEXT),
            "part": Said(self.about),
        }
        if self.breadth is not None:
            values["part"] = Said(
                N_("active accounts that used %(count)s features"),
                {"count": (self.breadth, Unit.COUNT)},
            )
        if self.feature:
            return Said(N_("%(feature)s, %(part)s, %(period)s"), values)
        return Said(N_("%(part)s, %(period)s"), values)

    def beside(self) -> tuple[Beside, ...]:
        return tuple(
            Beside(Said(PARTS[one]), {"part": one}) for one in BESIDE.get(self.part, ())
        )

    def stands_at(self) -> str:
        return ANCHORS.get(self.part, "")


@dataclass(frozen=True)
class Active(AccountRow):
    """An active account, and how many features it used."""

    account_id: AccountField
    status: Status
    features: Annotated[int, col(N_("Features"), Unit.COUNT, is_summed=True)]


@dataclass(frozen=True, kw_only=True)
class ActiveAccounts(Behind):
    """Active accounts, by how many features they used."""

    rows: Annotated[tuple[Active, ...], Table(N_("Accounts"), is_list=True)]


@dataclass(frozen=True)
class Using(AccountRow):
    """What an account did with the feature in the period."""

    account_id: AccountField
    status: Status
    uses: Annotated[int, col(N_("Uses"), Unit.COUNT, is_summed=True)]
    users: Annotated[int, col(N_("Users"), Unit.COUNT, is_summed=True)]
    errors: Annotated[int | None, col(N_("Errors"), Unit.COUNT, is_summed=True)]
    seconds: Annotated[int | None, col(N_("Seconds"), Unit.COUNT, is_folded=True)]


@dataclass(frozen=True, kw_only=True)
class UsingAccounts(Behind):
    """The accounts that used a feature, those who used it most first."""

    rows: Annotated[tuple[Using, ...], Table(N_("Accounts"), is_list=True)]


@dataclass(frozen=True)
class Repeated(AccountRow):
    """An account that used the feature in the 28 days before the last 28."""

    account_id: AccountField


@dataclass(frozen=True, kw_only=True)
class RepeatedAccounts(Behind):
    """The accounts behind repeat use."""

    rows: Annotated[tuple[Repeated, ...], Table(N_("Accounts"), is_list=True)]


@dataclass(frozen=True)
class Followed(Row):
    """An account that paid at the start of a span."""

    account_id: AccountField
    base: Annotated[dt.date, col(N_("From"), Kind.DAY)]
    is_kept: Annotated[bool, col(N_("Still paid"), Kind.FLAG, N_("At the span's end."))]
    size: Annotated[str, col(N_("Size"))]
    tenure: Annotated[str, col(N_("Paying for"))]
    plan: Annotated[str, col(N_("Plan"))]
    activity: Annotated[str, col(N_("Active"))]
    name: NameField = None
    owner: OwnerField = None


@dataclass(frozen=True, kw_only=True)
class FollowedAccounts(Behind):
    """The accounts whose retention is compared, once a span."""

    rows: Annotated[tuple[Followed, ...], Table(N_("Accounts"), is_list=True)]


FeatureName = Annotated[str, Param(N_("The feature."), metavar="FEATURE", is_argument=True)]


@insight("features accounts", comes_from="/features?period#report", needs="events")
def accounts(
    company: Reader, *,
    feature: Annotated[
        str,
        Param(N_("The feature; empty for parts that have none."), metavar="FEATURE",
              is_argument=True),
    ] = "",
    part: Annotated[
        str | None,
        Param(N_("Which number; without it those that used the feature, or all active accounts."),
              choices=tuple(PARTS)),
    ] = None,
    breadth: Annotated[
        int | None, Param(N_("With the part breadth: those that used so many features."), least=1)
    ] = None,
    period: WindowText = None, where: Where = "", as_of: AsOfText = None,
    months: Months = MONTHS, spans: Spans = SPANS,
) -> ActiveAccounts | UsingAccounts | RepeatedAccounts | FollowedAccounts:
    """Which accounts are behind a number of the feature report?"""
    part = part or ("using" if feature else "active")
    _check(feature, part, breadth)
    asked = asked_of(company, period, where, as_of)
    told: dict[str, Any] = {
        "as_of": asked.question.as_of.at.isoformat(), "about": PARTS[part],
        "part": part, "feature": feature, "period": asked.window.name, "breadth": breadth,
        "notes": () if knows_use(company) else (missing(company),),
    }
    with company.seeing(asked.question.as_of) as engine:
        check_features(engine, asked, [] if part in _ALL else [feature])
        if part in _RETENTION:
            return _followed(engine, asked, feature, part, told, months=months, spans=spans)
        if part in ("before", "again"):
            sql = _again(asked, feature, part)
            again = tuple(Repeated(*row) for row in engine.rows(sql))
            return RepeatedAccounts(**told, rows=again, total=_total(again), sql=sql)
        sql = _using(asked, feature, part, breadth)
        answer = engine.rows(sql)
    if part.startswith("using"):
        using = tuple(Using(*row) for row in answer)
        sums = {"uses": sum(row.uses for row in using), "users": sum(row.users for row in using)}
        return UsingAccounts(**told, rows=using, total=_total(using) | sums, sql=sql)
    active = tuple(Active(*row) for row in answer)
    return ActiveAccounts(**told, rows=active, total=_total(active), sql=sql)


def _check(feature: str, part: str, breadth: int | None) -> None:
    if part not in _ALL and not feature:
        raise UsageError(
            f"The part '{part}' is that of one feature.", hint=f"Without one: {', '.join(_ALL)}"
        )
    if breadth is not None and part != "breadth":
        raise UsageError(
            "A number of features is asked of the part 'breadth'.", hint="Choose the part breadth.",
        )


def _total(rows: Sequence[Active | Using | Repeated | Followed]) -> dict[str, float]:
    return {"count": len(rows), "accounts": len({row.account_id for row in rows})}


def _followed(
    engine: AnyEngine, asked: FeatureQuestion, feature: str, part: str, told: Mapping[str, Any],
    *, months: int, spans: int,
) -> FollowedAccounts:
    beside = compared(asked, months, spans, first_day_of(engine))
    if not beside.spans:
        raise NotAnsweredError(
            f"Nobody's retention is known: {beside.why or 'no span was asked for'}.",
            hint="Ask for a period that has closed, or for fewer months: --months 1",
        )
    sql = feature_retention.accounts_statement(asked, beside.spans, feature)
    is_user, kept = _RETENTION[part]
    rows = tuple(
        Followed(account, base, bool(own), size, tenure, plan, activity)
        for account, base, used, own, size, tenure, plan, activity in engine.rows(sql)
        if used == is_user and kept in (None, own)
    )
    return FollowedAccounts(**told, rows=rows, total=_total(rows), sql=sql)


def _using(asked: FeatureQuestion, feature: str, part: str, breadth: int | None) -> str:
    window = asked.window
    status = part.removeprefix("using_")
    test = f"s.status = '{status}'" if status in STATUSES else "1 = 1"
    relations = [active_sql(asked, window), used_sql(asked, window), standing_sql(asked, window)]
    if part.startswith("using"):
        columns = ", ".join(
            f"CAST(u.{name} AS BIGINT) AS {name}" for name in ("uses", "users", "errors", "seconds")
        )
        join = f"JOIN used u ON u.account_id = s.account_id AND u.feature IN ({listed([feature])})"
        order = "uses DESC, "
    else:
        relations.append(BREADTH_SQL)
        columns, order = "coalesce(b.features, 0) AS features", ""
        join = "LEFT JOIN breadth b ON b.account_id = s.account_id"
        if part == "breadth":
            join, order = join.removeprefix("LEFT "), "features DESC, "
            test = "1 = 1" if breadth is None else f"b.features = {breadth}"
    return f"""{with_sql(asked, window.last_seen, *relations, use=window)}
SELECT s.account_id, s.status, {columns}
FROM standing s {join}
WHERE {test}
ORDER BY {order}s.account_id"""


def _again(asked: FeatureQuestion, feature: str, part: str) -> str:
    test = "was = 1 AND is_again = 1" if part == "again" else "was = 1"
    return f"""{repeat_sql(asked)}
SELECT account_id FROM again WHERE {test} AND feature IN ({listed([feature])})
ORDER BY account_id"""
