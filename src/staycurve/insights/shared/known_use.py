"""Whether it is known what accounts do: without any event nothing is, and that is not nothing."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.insights.shared.reader import Reader

NO_EVENTS = N_("no events are loaded")
NO_ACCOUNTS_EVENTS = N_("no event that is loaded belongs to an account")


def has_events(company: Reader) -> bool:
    """Whether any event is loaded."""
    return company.lake.rows(company.snapshot, "events") > 0


def knows_use(company: Reader) -> bool:
    """Whether any event of an account is loaded."""
    return company.lake.rows(company.snapshot, "account_months") > 0


def missing(company: Reader) -> str:
    """Why it is not known what accounts do."""
    return NO_ACCOUNTS_EVENTS if has_events(company) else NO_EVENTS
