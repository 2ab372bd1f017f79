"""Synthetic subscriptions for the benchmarks: seeded, written as Parquet files to be loaded."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

START = dt.date(2021, 1, 1)
END = dt.date(2026, 1, 1)
DAYS = (END - START).days
"""The history is five years; every figure is asked for as of its end."""

PLANS = ("Starter", "Team", "Business", "Enterprise")
PRICES = (19, 49, 129, 490)
INTERVALS = ("month", "year", "quarter", "week")
MONTHS = np.array([1.0, 11.0, 3.0, 0.25])
"""What an interval costs in monthly prices: eleven months are asked for a year."""
COUNTRIES = ("US", "GB", "DE", "FR", "CA", "AU", "NL", "SE")
INDUSTRIES = ("EdTech", "FinTech", "Health", "Retail", "Media", "Legal")
REASONS = ("too expensive", "payment failed", "customer request", "moon phase")
MICROSECONDS = 86_400_000_000

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Spans as columns of equal length, days counted from START.

    Attributes
    ----------
    account, starts, ends, plan, interval, quantity, discount, currency, reason : array, shape (n,)
        `ends` is -1 while a span runs; `discount` is in whole percent; `reason` is -1 for none.
    is_addon : array of bool, shape (n,)
    """

    account: Ints
    starts: Ints
    ends: Ints
    plan: Ints
    interval: Ints
    quantity: Ints
    discount: Ints
    currency: Ints
    reason: Ints
    is_addon: npt.NDArray[np.bool_]


def spans(accounts: int, *, seed: int, foreign: float = 0.0) -> Spans:
    """Three spans an account on average: changes, gaps and returns, add-ons, endings.

    Parameters
    ----------
    accounts : int
        How many accounts there are; three times as many spans come back.
    foreign : float
        Share of the accounts that are billed in EUR or GBP.
    """
    random = np.random.default_rng(seed)
    weights = random.gamma(1.2, size=accounts)
    counts = 1 + random.multinomial(2 * accounts, weights / weights.sum())
    account = np.repeat(np.arange(accounts), counts)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    place = np.arange(account.size) - np.repeat(first, counts)

    begins = (random.beta(1.3, 1.0, accounts) * (DAYS - 150)).astype(np.int64)
    left = DAYS - begins
    life = np.maximum(random.beta(1.6, 0.9, accounts) * left, np.minimum(25 * counts, left - 1))
    runs_on = random.random(accounts) < 0.45
    life = np.where(runs_on, left * 0.97, life)

    shares = random.gamma(2.0, size=account.size)
    until = np.cumsum(shares)
    before = np.repeat(until[first] - shares[first], counts)
    whole = np.repeat(np.add.reduceat(shares, first), counts)
    # Every span takes three days beside its share, so that a gap and a day of it always fit.
    room = np.repeat(np.maximum(life - 3 * counts, 0), counts)
    close = (place + 1) * 3 + ((until - before) / whole * room).astype(np.int64)
    opened = np.where(place == 0, 0, np.concatenate(([0], close[:-1])))
    length = close - opened
    has_gap = (place > 0) & (random.random(account.size) < 0.12)
    gap = np.where(has_gap, np.maximum(length * 3 // 10, 1), 0)
    starts = np.repeat(begins, counts) + opened + gap
    ends = np.repeat(begins, counts) + close
    is_last = place == np.repeat(counts, counts) - 1
    ends = np.where(is_last & np.repeat(runs_on, counts), -1, ends)

    # An add-on takes the account's last place and runs beside its first span.
    wants_addon = (random.random(accounts) < 0.15) & (counts >= 3)
    is_addon = is_last & np.repeat(wants_addon, counts)
    starts = np.where(is_addon, np.repeat(begins, counts) + 2, starts)

    changes = random.random(account.size) < 0.3
    plan = _carried(random.choice(4, account.size, p=[0.45, 0.3, 0.18, 0.07]), changes, place)
    interval = _carried(random.choice(4, account.size, p=[0.7, 0.22, 0.06, 0.02]), changes, place)
    quantity = random.geometric(0.25, account.size)
    percents = random.choice([10, 20, 25], account.size)
    discount = np.where(random.random(account.size) < 0.1, percents, 0)
    abroad = np.where(random.random(accounts) < foreign, random.integers(1, 3, accounts), 0)
    reason = np.where(ends >= 0, random.integers(-1, len(REASONS), account.size), -1)
    return Spans(account, starts, ends, plan, interval, quantity, discount,
                 np.repeat(abroad, counts), reason, is_addon)


def _carried(drawn: Ints, changes: npt.NDArray[np.bool_], place: Ints) -> Ints:
    """What was drawn where an account begins or changes, carried on until the next change."""
    taken = np.where(changes | (place == 0), np.arange(drawn.size), 0)
    return drawn[np.maximum.accumulate(taken)]


def write(folder: Path, *, accounts: int, seed: int = 7, foreign: float = 0.0) -> None:
    """Write accounts, subscriptions and, with foreign money, fx_rates as Parquet into `folder`."""
    made = spans(accounts, seed=seed, foreign=foreign)
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed + 1)
    kept = pa.table(
        {name: getattr(made, name) for name in made.__dataclass_fields__}
        # The instant within the day; a span ends at the instant at which the next one starts.
        | {"second": np.repeat(random.integers(0, 86_400, accounts), np.bincount(made.account))}
    )
    own = pa.table(
        {
            "account": np.arange(accounts),
            "country": random.integers(0, len(COUNTRIES), accounts),
            "industry": random.integers(0, len(INDUSTRIES), accounts),
        }
    )
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("kept", kept)
        engine.register("own", own)
        _copy(engine, folder / "accounts.parquet", f"""
            SELECT printf('a%07d', account) AS account_id,
                   {_pick("country", COUNTRIES)} AS country,
                   {_pick("industry", INDUSTRIES)} AS industry
            FROM own ORDER BY account""")
        instant = f"TIMESTAMP '{START}' + to_days(CAST({{}} AS INTEGER)) + to_seconds(second)"
        price = _pick("plan", tuple(str(price) for price in PRICES))
        months = _pick("interval", tuple(str(month) for month in MONTHS))
        _copy(engine, folder / "subscriptions.parquet", f"""
            SELECT printf('s%07d', account) AS subscription_id,
                   CASE WHEN is_addon THEN 'addon' END AS item_id,
                   printf('a%07d', account) AS account_id,
                   {_pick("plan", PLANS)} AS plan,
                   CASE WHEN is_addon THEN 'addon' ELSE 'base' END AS kind,
                   {_pick("interval", INTERVALS)} AS interval,
                   CAST(quantity AS DECIMAL(18,6)) AS quantity,
                   CAST(CAST({price} AS DECIMAL(18,6)) * CAST({months} AS DECIMAL(6,2))
                        AS DECIMAL(18,6)) AS unit_amount,
                   CASE WHEN discount > 0 THEN CAST(discount AS DECIMAL(18,6)) END
                       AS discount_percent,
                   {_pick("currency", ("USD", "EUR", "GBP"))} AS currency,
                   {instant.format("starts")} AS starts_at,
                   CASE WHEN ends >= 0 THEN {instant.format("ends")} END AS ends_at,
                   {_pick("reason", REASONS)} AS end_reason
            FROM kept ORDER BY account, starts, is_addon""")
        if foreign:
            _copy(engine, folder / "fx_rates.parquet", f"""
                SELECT CAST(month AS DATE) AS day, currency,
                       CAST(base + 0.06 * sin(months / 5.0 + base) AS DECIMAL(18,6)) AS rate
                FROM (SELECT m AS months, DATE '{START}' + to_months(CAST(m AS INTEGER)) AS month
                      FROM range(60) t(m)) days
                CROSS JOIN (VALUES ('EUR', 1.1), ('GBP', 1.29)) c(currency, base)
                ORDER BY day, currency""")


def write_change(folder: Path, source: Path, *, share: float = 0.01) -> int:
    """Write a file of subscriptions that touches a share of the accounts; how many it touches.

    Each touched account's running span ends on a day of the last month, and a new span with one
    seat more follows it: two rows an account, one of them replacing a loaded one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spans_of = f"read_parquet('{source / 'subscriptions.parquet'}')"
    with duckdb.connect() as engine:
        engine.execute(f"""
            CREATE TEMP TABLE picked AS
            SELECT * FROM {spans_of} WHERE ends_at IS NULL AND item_id IS NULL
            ORDER BY md5(account_id)
            LIMIT (SELECT CAST({share} * COUNT(DISTINCT account_id) AS INTEGER) FROM {spans_of})
        """)
        turn = f"TIMESTAMP '{END}' - to_days(CAST(1 + hash(account_id) % 20 AS INTEGER))"
        turn = f"greatest({turn}, starts_at + INTERVAL 1 DAY)"
        _copy(engine, folder / "subscriptions.parquet", f"""
            SELECT * REPLACE ({turn} AS ends_at) FROM picked
            UNION ALL
            SELECT * REPLACE (quantity + 1 AS quantity, {turn} AS starts_at) FROM picked""")
        row = engine.execute("SELECT COUNT(*) FROM picked").fetchone()
    assert row is not None
    return int(row[0])


def write_billing(folder: Path, *, accounts: int, seed: int = 7) -> int:
    """Write the same monthly bills in two shapes, for a tool that reads bills; how many lines.

    `billing.parquet` has customer_id, period (the month's first day) and revenue;
    `subscriptions.parquet` has the same lines as spans of one month each; `spans.parquet` has the
    spans that the bills came from. Every span begins and ends with a month, so that netting by
    month and by day agree.
    """
    made = spans(accounts, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    kept = pa.table({name: getattr(made, name) for name in made.__dataclass_fields__})
    first = START.year * 12
    price = _pick("plan", tuple(str(price) for price in PRICES))
    day = f"DATE '{START}' + to_months(CAST({{}} AS INTEGER))"
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.register("kept", kept)
        month = f"(year(d) * 12 + month(d) - 1 - {first})"
        engine.execute(f"""
            CREATE TEMP TABLE monthly AS
            WITH days AS (
                SELECT account, plan, quantity,
                       DATE '{START}' + CAST(starts AS INTEGER) AS opens,
                       DATE '{START}' + CAST(CASE WHEN ends < 0 THEN {DAYS} ELSE ends END
                           AS INTEGER) AS closes
                FROM kept WHERE NOT is_addon
            )
            SELECT account, {month.replace("d)", "opens)")} AS opens,
                   {month.replace("d)", "closes)")} AS closes,
                   CAST({price} AS INTEGER) * quantity AS amount
            FROM days WHERE {month.replace("d)", "closes)")} > {month.replace("d)", "opens)")}""")
        lines = f"""SELECT printf('a%07d', account) AS account_id, m.month AS month, amount
            FROM monthly JOIN range({DAYS // 30}) m(month)
              ON m.month >= opens AND m.month < closes"""
        _copy(engine, folder / "billing.parquet", f"""
            SELECT account_id AS customer_id, CAST({day.format("month")} AS DATE) AS period,
                   CAST(amount AS DECIMAL(18,2)) AS revenue
            FROM ({lines}) ORDER BY period, customer_id""")
        _copy(engine, folder / "subscriptions.parquet", f"""
            SELECT account_id AS subscription_id, account_id,
                   CAST({day.format("month")} AS TIMESTAMP) AS starts_at,
                   CAST({day.format("month + 1")} AS TIMESTAMP) AS ends_at,
                   CAST(amount AS DECIMAL(18,6)) AS amount
            FROM ({lines}) ORDER BY starts_at, account_id""")
        _copy(engine, folder / "spans.parquet", f"""
            SELECT printf('a%07d', account) AS subscription_id,
                   printf('a%07d', account) AS account_id,
                   CAST({day.format("opens")} AS TIMESTAMP) AS starts_at,
                   CAST({day.format("closes")} AS TIMESTAMP) AS ends_at,
                   CAST(amount AS DECIMAL(18,6)) AS amount
            FROM monthly ORDER BY starts_at, account_id""")
        row = engine.execute(f"SELECT COUNT(*) FROM ({lines})").fetchone()
    assert row is not None
    return int(row[0])


def _pick(column: str, values: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(values))
    return f"CASE {column} {cases} END"


def _copy(engine: duckdb.DuckDBPyConnection, path: Path, sql: str) -> None:
    engine.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
