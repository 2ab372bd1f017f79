"""Notes of calls: what account managers of the example company wrote down, with its theme."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History
from staycurve.demo.market import OWNERS, Account
from staycurve.demo.sayings import COMPARING, REVIEWING

_LEAVES_AFTER = (15, 60)
"""Days from such a call to the day on which the account leaves."""
_KINDS = ("call", "call", "meeting", "email")


@dataclass(frozen=True, slots=True)
class CallNote:
    """One note; `day` is a day of UTC, `theme` what was planted in it: competition or nothing."""

    account_id: str
    day: str
    kind: str
    author: str
    text: str
    theme: str


def notes_of(accounts: list[Account], history: History, seed: int) -> list[CallNote]:
    """Notes on accounts that leave for another tool, some weeks before, and on others."""
    rng = np.random.default_rng([seed, 13])
    found = [
        (account, at, text, "competition")
        for account, at, text in _comparing(history, rng)
    ]
    for month in history.months:
        if month.stage == "paid" and rng.random() < CAUSES.reviewing_monthly:
            at = month.begin + int(rng.integers(1, 25)) * DAY
            found.append((month.account, at, _one(rng, REVIEWING), ""))
    found.sort(key=lambda one: (one[1], one[0], one[2]))
    return [
        CallNote(
            accounts[account].account_id, datetime.fromtimestamp(at, UTC).date().isoformat(),
            _one(rng, _KINDS), OWNERS[account % len(OWNERS)], text, theme,
        )
        for account, at, text, theme in found if at < END and not accounts[account].is_test
    ]


def _comparing(history: History, rng: np.random.Generator) -> list[tuple[int, int, str]]:
    """(account, at, text) of who leaves for a competitor."""
    found = []
    for one in history.exits:
        before = int(rng.integers(*_LEAVES_AFTER)) * DAY
        is_noted = rng.random() < CAUSES.comparing_share
        text = _one(rng, COMPARING)
        if is_noted and one.reason == "switched to competitor":
            found.append((one.account, one.at - before, text))
    return found


def _one(rng: np.random.Generator, texts: tuple[str, ...]) -> str:
    return texts[int(rng.integers(len(texts)))]


def notes_json(notes: list[CallNote]) -> str:
    """The content of `notes.json`."""
    return json.dumps([asdict(one) for one in notes], indent=1, sort_keys=True) + "\n"
