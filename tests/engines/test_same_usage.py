"""Retention, lifecycle, funnels, paths and activity are the same on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import create
from tests.engines.beside import FULL, Spark, load_only
from tests.insights.usage_company import Event, at_random

AS_OF = "2024-03-12"

Asked = Callable[[Company], Any]

ASKED: dict[str, Asked] = {
    "funnel": lambda c: c.usage.funnel(steps=["a", "b", "c"], window="6d", as_of=AS_OF),
    "retention": lambda c: c.usage.retention(per="week", starts="every", ages=3, as_of=AS_OF),
}
# These take Spark half a minute: `make test-spark` runs them.
MORE: dict[str, Asked] = {
    "at one instant": lambda c: c.usage.funnel(
        steps=["a", "b"], window="6d", whose="account", as_of=AS_OF
    ),
    "a step twice": lambda c: c.usage.funnel(
        steps=["a", "a", "b", "c"], window="6d", whose="account", as_of=AS_OF
    ),
    "counted": lambda c: c.usage.retention(whose="account", as_of=AS_OF),
    "after": lambda c: c.usage.retention(
        per="week", returns="after", start="a", back="c", ages=3, by="country", as_of=AS_OF
    ),
    "rolling": lambda c: c.usage.retention(
        per="week", windows="rolling", start="a[platform=web]", back="", ages=3, as_of=AS_OF
    ),
    "retained": lambda c: c.usage.retention(
        per="week", starts="every", ages=3, as_of=AS_OF
    ).users("2024-02-05", 2),
    "lifecycle": lambda c: c.usage.lifecycle(as_of=AS_OF),
    "lifecycle of a feature": lambda c: c.usage.lifecycle(
        per="week", event="b", by="country,tenure", whose="account", as_of=AS_OF
    ),
    "dormant": lambda c: c.usage.lifecycle(as_of=AS_OF).users("2024-02", "returning"),
    "strict": lambda c: c.usage.funnel(steps=["a", "b"], window="6d", order="strict", as_of=AS_OF),
    "strict from the first": lambda c: c.usage.funnel(
        steps=["a", "b"], window="6d", order="strict", entry="first", as_of=AS_OF
    ),
    "excluded": lambda c: c.usage.funnel(
        steps=["a", "b", "c"], window="6d", exclude=["d@1-2"], by="property:platform,plan",
        as_of=AS_OF
    ),
    "first": lambda c: c.usage.funnel(
        steps=["a", "b", "a"], window="6d", entry="first", whose="account", as_of=AS_OF
    ),
    "dropped": lambda c: c.usage.funnel(steps=["a", "b"], window="2d", as_of=AS_OF).users(
        2, dropped=True
    ),
    "paths": lambda c: c.usage.paths(anchor="a", size=2, within="4d", listed=5, as_of=AS_OF),
    "paths before": lambda c: c.usage.paths(
        anchor="b", size=2, way="before", within="session", repeats="drop", by="country",
        as_of=AS_OF
    ),
    "whose path": lambda c: c.usage.paths(anchor="a", size=1, within="4d", as_of=AS_OF).users(
        ["b"]
    ),
    "activity": lambda c: c.usage.activity(by="country", as_of=AS_OF),
    "by a property": lambda c: c.usage.retention(
        per="week", returns="after", by="property:session", values=3, where="property:platform~e",
        ages=2, as_of=AS_OF
    ),
    "by a trait": lambda c: c.usage.lifecycle(
        per="week", by="role", whose="account", where="property:session>=s1", as_of=AS_OF
    ),
    "nested and quoted names": lambda c: c.usage.activity(
        by='property:in.side', where='property:"a ""b""*"=x,property:in.side<2024-02-20',
        as_of=AS_OF
    ),
    "often": lambda c: c.usage.retention(
        per="week", start="a", back="b", start_times=2, back_times=2, ages=2, as_of=AS_OF
    ),
    "unordered": lambda c: c.usage.funnel(
        steps=["a", "b", "a"], window="6d", order="unordered", bins=3, per="month", as_of=AS_OF
    ),
    "paths of sessions": lambda c: c.usage.paths(
        size=2, within="4h", end="b", listed=5, as_of=AS_OF
    ),
    "stickiness": lambda c: c.usage.stickiness(
        per="week", times=2, whose="account", by="property:platform", as_of=AS_OF
    ),
    "trend of a percentile": lambda c: c.usage.trends(
        event="a", measure="percentile", percentile=90, of_property="n", per="week",
        by="property:platform", as_of=AS_OF
    ),
    "trend of a ratio": lambda c: c.usage.trends(
        event="a", over="b", measure="users", cumulative=True, per="week", compare=True,
        as_of=AS_OF
    ),
    "trend of a sum": lambda c: c.usage.trends(
        event="a", measure="sum", of_property="n", by="country,role", as_of=AS_OF
    ),
    "active": lambda c: c.usage.activity(as_of=f"{AS_OF}T12:00:00").users(2, 28),
    "metrics by a property": lambda c: c.show(
        "mau", "dau", "active_accounts", "feature_adoption", by="property:session",
        where="property:platform=web,role is set", as_of=AS_OF
    ),
    "metrics by a trait": lambda c: c.show(
        "active_accounts", by="role", where="property:session=(other)", as_of=AS_OF
    ),
}

SETTINGS = '[usage]\nsession = "session"\n'


def row_of(event: Event) -> dict[str, str]:
    odd = {"in": {"side": f"{event.at:%Y-%m-%d}"[:8] + "11"}, 'a "b"*': "xy"[event.number % 2]}
    return {
        "event_id": f"e{event.number:05d}", "account_id": event.account, "user_id": event.user,
        "event": event.name, "occurred_at": event.at.isoformat(),
        "properties": f'{{"platform": "{event.platform}", "session": "{event.session}", '
        f'"n": {event.number % 7}.25, {json.dumps(odd)[1:]}',
    }


@pytest.fixture(scope="module")
def both(
    spark: Spark, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, Company]]:
    here = create(
        tmp_path_factory.mktemp("usage") / "project", timezone="America/New_York",
        end_reasons=SETTINGS,
    )
    load_only(here, {
        "accounts": [
            {"account_id": f"acc{n}", "country": country}
            for n, country in enumerate(["DE", "DE", "FR", ""])
        ],
        "users": [
            {"user_id": f"u{n:02d}", "account_id": f"acc{n % 4}", "role": ("admin", "")[n % 2]}
            for n in range(12)
        ],
        "subscriptions": [
            {"subscription_id": "s1", "account_id": "acc1", "plan": "Pro", "amount": "10",
             "interval": "month", "starts_at": "2024-01-20"},
        ],
        "events": [row_of(event) for event in at_random(4, count=300)],
    })
    here.refresh()
    with here, spark.of(here) as there:
        yield here, there


@pytest.mark.parametrize("name", [*ASKED, *(MORE if FULL else ())])
def test_an_answer_is_the_same(both: tuple[Company, Company], name: str) -> None:
    here, there = both
    ask = {**ASKED, **MORE}[name]
    ours = ask(here).as_dict()
    assert ours["rows"]
    assert ask(there).as_dict() == ours
