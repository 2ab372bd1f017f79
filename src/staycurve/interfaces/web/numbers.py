"""Numbers as people read them: compact on cards, full in tables, never a zero for unknown."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from babel.numbers import format_decimal, get_currency_precision

from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

LOCALE = "en"
UNKNOWN = "–"
SMALL_SHARE = 0.005
"""A change below half a percent would hardly move the third digit, and cards print three."""
SMALL_POINTS = 0.001
"""Rates are printed with one decimal on cards: below a tenth of a point nothing would change."""

_CENTS = 99.95
"""From here on an amount is printed without cents."""
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


# Babel takes about 60 µs a number, and a page prints a thousand.
@lru_cache(maxsize=50_000)
def _decimal(value: float, digits: int, is_signed: bool = False) -> str:
    places = "." + "0" * digits if digits else ""
    text: str = format_decimal(abs(value), format=f"#,##0{places}", locale=LOCALE)
    is_zero = not any(sign in text for sign in "123456789")
    if is_zero or value >= 0:
        return f"+{text}" if is_signed and not is_zero else text
    return f"−{text}"


def full(value: float | None, unit: Unit, currency: str = "") -> str:
    """`value` as tables print it."""
    if value is None:
        return UNKNOWN
    if unit is Unit.MONEY:
        return _decimal(value, get_currency_precision(currency) if currency else 2)
    if unit is Unit.PERCENT:
        return _decimal(value * 100, 2) + "%"
    if unit is Unit.COUNT:
        return _decimal(value, 0 if float(value).is_integer() else 1)
    if unit is Unit.SCORE:
        return _decimal(value, 1, True)
    return _decimal(value, 2)


def compact(value: float | None, unit: Unit, *, like: float | None = None) -> str:
    """`value` in about three digits, as cards print it.

    Parameters
    ----------
    like : float, optional
        The value beside it: of two amounts below a thousand both have cents, or neither.
    """
    if value is None:
        return UNKNOWN
    if unit is Unit.PERCENT:
        return _decimal(value * 100, 1) + "%"
    if unit is Unit.COUNT and abs(value) < 100_000:
        return full(value, unit)
    if unit in (Unit.MONEY, Unit.COUNT):
        largest = max(abs(value), abs(like or 0.0))
        if abs(value) < _CENTS <= largest:
            return _decimal(value, 0)
        return short(value)
    return _decimal(value, 1, unit is Unit.SCORE)


def short(value: float) -> str:
    """An amount in three digits and the letter of its scale."""
    for scale, letter in _SCALES:
        # 999,950 would print as 1,000.0K.
        if abs(value) >= scale * 0.9995:
            scaled = value / scale
            return _decimal(scaled, max(0, 3 - len(str(int(abs(scaled) + 0.0005))))) + letter
    return _decimal(value, 0 if abs(value) >= _CENTS else 2)


@dataclass(frozen=True)
class Delta:
    """How a value compares with the one before.

    Attributes
    ----------
    arrow : str
        ▲, ▼ or ≈.
    size : str
        In percent for money and counts, in points for rates.
    tone : str
        'good', 'bad' or 'neutral'.
    words : str
        The same for those who do not see arrow and colour.
    note : str
        What must be known beside it.
    """

    arrow: str
    size: str
    tone: str
    words: str
    note: str = ""


def delta(
    value: float | None, before: float | None, unit: Unit, better: str, *,
    is_significant: bool | None = None,
) -> Delta | None:
    """The change from `before` to `value`; None where either is unknown.

    Parameters
    ----------
    is_significant : bool, optional
        Whether a change of a rate is more than chance explains; None where that is not known. A
        rate that is not known to have changed gets no colour of alarm.
    """
    if value is None or before is None:
        return None
    change = value - before
    if unit is Unit.PERCENT:
        is_small = abs(change) < SMALL_POINTS
        size = _("%s points") % _decimal(abs(change) * 100, 2 if is_small else 1)
    elif before > 0 and value >= 0 and unit is not Unit.SCORE:
        is_small = abs(change) < SMALL_SHARE * before
        size = _decimal(abs(change) / before * 100, 1) + "%"
    else:
        # From zero or across it a percentage says nothing: the difference itself does.
        is_small = change == 0
        size = compact(abs(change), unit).removeprefix("+")
    if is_small:
        return Delta("≈", size, "neutral", _("about the same"))
    is_up = change > 0
    tone = "neutral"
    is_sure = unit is not Unit.PERCENT or is_significant
    if better in ("higher", "lower") and is_sure:
        tone = "good" if is_up == (better == "higher") else "bad"
    direction = _("up") if is_up else _("down")
    words = {"good": _("%s, better"), "bad": _("%s, worse"), "neutral": "%s"}[tone] % direction
    if is_significant is False:
        words = _("%s, not statistically significant") % direction
    note = _("not statistically significant") if is_significant is False else ""
    return Delta("▲" if is_up else "▼", size, tone, words, note)


def sparkline(values: list[float | None], *, width: int = 96, height: int = 28) -> str:
    """Points of an SVG polyline through the known values; empty with fewer than two."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    across, up = (width - 4) / (len(values) - 1), (height - 4) / (high - low or 1.0)
    return " ".join(
        f"{2 + place * across:.1f},{height - 2 - (value - low) * up:.1f}" for place, value in known
    )
