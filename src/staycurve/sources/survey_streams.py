"""The streams under which surveys asked here come in: invitations, answers, and those of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from staycurve.i18n import N_
from staycurve.sources.base import Pull, Sender, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.mapping import Feed
from staycurve.tables.conformed import CONFORMED

NAME = "surveys"


def _nothing(pull: Pull[Any]) -> Iterable[Batch]:
    # Its rows are in app state; there is nothing to fetch.
    del pull
    return ()


def _sender(name: str, about: str, table: str) -> Sender:
    columns = {column.name: (column.name,) for column in CONFORMED[table].columns}
    feed = Feed(table, columns=columns)
    cursor = N_("the number of the last change that is loaded")
    return Sender(NAME, NAME, Stream(name, about, _nothing, (feed,), cursor=cursor))


INVITED = _sender("invitations", N_("People whom surveys asked."), "invitations")
ANSWERED = _sender("answers", N_("Answers to surveys."), "answers")
RECEIVED = _sender("received", N_("Answers that other tools sent."), "answers")
