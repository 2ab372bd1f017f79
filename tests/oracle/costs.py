"""Spend against revenue (section 5), at month, quarter and year grain."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from .cells import MICRO, micro, moment, number, text
from .cuts import Cut
from .flows import Ledger
from .periods import Period, add_months, day_start, local_day
from .revenue import Formula, Number, customer_count, mrr, ratio


def spend(ledger: Ledger, purpose: str, first: date, end: date, cut: Cut) -> Number:
    """What was spent for a purpose in the months of `[first, end)`; None without a row.

    Foreign amounts count at the rate of their month's first day. Only `channel` cuts spend.
    """
    settings, found = ledger.book.settings, None
    if set(cut.wanted) - {"channel"}:
        return None
    for row in ledger.book.tables.get("spend", ()):
        month = text(row, "month") or ""
        at = moment({"month": month + "-01" if len(month) == 7 else month}, "month", settings.zone)
        amount = number(row, "amount")
        if at is None or amount is None or text(row, "purpose") != purpose:
            continue
        day = local_day(at, settings.zone).replace(day=1)
        if not first <= day < end or day_start(day, settings.zone) >= settings.as_of:
            continue
        if "channel" in cut.wanted and text(row, "channel") != cut.wanted["channel"]:
            continue
        currency = (text(row, "currency") or settings.currency).upper()
        if currency != settings.currency and currency not in ledger.book.rates:
            continue
        worth = micro(round(amount * MICRO) * ledger.book.rate(currency, day) / MICRO)
        found = (found or 0) + worth
    return None if found is None else Fraction(found, MICRO)


def _spent(ledger: Ledger, purpose: str, period: Period, cut: Cut) -> Number:
    return spend(ledger, purpose, period.start, period.end, cut)


def gross_margin(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """(MRR − delivery cost) / MRR, each summed over the period's months."""
    cost = _spent(ledger, "delivery", period, cut)
    paid = sum((mrr(ledger, month, cut) or Fraction(0) for month in period.months()), Fraction(0))
    return None if cost is None else ratio(paid - cost, paid)


def _acquired(ledger: Ledger, period: Period, cut: Cut) -> int:
    return len(ledger.flows(period, cut).movers["new"])


def cac(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Acquisition spend, `cac_lag` months earlier, per new paying account."""
    lag = int(ledger.book.settings.conventions.cac_lag.removesuffix("m"))
    first, end = add_months(period.start, -lag), add_months(period.end, -lag)
    return ratio(spend(ledger, "acquisition", first, end, cut), _acquired(ledger, period, cut))


def cac_payback(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Months until a new account's margin has paid for its acquisition."""
    months = [ledger.flows(month, cut) for month in period.months()]
    arpa = ratio(
        Fraction(sum(flows.amounts["new"] for flows in months), MICRO),
        sum(len(flows.movers["new"]) for flows in months),
    )
    margin = gross_margin(ledger, period, cut)
    if arpa is None or margin is None:
        return None
    return ratio(cac(ledger, period, cut), arpa * margin)


def crc(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Retention spend per customer at the close."""
    return ratio(_spent(ledger, "retention", period, cut), customer_count(ledger, period, cut))


def acquisition_retention_ratio(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return ratio(
        _spent(ledger, "acquisition", period, cut), _spent(ledger, "retention", period, cut)
    )


COSTS: dict[str, Formula] = {
    "gross_margin": gross_margin,
    "cac": cac,
    "cac_payback": cac_payback,
    "crc": crc,
    "acquisition_retention_ratio": acquisition_retention_ratio,
}
