"""Every usage insight and metric with every filter of properties and traits, counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError, UnknownValueError
from staycurve.insights.catalogue import INSIGHTS
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.query import known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.workspace import Company
from tests.company import build

USERS = """
user_id account_id role   is_champion team
ann     acme       admin  true        blue
bob     acme       member -           -
cid     bolt       admin  -           red
dee     bolt       -      -           -
"""
# Who, what, when, and what the event says; March 2024 has 31 days.
EVENTS = (
    ("e1", "ann", "view", "2024-03-04T10:00:00", '{"platform": "web", "size": 5}'),
    ("e2", "ann", "buy", "2024-03-04T10:05:00", '{"platform": "web", "size": 20}'),
    ("e3", "bob", "view", "2024-03-05T09:00:00", '{"platform": "ios", "size": 7}'),
    ("e4", "bob", "buy", "2024-03-05T09:01:00", '{"platform": "web"}'),
    ("e5", "cid", "view", "2024-03-06T12:00:00", '{"platform": "tv", "size": "big"}'),
    ("e6", "cid", "view", "2024-03-12T12:00:00", '{"platform": "web", "size": 100}'),
    ("e7", "dee", "buy", "2024-03-06T08:00:00", "{}"),
)
AS_OF = "2024-04-01"


@dataclass(frozen=True)
class Kept:
    """What is left of the events under a filter.

    Attributes
    ----------
    users, accounts, events : int
        Who did the events that are left, and how many they are.
    user_days : int
        Days on which somebody did one, summed over users.
    adopted : tuple of int, int
        Accounts × features that they used, and accounts × features that anybody used.
    started : tuple of int, int
        Users whose chain of a view and a purchase begins with an event that is left, and those who
        bought after it: cid's chain begins with e5, the first of two views that lead nowhere.
    viewed : int
        Users with a view that is left.
    """

    users: int
    accounts: int
    events: int
    user_days: int
    adopted: tuple[int, int]
    started: tuple[int, int]
    viewed: int


CASES = {
    "": Kept(4, 2, 7, 5, (4, 4), (3, 2), 3),
    # e1 e2 e4 e6
    "property:platform=web": Kept(3, 2, 4, 3, (3, 4), (1, 1), 2),
    # e3 e5 e7: an event without the property is not web.
    "property:platform!=web": Kept(3, 2, 3, 3, (3, 4), (2, 1), 2),
    "property:platform=web|ios": Kept(3, 2, 5, 3, (3, 4), (2, 2), 3),
    # e1 e3: big is no number.
    "property:size<10": Kept(2, 1, 2, 2, (1, 1), (2, 2), 2),
    "property:size>=20": Kept(2, 2, 2, 2, (2, 4), (0, 0), 1),
    "property:size>5,property:size<50": Kept(2, 1, 2, 2, (2, 2), (1, 1), 1),
    # e3 alone holds an o.
    "property:platform contains O": Kept(1, 1, 1, 1, (1, 1), (1, 1), 1),
    "property:size is set": Kept(3, 2, 5, 4, (3, 4), (3, 2), 3),
    # e4 e7
    "property:size is not set": Kept(2, 2, 2, 2, (2, 2), (0, 0), 0),
    # ann's and cid's: e1 e2 e5 e6
    "role=admin": Kept(2, 2, 4, 3, (3, 4), (2, 1), 2),
    # bob's and dee's
    "role!=admin": Kept(2, 2, 3, 2, (3, 4), (1, 1), 1),
    "role is not set": Kept(1, 1, 1, 1, (1, 1), (0, 0), 0),
    "is_champion=true": Kept(1, 1, 2, 1, (2, 2), (1, 1), 1),
    "user:team~E": Kept(2, 2, 4, 3, (3, 4), (2, 1), 2),
    "role=admin,property:platform=web": Kept(2, 2, 3, 2, (3, 4), (1, 1), 2),
    "industry=EdTech,property:platform=web": Kept(2, 1, 3, 2, (2, 2), (1, 1), 1),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("filters")
    owner = {"ann": "acme", "bob": "acme", "cid": "bolt", "dee": "bolt"}
    with build(folder / "p", {
        "accounts": "account_id industry\nacme EdTech\nbolt Retail",
        "users": USERS,
        "events": [
            # What names no account belongs to its user's.
            {"event_id": key, "account_id": "" if key == "e6" else owner[user], "user_id": user,
             "event": event, "occurred_at": at, "properties": told}
            for key, user, event, at, told in EVENTS
        ],
    }) as made:
        yield made


def shown(company: Company, metric: str, where: str, grain: str = "month") -> Any:
    found = company.show(
        metric, grain=grain, start="2024-03", end="2024-03", where=where, as_of=AS_OF
    ).rows
    return sum(row["value"] or 0 for row in found)


MARCH = {"first": "2024-03", "last": "2024-03", "as_of": AS_OF}
METRIC: dict[str, Callable[[Kept], float]] = {
    "mau": lambda kept: kept.users,
    "dau": lambda kept: kept.user_days / 31,
    "stickiness": lambda kept: kept.user_days / (kept.users * 31),
    "active_accounts": lambda kept: kept.accounts,
    "feature_adoption": lambda kept: kept.adopted[0] / kept.adopted[1],
}


@pytest.mark.parametrize("where", CASES)
def test_metrics_of_use_count_what_a_filter_keeps(shop: Company, where: str) -> None:
    kept = CASES[where]
    found = {name: shown(shop, name, where) for name in METRIC}
    assert found == pytest.approx({name: wanted(kept) for name, wanted in METRIC.items()})
    # Weeks of 4 and 11 March: cid's second week is the only one beside the first.
    weeks = shop.show(
        "wau", grain="week", start="2024-03-04", end="2024-03-17", where=where, as_of=AS_OF
    ).rows
    later = {"property:platform!=web", "property:size<10", "property:size>5,property:size<50",
             "property:platform contains O", "property:size is not set", "role!=admin",
             "role is not set", "is_champion=true", "industry=EdTech,property:platform=web"}
    assert weeks[1]["value"] == (0 if where in later else 1)
    for name in ("mau", "active_accounts"):
        rows = shop.accounts(name, period="2024-03", where=where, as_of=AS_OF)
        assert rows.total["value"] == METRIC[name](kept)
        assert {row["account_id"] for row in rows.rows if row["value"]} <= {"acme", "bolt"}


INSIGHT: dict[str, tuple[Callable[..., Any], Callable[[Kept], Any]]] = {
    "usage trends": (
        lambda c, where: [
            c.usage.trends(measure=one, where=where, **MARCH).totals[0].value or 0
            for one in ("count", "users", "accounts")
        ],
        lambda kept: [kept.events, kept.users, kept.accounts],
    ),
    "usage lifecycle": (
        lambda c, where: [
            row.new for whose in ("user", "account")
            for row in c.usage.lifecycle(where=where, whose=whose, **MARCH).rows
        ],
        lambda kept: [kept.users, kept.accounts],
    ),
    "usage retention": (
        lambda c, where: [
            c.usage.retention(where=where, whose=whose, **MARCH).rows[0].size
            for whose in ("user", "account")
        ],
        lambda kept: [kept.users, kept.accounts],
    ),
    "usage activity": (
        lambda c, where: [
            next(one.value for one in c.usage.activity(
                day="2024-03-20", where=where, whose=whose, as_of=AS_OF
            ).figures if one.figure == "mau")
            for whose in ("user", "account")
        ],
        lambda kept: [kept.users, kept.accounts],
    ),
    "usage stickiness": (
        lambda c, where: [
            (one.active, sum(row.active_periods * row.count for row in found.rows))
            for found in [c.usage.stickiness(where=where, **MARCH)] for one in found.totals
        ],
        lambda kept: [(kept.users, kept.user_days)],
    ),
    "usage uses": (
        lambda c, where: sum(
            c.usage.uses(who=who, day="2024-03-20", where=where, as_of=AS_OF).total.uses
            for who in ("ann", "bob", "cid", "dee")
        ),
        lambda kept: kept.events,
    ),
    "usage funnel": (
        lambda c, where: tuple(
            row.count for row in c.usage.funnel(
                steps=("view", "buy"), window="1d", where=where, **MARCH).rows
        ),
        lambda kept: kept.started,
    ),
    # The property is that of the anchor's event, and what follows may be any.
    "usage paths": (
        lambda c, where: len(set(
            row.user_id for row in c.usage.paths(
                anchor="view", within="1d", where=where, members="all", **MARCH).rows
        )),
        lambda kept: kept.viewed,
    ),
}


@pytest.mark.parametrize("where", CASES)
def test_insights_into_use_count_what_a_filter_keeps(shop: Company, where: str) -> None:
    kept = CASES[where]
    for name, (ask, wanted) in INSIGHT.items():
        assert ask(shop, where) == wanted(kept), name


def test_no_insight_and_no_metric_is_left_out() -> None:
    assert set(INSIGHT) == {name for name, _ in INSIGHTS.items() if name.startswith("usage ")}
    of_use = {
        name for name, metric in METRICS.items()
        if all(RELATIONS[one.relation].has_users for one in metric.measures())
    }
    assert of_use == {*METRIC, "wau"}
    for name in of_use:
        for measure in METRICS[name].measures():
            assert "role" in known_dims(RELATIONS[measure.relation], ())


def test_metrics_by_a_property_and_by_a_trait_of_the_users(shop: Company) -> None:
    def by(metric: str, dim: str, where: str = "") -> dict[Any, float]:
        found = shop.show(
            metric, start="2024-03", end="2024-03", by=dim, where=where, as_of=AS_OF
        )
        assert found.is_additive is False
        return {row["segment"][dim]: row["value"] for row in found.rows}

    assert by("mau", "property:platform") == {None: 1, "ios": 1, "tv": 1, "web": 3}
    assert by("active_accounts", "property:platform") == {None: 1, "ios": 1, "tv": 1, "web": 2}
    assert by("active_accounts", "role") == {None: 1, "admin": 2, "member": 1}
    # Of web, both features are used by somebody: acme used both, bolt one.
    assert by("feature_adoption", "property:platform") == {
        None: 1.0, "ios": 1.0, "tv": 1.0, "web": 0.75
    }
    assert by("mau", "property:platform", "property:size is set") == {"ios": 1, "tv": 1, "web": 2}


def test_more_values_than_are_shown_stand_together(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staycurve.metrics import told_use

    monkeypatch.setattr(told_use, "FIRST_VALUES", 2)
    found = shop.show(
        "mau", start="2024-03", end="2024-03", by="property:platform", as_of=AS_OF
    ).rows
    # web has three users; ios and tv one each with one event, so ios comes first by its text.
    assert {row["segment"]["property:platform"]: row["value"] for row in found} == {
        None: 1, "ios": 1, "web": 3, "(other)": 1
    }
    assert shown(shop, "mau", "property:platform=(other)") == 1
    rows = shop.accounts(
        "mau", period="2024-03", where="property:platform=(other)", as_of=AS_OF
    ).rows
    assert [row["account_id"] for row in rows if row["value"]] == ["bolt"]


def test_what_cannot_be_asked_is_refused(shop: Company) -> None:
    with pytest.raises(UnknownNameError, match="platform"):
        shown(shop, "mau", "property:platfrom=web")
    with pytest.raises(UnknownValueError, match="web"):
        shown(shop, "mau", "property:platform=wbe")
    with pytest.raises(NotAnsweredError, match="property:platform"):
        shown(shop, "mrr", "property:platform=web")


def test_a_filter_that_keeps_several_values_counts_users_and_days_once(tmp_path: Any) -> None:
    with build(tmp_path / "p", {
        "accounts": "account_id industry\nacme EdTech\nbolt Retail\ncora Health",
        "events": """
        event_id account_id user_id event occurred_at
        e1       acme       ann     view  2024-03-04
        e2       bolt       ann     view  2024-03-05
        e3       cora       cid     view  2024-03-05
        """,
    }) as company:
        # ann is of both accounts: one user, two days.
        assert shown(company, "mau", "industry=EdTech|Retail") == 1
        assert shown(company, "dau", "industry=EdTech|Retail") == pytest.approx(2 / 31)
        assert shown(company, "dau", "industry!=Health") == pytest.approx(2 / 31)
        assert shown(company, "stickiness", "industry!=Health") == pytest.approx(2 / 31)
