"""The whole life of an account: trial, free plan or sale, then paying lives and returns."""

from __future__ import annotations

from random import Random

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END, shift_months
from staycurve.demo.ledger import History, Ledger
from staycurve.demo.market import Account
from staycurve.demo.paid import Ending, PaidLife
from staycurve.demo.prices import base_terms, with_discount
from staycurve.demo.pulse import Pulse

TRIAL_DAYS = 14


def live(accounts: list[Account], seed: int) -> History:
    """Everything that happens to the accounts until the end of the history.

    Each account has its own stream of random numbers, so one more draw in one life leaves
    all other lives as they were.
    """
    history = History()
    for account in accounts:
        _Biography(account, Random(seed * 1_000_003 + account.index), history).write()
    return history


class _Biography:
    def __init__(self, account: Account, rng: Random, history: History) -> None:
        self.account = account
        self.rng = rng
        self.history = history
        self.pulse = Pulse(account, rng, history)
        self.paid = PaidLife(account, rng, history, self.pulse)
        self.lives = 0

    def write(self) -> None:
        if self.account.path == "trial":
            self._trial()
        elif self.account.path == "free":
            ledger = self._ledger(has_card=False)
            self._free(ledger, self.account.created_at)
        else:
            days = self.rng.randint(1, 6)
            has_card = self.account.plan != "Enterprise"
            self._pay(self.account.created_at + days * DAY, self._ledger(has_card=has_card))

    def _ledger(self, *, has_card: bool) -> Ledger:
        self.lives += 1
        number = f"S{self.account.account_id[1:]}-{self.lives}"
        return Ledger(self.history, self.account.index, number, has_card=has_card)

    def _trial(self) -> None:
        account, rng = self.account, self.rng
        start = account.created_at
        ends = start + TRIAL_DAYS * DAY
        ledger = self._ledger(has_card=account.has_trial_card)
        seats = min(account.seats, 10)
        ledger.put(
            "base", start, base_terms(account, account.plan, account.interval, seats, at=start),
            "trialing",
        )  # fmt: skip
        self.pulse.beat(start, ends, "trial", seats)
        chance = CAUSES.card_conversion if account.has_trial_card else CAUSES.no_card_conversion
        converts = rng.random() < chance * (1.12 if account.is_activated else 0.7)
        self.history.trials[account.index] = (start, None)
        if not converts:
            ledger.end_all(ends, None)
            return
        paid_at = ends
        if not account.has_trial_card and rng.random() < 0.3:
            paid_at += rng.randint(1, 12) * DAY
            ledger.end_all(ends, None)
        if paid_at < END:
            self.history.trials[account.index] = (start, paid_at)
        ledger.has_card = True
        self._pay(paid_at, ledger)

    def _free(self, ledger: Ledger, since: int) -> None:
        """Stay on the free plan until the end, an upgrade, or losing interest."""
        account = self.account
        seats = min(account.seats, 5)
        ledger.put("base", since, base_terms(account, "Free", "month", seats, at=since))
        for month in range(48):
            begin, finish = shift_months(since, month), shift_months(since, month + 1)
            if begin >= END:
                return
            self.pulse.beat(begin, finish, "free", seats)
            draw = self.rng.random()
            if draw < 0.016 and account.path == "free":
                ledger.has_card = True
                self._pay(finish, ledger, plan="Starter")
                return
            if draw > 0.97:
                ledger.end_all(finish, None)
                return

    def _pay(self, at: int, ledger: Ledger, *, plan: str | None = None) -> None:
        account = self.account
        if at >= END:
            return
        plan = plan or account.plan
        interval = "month" if plan == "Starter" and account.path == "free" else account.interval
        discount = account.discount
        if discount == "two months free" and interval != "month":
            discount = "none"
        terms = base_terms(account, plan, interval, account.seats, at=at)
        if plan == "Enterprise":
            ledger.has_card = False
        ending = self.paid.live(
            at, ledger, with_discount(terms, discount, account), discount=discount
        )
        while ending is not None:
            ending = self._afterwards(ending)

    def _afterwards(self, ending: Ending) -> Ending | None:
        """Some fall back to the free plan, some come back months later, most are gone."""
        draw = self.rng.random()
        if not ending.is_voluntary or ending.at >= END or draw > 0.17:
            return None
        if draw < 0.035 and self.account.plan == "Starter":
            self._free(self._ledger(has_card=False), ending.at)
            return None
        back = ending.at + self.rng.randint(50, 270) * DAY
        if back >= END:
            return None
        plan = "Starter" if self.account.plan == "Team" and draw > 0.14 else self.account.plan
        plan = "Starter" if plan == "Free" else plan
        self.pulse.mood = self.account.quality
        self.pulse.fade = 0.0
        terms = base_terms(self.account, plan, "month", max(2, self.account.seats), at=back)
        ledger = self._ledger(has_card=True)
        return self.paid.live(back, ledger, terms, discount="none", is_return=True)
