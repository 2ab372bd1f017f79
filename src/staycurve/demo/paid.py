"""A paying life: renewals, changes of mind, failed payments, and the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from staycurve.demo.causes import CAUSES, Moment, hazard
from staycurve.demo.changes import change_something
from staycurve.demo.clock import DAY, END
from staycurve.demo.collection import Till
from staycurve.demo.ledger import Exit, Exposure, History, Ledger
from staycurve.demo.market import Account
from staycurve.demo.prices import MONTHS_OF, Terms, unit_price, without_discount
from staycurve.demo.pulse import Pulse
from staycurve.demo.run import Run

# Texts as people type them; "company closed" and an empty text stay outside both lists of
# staycurve.toml, so that the class "unknown" is not empty.
REASONS = ("too expensive", "missing features", "customer request", "switched to competitor",
           "not using it", "company closed")  # fmt: skip
_REASON_WEIGHTS = (25, 18, 20, 15, 13, 5)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a paying life ended: at which instant, and whether by the account's own decision."""

    at: int
    is_voluntary: bool


class PaidLife:
    """Simulates one account from its first paid day to its last."""

    def __init__(self, account: Account, rng: Random, history: History, pulse: Pulse) -> None:
        self.account = account
        self.rng = rng
        self.history = history
        self.pulse = pulse
        self.till = Till(account, rng, history)

    def live(
        self, at: int, ledger: Ledger, terms: Terms, *, discount: str, is_return: bool = False
    ) -> Ending | None:
        """Pay from `at` on; the ending, or None when the history ends first."""
        run = Run(at, terms, ledger, is_return)
        run.has_old_price = terms.plan == CAUSES.rise_plan and at < CAUSES.rise_at
        run.free_months = 2 if discount == "two months free" else 0
        ledger.put("base", at, terms)
        while True:
            begin = run.at(run.month)
            if begin >= END:
                return None
            ending = self._month(run, begin, run.at(run.month + 1), discount)
            if ending is not None:
                return ending
            run.month += 1

    def _month(self, run: Run, begin: int, finish: int, discount: str) -> Ending | None:
        if run.recovers_at is not None:
            self.till.recover(run.ledger, run.terms, run.recovers_at)
            run.recovers_at = None
            self.pulse.beat(begin, finish, "paid", run.terms.quantity)
            return None
        self._renew(run, begin, discount)
        if run.terms.bill > 0:
            self.history.first_paid.setdefault(self.account.index, (begin, run.terms))
        trouble = self.till.collect(run, begin, finish)
        if trouble is not None and trouble.lost_at is not None:
            self.pulse.beat(begin, trouble.lost_at, "paid", run.terms.quantity)
            self._close(run, trouble.lost_at, "payment failed")
            return Ending(trouble.lost_at, is_voluntary=False)
        self.pulse.beat(begin, finish, "paid", run.terms.quantity)
        if trouble is not None:
            run.recovers_at = trouble.recovers_at
            return None
        if self._leaves(run, finish):
            return self._end(run, begin, finish)
        if self._pauses(run):
            return self._pause(run, finish)
        change_something(self.account, self.rng, self.history, run, begin)
        return None

    def _renew(self, run: Run, begin: int, discount: str) -> None:
        """What changes exactly at the start of a month: prices, discounts, usage, terms."""
        is_renewal = (run.month - run.term_month) % run.months == 0
        if is_renewal and run.has_old_price and begin >= CAUSES.rise_at and run.month:
            price = unit_price(run.terms.plan, run.terms.interval, run.terms.currency, at=begin)
            run.terms = replace(run.terms, unit=price)
            run.has_old_price = False
            self.history.rises.append(self.account.index)
        expiry = {"first year": 12, "two months free": 2, "first invoice": 1}.get(discount)
        if discount == "first invoice":
            expiry = MONTHS_OF[run.terms.interval]
        if expiry is not None and run.month >= expiry and run.terms.percent:
            run.terms = without_discount(run.terms)
        run.ledger.put("base", begin, run.terms)
        if is_renewal and run.months > 1:
            run.ledger.running["base"].renews_at = run.at(run.month + run.months)
        if self.account.is_metered and run.month and run.terms.bill > 0:
            units = int(run.terms.quantity * self.rng.lognormvariate(4.6 + self.pulse.mood, 0.3))
            usage = Terms(run.terms.plan, "Flow Runs", "metered", "month", units, 5, None,
                          run.terms.currency)  # fmt: skip
            if run.terms.currency == "JPY":
                usage = replace(usage, unit=600)
            run.ledger.put("runs", begin, usage)

    def _leaves(self, run: Run, finish: int) -> bool:
        renewal = run.month + 1 - run.free_months
        is_price_rise = run.has_old_price and finish >= CAUSES.rise_at
        is_gone = self.pulse.is_champion_gone(finish)
        started = run.at(run.free_months)
        moment = Moment(
            renewal=renewal,
            mood=self.pulse.mood,
            pain=self.pulse.pain,
            is_champion_gone=is_gone,
            is_price_rise=is_price_rise,
            is_monthly=run.months == 1,
            is_return=run.is_return,
            started_at=started,
        )
        run.chance += hazard(self.account, run.terms.plan, run.terms.interval, moment)
        if (run.month + 1 - run.term_month) % run.months:
            return False
        factor = CAUSES.annual_multiplier if run.months >= 12 else 1.0
        chance, run.chance = min(0.85, run.chance * factor), 0.0
        if run.terms.bill == 0:
            return self.rng.random() < chance * 0.3
        has_left = self.rng.random() < chance
        # A decision after the end of the history is not observed, so it is not an exposure.
        if finish < END:
            self.history.exposures.append(
                Exposure(
                    self.account.index,
                    renewal,
                    run.months,
                    run.terms.plan,
                    run.terms.interval,
                    started,
                    not run.is_return,
                    is_gone,
                    is_price_rise,
                    self.pulse.pain,
                    chance,
                    has_left,
                )
            )
        return has_left

    def _end(self, run: Run, begin: int, finish: int) -> Ending:
        """Ask for the end within the last month, and lose access when the paid time is over."""
        at = finish
        if run.terms.interval == "week":
            weeks = -(-(finish - run.anchor) // (7 * DAY))
            at = run.anchor + weeks * 7 * DAY
        asked = begin + int(self.rng.uniform(0.15, 0.95) * (finish - begin))
        if self.rng.random() < 0.93:
            run.ledger.request_end(asked)
        reason: str | None = self.rng.choices(REASONS, _REASON_WEIGHTS)[0]
        if self.rng.random() < 0.08:
            reason = None
        self._close(run, at, reason)
        if asked < END:
            self.history.exits.append(Exit(self.account.index, asked, reason))
        return Ending(at, is_voluntary=True)

    def _close(self, run: Run, at: int, reason: str | None) -> None:
        run.ledger.end_all(at, reason)
        if run.second is not None:
            run.second.end_all(at, reason)

    def _pauses(self, run: Run) -> bool:
        is_free_to = run.terms.interval == "month" and run.month >= 2 and run.terms.bill > 0
        return is_free_to and self.rng.random() < 0.0025

    def _pause(self, run: Run, finish: int) -> Ending | None:
        """Stand still for one to three months, then come back or leave."""
        run.ledger.set_status(finish, "paused")
        run.month += self.rng.randint(1, 3)
        resumes = run.at(run.month + 1)
        if self.rng.random() < 0.75:
            run.ledger.set_status(resumes, "active")
            return None
        self._close(run, resumes, "not using it")
        return Ending(resumes, is_voluntary=True)
