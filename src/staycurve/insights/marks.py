"""Marks: how each field of an answer is called and shown.

A field's annotation says what it is: `Col` stands in tables for people, `Key` in JSON and CSV
alone, `Hidden` nowhere, `Table` holds rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

from staycurve.i18n import N_
from staycurve.metrics.base import Unit


class Kind(Enum):
    """How a value is printed that has no unit; an ACCOUNT leads to the page of that account."""

    TEXT = "text"
    NAME = "name"
    ACCOUNT = "account"
    FLAG = "flag"
    DAY = "day"
    MONTH = "month"
    POINTS = "points"
    LENGTH = "length"
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
        Whether it is left out where it is empty; tables for people leave out its column where it
        is empty in every row.
    is_flat : bool
        Whether the keys of a mapping stand among those of the row itself.
    is_in_csv : bool
        Whether it stands in CSV too.
    is_personal : bool
        Whether it may tell who somebody is: it is hidden from those who may not see that.
    personal_if : (str, sequence of str), optional
        The field of the row and its values with which alone it is personal.
    stands_in : bool
        Whether hidden values stay apart, under made-up names: they are ids of users.
    """

    about: str = ""
    name: str = ""
    is_omitted: bool = False
    is_flat: bool = False
    is_in_csv: bool = True
    is_personal: bool = False
    personal_if: tuple[str, Sequence[str]] | None = None
    stands_in: bool = False


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
        The fields with the ends of its 95% interval, printed beside it; `rate.low` is the field
        of an object inside.
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
    is_size : bool
        Whether it counts what the row rests on: a row that `is_small` says so beside it.
    unit_from : str
        The field of the row that names the unit, where rows differ in it.
    account_fact : str
        What of the row's account it is: name, plan or owner. Left empty by the insight, it is
        filled in.
    shown_as : str
        The property of the row that tables for people show in its place: a text, or a Said.
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
    is_size: bool = False
    unit_from: str = ""
    shown_as: str = ""
    account_fact: str = ""

    def of_row(self, row: Any) -> Col:
        """The column as it is in one row, with the row's own unit."""
        if not self.unit_from:
            return self
        name = getattr(row, self.unit_from)
        unit = next((one for one in (*Unit, *Kind) if one.value == name), self.unit)
        return dataclasses.replace(self, unit=unit)


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
    is_view : bool
        Whether it says for people, in lines, what JSON holds elsewhere: it is no key of JSON.
    number : str
        Of a list: the field whose sum is the number; without it the number is how many there are.
    """

    title: str = ""
    about: str = ""
    name: str = ""
    across: tuple[str, str] | None = None
    is_list: bool = False
    is_main: bool = False
    is_view: bool = False
    is_omitted: bool = False
    number: str = ""


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


@dataclass(frozen=True)
class Beside:
    """Other rows of the same insight: what a number is a share of, or is compared with.

    Attributes
    ----------
    label : Said
    given : mapping
        Parameters that differ from those of the answer; None leaves one out.
    """

    label: Said
    given: Mapping[str, Any]


Segment = Annotated[
    Mapping[str, str | None], Key(N_("Dimension → value; empty where nothing splits the answer."))
]
"""The segment of a row: tables and CSV give each dimension a column of its own."""

AsOfField = Annotated[str, Key(N_("The instant after which data is ignored."))]
CurrencyField = Annotated[str, Key(N_("The currency of every amount."))]
AdditiveField = Annotated[
    bool | None,
    Key(N_("False where segments overlap and do not sum to the whole."), is_omitted=True),
]
AlphaField = Annotated[
    float, Key(N_("Significance level: the chance of any false finding."))
]
SignificantField = Annotated[bool, col(N_("Statistically significant"), Kind.FLAG)]
FromField = Annotated[str, Key(N_("The first day of the range."), name="from")]
ToField = Annotated[str, Key(N_("The last day of the range."), name="to")]
LowField = Annotated[float | None, Key(N_("The lower end of its 95% interval."))]
HighField = Annotated[float | None, Key(N_("The upper end of its 95% interval."))]
SmallField = Annotated[bool, Key(N_("Whether one account moves the share by far."))]
WhyField = Annotated[str | None, Key(N_("Why values are empty."), is_omitted=True)]
AccountField = Annotated[str, col(N_("Account"), Kind.ACCOUNT)]
AccountOrNoneField = Annotated[str | None, col(N_("Account"), Kind.ACCOUNT)]
NameField = Annotated[str | None, col(N_("Name"), account_fact="name")]
PlanField = Annotated[
    str | None,
    col(N_("Plan"), about=N_("Of its largest subscription item, or the last that it had."),
        account_fact="plan"),
]
OwnerField = Annotated[str | None, col(N_("Owner"), account_fact="owner")]
PeriodField = Annotated[dt.date, col(N_("Period"), Kind.DAY, N_("Its first day."))]
OpenField = Annotated[bool, Key(N_("Whether the period has not closed yet."))]
WhoseField = Annotated[str, Key(N_("user or account: who is counted."))]
