"""Members: the users or accounts behind one number of use, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    Key,
    Row,
    Said,
    Table,
    Value,
    WhoseField,
    col,
)
from staycurve.insights.usage.usage_question import UseQuestion
from staycurve.metrics.base import Unit

ALL = "all"


@dataclass(frozen=True)
class Person(AccountRow):
    """A user, or an account where accounts are counted."""

    user_id: Annotated[
        str | None,
        col(N_("User"), about=N_("Where users are counted."), is_omitted=True, is_personal=True,
            stands_in=True),
    ]
    account_id: AccountOrNoneField


@dataclass(frozen=True)
class AccountPart(Row):
    """What one account adds to the number."""

    account_id: str | None
    value: Annotated[int | None, Key(N_("Of a count."), is_omitted=True)] = None
    numerator: Annotated[int | None, Key(N_("Of a share."), is_omitted=True)] = None
    denominator: Annotated[int | None, Key(N_("Of a share."), is_omitted=True)] = None


@dataclass(frozen=True)
class Total(Row):
    """What the rows sum, or divide, to."""

    value: Annotated[float | None, Key(N_("The number itself."))]
    numerator: Annotated[int | None, Key(N_("Of a share."), is_omitted=True)] = None
    denominator: Annotated[int | None, Key(N_("Of a share."), is_omitted=True)] = None

    def brief(self) -> Said:
        values: dict[str, str | Value | Said] = {"value": (self.value, Unit.COUNT)}
        if self.denominator is None:
            return Said(N_("In all %(value)s"), values)
        values = {
            "value": (self.value, Unit.PERCENT), "numerator": (self.numerator, Unit.COUNT),
            "denominator": (self.denominator, Unit.COUNT),
        }
        return Said(N_("%(numerator)s of %(denominator)s: %(value)s"), values)


@dataclass(frozen=True, kw_only=True)
class Members(Answer):
    """Who is behind one number; `accounts` sum, or divide, to `total`."""

    as_of: AsOfField
    whose: WhoseField
    rows: Annotated[tuple[Person, ...], Table(N_("Who is behind it"), is_list=True)]
    accounts: Annotated[tuple[AccountPart, ...], Key(N_("The same by account."))]
    total: Annotated[Total, Key(N_("The sum of the rows."))]


Parts = dict[str | None, list[int]]


def told(
    question: UseQuestion, rows: Sequence[Person], *, are_counted: Sequence[bool] | None = None
) -> dict[str, Any]:
    """The fields that every answer of members has, from its rows.

    Parameters
    ----------
    are_counted : sequence of bool, optional
        Of a share, who of the rows is counted in it.
    """
    counted = [True] * len(rows) if are_counted is None else list(are_counted)
    found: Parts = {}
    for row, is_counted in zip(rows, counted, strict=True):
        sums = found.setdefault(row.account_id, [0, 0])
        sums[0] += int(is_counted)
        sums[1] += 1
    ordered = sorted(found.items(), key=lambda pair: (pair[0] is not None, pair[0] or ""))
    if are_counted is None:
        accounts = tuple(AccountPart(key, value=sums[1]) for key, sums in ordered)
        total = Total(len(rows))
    else:
        accounts = tuple(
            AccountPart(key, numerator=sums[0], denominator=sums[1]) for key, sums in ordered
        )
        size = len(rows)
        total = Total(sum(counted) / size if size else None, sum(counted), size)
    return {
        "as_of": question.as_of.at.isoformat(), "whose": question.whose, "rows": tuple(rows),
        "accounts": accounts, "total": total,
    }


def ids(question: UseQuestion, entity: str, customer: str | None) -> tuple[str | None, str | None]:
    """The user and the account of a row of `usage_segments.listed_sql`."""
    return (None if question.whose == "account" else entity), customer


def number(text: str, words: str) -> int:
    """The whole number that names a part of an answer.

    Parameters
    ----------
    words : str
        What may be written instead, for the hint.

    Raises
    ------
    UsageError
        If it is none.
    """
    # isdigit would let '²' pass, which is no number to int().
    if not text.isdecimal():
        raise UsageError(f"'{text}' is not a whole number.", hint=f"Write: {words}")
    return int(text)


