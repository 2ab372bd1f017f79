"""Where one paying life stands."""

from __future__ import annotations

from dataclasses import dataclass

from staycurve.demo.clock import shift_months
from staycurve.demo.ledger import Ledger
from staycurve.demo.prices import MONTHS_OF, Terms


@dataclass(slots=True)
class Run:
    """Where a paying life stands: its anchor, its base terms and the month it is in."""

    anchor: int
    terms: Terms
    ledger: Ledger
    is_return: bool
    month: int = 0
    term_month: int = 0
    free_months: int = 0
    chance: float = 0.0
    has_old_price: bool = False
    recovers_at: int | None = None
    second: Ledger | None = None

    @property
    def months(self) -> int:
        """Months between two decisions to stay."""
        return self.terms.term_months or MONTHS_OF[self.terms.interval]

    def at(self, month: int) -> int:
        """The instant at which a month of this life begins."""
        return shift_months(self.anchor, month)
