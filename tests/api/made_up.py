"""Insights that stand in the tests alone, with a parameter of every kind and nested answers."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from staycurve.insights.answers import (
    Answer,
    AsOfField,
    Key,
    Row,
    Segment,
    Table,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, Where
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.base import Unit

LONG = "SELECT COUNT(*) FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 5"
BEGAN = threading.Event()
"""Set when `weather long` runs."""


class Sky(Enum):
    """What the sky is like."""

    CLEAR = "clear"
    GREY = "grey"


@dataclass(frozen=True)
class Wind(Row):
    """The wind of an hour."""

    speed: Annotated[float, Key("In metres a second.")]
    gust: float | None


@dataclass(frozen=True)
class Hour(Row):
    """One hour."""

    segment: Segment
    start: Annotated[int, Key("The hour.", name="from")]
    day: dt.date
    sky: Sky
    text: Annotated[str, col("What was seen", Unit.COUNT, "As it was written down.")]
    wind: Wind | None
    counts: Mapping[str, int]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Weather(Answer):
    """What the weather was."""

    as_of: AsOfField
    asked: Annotated[tuple[str, ...], Key("What was asked, as Python sees it.")]
    rows: Annotated[tuple[Hour, ...], Table("Hours", "The hours of the day.")]
    why: WhyField = None


@dataclass(frozen=True, kw_only=True)
class Month(Answer):
    """A month of weather; cohorts have a Month too."""

    month: int


@insight("weather report", aliases=("/weather/old",))
def report(
    company: Reader, *,
    place: Annotated[str, Param("Where it is.")],
    hours: Annotated[int, Param("How many hours.", least=1, most=24)] = 24,
    share: Annotated[float, Param("Of the sky.")] = 0.5,
    is_wet: Annotated[bool, Param("Only wet hours.", formerly=("wet",))] = False,
    sky: Annotated[str | None, Param("Only this sky.", choices=("clear", "grey"))] = None,
    ages: Annotated[Sequence[int], Param("Ages.", name="age", least=0)] = (1, 12),
    start: From = None, where: Where = "", as_of: AsOfText = None,
) -> Weather:
    """What was the weather like?

    It is only as good as who looked up.
    """
    asked = (place, hours, share, is_wet, sky, ages, start, where)
    hour = Hour(
        {"plan": None}, 7, dt.date(2024, 1, 31), Sky.GREY, "=1+1", Wind(2.5, None),
        {"drops": 3},
    )
    return Weather(
        as_of=company.as_of(as_of).at.isoformat(), asked=tuple(map(repr, asked)), rows=(hour,)
    )


@insight("weather", has_history=False)
def weather(company: Reader, *, is_monthly: bool = False) -> Weather | Month:
    """Is there any weather?"""
    if is_monthly:
        return Month(month=3)
    return Weather(as_of="now", asked=(), rows=(), why="nobody looked")


@insight("weather long")
def long(company: Reader) -> Month:
    """How long does it take?"""
    with company.reading() as engine:
        BEGAN.set()
        engine.value(LONG)
    return Month(month=1)
