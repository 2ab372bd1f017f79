"""Table: the columns, key, grain and checks of one conformed table."""

from __future__ import annotations

from dataclasses import dataclass

from staycurve.i18n import N_

STORED = {
    # kind of column → how the lake stores it
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,6)",
    "money": "BIGINT",  # micro-units of the row's currency
    "rate": "BIGINT",  # × 10¹²
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMP",  # UTC; its local day is stored beside it
    "day": "DATE",
    "month": "DATE",  # its first day
    "json": "VARCHAR",
}

MOST_MONEY = 10**11
"""Of an amount in major units: whatever the currency, no bill comes near."""
MOST_OF_ACCOUNT = 10**12
"""Of what one account's rows add up to, in major units: its MRR is kept in 64 bits."""
MOST_WHOLE = 10**9
"""Of a whole number: a billion rows of it still add up within 64 bits."""

PROVENANCE = (("_load", "BIGINT"), ("_line", "BIGINT"))
"""Which load brought a row, and from which line of its file."""


@dataclass(frozen=True)
class Column:
    """One column of a conformed table.

    Attributes
    ----------
    name : str
        The same in files, in the lake, in the API and in the docs.
    kind : str
        A key of STORED.
    about : str
        What it holds.
    is_required : bool
        Whether a row without it is rejected.
    choices : tuple of str
        The values that it takes, lower case; empty when any.
    default : str, optional
        Taken where the file has none, as the file would have written it.
    spellings : tuple of (str, str)
        Other lower-case spellings that are read as one of the choices.
    fallback : str, optional
        SQL over the stored columns, taken where the row has no value; an empty value stays empty
        where it has none.
    """

    name: str
    kind: str
    about: str
    is_required: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    spellings: tuple[tuple[str, str], ...] = ()
    fallback: str | None = None

    @property
    def stored(self) -> list[tuple[str, str]]:
        """(name, SQL type) of what the lake keeps for it: an instant brings its local day."""
        own = [(self.name, STORED[self.kind])]
        if self.kind == "instant":
            own.append((local_day_name(self.name), "DATE"))
        return own


def local_day_name(instant: str) -> str:
    """The name of the local day beside an instant: `starts_at` → `starts_on`."""
    return instant.removesuffix("_at") + "_on"


@dataclass(frozen=True)
class Check:
    """A rule that a row must keep.

    Attributes
    ----------
    column : str
        The column named in the complaint.
    broken : str
        SQL over the stored columns that is true when the rule is broken.
    rule : str
        The rule in words, to be read after the column and its value: "is negative". A column's
        name in braces stands for what the row has there: "is before starts_at {starts_at}".
    """

    column: str
    broken: str
    rule: str


@dataclass(frozen=True)
class Table:
    """One conformed table.

    Attributes
    ----------
    key : tuple of str
        Columns that identify a row; loading a row with the same key replaces it.
    derived_key : str, optional
        The key column that is derived from the whole row where the file does not have it.
    has_attributes : bool
        Whether other columns are kept, as a JSON object in `attributes`.
    makes_accounts : bool
        Whether a row of an unknown account creates a bare account instead of waiting.
    partition : str
        A column of days: the lake keeps each day's rows in files of their own.
    weight : str
        SQL over its columns: what of a row adds to its account, in micro-units. Rows of an account
        may not come to more than MOST_OF_ACCOUNT.
    """

    name: str
    about: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    derived_key: str | None = None
    has_attributes: bool = False
    makes_accounts: bool = False
    partition: str = ""
    weight: str = ""

    @property
    def stored(self) -> list[tuple[str, str]]:
        """(name, SQL type) of every column in the lake, in order."""
        found = [pair for column in self.columns for pair in column.stored]
        if self.has_attributes:
            found.append(("attributes", "VARCHAR"))
        return [*found, *PROVENANCE]

    def column(self, name: str) -> Column:
        """The declared column of this name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def extra_column(self) -> str | None:
        """The stored JSON column that keeps what the table does not declare, if any."""
        if self.has_attributes:
            return "attributes"
        kept = [column.name for column in self.columns if column.kind == "json"]
        return kept[0] if kept else None

    @property
    def has_currency(self) -> bool:
        """Whether its rows are money that has to be converted."""
        return any(column.kind == "money" for column in self.columns)

    @property
    def refers_to_account(self) -> bool:
        """Whether its rows belong to an account (and may have to wait for it)."""
        return self.name != "accounts" and any(c.name == "account_id" for c in self.columns)


ACCOUNT = Column("account_id", "text", N_("The account."), is_required=True)
CURRENCY = Column("currency", "text", N_("ISO 4217 code; the company's currency where empty."))
