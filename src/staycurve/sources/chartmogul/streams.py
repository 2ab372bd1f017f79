"""The streams under which what was imported comes in: customers, lines and payments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from staycurve.i18n import N_
from staycurve.sources.base import Pull, Sender, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.mapping import Feed
from staycurve.tables.conformed import CONFORMED

NAME = "chartmogul"


def _nothing(pull: Pull[Any]) -> Iterable[Batch]:
    # Its rows are sent to the server; there is nothing to fetch.
    del pull
    return ()


def _sender(name: str, about: str, table: str) -> Sender:
    columns = {column.name: (column.name,) for column in CONFORMED[table].columns}
    feed = Feed(table, columns=columns)
    cursor = N_("the number of the last change that is loaded")
    return Sender(NAME, NAME, Stream(name, about, _nothing, (feed,), cursor=cursor))


CUSTOMERS = _sender("customers", N_("Customers that were sent."), "accounts")
LINES = _sender("line_items", N_("Line items of invoices that were sent."), "invoice_lines")
PAYMENTS = _sender("transactions", N_("Transactions that were sent."), "payments")
