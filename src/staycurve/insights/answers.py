"""Answers: what an insight gives back, field by field, and how each field is called and shown.

A field's annotation says what it is: `Col` stands in tables for people, `Key` in JSON and CSV
alone, `Hidden` nowhere, `Table` holds rows. The JSON of an answer is its fields, in their order.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.metrics.base import Unit


class Kind(Enum):
    """How a value is printed that has no unit."""

    TEXT = "text"
    NAME = "name"
    FLAG = "flag"
    DAY = "day"
    MONTH = "month"
    POINTS = "points"
    CHANCE = "chance"


SPREAD = "*"
"""In `Opens.take`: the key of the cell, in a column that is spread."""


@dataclass(frozen=True)
class Opens:
    """What a cell drills down to: another insight that lists the rows behind it.

    Attributes
    ----------
    insight : str
        Its name, such as 'cohorts leavers'. The row's segment goes along as filters, and so do
        the filters and instants of the answer itself.
    take : mapping
        Parameter → the field of the row, or else of the answer, that it takes; SPREAD is the key
        of a spread cell. A parameter whose field is empty is left out.
    given : mapping
        Parameter → value.
    """

    insight: str
    take: Mapping[str, str] = dataclasses.field(default_factory=dict)
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """A field of JSON and CSV that tables for people do without.

    Attributes
    ----------
    about : str
        What it means, for the reference and the API's description.
    name : str
        As JSON calls it, where Python cannot: `from`.
    is_omitted : bool
        Whether it is left out where it is empty.
    """

    about: str = ""
    name: str = ""
    is_omitted: bool = False


@dataclass(frozen=True)
class Hidden:
    """A field that is for Python alone."""


@dataclass(frozen=True)
class Col(Key):
    """A column of a table, or one figure of an answer.

    Attributes
    ----------
    label : str
        Its heading.
    unit : Unit or Kind
    ends : (str, str), optional
        The fields with the ends of its 95% interval, printed beside it.
    opens : Opens, optional
    spread : sequence of (str, str)
        For a mapping: its keys and their headings, a column each.
    named_by : mapping
        What values are called: 'left' → N_('Left'); '' is what an empty one is called.
    why : str
        The field that says why it is empty.
    is_summed : bool
        Whether the sum over rows says something.
    is_folded : bool
        Whether a table that is short of room may do without it.
    said : str
        The attribute of the row, a Said, that tables print for the value: where its unit hangs
        on the row.
    """

    label: str = ""
    unit: Unit | Kind = Kind.TEXT
    ends: tuple[str, str] | None = None
    opens: Opens | None = None
    spread: Sequence[tuple[str, str]] = ()
    named_by: Mapping[str, str] = dataclasses.field(default_factory=dict)
    why: str = "why"
    is_summed: bool = False
    is_folded: bool = False
    said: str = ""


def col(label: str, unit: Unit | Kind = Kind.TEXT, about: str = "", **given: Any) -> Col:
    """A column; see `Col`."""
    return Col(label=label, unit=unit, about=about, **given)


@dataclass(frozen=True)
class Table:
    """A field that holds rows.

    Attributes
    ----------
    title : str
        What stands above them.
    about : str
        What a row is.
    across : (str, str), optional
        Two fields of a row: tables for people show one line for all rows that differ in the first
        alone, whose values give the columns, and fill it with the second.
    is_list : bool
        Whether the rows are accounts, users or acts behind a number: many, shown in pages, with
        sums.
    is_main : bool
        Whether CSV prints these rows; without any it is the field `rows`, or the first.
    is_json : bool
        Whether JSON has them: lines made for people and CSV, of rows that JSON has nested, are
        none of its keys.
    """

    title: str = ""
    about: str = ""
    name: str = ""
    across: tuple[str, str] | None = None
    is_list: bool = False
    is_main: bool = False
    is_omitted: bool = False
    is_json: bool = True


Value = tuple[Any, Unit | Kind]
"""A value of a sentence, and how it is printed."""


@dataclass(frozen=True)
class Said:
    """A sentence of an answer: its text, and what stands in it.

    Attributes
    ----------
    text : str
        Marked with N_; values stand as %(name)s.
    values : mapping
        Name → text, a value with its unit, or another Said.
    """

    text: str
    values: Mapping[str, str | Value | Said] = dataclasses.field(default_factory=dict)


Segment = Annotated[
    Mapping[str, str | None], Key(N_("Dimension → value; empty where nothing splits the answer."))
]
"""The segment of a row: tables and CSV give each dimension a column of its own."""

AsOfField = Annotated[str, Key(N_("The instant after which no facts are seen."))]
CurrencyField = Annotated[str, Key(N_("The currency of every amount."))]
AdditiveField = Annotated[
    bool | None,
    Key(N_("False where segments overlap and do not sum to the whole."), is_omitted=True),
]
WhyField = Annotated[str | None, Key(N_("Why values are empty."), is_omitted=True)]


class Shape:
    """A dataclass whose fields are the keys of a JSON object."""

    def as_dict(self) -> dict[str, Any]:
        """The object as JSON has it; dates are texts, money is in major units."""
        from staycurve.insights.shapes import as_dict

        return as_dict(self)

    def brief(self) -> Said | None:
        """How it stands in one cell of a table; without it, its columns in their order."""
        return None


class Row(Shape):
    """One row of an answer."""


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

    notes: Annotated[tuple[str, ...], Key(N_("What a reader must know."), is_omitted=True)] = ()
    sql: Annotated[str, Hidden()] = dataclasses.field(default="", repr=False)

    def title(self) -> Said:
        """What was asked, as a heading; without an own one the first table's."""
        from staycurve.insights.shapes import tables_of

        own: type = type(self)
        return Said(next((one.mark.title for one in tables_of(own)), ""))

    def said(self) -> tuple[Said, ...]:
        """What was found, in sentences."""
        return ()


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dt.date | dt.datetime):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction):
        return float(value)
    return value
