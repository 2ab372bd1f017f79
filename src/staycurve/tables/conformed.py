"""The conformed tables: what every source ends in, and every metric starts from."""

from __future__ import annotations

from staycurve.errors import UnknownNameError
from staycurve.tables.accounts import ACCOUNTS
from staycurve.tables.answers import ANSWERS
from staycurve.tables.base import Table
from staycurve.tables.events import EVENTS
from staycurve.tables.fx_rates import FX_RATES
from staycurve.tables.identities import IDENTITIES
from staycurve.tables.invitations import INVITATIONS
from staycurve.tables.invoice_lines import INVOICE_LINES
from staycurve.tables.leads import LEADS
from staycurve.tables.payments import PAYMENTS
from staycurve.tables.plans import PLANS
from staycurve.tables.reach import REACH
from staycurve.tables.spend import SPEND
from staycurve.tables.subscriptions import SUBSCRIPTIONS
from staycurve.tables.tickets import TICKETS
from staycurve.tables.traits import TRAITS
from staycurve.tables.users import USERS

CONFORMED: dict[str, Table] = {
    table.name: table
    for table in (
        ACCOUNTS, FX_RATES, PLANS, SUBSCRIPTIONS, INVOICE_LINES, PAYMENTS, USERS, IDENTITIES,
        TRAITS, EVENTS, LEADS, REACH, SPEND, TICKETS, ANSWERS, INVITATIONS,
    )
}
"""In the order in which files are loaded: what others refer to comes first."""


def conformed(name: str) -> Table:
    """The conformed table of this name, or an error with the nearest."""
    if name not in CONFORMED:
        raise UnknownNameError("table", name, CONFORMED)
    return CONFORMED[name]
