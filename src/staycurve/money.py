"""Money as integers: micro-units, 10⁻⁶ of a currency's major unit."""

from __future__ import annotations

from fractions import Fraction
from typing import overload

MICRO = 1_000_000
RATE_SCALE = 10**12
"""Exchange rates are integers too: units of the company's currency × 10¹²."""


@overload
def major(micro: int) -> float: ...
@overload
def major(micro: int | None) -> float | None: ...
def major(micro: int | None) -> float | None:
    """Major units of `micro` as answers print them; None of None."""
    return None if micro is None else micro / MICRO


def half_even(value: Fraction) -> int:
    """The integer nearest to `value`; the even one where two are as near."""
    return round(value)


def half_even_sql(numerator: str, denominator: str) -> str:
    """SQL for numerator / denominator, both integers ≥ 0 and > 0, rounded half to even.

    Both are taken as 128-bit integers, so that a product of an amount and a rate fits.
    The text holds each operand several times: pass columns, not long expressions.
    """
    n, d = f"CAST({numerator} AS HUGEINT)", f"CAST({denominator} AS HUGEINT)"
    quotient, rest = f"({n} // {d})", f"({n} % {d})"
    up = f"2 * {rest} > {d} OR (2 * {rest} = {d} AND {quotient} % 2 = 1)"
    return f"CAST({quotient} + CASE WHEN {up} THEN 1 ELSE 0 END AS BIGINT)"


_NARROW = ((10**12, 9 * RATE_SCALE), (10**10, 900 * RATE_SCALE))
"""Below one pair of (amount, rate), no step of a conversion in two halves leaves 64 bits."""


def converted_sql(amount: str, rate: str) -> str:
    """SQL for amount × rate ÷ RATE_SCALE, in integers, rounded half to even.

    What fits in 64 bits at every step is computed in them, which takes an engine a tenth of the
    time: the rate is taken in two halves of six digits. The rest goes through 128 bits.
    """
    wide = half_even_sql(f"(CAST({amount} AS HUGEINT) * {rate})", str(RATE_SCALE))
    half = MICRO
    low = f"{amount} * ({rate} % {half})"
    # The product in units of 10⁻⁶ of the answer; what it leaves out tells a tie from more.
    product = f"({amount} * ({rate} // {half}) + {low} // {half})"
    nearest = f"({product} + {half // 2}) // {half}"
    is_tie = f"{product} % {half} = {half // 2} AND {low} % {half} = 0"
    narrow = f"{nearest} - CASE WHEN {is_tie} THEN ({nearest}) % 2 ELSE 0 END"
    fits = " OR ".join(f"({amount} < {most} AND {rate} < {dear})" for most, dear in _NARROW)
    return f"CASE WHEN {amount} >= 0 AND ({fits}) THEN {narrow} ELSE {wide} END"
