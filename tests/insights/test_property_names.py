"""Filters on properties: every kind of value, every sign in a name, and no number by mistake."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve import personal
from staycurve.errors import NotPermittedError, UnknownNameError
from staycurve.interfaces.api.app import create_app
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import dims_of
from staycurve.metrics.filters import parse_filters, where_text
from staycurve.workspace import Company
from tests.company import build

VALUES: dict[str, Any] = {
    "9": 9, "'9'": "9", "10": 10, "'10'": "10", "abc": "abc", "true": True, "null": None,
    "false": False, "object": {"a": 1, "b": "x"}, "list": [1, 2], "empty": "", "9.5": "9.50",
    "-3": -3, "1e20": 1e20, "NaN": "NaN", "day": "2024-03-01", "instant": "2024-03-01T10:00:00Z",
}
"""User → what their event has under `n`; of one more it has nothing."""

ODD: dict[str, Any] = {
    "my prop": "a b", "a:b": "x:y", 'q"uo': 'he said "hi"', "naïve": "Ünï", "back\\slash": "c:\\d",
    "a,b": "1,2", "a=b": "1", "a.b": "flat", "x": {"y": "deep", "z": {"w": 7}}, "per%cent": "50%",
    "pipe|d": "p|q", "br[ack]": "z[1]", "😀": "😀", "star*": "s", "it's": "it's", "a < b": "1",
    "who is set": "s", "wow!": "w", "a/b~c": "p",
}
AS_OF = "2024-04-01"
MARCH: dict[str, Any] = {"first": "2024-03", "last": "2024-03", "as_of": AS_OF}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    given = [*((user, "e", {"n": value}) for user, value in VALUES.items()), ("none", "e", {}),
             ("oddity", "o", ODD)]
    rows = [
        {"event_id": f"e{place}", "account_id": "acme", "user_id": user, "event": event,
         "occurred_at": f"2024-03-04T10:{place:02}:00Z",
         "properties": json.dumps(properties, ensure_ascii=False)}
        for place, (user, event, properties) in enumerate(given)
    ]
    folder = tmp_path_factory.mktemp("names") / "p"
    with build(folder, {"accounts": "account_id\nacme", "events": rows}) as made:
        yield made


def who(company: Company, event: str, where: str) -> set[str]:
    found = company.usage.trends(event=event, where=where, members="all", **MARCH)
    return {row.user_id for row in found.rows}


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("=9", {"9", "'9'"}),
        ("=9|10", {"9", "'9'", "10", "'10'"}),
        ("!=9", {*VALUES, "none"} - {"9", "'9'"}),
        # 10 is above 9 in whatever it is written, and words, days and NaN are no numbers.
        (">9", {"10", "'10'", "9.5", "1e20"}),
        ("<10", {"9", "'9'", "9.5", "-3"}),
        ("<=9", {"9", "'9'", "-3"}),
        (">=10", {"10", "'10'", "1e20"}),
        ("~9", {"9", "'9'", "9.5"}),
        (" contains A", {"abc", "false", "object", "NaN"}),
        ("!~9", {*VALUES, "none"} - {"9", "'9'", "9.5"}),
        ("=true", {"true"}),
        ("=false", {"false"}),
        # Null is nothing, an empty text is something.
        (" is not set", {"null", "none"}),
        (" is set", {*VALUES} - {"null"}),
        ('=""', {"empty"}),
        # Days are compared with days alone: 9 does not come after 2024.
        (">=2024-03-01", {"day", "instant"}),
        (">2024-03-01", {"instant"}),
        ("<2024-12-31", {"day", "instant"}),
    ],
)
def test_a_test_finds_whom_it_names(shop: Company, test: str, wanted: set[str]) -> None:
    assert who(shop, "e", f"property:n{test}") == wanted
    assert who(shop, f"e[n{test}]", "") == wanted


def test_segments_sum_to_the_whole_and_open_into_themselves(shop: Company) -> None:
    for values in (3, 100):
        found = shop.usage.trends(event="e", by="property:n", values=values, **MARCH)
        assert sum(row.value for row in found.totals) == len(VALUES) + 1
        # Those shown one by one, the others together, and who has none.
        assert len(found.totals) == (5 if values == 3 else 15)
        for row in found.totals:
            assert found.users(None, **row.segment).total.times == row.value


NAMES = [*(name for name in ODD if name != "x"), "x.y", "x.z.w"]


@pytest.mark.parametrize("name", NAMES)
def test_a_property_of_any_name_is_found(shop: Company, name: str) -> None:
    value = {"x.y": "deep", "x.z.w": "7"}.get(name) or ODD[name]
    dim = f"property:{name}"
    text = where_text([Filter(dim, (value,))])
    assert parse_filters(text) == (Filter(dim, (value,)),)
    assert who(shop, "o", text) == {"oddity"}
    assert who(shop, f"o[{text}]", where_text([Filter(dim, (None,), is_negated=True)])) == {
        "oddity"}
    found = shop.usage.trends(event="o", by=(dim,), **MARCH)
    assert [(row.segment, row.value) for row in found.totals] == [({dim: value}, 1)]


def test_a_name_with_a_sign_is_written_in_quotes() -> None:
    assert dims_of('plan, property:"a, ""b""",user:"x,y",role') == (
        "plan", 'property:a, "b"', "user:x,y", "role")
    assert parse_filters('property:"a=b" is set,"a|b"=1,property:q"uo=2') == (
        Filter("property:a=b", (None,), is_negated=True), Filter("a|b", ("1",)),
        Filter('property:q"uo', ("2",)),
    )
    # A plain name stays plain.
    assert where_text([Filter("property:my prop", ("a",))]) == "property:my prop=a"


def test_the_page_opens_a_segment_of_any_name(shop: Company) -> None:
    client = TestClient(create_app(shop))
    dim = 'property:"a,b",property:"q""uo"'
    page = client.get("/usage/trends", params={
        "by": dim, "event": "o", "from": "2024-03", "to": "2024-03", "as_of": AS_OF})
    assert page.status_code == 200
    links = [html.unescape(one) for one in re.findall(r'href="(/usage/trends[^"]*members=[^"]*)"',
                                                      page.text)]
    assert links
    for link in links:
        behind = client.get(link.partition("#")[0])
        assert behind.status_code == 200, link
        assert "oddity" in behind.text, link
    answer = client.get("/api/v1/usage/trends", params={
        "where": 'property:"a,b" is set,property:"q""uo"!=', "event": "o", "from": "2024-03",
        "to": "2024-03", "as_of": AS_OF, "members": "all"})
    assert [row["user_id"] for row in answer.json()["rows"]] == ["oddity"]


def test_brackets_that_nothing_has_are_said(shop: Company) -> None:
    asked: list[Any] = [
        lambda event: shop.usage.trends(event=event, **MARCH),
        lambda event: shop.usage.funnel(steps=["o", event], **MARCH),
        lambda event: shop.usage.retention(start="o", back=event, **MARCH),
        lambda event: shop.usage.lifecycle(event=event, **MARCH),
        lambda event: shop.usage.stickiness(event=event, **MARCH),
        lambda event: shop.usage.activity(event=event, as_of=AS_OF),
        lambda event: shop.usage.paths(anchor=event, within="1d", **MARCH),
    ]
    for ask in asked:
        assert "Nobody has done 'o[myprop=a b]' yet. Did you mean 'my prop'?" in ask(
            "o[myprop=a b]").notes
        assert "Nobody has done 'o[my prop=ab]' yet. Did you mean 'a b'?" in ask(
            "o[my prop=ab]").notes
        assert not any("Nobody" in note for note in ask("o[my prop=a b]").notes)
    with pytest.raises(UnknownNameError, match="Did you mean 'my prop'"):
        who(shop, "o", "property:myprop=1")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    sources = ["(other)", "(other)", "(other)", "a", "a", "b", ""]
    rows = [
        {"event_id": f"e{place}", "account_id": "acme", "user_id": f"u{place}", "event": "e",
         "occurred_at": "2024-03-04",
         "properties": json.dumps({"source": source, "card": {"email": "a@x.com"}})}
        for place, source in enumerate(sources)
    ]
    users = [{"user_id": f"u{place}", "account_id": "acme", "email": f"u{place}@x.com"}
             for place in range(len(sources))]
    folder = tmp_path_factory.mktemp("people") / "p"
    with build(folder, {"accounts": "account_id\nacme", "users": users, "events": rows}) as made:
        yield made


def test_a_value_that_is_written_as_the_others_is_among_them(people: Company) -> None:
    found = people.usage.trends(
        event="e", measure="users", by="property:source", values=1, **MARCH)
    assert {row.segment["property:source"]: row.value for row in found.totals} == {
        "a": 2, "(other)": 5}
    for row in found.totals:
        assert found.users(None, **row.segment).total.people == row.value
    shown = people.usage.trends(
        event="e", measure="users", by="property:source", values=9, **MARCH)
    assert {row.segment["property:source"]: row.value for row in shown.totals} == {
        "": 1, "a": 2, "b": 1, "(other)": 3}


def test_who_may_not_see_personal_data_sees_none_in_a_segment(people: Company) -> None:
    def segments(by: str) -> set[str | None]:
        found = people.usage.trends(event="e", by=by, **MARCH)
        return {row.segment[by] for row in found.totals}

    assert "u1@x.com" in segments("user:email")
    assert segments("property:card.email") == {"a@x.com"}
    with personal.reading(is_shown=False):
        with pytest.raises(UnknownNameError):
            segments("user:email")
        with pytest.raises(NotPermittedError):
            people.usage.trends(event="e", where="user:email~u1", **MARCH)
        with pytest.raises(NotPermittedError):
            people.show("mau", where="user:email=u1@x.com", start="2024-03", end="2024-03")
        with pytest.raises(NotPermittedError):
            segments("property:card.email")
        # What is nested may hold anybody.
        assert segments("property:card") == {personal.HIDDEN}
        assert segments("property:source") == {"", "a", "b", "(other)"}
