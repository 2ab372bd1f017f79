"""Tags and custom attributes of customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from staycurve.interfaces.chartmogul.books import books_of
from staycurve.interfaces.chartmogul.customers import custom_of, customer_shape
from staycurve.interfaces.chartmogul.requests import Answer, Request, blanks, check, found, route
from staycurve.state.imports import Imported, Imports

_Change = Callable[[list[str], dict[str, Any]], tuple[list[str], dict[str, Any]]]


@route("GET", "/customers/{uuid}/attributes")
def attributes(request: Request) -> Answer:
    """Every attribute of a customer."""
    with request.desk.reading() as imports:
        one = found(imports, "customer", request.path["uuid"], "Customer")
    return 200, {"attributes": {**_own(one), "stripe": {}, "clearbit": {}}, **_own(one)}


@route("POST", "/customers/{uuid}/attributes/tags")
def add_tags(request: Request) -> Answer:
    """Add tags."""
    new = _tags(request)
    one = _change(request, lambda tags, custom: ([*tags, *_new(new, tags)], custom))
    return 200, {"tags": _own(one)["tags"]}


@route("DELETE", "/customers/{uuid}/attributes/tags")
def remove_tags(request: Request) -> Answer:
    """Remove tags."""
    gone = _tags(request)
    one = _change(request, lambda tags, custom: ([t for t in tags if t not in gone], custom))
    return 200, {"tags": _own(one)["tags"]}


@route("POST", "/customers/{uuid}/attributes/custom")
def add_custom(request: Request) -> Answer:
    """Add custom attributes."""
    new = custom_of(request.fields.get("custom"))
    one = _change(request, lambda tags, custom: (tags, {**custom, **new}))
    return 200, {"custom": _own(one)["custom"]}


@route("PUT", "/customers/{uuid}/attributes/custom")
def put_custom(request: Request) -> Answer:
    """Give custom attributes other values."""
    given = request.fields.get("custom")
    new = dict(given) if isinstance(given, Mapping) else custom_of(given)
    one = _change(request, lambda tags, custom: (tags, {**custom, **new}))
    return 200, {"custom": _own(one)["custom"]}


@route("DELETE", "/customers/{uuid}/attributes/custom")
def remove_custom(request: Request) -> Answer:
    """Remove custom attributes by their names."""
    gone = {str(key) for key in request.fields.get("custom") or ()}
    one = _change(request, lambda tags, custom: (
        tags, {key: value for key, value in custom.items() if key not in gone}
    ))
    return 200, {"custom": _own(one)["custom"]}


@route("POST", "/customers/attributes/tags")
def tag_by_email(request: Request) -> Answer:
    """Add tags to every customer with an e-mail address."""
    new = _tags(request)
    return _by_email(request, lambda tags, custom: ([*tags, *_new(new, tags)], custom))


@route("POST", "/customers/attributes/custom")
def custom_by_email(request: Request) -> Answer:
    """Add custom attributes to every customer with an e-mail address."""
    new = custom_of(request.fields.get("custom"))
    return _by_email(request, lambda tags, custom: (tags, {**custom, **new}))


def _by_email(request: Request, change: _Change) -> Answer:
    check(blanks(request.fields, "email"), "The attributes")
    wanted = str(request.fields["email"]).strip().lower()
    changed: list[Imported] = []
    with request.desk.writing() as imports:
        after = 0
        while part := imports.page("customer", after=after, most=1000):
            after = part[-1].id
            changed += [
                _changed(imports, one, change) for one in part
                if str(one.body.get("email") or "").lower() == wanted
            ]
    books = books_of(request, [one.body["_account_id"] for one in changed])
    return 200, {"entries": [customer_shape(one, books) for one in changed]}


def _tags(request: Request) -> list[str]:
    given = request.fields.get("tags")
    wrong = {} if isinstance(given, list) else {"tags": "is no list"}
    check(wrong, "The tags")
    return [str(tag) for tag in given or ()]


def _new(given: list[str], there: list[str]) -> list[str]:
    return [tag for tag in dict.fromkeys(given) if tag not in there]


def _own(one: Imported) -> dict[str, Any]:
    kept = one.body.get("attributes") or {}
    return {"tags": list(kept.get("tags") or ()), "custom": dict(kept.get("custom") or {})}


def _change(request: Request, change: _Change) -> Imported:
    with request.desk.writing() as imports:
        one = found(imports, "customer", request.path["uuid"], "Customer")
        return _changed(imports, one, change)


def _changed(imports: Imports, one: Imported, change: _Change) -> Imported:
    own = _own(one)
    tags, custom = change(own["tags"], own["custom"])
    return imports.change(one, {**one.body, "attributes": {"tags": tags, "custom": custom}})
