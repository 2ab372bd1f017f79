"""Refreshing account_features: the accounts and days that changed facts can reach, no others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from staycurve.config import Config
from staycurve.insights.risk.feature import BEGAN, began_sql
from staycurve.insights.risk.feature_table import blocks, features_sql
from staycurve.insights.risk.kept_table import (
    PARTITION,
    columns,
    days_sql,
    reaching_all,
    reads,
    rests_on,
    signature,
    undeclared,
    wanted,
)
from staycurve.insights.risk.reads import Reads
from staycurve.insights.risk.settings import RISK
from staycurve.period import AsOf
from staycurve.tables import views
from staycurve.tables.account_roots import ACCOUNT_ROOTS
from staycurve.tables.engine import AnyEngine, empty_sql, name
from staycurve.tables.kept_features import NAME
from staycurve.tables.writing import Writing

AT_ONCE = 250_000
"""Rows of one statement: more days at once are faster, and take memory."""
WHOLE_SHARE = 0.1
"""With more of the accounts changed than this, a day is computed whole."""

_STALE = (("account_id", "VARCHAR"), ("from_on", "DATE"))
_BY_ACCOUNT = (
    "mrr_items", "mrr_movements", "usage_days", "account_months", "feature_months",
)
_BY_MEMBER = ("subscriptions", "payments", "tickets", "answers", "users")


def refresh(
    engine: AnyEngine, config: Config, writing: Writing, *, seen: AsOf, is_full: bool
) -> dict[str, object]:
    """Bring the table up to date, or make all of it; returns what it was made of.

    Small companies have none: what is asked of them computes its own days in less time than every
    load would take for all. The other derived tables are up to date when this is called.

    Parameters
    ----------
    seen : AsOf
        What a question without an as-of sees.
    """
    customers = writing.lake.rows(writing.now_seen, ACCOUNT_ROOTS.name)
    if customers < config[RISK].keep_from:
        writing.leave(NAME)
        return {NAME: None} if NAME in writing.meta else {}
    views.create(engine, writing.lake, writing.now_seen)
    days = wanted(engine, seen)
    began = _began(engine)
    before = writing.meta.get(NAME) or {}
    versions = {table: writing.tables.get(table) for table in sorted(rests_on(config))}
    meta = {
        "signature": signature(config), "seen": versions, "days": [str(day) for day in days],
        "began": {table: day and day.isoformat() for table, day in began.items()},
    }
    is_same = (
        NAME in writing.tables and all(before.get(k) == meta[k] for k in ("signature", "began"))
        and all(before["seen"].get(t) == versions.get(t) for t in undeclared(config))
    )
    job = _Job(engine, config, writing, began, customers)
    if is_full or not is_same:
        writing.write(engine, NAME, columns(), empty_sql(columns()), partition=PARTITION)
        job.whole(days)
    elif before != meta:
        _some(job, days, [dt.date.fromisoformat(day) for day in before["days"]], before["seen"])
    return {NAME: meta}


class _Job:
    """What every step of one refresh needs."""

    def __init__(
        self, engine: AnyEngine, config: Config, writing: Writing,
        began: Mapping[str, dt.date | None], customers: int,
    ) -> None:
        self.engine, self.config, self.writing = engine, config, writing
        self.began, self.customers = began, customers

    def whole(self, days: Sequence[dt.date]) -> None:
        """Compute days for every account."""
        for some in _chunks(days, self.customers):
            self.put(features_sql(self.config, some, began=self.began), some)

    def put(self, sql: str, days: Sequence[dt.date]) -> None:
        """Make the rows of some days those of a statement."""
        self.writing.write_parts(
            self.engine, NAME, columns(), sql, partition=PARTITION,
            days=[str(day) for day in days], order="account_id",
        )

    def narrow(self, days: Sequence[dt.date], accounts: int) -> None:
        """Compute days for the accounts in `feature_accounts`; days that come out as they were
        are left alone."""
        engine, listed = self.engine, ", ".join(name(column) for column, _ in columns())
        for some in _chunks(days, accounts):
            computed = features_sql(
                self.config, some, began=self.began, accounts="feature_accounts"
            )
            engine.keep("feature_new", f"SELECT {listed} FROM ({computed}) c")
            scan = self.writing.lake.scan_parts(
                self.writing.now_seen, NAME, columns(), [str(day) for day in some]
            )
            chosen = "account_id IN (SELECT account_id FROM feature_accounts)"
            old = f"SELECT {listed} FROM ({scan}) k WHERE day IN ({days_sql(some)})"
            differing = engine.rows(f"""SELECT DISTINCT day FROM (
                (SELECT {listed} FROM feature_new EXCEPT {old} AND {chosen})
                UNION ALL ({old} AND {chosen} EXCEPT SELECT {listed} FROM feature_new)
            ) d ORDER BY day""")
            touched = [row[0] for row in differing]
            if touched:
                within = f"day IN ({days_sql(touched)})"
                self.put(
                    f"SELECT {listed} FROM feature_new WHERE {within} UNION ALL "
                    f"{old} AND {within} AND NOT {chosen}", touched,
                )
            engine.drop("feature_new")


def _chunks(days: Sequence[dt.date], accounts: int) -> Iterator[list[dt.date]]:
    step = max(1, AT_ONCE // max(1, accounts))
    for first in range(0, len(days), step):
        yield list(days[first:first + step])


def _began(engine: AnyEngine) -> dict[str, dt.date | None]:
    found = engine.rows(began_sql())[0]
    return dict(zip(BEGAN, found, strict=True))


def _some(
    job: _Job, days: Sequence[dt.date], held: Sequence[dt.date],
    versions: Mapping[str, int | None],
) -> None:
    stay = [day for day in days if day in set(held)]
    gone = [day for day in held if day not in set(days)]
    if gone:
        job.put(empty_sql(columns()), gone)
    since = _stale(job, versions, stay[-1]) if stay else None
    counts: dict[dt.date, int] = dict(job.engine.rows(
        "SELECT d.day, COUNT(*) FROM feature_stale s JOIN (SELECT CAST(day AS DATE) AS day FROM "
        f"(VALUES {', '.join(f'({one})' for one in days_sql(stay).split(', '))}) v(day)) d "
        "ON s.from_on <= d.day GROUP BY d.day"
    )) if stay else {}
    most = WHOLE_SHARE * job.customers
    whole = [
        day for day in days
        if day not in set(stay) or (since and day >= since) or counts.get(day, 0) > most
    ]
    job.whole(whole)
    rest = [day for day in stay if day not in set(whole) and counts.get(day)]
    if rest:
        job.engine.keep(
            "feature_accounts",
            f"SELECT DISTINCT account_id FROM feature_stale WHERE from_on <= DATE '{rest[-1]}'",
        )
        _let_be_narrow(job)
        job.narrow(rest, counts[rest[-1]])
        job.engine.drop("feature_accounts")
    job.engine.drop("feature_stale")


def _stale(
    job: _Job, versions: Mapping[str, int | None], last: dt.date
) -> dt.date | None:
    """Leave in `feature_stale` which accounts changed from which day on; from when all did."""
    writing, engine = job.writing, job.engine
    parts, wholly = [], []
    for one in reads():
        before, now = versions.get(one.table), writing.tables.get(one.table)
        if before == now:
            continue
        stored = views.stored_columns()[one.table]
        gone, come = (
            views.seen_sql(writing.lake, writing.now_seen, one.table, rows)
            for rows in writing.lake.difference(before, now, one.table, stored)
        )
        for day, what in one.marks:
            changed = _changed_sql(one, day, what, gone, come, last)
            parts.append(changed)
            if one in reaching_all():
                wholly.append(changed)
    since = engine.value(
        f"SELECT MIN(from_on) FROM ({' UNION ALL '.join(wholly)}) w"
    ) if wholly else None
    every = " UNION ALL ".join(parts) or empty_sql(_STALE)
    engine.keep("feature_stale", f"""
        SELECT coalesce(r.root_id, x.account_id) AS account_id, MIN(x.from_on) AS from_on
        FROM ({every}) x
        LEFT JOIN account_roots r ON r.account_id = x.account_id
        WHERE x.account_id IS NOT NULL
        GROUP BY coalesce(r.root_id, x.account_id)
    """)
    return since if since is None or isinstance(since, dt.date) else since.date()


def _changed_sql(
    one: Reads, day: str, what: str, gone: str, come: str, last: dt.date
) -> str:
    """SQL of the facts that were there before alone, or are now: (account_id, from_on)."""
    account = one.account or "CAST(NULL AS VARCHAR)"
    marks = ", ".join(f"{mark} AS m{place}" for place, mark in enumerate(what.split(", ")))

    def facts(rows: str) -> str:
        return (
            f"SELECT {account} AS account_id, {day} AS from_on, {marks} FROM ({rows}) t "
            f"{one.join} WHERE ({one.where}) AND {day} <= DATE '{last}'"
        )

    return (
        f"SELECT account_id, from_on FROM (({facts(gone)}) EXCEPT ({facts(come)})) went UNION ALL "
        f"SELECT account_id, from_on FROM (({facts(come)}) EXCEPT ({facts(gone)})) came"
    )


def _let_be_narrow(job: _Job) -> None:
    """Let statements read the rows of the changed accounts alone, where no other account counts."""
    engine, writing = job.engine, job.writing
    spared = {
        table for block in blocks().values() if block.of_all
        for one in block.reads for table in (one.table, *one.covers)
    }
    engine.keep("feature_members", """
        SELECT account_id FROM feature_accounts
        UNION SELECT account_id FROM account_roots
        WHERE root_id IN (SELECT account_id FROM feature_accounts)
    """)

    def let(table: str, condition: str) -> None:
        if table in spared:
            return
        held = writing.scan(table, views.stored_columns()[table])
        held = views.seen_sql(writing.lake, writing.now_seen, table, held)
        views.create_one(engine, table, f"SELECT * FROM ({held}) t WHERE {condition}")

    for table in _BY_ACCOUNT:
        let(table, "account_id IN (SELECT account_id FROM feature_accounts)")
    for table in _BY_MEMBER:
        let(table, "account_id IN (SELECT account_id FROM feature_members)")
    # A champion may be active in another account too.
    let("user_months", "account_id IN (SELECT account_id FROM feature_accounts) "
        "OR user_id IN (SELECT user_id FROM users WHERE is_champion)")
