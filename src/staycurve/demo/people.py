"""The people at the accounts: who joins, who champions the product, who leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History
from staycurve.demo.market import Account

_GIVEN: Final = ("Ada", "Bo", "Cleo", "Dina", "Emil", "Fay", "Gil", "Hana", "Ivo", "Jun", "Kai",
                 "Lea", "Milo", "Nora", "Otis", "Pia", "Quin", "Remy", "Sami", "Tess", "Uma",
                 "Vito", "Wren", "Yara", "Zeno")  # fmt: skip
_FAMILY: Final = ("Abel", "Brandt", "Costa", "Duval", "Engel", "Fontana", "Grant", "Hale", "Iwata",
                  "Jensen", "Kowal", "Lund", "Marsh", "Novak", "Okafor", "Perez", "Quist", "Reyes",
                  "Sato", "Tran", "Ueda", "Voss", "Weber", "Young", "Ziegler")  # fmt: skip
_ROLES: Final = ("member", "member", "member", "manager", "analyst", "admin", "executive")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class People:
    """All users, grouped by account; the arrays have shape (users,), instants in seconds.

    `left` is 0 for those still there. `first` and `count` have shape (accounts,): where an
    account's users begin and how many they are.
    """

    account: Ints
    created: Ints
    left: Ints
    is_champion: npt.NDArray[np.bool_]
    role: list[str]
    name: list[str]
    email: list[str]
    is_bounced: npt.NDArray[np.bool_]
    first: Ints
    count: Ints

    def who(self, account: Ints, at: Ints, rank: Ints) -> Ints:
        """The user (row number) who acts for each account at each instant, -1 for nobody.

        The user of that rank where she is there at the time, else the earliest that is.
        """
        chosen = np.full(len(account), -1, dtype=np.int64)
        for attempt in (rank % self.count[account], 0, 1, 2, self.count[account] - 1):
            row = self.first[account] + np.minimum(attempt, self.count[account] - 1)
            is_there = (self.created[row] <= at) & ((self.left[row] == 0) | (self.left[row] > at))
            chosen = np.where((chosen < 0) & is_there, row, chosen)
        return chosen


def people_of(accounts: list[Account], history: History, seed: int) -> People:
    """The users of all accounts; the first one signs the account up."""
    rng = np.random.default_rng([seed, 2])
    last_seen = np.array([a.created_at + DAY for a in accounts], dtype=np.int64)
    for month in history.months:
        last_seen[month.account] = max(last_seen[month.account], month.finish)
    champions: dict[int, list[tuple[int, int | None]]] = {}
    for account, left, follows in history.champions_left:
        champions.setdefault(account, []).append((left, follows))

    rows: list[tuple[int, int, int, bool]] = []
    first, count = [], []
    for a in accounts:
        first.append(len(rows))
        size = 2 + int(1.3 * np.log2(a.seats)) if a.index in history.first_paid else 2
        joined = a.created_at + np.cumsum(rng.exponential(20 * DAY, size)).astype(np.int64)
        leaves = rng.random(size) < 0.14
        stay = rng.exponential(300 * DAY, size).astype(np.int64)
        changes = champions.get(a.index, [])
        is_champion = a.has_champion and a.index in history.first_paid
        rows.append((a.index, a.created_at, changes[0][0] if changes else 0, is_champion))
        rows.append((a.index, min(a.created_at + int(stay[0]) % DAY, END - 1), 0, False))
        for n in range(size - 2):
            gone = int(joined[n] + stay[n])
            if joined[n] < min(last_seen[a.index], END):
                left_at = gone if leaves[n] and gone < END else 0
                rows.append((a.index, int(joined[n]), left_at, False))
        for n, (_, follows) in enumerate(changes):
            if follows is not None and follows < END:
                gone = changes[n + 1][0] if n + 1 < len(changes) else 0
                rows.append((a.index, follows, gone if gone > follows else 0, True))
        count.append(len(rows) - first[-1])

    draws = rng.integers(0, 25, (2, len(rows)))
    roles = rng.integers(0, len(_ROLES), len(rows))
    starts = set(first)
    names = [f"{_GIVEN[g]} {_FAMILY[f]}" for g, f in draws.T]
    return People(
        account=np.array([r[0] for r in rows], dtype=np.int64),
        created=np.array([r[1] for r in rows], dtype=np.int64),
        left=np.array([r[2] for r in rows], dtype=np.int64),
        is_champion=np.array([r[3] for r in rows], dtype=np.bool_),
        role=["owner" if n in starts else _ROLES[r] for n, r in enumerate(roles)],
        name=names,
        email=[
            f"{name.lower().replace(' ', '.')}.{n}@{accounts[row[0]].domain}"
            for n, (name, row) in enumerate(zip(names, rows, strict=True))
        ],
        is_bounced=rng.random(len(rows)) < 0.01,
        first=np.array(first, dtype=np.int64),
        count=np.array(count, dtype=np.int64),
    )
