"""Deriving: rows out of objects that are kept, load by load, from where the last run ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from staycurve.sources.base import Pull
from staycurve.sources.cursors import Cursor
from staycurve.sources.stripe.settings import Stripe
from staycurve.sources.stripe.shapes import Object, id_of
from staycurve.tables.engine import quoted
from staycurve.tables.raw import newest_sql

ROWS_AT_ONCE = 500
TEXT_AT_ONCE = 4 * 1024 * 1024
"""Of objects that are parsed side by side: then they take ten times the memory of their text."""


def done_until(pull: Pull[Stripe]) -> int:
    """The load up to which everything is derived."""
    return int(pull.cursor.at) if pull.cursor else 0


def newest(pull: Pull[Stripe], object: str, ids: Sequence[str]) -> dict[str, Object]:
    """The newest version of each of these objects, as far as they are kept and not gone."""
    import orjson

    pull.kept.put("asked", (("id", "VARCHAR"),), [(id,) for id in ids])
    sql = newest_sql(
        "raw_objects", object_name=object, columns="r.id, r.body, r.is_deleted",
        among="SELECT id FROM asked",
    )
    return {
        id: orjson.loads(body) for id, body, is_deleted in pull.kept.rows(sql) if not is_deleted
    }


def changed(
    pull: Pull[Stripe], object: str
) -> Iterator[tuple[Cursor | None, list[Object], list[str]]]:
    """Load by load, the objects of a kind that are the newest by now, and the ids of those that are
    gone; the last of a load come with the cursor after it."""
    known = done_until(pull)
    kind = quoted(object)
    loads = pull.kept.rows(
        f"SELECT DISTINCT load FROM raw_objects WHERE object = {kind} AND load > {known} "
        "ORDER BY load"
    )
    for (load,) in loads:
        # Written out, the number says which files need not be opened.
        sql = (
            "SELECT r.id, r.body, r.is_deleted FROM raw_objects r "
            f"WHERE r.object = {kind} AND r.load = {int(load)} AND NOT EXISTS ("
            f"SELECT 1 FROM raw_objects n WHERE n.object = {kind} AND n.load > {int(load)} "
            "AND n.id = r.id)"
        )
        found: list[Object] = []
        gone: list[str] = []
        for some in parsed(pull, sql):
            if found or gone:
                yield None, found, gone
            found = [body for _, body in some if body is not None]
            gone = [id for id, body in some if body is None]
        yield Cursor(int(load)), found, gone


def parsed(pull: Pull[Stripe], sql: str) -> Iterator[list[tuple[str, Object | None]]]:
    """(id, object, or None where it is gone) of a statement's rows, a few megabytes at a time."""
    import orjson

    found: list[tuple[str, Object | None]] = []
    size = 0
    for rows in pull.kept.batches(sql, ROWS_AT_ONCE):
        for id, body, is_deleted in rows:
            found.append((id, None if is_deleted else orjson.loads(body)))
            size += len(body)
            if size >= TEXT_AT_ONCE:
                yield found
                found, size = [], 0
    if found:
        yield found


def chunks(pull: Pull[Stripe], sql: str, size: int) -> Iterator[list[str]]:
    """The ids that a statement finds, each once, `size` at a time."""
    for some in pull.kept.batches(f"SELECT DISTINCT id FROM ({sql}) ORDER BY id", size):
        yield [row[0] for row in some]


class Names:
    """What prices and products are called."""

    def __init__(self, pull: Pull[Stripe]) -> None:
        self._pull = pull
        self._prices: dict[str, Object] = {}
        self._products: dict[str, str] = {}

    def learn(self, prices: Sequence[str], products: Sequence[str]) -> None:
        """Look prices and products up that are not known yet."""
        new = sorted(set(prices) - set(self._prices))
        if new:
            found = newest(self._pull, "price", new)
            self._prices |= {id: found.get(id, {}) for id in new}
        of_prices = [id_of(one.get("product")) for one in self._prices.values()]
        wanted = {*products, *(one for one in of_prices if one)}
        new = sorted(wanted - set(self._products))
        if new:
            names = newest(self._pull, "product", new)
            self._products |= {id: _name(names.get(id, {}), "name") or id for id in new}

    def price(self, value: Object | str | None) -> Object:
        """A price, with the tiers and the unit amount that its own object has."""
        id = id_of(value)
        known = self._prices.get(id or "") or {}
        own: Object = value if isinstance(value, dict) else {"id": id} if id else {}
        return {**known, **{key: one for key, one in own.items() if one is not None}}

    def product(self, value: Any) -> str | None:
        """A product's name; its id where nothing is known of it."""
        own = _name(value, "name") if isinstance(value, dict) else None
        id = id_of(value)
        return own or (self._products.get(id, id) if id else None)

    def plan(self, price: Object) -> str | None:
        """What a price is called: its nickname, its product's name, its key, or its id."""
        return (
            _name(price, "nickname") or self.product(price.get("product"))
            or _name(price, "lookup_key") or id_of(price)
        )


def _name(value: Any, field: str) -> str | None:
    found = value.get(field) if isinstance(value, dict) else None
    return found.strip() or None if isinstance(found, str) else None
