"""People whom surveys may ask, as the lake knows them, and when each was asked before."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from staycurve.actions.surveys.gates import Ask, Person
from staycurve.actions.surveys.hours import TRAITS, zone_of
from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.mail_settings import is_address
from staycurve.metrics.context import Context, Filter
from staycurve.metrics.dimensions import FIRSTS_SQL, ITEM_TRAITS
from staycurve.metrics.filters import filters_of
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.period import AsOf
from staycurve.tables.engine import AnyEngine, quoted
from staycurve.workspace.project import Project

FAR = "DATE '9999-12-31'"


def people(
    company: Project, where: str | Sequence[Filter] = "", *, users: Collection[str] | None = None
) -> list[Person]:
    """The users of accounts that are not excluded, by id.

    Parameters
    ----------
    where : str
        Segments of their accounts to keep.
    users : collection of str, optional
        Of these alone.

    Raises
    ------
    NotAnsweredError
        If nobody is loaded.
    """
    filters = filters_of(where)
    if not company.lake.rows(company.snapshot, "users"):
        raise NotAnsweredError(
            "There is nobody to ask: no users are loaded.",
            hint="Load them with their addresses: staycurve load users.csv",
        )
    company.check_filters(filters)
    seen = company.as_of()
    has_mrr = "mrr_movements" in company.snapshot.tables
    with company.seeing(seen) as engine:
        kept = _accounts(company, engine, filters, seen) if filters else None
        rows = engine.rows(_people_sql(has_mrr=has_mrr, users=users))
    zone = company.config.company.timezone
    return [
        _person(row, zone, company.clock()) for row in rows
        if kept is None or row[1] in kept
    ]


def asked_elsewhere(company: Project, users: Collection[str]) -> dict[str, list[Ask]]:
    """User → when surveys asked them, as far as the lake knows: by other tools as well."""
    found: dict[str, list[Ask]] = {}
    if not users or not company.lake.rows(company.snapshot, "invitations"):
        return found
    with company.reading() as engine:
        rows = engine.rows(
            "SELECT user_id, survey, asked_at FROM invitations "
            f"WHERE user_id IN ({', '.join(map(quoted, sorted(users)))})"
        )
    for user, survey, at in rows:
        found.setdefault(user, []).append(Ask(survey, at.replace(tzinfo=dt.UTC)))
    return found


def _people_sql(*, has_mrr: bool, users: Collection[str] | None) -> str:
    only = "" if users is None else (
        f" AND u.user_id IN ({', '.join(map(quoted, sorted(users))) or 'NULL'})"
    )
    billed = (
        "UNION ALL SELECT account_id, CAST(first_paid_on AS DATE) FROM mrr_movements "
        "WHERE first_paid_on IS NOT NULL" if has_mrr else ""
    )
    return f"""WITH paid AS (
    SELECT account_id, MIN(paid_on) AS first_on
    FROM (
        SELECT r.root_id AS account_id, p.paid_on
        FROM payments p JOIN account_roots r ON r.account_id = p.account_id
        WHERE p.paid_on IS NOT NULL AND coalesce(p.amount, 1) > 0
        {billed}
    ) every
    GROUP BY account_id
)
SELECT u.user_id, u.account_id, u.email, u.name, u.left_at, u.bounced_at, u.attributes,
       a.country, a.attributes, f.first_on
FROM users u
LEFT JOIN accounts a ON a.account_id = u.account_id
LEFT JOIN account_roots r ON r.account_id = u.account_id
LEFT JOIN paid f ON f.account_id = coalesce(r.root_id, u.account_id)
WHERE coalesce(r.is_excluded, FALSE) = FALSE{only}
ORDER BY u.user_id"""


def _person(row: Sequence[Any], zone: str, now: dt.datetime) -> Person:
    user, account, email, name, left, bounced, traits, country, of_account, first = row
    known = {**_texts(of_account), **_texts(traits)}
    address = (email or "").strip()
    return Person(
        user_id=user, account_id=account or "", name=name or "",
        email=address if is_address(address) else "",
        zone=zone_of({name: known.get(name) for name in TRAITS}, country, company=zone),
        first_paid_on=first,
        has_left=left is not None and left.replace(tzinfo=dt.UTC) <= now,
        has_bounced=bounced is not None,
    )


def _texts(attributes: str | None) -> Mapping[str, str]:
    found = json.loads(attributes) if attributes else {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _accounts(
    company: Project, engine: AnyEngine, filters: Sequence[Filter], seen: AsOf
) -> frozenset[str]:
    """The accounts in the asked segments, as of the last day with data."""
    known = known_dims(RELATIONS["closing"], company.attributes())
    dims = tuple(dict.fromkeys(one.dim for one in filters))
    for dim in dims:
        if dim not in known:
            raise UnknownNameError("dimension", dim, known)
    day = f"DATE '{seen.last_day}'"
    context = Context(company.config, "month", (), seen, dims, 0, tuple(filters))
    segments, joins = context.segments(
        account="r.root_id", own={trait: f'i."{trait}"' for trait in ITEM_TRAITS}, day=day,
    )
    items = f"""LEFT JOIN mrr_items i ON i.account_id = r.root_id AND i.amount > 0
        AND i.starts_on <= {day} AND coalesce(i.ends_on, {FAR}) > {day}""" if context.traits else ""
    return frozenset(account for (account,) in engine.rows(f"""WITH firsts AS ({FIRSTS_SQL}),
{context.segment_ctes}listed AS (
    SELECT r.account_id{segments} FROM account_roots r
    {items}
    {joins}
)
SELECT DISTINCT account_id FROM listed WHERE {context.where()} ORDER BY account_id"""))
