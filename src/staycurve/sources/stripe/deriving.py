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

AT_ONCE = 5_000
"""Objects that are parsed side by side."""


def done_until(pull: Pull[Stripe]) -> int:
    """The load up to which everything is derived."""
    return int(pull.cursor.at) if pull.cursor else 0


def newest(pull: Pull[Stripe], object: str, ids: Sequence[str]) -> dict[str, Object]:
    """The newest version of each of these objects, as far as they are kept and not gone."""
    import orjson

    pull.kept.put("asked", (("id", "VARCHAR"),), [(id,) for id in ids])
    sql = newest_sql("raw_objects", object_name=object, columns="r.id, r.body, r.is_deleted")
    return {
        id: orjson.loads(body)
        for id, body, is_deleted in pull.kept.rows(
            f"{sql} AND r.id IN (SELECT id FROM asked)"
        )
        if not is_deleted
    }


def changed(
    pull: Pull[Stripe], object: str
) -> Iterator[tuple[Cursor | None, list[Object], list[str]]]:
    """Load by load, the objects of a kind that are the newest by now, and the ids of those that are
    gone; the last of a load come with the cursor after it."""
    import orjson

    known = done_until(pull)
    loads = pull.kept.rows(
        f"SELECT DISTINCT load FROM raw_objects WHERE object = {quoted(object)} "
        f"AND load > {known} ORDER BY load"
    )
    sql = newest_sql("raw_objects", object_name=object, columns="r.id, r.body, r.is_deleted")
    for (load,) in loads:
        count = int(pull.kept.rows(
            f"SELECT COUNT(*) FROM raw_objects WHERE object = {quoted(object)} AND load = {load}"
        )[0][0])
        # Parsed, an object takes ten times the memory of its text.
        for start in range(0, count, AT_ONCE):
            rows = pull.kept.rows(
                f"{sql} AND r.load = {load} ORDER BY r.id LIMIT {AT_ONCE} OFFSET {start}"
            )
            found = [orjson.loads(body) for _, body, is_deleted in rows if not is_deleted]
            gone = [id for id, _, is_deleted in rows if is_deleted]
            yield Cursor(int(load)) if start + AT_ONCE >= count else None, found, gone


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
