"""What customers say: surveys, their answers, and the comments people write."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History
from staycurve.demo.market import Account
from staycurve.demo.people import People
from staycurve.demo.sayings import (
    BUGS,
    EXIT,
    LANGUAGES,
    MISSING,
    NEUTRAL,
    OWN_SHARE,
    PRAISE,
    PRICE,
    SPOKEN,
    SUPPORT,
    Saying,
)

TOPICS: Final = ("billing", "integrations", "performance", "how-to", "permissions", "bug")
TICKET_CHANNELS: Final = ("email", "chat", "phone")
BOT_SHARE: Final = 0.25
"""The share of chats with one answer in which a bot gave it."""
_ROLE_ANSWERS: Final = (
    "project lead", "operations", "marketing", "engineering", "finance", "founder",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `user` is a row of `People` or -1, `score` None for words alone."""

    survey: str
    kind: str
    account: int
    user: int
    touchpoint: str
    asked_at: int
    answered_at: int
    score: int | None
    scale_max: int | None
    question: str | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """One request to answer."""

    survey: str
    account: int
    user: int
    asked_at: int


class Voice:
    """Collects invitations and answers, from one stream of random numbers."""

    def __init__(self, people: People, seed: int) -> None:
        self.people = people
        self.rng = np.random.default_rng([seed, 4])
        self.answers: list[Answer] = []
        self.invitations: list[Invitation] = []
        # Draws of its own: what people answer does not hang on the language they write in.
        self.tongues = np.random.default_rng([seed, 12])
        self.languages: list[str] = []
        self.rises: frozenset[int] = frozenset()
        self.would_score: list[tuple[int, bool]] = []
        """Of each NPS invitation: the score in its person's mind, and whether it is given."""

    def listen(self, history: History, accounts: list[Account]) -> None:
        """Ask after each half year, each solved ticket, the first month, and at the end."""
        self.languages = [SPOKEN.get(one.country, "en") for one in accounts]
        self.rises = frozenset(history.rises)
        for month in history.months:
            if month.stage == "paid" and month.age % 6 == 2:
                for rank in (0, 1):
                    at = month.begin + int(self.rng.integers(1, 20)) * DAY + 7 * rank
                    self._nps(month.account, rank, at, month.mood, month.pain)
            elif month.stage == "paid" and month.age == 1:
                at = month.begin + DAY
                score = _on_scale(self.rng.normal(5.4 + month.mood, 1.2), 1, 7)
                self._ask("onboarding", "ces", month.account, 0, at, "onboarding", 0.2, score, 7)
        for ticket in history.tickets:
            if self.rng.random() < 0.6:
                self._csat(ticket.account, ticket.solved_at, ticket.is_slow, ticket.reopened_at)
        for exit_ in history.exits:
            comment = self._choose(EXIT.get(exit_.reason or "", NEUTRAL), exit_.account)
            self._ask(
                "exit",
                "open",
                exit_.account,
                0,
                exit_.at + 3600,
                "cancellation",
                0.3,
                None,
                None,
                "What made you leave?",
                comment,
            )
        for account in accounts:
            at = account.created_at + 600
            self._ask(
                "welcome",
                "profile",
                account.index,
                0,
                at,
                "sign-up",
                0.45,
                None,
                None,
                "What is your role?",
                _ROLE_ANSWERS[int(self.rng.integers(len(_ROLE_ANSWERS)))],
            )
        self.answers.sort(key=lambda a: (a.answered_at, a.account, a.survey, a.user))
        self.invitations.sort(key=lambda i: (i.asked_at, i.account, i.survey, i.user))

    def _nps(self, account: int, rank: int, at: int, mood: float, pain: float) -> None:
        latent = 8.55 + 0.9 * mood - CAUSES.pain_nps * min(pain, CAUSES.pain_limit)
        score = _on_scale(self.rng.normal(latent, 1.75), 0, 10)
        comment = None
        if self.rng.random() < 0.4:
            comment = self._choose(self._theme(score, pain, account, at), account)
        # Who uses it little thinks less of it, and answers less often.
        rate = min(CAUSES.silent_most, CAUSES.silent_rate * exp(CAUSES.silent_coefficient * mood))
        is_given = self._ask(
            "relationship",
            "nps",
            account,
            rank,
            at,
            "in app",
            rate,
            score,
            10,
            "How likely are you to recommend Flow?",
            comment,
        )
        if at < END:
            self.would_score.append((score, is_given))

    def _theme(self, score: int, pain: float, account: int, at: int) -> tuple[Saying, ...]:
        if score >= 9:
            return PRAISE
        if account in self.rises and at >= CAUSES.rise_at:
            return PRICE
        if score >= 7:
            return NEUTRAL if self.rng.random() < 0.6 else MISSING
        if pain > 0.4:
            return SUPPORT
        return (PRICE, MISSING, BUGS)[int(self.rng.integers(3))]

    def _csat(self, account: int, at: int, is_slow: bool, reopened_at: int | None) -> None:
        latent = 4.75 - 0.85 * is_slow - 0.9 * (reopened_at is not None)
        score = _on_scale(self.rng.normal(latent, 0.85), 1, 5)
        comment = None
        if self.rng.random() < 0.25:
            comment = self._choose(SUPPORT if score <= 2 else PRAISE[2:4], account)
        self._ask(
            "ticket",
            "csat",
            account,
            1,
            at + 3600,
            "support",
            0.35,
            score,
            5,
            "How was the help you got?",
            comment,
        )

    def _ask(
        self,
        survey: str,
        kind: str,
        account: int,
        rank: int,
        at: int,
        touchpoint: str,
        rate: float,
        score: int | None,
        scale_max: int | None,
        question: str | None = None,
        comment: str | None = None,
    ) -> bool:
        """Invite one person, who answers with chance `rate` within some days; whether they did."""
        answers = self.rng.random() < rate
        wait = int(self.rng.exponential(1.2) * DAY) + 60
        if at >= END:
            return False
        one = np.array([account], dtype=np.int64)
        user = int(self.people.who(one, np.array([at]), np.array([rank]))[0])
        self.invitations.append(Invitation(survey, account, user, at))
        is_given = bool(answers) and at + wait < END
        if is_given:
            self.answers.append(
                Answer(
                    survey,
                    kind,
                    account,
                    user,
                    touchpoint,
                    at,
                    at + wait,
                    score,
                    scale_max,
                    question,
                    comment,
                )
            )

        return is_given

    def _choose(self, sayings: tuple[Saying, ...], account: int) -> str:
        found = sayings[int(self.rng.integers(len(sayings)))]
        is_own = self.tongues.random() < OWN_SHARE
        return found[LANGUAGES.index(self.languages[account]) if is_own else 0]


def _on_scale(latent: float, low: int, high: int) -> int:
    return int(min(high, max(low, round(float(latent)))))
