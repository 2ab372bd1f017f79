"""Who the numbers are about: the section [company] of staycurve.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near, shown

_EXCLUDE = 'exclude = ["email~@ourco.com", "name~test"]'


def _currency(code: str) -> str:
    from babel.numbers import list_currencies

    known = list_currencies()
    if code not in known:
        close = f" Did you mean '{code.upper()}'?" if code.upper() in known else ""
        raise Wrong(
            f"= {shown(code)} is an unknown currency.{close}",
            "Write an ISO 4217 code such as USD or EUR.",
        )
    return code


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        raise Wrong(
            f"{shown(name)} is not known.{near(name, available_timezones())}",
            "Write an IANA name such as UTC or America/New_York.",
        ) from None
    return name


def _rule(text: str) -> str:
    column, sign, pattern = text.partition("~")
    if not (column.strip() and sign and pattern.strip()):
        raise Wrong(
            f"takes a list of 'column~text', but {shown(text)} does not name a column and a text.",
            f"Write: {_EXCLUDE}",
        )
    return text


@dataclass(frozen=True)
class Company:
    """[company]: who the numbers are about.

    Attributes
    ----------
    name : str
        As people call it.
    currency : str
        ISO 4217; the currency of every figure.
    timezone : str
        An IANA name; what a day is.
    fiscal_year_start : int
        The month in which quarters and years begin.
    week_start : str
        The day on which weeks begin.
    founded : int
        The year in which the company began, 0 where it is not said; benchmarks hang on its age.
    exclude : tuple of str
        'column~text': accounts of which the column contains the text do not count.
    """

    __pydantic_config__ = CLOSED

    name: Annotated[str, Takes(N_("a text"), 'name = "Acme"')] = "Company"
    currency: Annotated[
        str, Takes(N_("an ISO 4217 code"), 'currency = "USD"', check=_currency)
    ] = "USD"
    timezone: Annotated[
        str, Takes(N_("the IANA name of a time zone"), 'timezone = "America/New_York"', check=_zone)
    ] = "UTC"
    fiscal_year_start: Annotated[
        int, Takes(N_("a month from 1 to 12"), "fiscal_year_start = 4", least=1, most=12)
    ] = 1
    week_start: Annotated[
        Literal["monday", "sunday"], Takes(N_("monday or sunday"), 'week_start = "sunday"')
    ] = "monday"
    founded: Annotated[
        int, Takes(N_("a year from 1800 to 2199"), "founded = 2016", least=1800, most=2199)
    ] = 0
    exclude: Annotated[
        tuple[Annotated[str, Takes(N_("a list of 'column~text'"), _EXCLUDE, check=_rule)], ...],
        Takes(N_("a list of 'column~text'"), _EXCLUDE),
    ] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def exclusions(self) -> tuple[tuple[str, str], ...]:
        """(column, text) of each rule in `exclude`."""
        parts = [rule.partition("~") for rule in self.exclude]
        return tuple((column.strip(), text) for column, _, text in parts)


COMPANY = Section(
    "company",
    Company,
    Company(),
    N_("Who the numbers are about."),
    "[company]",
)
