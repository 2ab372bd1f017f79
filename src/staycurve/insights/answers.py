"""Answers: what an insight gives back. Its JSON is its fields, in their order.

See `marks` for what is said of a field; whoever declares an answer imports both from here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeGuard

from staycurve.i18n import N_
from staycurve.insights.marks import (
    SPREAD as SPREAD,
    AccountField as AccountField,
    AccountOrNoneField as AccountOrNoneField,
    AdditiveField as AdditiveField,
    AlphaField as AlphaField,
    AsOfField as AsOfField,
    Beside as Beside,
    Col as Col,
    CurrencyField as CurrencyField,
    FromField as FromField,
    Hidden as Hidden,
    HighField as HighField,
    Key as Key,
    Kind as Kind,
    LowField as LowField,
    NameField as NameField,
    OpenField as OpenField,
    Opens as Opens,
    OwnerField as OwnerField,
    PeriodField as PeriodField,
    PlanField as PlanField,
    Said as Said,
    Segment as Segment,
    SignificantField as SignificantField,
    SmallField as SmallField,
    Table as Table,
    ToField as ToField,
    Value as Value,
    WhoseField as WhoseField,
    WhyField as WhyField,
    col as col,
)
from staycurve.insights.shapes import as_dict, tables_of


class Shape:
    """A dataclass whose fields are the keys of a JSON object."""

    def as_dict(self) -> dict[str, Any]:
        """The object as JSON has it; dates are texts, money is in major units."""
        return as_dict(self)

    def brief(self) -> Said | None:
        """How it stands in one cell of a table; without it, its columns in their order."""
        return None


class Row(Shape):
    """One row of an answer."""


@dataclass(frozen=True, kw_only=True)
class AccountRow(Row):
    """One row of a list of accounts, or of what accounts and their users did.

    Whoever lists them names the account; what it is called, its plan and its owner are filled in
    for all lists alike (`staycurve.insights.filled`).
    """

    places: ClassVar[Mapping[str, int]] = {
        "lead_id": 0, "user_id": 0, "account_id": 0, "name": 1, "plan": 2, "owner": 3,
    }

    name: NameField = None
    plan: PlanField = None
    owner: OwnerField = None


class Measure(Row):
    """A value with its interval, or with what it rests on, inside a row.

    Its field `value` stands in flat lines by the name of the row's field.
    """

    is_measure: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Answer(Shape):
    """What an insight gives back.

    Attributes
    ----------
    notes : tuple of str
        What a reader must know besides.
    sql : str
        The statement whose rows were read.
    """

    notes: Annotated[tuple[str, ...], Key(N_("Caveats."), is_omitted=True)] = ()
    sql: Annotated[str, Hidden()] = dataclasses.field(default="", repr=False)

    def title(self) -> Said:
        """What was asked, as a heading; without an own one the first table's."""
        own: type = type(self)
        return Said(next((one.mark.title for one in tables_of(own)), ""))

    def said(self) -> tuple[Said, ...]:
        """What was found, in sentences."""
        return ()

    def beside(self) -> tuple[Beside, ...]:
        """What rows behind a number are a part of, or are compared with."""
        return ()

    def stands_at(self) -> str:
        """The panel whose number the rows are behind, where it depends on what is asked."""
        return ""


def with_notes(answer: Answer, notes: Sequence[str]) -> Answer:
    """The answer with more notes."""
    return dataclasses.replace(answer, notes=(*answer.notes, *notes)) if notes else answer


def is_answer(value: object) -> TypeGuard[type[Answer]]:
    """Whether a type is one of answers."""
    return isinstance(value, type) and issubclass(value, Answer)
