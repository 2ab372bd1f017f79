"""What customers say: surveys, their answers, and the comments people write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History
from staycurve.demo.market import Account
from staycurve.demo.people import People

TOPICS: Final = ("billing", "integrations", "performance", "how-to", "permissions", "bug")
TICKET_CHANNELS: Final = ("email", "chat", "phone")
BOT_SHARE: Final = 0.25
"""The share of chats with one answer in which a bot gave it."""
_PRICE = (
    "The price is hard to defend for a team of our size.",
    "We pay for seats that nobody uses.",
    "Renewal came in higher than we budgeted.",
    "Good product, but it costs too much for what we need.",
)
_MISSING = (
    "We need better reporting across projects.",
    "There is no offline mode on mobile.",
    "Custom fields are too limited for us.",
    "I miss a real calendar view.",
)
_SUPPORT = (
    "I waited two days for a first answer.",
    "My ticket was closed and I had to reopen it.",
    "Support answers, but does not solve.",
    "Slow replies when we were blocked.",
)
_BUGS = (
    "The board takes too long to load.",
    "Notifications arrive twice.",
    "The export failed again last week.",
    "Sync with our calendar keeps breaking.",
)
_PRAISE = (
    "Automation saves us hours every week.",
    "Setup was quick and the team likes it.",
    "Support solved my question in minutes.",
    "The boards are clear and fast.",
    "Best tool for keeping our projects together.",
)
_NEUTRAL = (
    "It does the job.",
    "Fine so far, still learning.",
    "Some parts are great, some are not.",
    "Nothing special to report.",
)
_EXIT: Final = {
    "too expensive": _PRICE,
    "missing features": _MISSING,
    "switched to competitor": (
        "Another tool fits our way of working better.",
        "Our parent company uses a different product.",
    ),
    "not using it": ("Nobody opened it in the last weeks.", "The person who ran it has left."),
}
_ROLE_ANSWERS = ("project lead", "operations", "marketing", "engineering", "finance", "founder")


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

    def listen(self, history: History, accounts: list[Account]) -> None:
        """Ask after each half year, each solved ticket, the first month, and at the end."""
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
            comment = self._choose(_EXIT.get(exit_.reason or "", _NEUTRAL))
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
                self._choose(_ROLE_ANSWERS),
            )
        self.answers.sort(key=lambda a: (a.answered_at, a.account, a.survey, a.user))
        self.invitations.sort(key=lambda i: (i.asked_at, i.account, i.survey, i.user))

    def _nps(self, account: int, rank: int, at: int, mood: float, pain: float) -> None:
        latent = 8.55 + 0.9 * mood - CAUSES.pain_nps * min(pain, CAUSES.pain_limit)
        score = _on_scale(self.rng.normal(latent, 1.75), 0, 10)
        comment = None
        if self.rng.random() < 0.4:
            comment = self._choose(self._theme(score, pain))
        self._ask(
            "relationship",
            "nps",
            account,
            rank,
            at,
            "in app",
            0.3,
            score,
            10,
            "How likely are you to recommend Flow?",
            comment,
        )

    def _theme(self, score: int, pain: float) -> tuple[str, ...]:
        if score >= 9:
            return _PRAISE
        if score >= 7:
            return _NEUTRAL if self.rng.random() < 0.6 else _MISSING
        if pain > 0.4:
            return _SUPPORT
        return (_PRICE, _MISSING, _BUGS)[int(self.rng.integers(3))]

    def _csat(self, account: int, at: int, is_slow: bool, reopened_at: int | None) -> None:
        latent = 4.75 - 0.85 * is_slow - 0.9 * (reopened_at is not None)
        score = _on_scale(self.rng.normal(latent, 0.85), 1, 5)
        comment = None
        if self.rng.random() < 0.25:
            comment = self._choose(_SUPPORT if score <= 2 else _PRAISE[2:4])
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
    ) -> None:
        """Invite one person; she answers with chance `rate`, within some days."""
        answers = self.rng.random() < rate
        wait = int(self.rng.exponential(1.2) * DAY) + 60
        if at >= END:
            return
        one = np.array([account], dtype=np.int64)
        user = int(self.people.who(one, np.array([at]), np.array([rank]))[0])
        self.invitations.append(Invitation(survey, account, user, at))
        if answers and at + wait < END:
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

    def _choose(self, texts: tuple[str, ...]) -> str:
        return texts[int(self.rng.integers(len(texts)))]


def _on_scale(latent: float, low: int, high: int) -> int:
    return int(min(high, max(low, round(float(latent)))))
