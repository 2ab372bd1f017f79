"""Collecting the money: invoices, failed attempts, recovery and loss."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History, Ledger, Payment
from staycurve.demo.market import Account
from staycurve.demo.prices import MONTHS_OF, Terms
from staycurve.demo.run import Run

_FAILURES = ("card_declined", "insufficient_funds", "expired_card", "processing_error")
# Days after the first attempt at which a failed payment is tried again.
_RETRIES = (0, 3, 7, 14)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed collection: recovered beyond this month, or lost; both None when fixed in time."""

    recovers_at: int | None = None
    lost_at: int | None = None


class Till:
    """Writes the payments of one account."""

    def __init__(self, account: Account, rng: Random, history: History) -> None:
        self.account = account
        self.rng = rng
        self.history = history
        self.invoices = 0

    def collect(self, run: Run, begin: int, finish: int) -> Trouble | None:
        """Collect what falls due in one month; None when nothing failed."""
        ledger, month = run.ledger, run.month - run.term_month
        if run.second is not None and run.second.running:
            self._pay(run.second, self._due(run.second, month), begin)
        due = self._due(ledger, month)
        if due == 0:
            return None
        if run.month and self.rng.random() < CAUSES.failed_payment:
            return self._fail(ledger, due, begin, finish)
        self._pay(ledger, due, begin)
        if ledger.running["base"].terms.interval == "week":
            first = ledger.running["base"].terms.bill
            weeks = -(-(finish - begin) // (7 * DAY))
            for week in range(1, min(weeks, 4)):
                self._pay(ledger, first, begin + week * 7 * DAY)
        return None

    def recover(self, ledger: Ledger, terms: Terms, at: int) -> None:
        """The late payment arrives and the subscription is active again."""
        ledger.set_status(at, "active")
        self._pay(ledger, terms.bill, at)

    def _due(self, ledger: Ledger, month: int) -> int:
        return sum(
            span.terms.bill
            for span in ledger.running.values()
            if month % MONTHS_OF[span.terms.interval] == 0
        )

    def _pay(self, ledger: Ledger, amount: int, at: int) -> None:
        if at >= END or amount <= 0:
            return
        self.invoices += 1
        refunded = amount if self.rng.random() < 0.004 else None
        self._write(ledger, amount, paid_at=min(at + 1800, END - 1), refunded=refunded)

    def _fail(self, ledger: Ledger, due: int, begin: int, finish: int) -> Trouble:
        ledger.set_status(begin, "past_due")
        self.invoices += 1
        outcome = self.rng.random()
        failure = self.rng.choice(_FAILURES) if ledger.has_card else "invoice_overdue"
        if outcome < 0.74:
            tries = self.rng.randint(1, 3)
            self._attempts(ledger, due, begin, tries, failure)
            recovers = begin + _RETRIES[tries] * DAY
            ledger.set_status(recovers, "active")
            if recovers < END:
                self._write(ledger, due, paid_at=recovers + 900)
            return Trouble()
        self._attempts(ledger, due, begin, len(_RETRIES), failure)
        if outcome < 0.80:
            late = finish + self.rng.randint(3, 14) * DAY
            return Trouble(recovers_at=late)
        lost = begin + 27 * DAY
        if outcome < 0.87:
            ledger.set_status(lost, "unpaid")
            return Trouble(lost_at=lost + 30 * DAY)
        return Trouble(lost_at=lost)

    def _attempts(self, ledger: Ledger, due: int, begin: int, tries: int, failure: str) -> None:
        for days in _RETRIES[:tries]:
            failed = begin + days * DAY + 60
            if failed < END:
                self._write(ledger, due, failed_at=failed, failure=failure)

    def _write(
        self,
        ledger: Ledger,
        amount: int,
        *,
        paid_at: int | None = None,
        failed_at: int | None = None,
        failure: str | None = None,
        refunded: int | None = None,
    ) -> None:
        self.history.payments.append(
            Payment(
                self.account.index,
                ledger.subscription_id,
                f"{self.account.account_id}-{self.invoices:04d}",
                amount,
                self.account.currency,
                paid_at,
                failed_at,
                failure,
                refunded,
            )
        )
