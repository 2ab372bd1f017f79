"""How fast new accounts reach first value."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from staycurve.i18n import N_
from staycurve.metrics.base import Estimate, Example, Measure, Metric, Unit


def km_median(codes: Sequence[int]) -> int | None:
    """The Kaplan–Meier median of days; None where fewer than half are expected to get there.

    Parameters
    ----------
    codes : sequence of int
        Days to activation; −1 − days for who has been seen so long without.
    """
    left = Fraction(1)
    for day in sorted({code for code in codes if code >= 0}):
        at_risk = sum(1 for code in codes if (code if code >= 0 else -1 - code) >= day)
        left *= 1 - Fraction(sum(1 for code in codes if code == day), at_risk)
        if left <= Fraction(1, 2):
            return day
    return None


def _shown(code: int) -> dict[str, object]:
    """One account as its row shows it."""
    return {"value": float(code if code >= 0 else -1 - code), "reached": code >= 0}


_median = Measure(
    "median_days",
    N_("median days to first value"),
    "first_value",
    "MAX(CASE WHEN is_activated = 1 THEN days ELSE -1 - days END)",
    total_sql="MAX(median_days)",
    is_empty_without_rows=True,
    estimate=Estimate(
        km_median, _shown, N_("fewer than half of them are expected to reach first value so far")
    ),
)
_mature = Measure(
    "mature_signups", N_("accounts whose window has passed"), "signups", "SUM(is_mature)"
)
_in_window = Measure(
    "activated_in_window", N_("accounts that reached first value within the window"), "signups",
    "SUM(is_mature * is_in_window)",
)

_ROWS = {
    "accounts": """
    account_id created_at
    acme       2024-02-01
    bolt       2024-02-05
    crux       2024-02-10
    dune       2024-02-28""",
    "events": """
    event_id account_id event occurred_at
    e1       acme       view  2024-02-03
    e2       bolt       view  2024-02-25
    e3       crux       view  2024-02-16""",
}


def _example(answer: dict[str, float | None]) -> Example:
    return Example(rows=_ROWS, answer=answer, as_of="2024-03-01")


time_to_first_value = Metric(
    label=N_("Time to first value"),
    about=N_(
        "Median days from sign-up to the first event of [activation] events (the first active "
        "event without it), of the accounts that signed up in the period; those not there yet "
        "are counted as long as they have been seen (Kaplan–Meier)."
    ),
    formula=_median,
    unit=Unit.DAYS,
    better="lower",
    stage="activation",
    # Days 2, 20, 6, and 1 without: 1 censored; at risk 3: 2/3 left after day 2, 1/3 after day 6.
    example=_example({"2024-02": 6}),
    is_to_date=True,
)
activation_rate = Metric(
    label=N_("Activation rate"),
    about=N_(
        "Of the accounts that signed up in the period and whose window ([activation] "
        "window_days, 14 without it) has passed, the share that reached first value within it."
    ),
    formula=_in_window / _mature,
    unit=Unit.PERCENT,
    better="higher",
    stage="activation",
    is_to_date=False,
    # dune's window has not passed; bolt took 20 days.
    example=_example({"2024-02": 2 / 3}),
)
