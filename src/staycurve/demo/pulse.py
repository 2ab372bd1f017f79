"""The pulse of one account: how much it uses the product, who leaves it, what troubles it."""

from __future__ import annotations

from math import exp, log
from random import Random

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History, Month, Ticket
from staycurve.demo.market import Account

_STAGE_RATE = {"trial": 8.0, "paid": 6.6, "free": 2.2}


class Pulse:
    """Latent mood, pain and champion of one account, month after month.

    Mood is a first-order autoregression around the account's quality; one account in nine
    fades. Pain is what slow and reopened tickets leave behind, halved each month.
    """

    def __init__(self, account: Account, rng: Random, history: History) -> None:
        self.account = account
        self.rng = rng
        self.history = history
        self.mood = account.quality + rng.gauss(0.0, 0.45)
        self.pain = 0.0
        self.fade = -0.16 if rng.random() < 0.11 else 0.0
        self.has_champion = account.has_champion
        self.champion_left_at: int | None = None
        self.age = 0

    def beat(self, begin: int, finish: int, stage: str, seats: int) -> None:
        """Live one month: use, tickets, and perhaps the champion's leaving."""
        finish = min(finish, END)
        if finish <= begin:
            return
        self.mood = 0.75 * self.mood + 0.25 * self.account.quality + self.rng.gauss(0, 0.3)
        self.mood += self.fade
        self.pain *= 0.5
        share = min(1.0, (finish - begin) / (30 * DAY))
        rate = _STAGE_RATE[stage] * exp(0.8 * self.mood) * (1 + log(seats) / 4) * share
        if stage != "free":
            self._tickets(begin, finish, seats)
        if stage == "paid":
            self._champion(begin, finish)
        self.history.months.append(
            Month(self.account.index, begin, finish, self.age, stage, rate, self.mood, self.pain)
        )
        self.age += 1

    def is_champion_gone(self, at: int) -> bool:
        """Whether a champion left so recently that nobody has taken over."""
        left = self.champion_left_at
        return left is not None and 0 <= at - left <= CAUSES.champion_days * DAY

    def _champion(self, begin: int, finish: int) -> None:
        if not self.has_champion or self.rng.random() >= CAUSES.champion_monthly:
            return
        left = begin + int(self.rng.random() * (finish - begin))
        follows = left + self.rng.randint(20, 80) * DAY if self.rng.random() < 0.5 else None
        self.champion_left_at = left
        self.has_champion = follows is not None
        self.history.champions_left.append((self.account.index, left, follows))

    def _tickets(self, begin: int, finish: int, seats: int) -> None:
        chance = 0.11 + 0.03 * log(seats)
        while self.rng.random() < chance:
            self._ticket(begin + int(self.rng.random() * (finish - begin)))

    def _ticket(self, opened: int) -> None:
        rng = self.rng
        is_slow = rng.random() < 0.2
        first = opened + int(3600 * rng.lognormvariate(3.4 if is_slow else 0.5, 0.6))
        solved = first + int(3600 * rng.lognormvariate(2.4, 1.1))
        contacts = 1 if rng.random() < 0.66 else rng.randint(2, 5)
        reopened = None
        if rng.random() < (0.3 if is_slow else 0.11):
            reopened = solved + int(rng.uniform(0.1, 14) * DAY)
        self.pain += (0.7 if is_slow else 0.0) + (0.8 if reopened else 0.0)
        self.history.tickets.append(
            Ticket(self.account.index, opened, first, solved, reopened, contacts, is_slow)
        )
