"""Usage by what is known of the user and of the event: traits, properties, the first values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UnknownNameError, UnknownValueError, UsageError
from staycurve.workspace import Company
from tests.insights.usage_company import Event, at_random, company_of

ROLES = ("admin", "member", "guest", "")
USERS = "user_id account_id role is_champion team\n" + "\n".join(
    f"u{n:02d} acc{n % 4} {ROLES[n % 4] or '-'} {'true' if n % 3 == 0 else 'false'} team{n % 5}"
    for n in range(12)
)
AS_OF = "2024-04-01"
WIDE: dict[str, Any] = {"as_of": AS_OF}
ASK: dict[str, Callable[..., Any]] = {
    "retention": lambda c, **a: c.usage.retention(
        per="week", first="2024-01-08", last="2024-03-04", **WIDE, **a),
    "retention of every start": lambda c, **a: c.usage.retention(
        per="week", start="a", back="b", starts="every", first="2024-01-08", last="2024-03-04",
        ages=4, **WIDE, **a),
    "retention later": lambda c, **a: c.usage.retention(
        per="month", start="a", back="", returns="after", first="2024-01", last="2024-03",
        **WIDE, **a),
    "retention rolling": lambda c, **a: c.usage.retention(
        per="week", start="a", back="b", windows="rolling", first="2024-01-08", last="2024-03-04",
        ages=4, **WIDE, **a),
    "lifecycle": lambda c, **a: c.usage.lifecycle(
        per="week", first="2024-01-08", last="2024-03-04", **WIDE, **a),
    "lifecycle of an event": lambda c, **a: c.usage.lifecycle(
        per="month", event="b", first="2024-01", last="2024-03", **WIDE, **a),
    "activity": lambda c, **a: c.usage.activity(day="2024-02-20", **WIDE, **a),
    "activity of an event": lambda c, **a: c.usage.activity(
        day="2024-02-20", event="a", **WIDE, **a),
}


def events() -> list[Event]:
    """Random events on three platforms."""
    found = at_random(11, count=400)
    platforms = ("tv", "ios", "web", "web", "web", "ios", "web", "web", "web", "ios", "web", "web")
    return [
        dataclasses.replace(one, platform=platforms[one.number % len(platforms)]) for one in found
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("traits")
    with company_of(folder / "p", events(), users=USERS) as made:
        yield made


def role_of(event: Event) -> str | None:
    return ROLES[int(event.user[1:]) % 4] or None if event.user else None


def numbers(found: Any, segment: dict[str, str | None]) -> list[dict[str, Any]]:
    """The rows and totals of a segment, without it."""
    tables = [found.rows, getattr(found, "totals", ()), getattr(found, "figures", ())]
    rows = [row.as_dict() for table in tables for row in table]
    assert rows
    return [
        {key: value for key, value in row.items() if key != "segment"}
        for row in rows if row["segment"] == segment
    ]


@pytest.mark.parametrize(
    ("dim", "value"),
    [("property:platform", "web"), ("property:platform", "tv"), ("role", "guest"), ("role", None)],
)
def test_a_segment_is_what_its_events_alone_would_say(
    shop: Company, tmp_path: Path, dim: str, value: str | None
) -> None:
    kept = [
        one for one in events()
        if (role_of(one) if dim == "role" else one.platform) == value
    ]
    with company_of(tmp_path / "p", kept, users=USERS) as alone:
        for whose in ("user", "account"):
            for name, ask in ASK.items():
                whole = numbers(ask(alone, whose=whose), {})
                split = ask(shop, by=dim, whose=whose)
                assert numbers(split, {dim: value}) == whole, (name, whose)
                kept_to = ask(shop, where=f"{dim}={value or ''}", whose=whose)
                assert numbers(kept_to, {}) == whole, (name, whose)
                assert any(row.get("size") or row.get("active") or row.get("value")
                           for row in whole)


def test_all_values_but_the_first_stand_together(shop: Company, tmp_path: Path) -> None:
    asked = {
        name: ask(shop, by="property:platform", values=1) for name, ask in ASK.items()
    }
    rest = [one for one in events() if one.platform != "web"]
    with company_of(tmp_path / "p", rest, users=USERS) as alone:
        for name, ask in ASK.items():
            assert {row.segment["property:platform"] for row in asked[name].rows} == {
                "web", "(other)"}
            whole = numbers(ask(alone), {})
            assert numbers(asked[name], {"property:platform": "(other)"}) == whole, name
            found = ask(shop, where="property:platform=(other)", values=1)
            assert numbers(found, {}) == whole, name


def test_a_segment_opens_into_its_own(shop: Company) -> None:
    for values in (None, 1):
        found = shop.usage.lifecycle(
            per="month", first="2024-01", last="2024-03", by="property:platform,role",
            values=values, as_of=AS_OF,
        )
        assert found.additive is False
        counted = [row for row in found.rows if row.active]
        assert len(counted) > 5
        for row in counted:
            behind = found.users(str(row.period), "active", **row.segment)
            assert behind.total.value == row.active
    active = shop.usage.activity(day="2024-02-20", by="property:platform,role", as_of=AS_OF)
    shown = [row for row in active.rows if row.count]
    assert shown
    for row in shown:
        behind = active.users(row.active_days, row.active_days, **row.segment)
        assert behind.total.value == row.count
    funnel = shop.usage.funnel(
        steps=["a", "b"], first="2024-01", last="2024-03", by="property:platform,role", values=1,
        whose="account", as_of=AS_OF,
    )
    took = [row for row in funnel.rows if row.step == 1]
    assert "(other)" in {row.segment["property:platform"] for row in took}
    for row in took:
        assert funnel.users(1, **row.segment).total.value == row.count
    paths = shop.usage.paths(
        anchor="a", within="7d", first="2024-01", last="2024-03", by="property:platform,role",
        values=1, as_of=AS_OF,
    )
    assert {row.segment["property:platform"] for row in paths.totals} == {"web", "(other)"}
    for path in [row for row in paths.rows if not row.is_other][:8]:
        assert paths.users(path.path, **path.segment).total.value == path.count


def naive_users(keep: Callable[[Event], bool], month: int) -> int:
    return len({
        e.user for e in events() if e.user and e.at.month == month and keep(e)
    })


@pytest.mark.parametrize(("metric", "month"), [("mau", 1), ("mau", 2)])
def test_metrics_of_users_are_cut_by_their_traits(shop: Company, metric: str, month: int) -> None:
    asked = {"grain": "month", "start": f"2024-{month:02d}", "end": f"2024-{month:02d}",
             "as_of": AS_OF}
    by_role = shop.show(metric, by="role", **asked)
    assert {row["segment"]["role"]: row["value"] for row in by_role.rows} == {
        role or None: naive_users(lambda e, r=role: role_of(e) == (r or None), month)
        for role in ROLES
    }
    champions = naive_users(lambda e: int(e.user[1:]) % 3 == 0, month)
    of_team = naive_users(lambda e: int(e.user[1:]) % 5 == 3, month)
    for where, value in (("is_champion=true", champions), ("user:is_champion=true", champions),
                         ("team=team3", of_team), ("user:team~3", of_team)):
        rows = shop.show(metric, where=where, **asked).rows
        assert [row["value"] for row in rows] == [value]
    assert champions
    assert of_team


def test_stickiness_and_daily_users_take_traits(shop: Company) -> None:
    asked = {"start": "2024-02", "end": "2024-02", "as_of": AS_OF, "where": "role=admin"}
    days = {(e.user, e.at.date()) for e in events() if role_of(e) == "admin" and e.at.month == 2}
    people = {user for user, _ in days}
    rows = {
        name: shop.show(name, grain="month", **asked).rows[0]["value"]
        for name in ("dau", "mau", "stickiness")
    }
    assert rows == pytest.approx({
        "dau": len(days) / 29, "mau": len(people), "stickiness": len(days) / len(people) / 29})
    # Of an account, those of its users count who are admins.
    accounts = {e.account for e in events() if role_of(e) == "admin" and e.at.month == 2}
    rows = shop.show("active_accounts", grain="month", **asked).rows
    assert rows[0]["value"] == len(accounts) > 0


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("property:n>9", lambda n: n is not None and n > 9),
        ("property:n<=9", lambda n: n is not None and n <= 9),
        ("property:n!=9", lambda n: n != 9),
        ("property:n is set", lambda n: n is not None),
        ("property:n=", lambda n: n is None),
        ("property:n~1", lambda n: n is not None and "1" in str(n)),
        ("property:n does not contain 1", lambda n: n is None or "1" not in str(n)),
        ("property:n>=9,property:n<11", lambda n: n is not None and 9 <= n < 11),
    ],
)
def test_properties_are_compared_as_numbers(
    tmp_path: Path, where: str, keep: Callable[[int | None], bool]
) -> None:
    from tests.company import build

    given: Sequence[int | None] = (None, 1, 9, 10, 11, 100, -9)
    rows = [
        {"event_id": f"e{i}", "account_id": "acme", "user_id": f"u{i}", "event": "bought",
         "occurred_at": "2024-03-04T10:00:00Z",
         "properties": "{}" if n is None else f'{{"n": {n}}}'}
        for i, n in enumerate(given)
    ]
    with build(tmp_path / "p", {"accounts": "account_id\nacme", "events": rows}) as company:
        found = company.usage.activity(day="2024-03-04", where=where, as_of="2024-04-01")
        bracket = where.replace("property:", "")
        of_event = company.usage.activity(
            day="2024-03-04", event=f"bought[{bracket}]", as_of="2024-04-01")
    expected = sum(keep(n) for n in given)
    assert 0 < expected < len(given)
    assert [row.value for row in found.figures] == [expected] * 3
    assert [row.value for row in of_event.figures] == [expected] * 3


def test_what_nobody_has_is_refused_with_a_suggestion(shop: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'platform'"):
        shop.usage.lifecycle(by="property:platfrom")
    for odd in ('a"b', "platform\\", "$.x[*]", "'"):
        with pytest.raises(UnknownNameError, match="Unknown property"):
            shop.usage.activity(by=f"property:{odd}")
    with pytest.raises(UsageError, match="names no property"):
        shop.usage.activity(where="property:=x")
    with pytest.raises(UnknownNameError, match="Did you mean 'role'"):
        shop.usage.lifecycle(by="rolle")
    with pytest.raises(UnknownNameError, match="Did you mean 'user:team'"):
        shop.usage.activity(where="user:teem=team1")
    with pytest.raises(UnknownValueError, match="Did you mean 'admin'"):
        shop.usage.retention(where="role=admn")
    with pytest.raises(UnknownValueError, match="Did you mean 'ios'"):
        shop.usage.funnel(steps=["a", "b"], where="property:platform=iOS")
    with pytest.raises(UnknownValueError, match="Did you mean 'admin'"):
        shop.show("mau", where="role=admn")


def test_a_trait_of_users_gives_way_to_the_account_s_own(tmp_path: Path) -> None:
    rows = "account user event occurred_at\nacme ann used 2024-03-04T10:00:00"
    with company_of(
        tmp_path / "p", rows, accounts="account_id team\nacme north",
        users="user_id account_id team\nann acme south",
    ) as company:
        for by, value in (("team", "north"), ("user:team", "south")):
            found = company.usage.activity(day="2024-03-04", by=by, as_of="2024-04-01")
            assert {row.segment[by] for row in found.figures} == {value}
            rows = company.show("mau", by=by, as_of="2024-04-01", start="2024-03", end="2024-03")
            assert {row["segment"][by] for row in rows.rows} == {value}
