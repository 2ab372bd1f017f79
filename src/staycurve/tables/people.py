"""people: which user each anonymous or former id is, through every chain of identities.

Of what is told of one id the earliest holds, whichever source tells it, so that the order of
loading makes no difference. Ids that lead in a circle are one person.
"""

from __future__ import annotations

from staycurve.tables.engine import AnyEngine, name
from staycurve.tables.events import EVENTS

NAME = "people"
COLUMNS = (("alias", "VARCHAR"), ("user_id", "VARCHAR"))

_DEEPEST = 40
"""Doublings: chains of a million million ids. The ids end before it."""


def compute(engine: AnyEngine, relation: str) -> None:
    """Let `relation` be the people by the identities and users that the engine sees.

    Where several ids of one person are users, the person is the one that the chain ends in if
    that is a user with an account, else the first user with one.
    """
    engine.keep("own_links", """
        SELECT alias, user_id FROM (
            SELECT alias, user_id, row_number() OVER (
                PARTITION BY alias
                ORDER BY coalesce(since, TIMESTAMP '0001-01-01 00:00:00'), source, user_id
            ) AS nth
            FROM identities WHERE alias <> user_id
        ) told WHERE nth = 1
    """)
    _follow(engine)
    engine.keep(relation, """
        WITH ends AS (
            SELECT l.alias AS member, coalesce(f.root, l.user_id) AS root
            FROM own_links l LEFT JOIN followed f ON f.alias = l.alias
        ),
        members AS (SELECT member, root FROM ends UNION SELECT root, root FROM ends),
        ranked AS (
            SELECT m.root, m.member, row_number() OVER (
                PARTITION BY m.root
                ORDER BY CASE WHEN u.account_id IS NULL THEN 1 ELSE 0 END,
                         CASE WHEN m.member = m.root THEN 0 ELSE 1 END, m.member
            ) AS nth
            FROM members m JOIN users u ON u.user_id = m.member
        )
        SELECT m.member AS alias, coalesce(r.member, m.root) AS user_id
        FROM members m LEFT JOIN ranked r ON r.root = m.root AND r.nth = 1
        WHERE m.member <> coalesce(r.member, m.root)
    """)
    for kept in ("own_links", "followed"):
        engine.drop(kept)


def _follow(engine: AnyEngine) -> None:
    """Let `followed` be where every chain of more than one link ends, for its ids (alias, root)."""
    # Most ids lead to a user at once: only the others are followed, twice as far each time.
    engine.keep("followed", """
        SELECT alias, user_id AS root, alias AS least FROM own_links
        WHERE user_id IN (SELECT alias FROM own_links)
    """)
    engine.keep("followed", """
        SELECT f.alias, f.root, f.least FROM followed f
        UNION ALL
        SELECT l.alias, l.user_id, l.alias FROM own_links l
        WHERE l.user_id NOT IN (SELECT alias FROM own_links)
          AND l.alias IN (SELECT root FROM followed)
    """)
    count = int(engine.value("SELECT COUNT(*) FROM followed"))
    far = 1
    for _ in range(_DEEPEST):
        if far > count:
            break
        # `least` is the first of the ids on the way from the alias, its root not among them.
        engine.keep("followed", """
            SELECT f.alias, coalesce(n.root, f.root) AS root,
                   least(f.least, coalesce(n.least, f.least)) AS least
            FROM followed f LEFT JOIN followed n ON n.alias = f.root
        """)
        far *= 2
    # Who still stands before another link goes round in a circle, whose first id is the person.
    engine.keep("followed", """
        SELECT f.alias, coalesce(n.least, f.root) AS root
        FROM followed f LEFT JOIN followed n ON n.alias = f.root
    """)


def resolved(events: str, people: str) -> str:
    """SQL of events by the person that each sender turned out to be.

    Parameters
    ----------
    events, people : str
        SQL of the stored rows.
    """
    listed = ", ".join(
        "coalesce(p.user_id, e.user_id) AS user_id" if column == "user_id" else f"e.{name(column)}"
        for column, _ in EVENTS.stored
    )
    return (
        f"SELECT {listed} FROM ({events}) e LEFT JOIN ({people}) p "
        "ON p.alias = coalesce(e.user_id, e.anonymous_id)"
    )
