"""Synthetic product events for the benchmarks: seeded, one Parquet file, in the order of time.

    python benchmarks/usage_data.py PATH EVENTS

Few users do most: how often a user comes is drawn from a log-normal. Users have habits: each knows
a handful of the features, comes on several days, and does a few things in a row when there.
Accounts begin over the year, users within the months after their account, and many stop.
"""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

START = dt.date(2025, 1, 1)
HABITS = 6
"""How many features a user knows at most."""
PLATFORMS = ("web", "mobile", "api")
_SECOND = 1_000_000
_DAY = 86_400

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Crowd:
    """Users as columns of equal length; days count from START.

    Attributes
    ----------
    account, first, last : array, shape (users,)
        `last` is the first day on which the user no longer comes.
    weight : array, shape (users,)
        How often the user comes, and how much is done then.
    habits : array, shape (users, HABITS)
        Features, the favourite first; one may be named twice.
    """

    account: Ints
    first: Ints
    last: Ints
    weight: Floats
    habits: npt.NDArray[np.int16]


def crowd(random: np.random.Generator, accounts: int, features: int, days: int) -> Crowd:
    """Five users an account on average, and what each of them is like."""
    size = random.geometric(0.2, accounts)
    account = np.repeat(np.arange(accounts), size)
    is_older = random.random(accounts) < 0.35
    begins = np.where(is_older, 0, (random.beta(1.2, 1.0, accounts) * days).astype(np.int64))
    later = np.minimum(random.exponential(40, account.size), days).astype(np.int64)
    is_founder = np.concatenate(([True], account[1:] != account[:-1]))
    first = begins[account] + np.where(is_founder, 0, later)
    last = first + 1 + random.exponential(220, account.size).astype(np.int64)
    popular = 1.0 / np.arange(1, features + 1) ** 0.8
    habits = random.choice(
        features, (account.size, HABITS), p=popular / popular.sum()
    ).astype(np.int16)
    return Crowd(account, first, last, random.lognormal(0.0, 1.4, account.size), habits)


def write(
    path: Path,
    events: int,
    accounts: int = 200_000,
    features: int = 40,
    days: int = 365,
    seed: int = 1,
) -> None:
    """Write exactly `events` events of `days` days, with the columns of the table `events`."""
    random = np.random.default_rng(seed)
    made = crowd(random, accounts, features, days)
    weekday = (START.weekday() + np.arange(days)) % 7
    present = np.array([
        made.weight[(made.first <= day) & (day < made.last)].sum() for day in range(days)
    ])
    wanted = np.where(weekday >= 5, 0.25, 1.0) * present
    counts = np.diff(np.round(np.cumsum(wanted) / wanted.sum() * events), prepend=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = pa.array([f"feature_{place:02d}" for place in range(features)])
    written = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as file:
        for day, count in enumerate(counts.astype(np.int64)):
            if count:
                table = _day(random, made, day, int(count), written, names)
                file.write_table(table)
                written += count


def _day(
    random: np.random.Generator, made: Crowd, day: int, count: int, written: int, names: pa.Array
) -> pa.Table:
    """The events of one day: who comes, and a session each."""
    here = np.flatnonzero((made.first <= day) & (day < made.last))
    weight = made.weight[here]
    # Four things a visit on average; a heavy user comes on more days and does more on each.
    chance = np.minimum(weight * (count / 4) / weight.sum(), 0.9)
    comes = here[random.random(here.size) < chance]
    if comes.size == 0:
        comes = here[:1]
    if comes.size > count:
        comes = random.permutation(comes)[:count]
    depth = np.sqrt(made.weight[comes])
    extra = random.multinomial(count - comes.size, depth / depth.sum())
    user = np.repeat(comes, 1 + extra)
    habit = np.minimum(random.geometric(0.4, user.size) - 1, HABITS - 1)
    feature = made.habits[user, habit]
    opened = np.clip(random.normal(13.5, 3.0, comes.size) * 3600, 0, _DAY - 3600)
    at = np.repeat(opened, 1 + extra) + random.exponential(600, user.size)
    at = np.minimum(at, _DAY - 1) * _SECOND
    order = np.argsort(at, kind="stable")
    midnight = (START - dt.date(1970, 1, 1)).days + day
    occurred = midnight * _DAY * _SECOND + at[order].astype(np.int64)
    platform = random.choice(len(PLATFORMS), user.size, p=[0.8, 0.15, 0.05]).astype(np.int8)
    user, feature = user[order], feature[order]
    return pa.table(
        [
            _named("e", np.arange(written, written + user.size), 10),
            _named("a", made.account[user], 6),
            _named("u", user, 7),
            pc.take(names, pa.array(feature)),
            pa.array(occurred, pa.timestamp("us")),
            pc.take(_PROPERTIES, pa.array(platform)),
        ],
        schema=_SCHEMA,
    )


def _named(letter: str, numbers: Ints, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, digits, "")


_PROPERTIES = pa.array([f'{{"platform": "{platform}"}}' for platform in PLATFORMS])
_SCHEMA = pa.schema([
    ("event_id", pa.string()),
    ("account_id", pa.string()),
    ("user_id", pa.string()),
    ("event", pa.string()),
    ("occurred_at", pa.timestamp("us")),
    ("properties", pa.string()),
])


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
