"""ReadOptions: how a file is written, where it does not say so itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from staycurve.errors import UsageError

STATUSES = ("span", "current")
IDS = ("exact", "trim", "casefold")
DATES = ("iso", "dmy", "mdy", "spreadsheet", "epoch", "auto")
ENDS = ("exclusive", "inclusive")
AMOUNTS = ("major", "minor")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True)
class ReadOptions:
    """How a file is written. None means: as it is most of the time, or as the file shows.

    Attributes
    ----------
    encoding : str, optional
        UTF-8, or UTF-16 with a byte-order mark, unless stated.
    delimiter : str, optional
        One sign; found in the header line unless stated.
    decimal : str, optional
        '.' (the default) or ','.
    thousands : str, optional
        A sign between groups of three digits; a number with one is an error unless it is stated.
    dates : str, optional
        One of DATES; iso by default.
    ends : str, optional
        One of ENDS: whether `ends_at` and `period_end` are the first instant after (the default),
        or the last day or second that belongs to it.
    amounts : str, optional
        One of AMOUNTS: major units (the default), or minor ones as the row's currency has them.
    timezone : str, optional
        What instants without an offset are in; the company's unless stated.
    empty : tuple of str, optional
        Texts that mean no value.
    order_by : str, optional
        The file's column whose largest value wins among rows with one key; the later line without
        it.
    status : str, optional
        One of STATUSES: whether a row's status is that of its span (the default), or today's.
    exported_at : str, optional
        When a file of today's statuses was written; the moment of the load unless stated.
    ids : str, optional
        One of IDS: as they are written (the default, without blanks around them), or without regard
        to blanks inside and at the ends, or to case as well.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    ends: str | None = None
    amounts: str | None = None
    timezone: str | None = None
    empty: tuple[str, ...] | None = None
    order_by: str | None = None
    status: str | None = None
    exported_at: str | None = None
    ids: str | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                # Python knows codecs that turn text into text, or bytes into bytes, besides.
                "a".encode(self.encoding).decode(self.encoding)
            except (LookupError, UnicodeError, ValueError, TypeError):
                raise UsageError(
                    f"Unknown encoding '{self.encoding}'.",
                    hint="Known ones are utf-8, utf-16, latin-1, cp1252, …",
                ) from None
        if self.delimiter is not None:
            plain = _DELIMITERS.get(self.delimiter, self.delimiter)
            if len(plain) != 1 or plain in '"\r\n':
                raise UsageError(
                    f"A delimiter is one sign, not '{self.delimiter}'.",
                    hint="Such as ',' or ';' or 'tab'.",
                )
            object.__setattr__(self, "delimiter", plain)
        if self.decimal not in (None, ".", ","):
            raise UsageError(
                f"A decimal sign is '.' or ',', not '{self.decimal}'.", hint='Write decimal = ","'
            )
        if self.thousands and (len(self.thousands) != 1 or self.thousands.isalnum()):
            raise UsageError(
                f"A thousands sign is one sign, not '{self.thousands}'.",
                hint='Write thousands = ","',
            )
        if self.thousands and self.thousands == (self.decimal or "."):
            raise UsageError(
                f"'{self.thousands}' cannot be both the decimal and the thousands sign.",
                hint='Write decimal = "," with thousands = "."',
            )
        if self.dates not in (None, *DATES):
            raise UsageError(
                f"Dates are written {', '.join(DATES)}; not '{self.dates}'.",
                hint="dmy reads 31/12/2024, mdy 12/31/2024, spreadsheet 45657.",
            )

        listed = (("ends", ENDS), ("amounts", AMOUNTS), ("status", STATUSES), ("ids", IDS))
        for key, choices in listed:
            value = getattr(self, key)
            if value not in (None, *choices):
                raise UsageError(
                    f"{key} is {' or '.join(choices)}, not '{value}'.",
                    hint=f'Write {key} = "{choices[1]}"',
                )
        if self.exported_at is not None and not is_instant(self.exported_at):
            raise UsageError(
                f"exported_at is a day or an instant, not '{self.exported_at}'.",
                hint='Write exported_at = "2025-12-01"   (or "2025-12-01T09:30:00Z")',
            )
        if self.timezone is not None and not is_zone(self.timezone):
            raise UsageError(
                f"Unknown time zone '{self.timezone}'.",
                hint='Write its IANA name: timezone = "Europe/Berlin"   (or "UTC")',
            )

    def over(self, other: ReadOptions) -> ReadOptions:
        """These options, and those of `other` where these state none."""
        pairs = {
            field.name: getattr(self, field.name)
            if getattr(self, field.name) is not None
            else getattr(other, field.name)
            for field in fields(self)
        }
        return ReadOptions(**pairs)


def is_instant(text: str) -> bool:
    """Whether it is a day or an instant as ISO 8601 has it."""
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_zone(name: str) -> bool:
    """Whether it is the IANA name of a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
