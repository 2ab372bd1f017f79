"""The accounts behind each number of the trial report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.features.feature_use import listed
from staycurve.insights.onboarding import trial_facts
from staycurve.insights.onboarding.trial_facts import CARDS
from staycurve.insights.onboarding.trial_report import PARTS
from staycurve.insights.shared.account_facts import Opened
from staycurve.insights.shared.members import Question
from staycurve.insights.shared.params import CLASSES

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Statement → rows."""


def opened(
    asked: Question, part: str, ask: Ask, *, cohort: dt.date | None = None,
    card: str | None = None, feature: str | None = None, without: str | None = None,
    within: int | None = None, end_class: str | None = None,
) -> Opened:
    """The accounts behind one number; `part` is a key of PARTS."""
    if part not in PARTS:
        raise UnknownNameError("part", part, PARTS)
    if card is not None and card not in CARDS:
        raise UnknownNameError("kind of trial", card, CARDS)
    if (part == "used") != (feature is not None) and part not in ("converted", "not_converted"):
        raise UsageError(
            "The part 'used' is that of one feature.",
            hint="Name it, or choose converted or not_converted with it.",
        )
    if within is not None and (part not in ("left", "stayed", "converted") or within < 1):
        raise UsageError(
            "A number of months is asked of the parts left, stayed and converted.",
            hint="Write: --part left --within 3",
        )
    if without is not None and (part not in ("converted", "not_converted") or feature is not None):
        raise UsageError(
            "Who did not use a feature is asked of the parts converted and not_converted.",
            hint="Choose one of them, and one feature.",
        )
    if end_class is not None and part != "left":
        raise UsageError("A class of end is that of the part left.", hint="Choose the part left.")
    if end_class is not None and end_class not in CLASSES:
        raise UnknownNameError("end class", end_class, CLASSES)
    sql = trial_facts.accounts_statement(
        asked, part, cohort=str(cohort or ""), card=card or "",
        feature_sql=listed([feature]) if feature is not None else "",
        without_sql=listed([without]) if without is not None else "", within=within,
        end_class=end_class or "",
    )
    names = ("account_id", "started_on", "ended_on", "card", "is_mature", "is_converted",
             "paid_on", "days_to_pay", "left_on", "end_class", "months", "followed_months")
    rows = []
    for row in ask(sql):
        found = {
            name: str(value) if isinstance(value, dt.date) else value
            for name, value in zip(names, row, strict=True)
        }
        rows.append({**found, "is_mature": bool(found["is_mature"]),
                     "is_converted": bool(found["is_converted"])})
    return Opened(PARTS[part], asked.as_of.at.isoformat(), rows, {"accounts": len(rows)}, sql)
