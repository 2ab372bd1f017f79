"""Values of metrics as people write them: 95%, 0.95, 120K, −5."""

from __future__ import annotations

import re

from staycurve.errors import UsageError
from staycurve.metrics.base import Unit

_NUMBER = re.compile(
    r"(?P<sign>[+\-−]?)(?P<digits>\d{1,3}(?:,\d{3})+|\d{1,15})?(?P<part>\.\d{1,9})?\s*"
    r"(?P<scale>[kKmMbB]?)\s*(?P<percent>%?)", re.ASCII,
)
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_HINTS = {
    Unit.PERCENT: "Write it as 95% or 0.95.",
    Unit.MONEY: "Write an amount, such as 120K, 1.5M or 120000.",
    Unit.COUNT: "Write a number, such as 400 or 1.2K.",
    Unit.SCORE: "Write a score from −100 to 100, such as 41.",
    Unit.RATIO: "Write a number, such as 3.",
    Unit.MONTHS: "Write a number of months, such as 12.",
    Unit.DAYS: "Write a number of days, such as 7.",
}
SCORES = 100
"""NPS runs from minus this to this."""
OVER_ONE = ("nrr", "nrr_12m")
"""Rates that are often above 100%: 1.05 of them can only be 105%."""


def value_of(text: str, name: str, unit: Unit, *, currency: str = "") -> float:
    """What a text says in a metric's unit: rates as fractions, money in major units.

    Parameters
    ----------
    name : str
        The metric.
    currency : str
        The company's; its code may stand beside an amount.

    Raises
    ------
    UsageError
        If it is no number of this unit, or could be read in two ways: 2 may be 2% or 200%.
    """
    shown = text if len(text) <= 40 else text[:40] + "…"
    bare = text.strip()
    if currency and unit is Unit.MONEY:
        bare = bare.removeprefix(currency).removesuffix(currency).strip()
    found = _NUMBER.fullmatch(bare)
    if not found or not (found["digits"] or found["part"]):
        raise UsageError(
            f"'{shown}' is not a value of {name}, which is counted in {unit.value}.",
            hint=_HINTS[unit],
        )
    digits = (found["digits"] or "0").replace(",", "") + (found["part"] or "")
    value = float(digits) * _SCALES[found["scale"].lower()]
    value = -value if found["sign"] in ("-", "−") else value
    if found["percent"] and unit is not Unit.PERCENT:
        raise UsageError(
            f"'{shown}' is a percentage, and {name} is counted in {unit.value}.",
            hint=_HINTS[unit],
        )
    if unit is Unit.PERCENT:
        return _rate(value, shown, name, found)
    if unit is Unit.SCORE and abs(value) > SCORES:
        raise UsageError(f"'{shown}' is no score of {name}.", hint=_HINTS[unit])
    return value


def text_of(number: float) -> str:
    """A number as `value_of` reads it: 1.0 stays a fraction, 1 could be 1% or 100%."""
    if isinstance(number, int):
        return str(number)
    text = f"{number:.9f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _rate(value: float, shown: str, name: str, found: re.Match[str]) -> float:
    if found["scale"]:
        raise UsageError(f"'{shown}' is not a rate.", hint=_HINTS[Unit.PERCENT])
    if found["percent"]:
        # 95 / 100 is 0.95; 95 × 0.01 would be a hair beside it.
        return value / 100
    is_whole = not found["part"]
    if (is_whole and value != 0) or (abs(value) > 1 and name not in OVER_ONE) or abs(value) > 10:
        raise UsageError(
            f"'{shown}' of {name} could be {value:g}% or {value * 100:g}%.",
            hint=f"Write {value:g}% or {value * 100:g}%.",
        )
    return value
