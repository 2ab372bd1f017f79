"""What was agreed with a customer: the dated goals of its success plan, as app state keeps them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from staycurve.insights.shared.reader import Reader


@dataclass(frozen=True)
class Agreed:
    """One goal of a success plan.

    Attributes
    ----------
    reached_at : datetime, optional
        UTC; None while it is not reached.
    """

    title: str
    due_on: dt.date
    added_at: dt.datetime
    reached_at: dt.datetime | None


class Agreeing(Reader, Protocol):
    """A company whose app state keeps what was agreed with its customers."""

    def agreed(self, account: str) -> Sequence[Agreed]:
        """The goals of an account's success plan, by day; those taken out are none."""
