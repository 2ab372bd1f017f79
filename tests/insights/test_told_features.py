"""Features and onboarding by what events and their users tell: as if there were no other events."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import NotAnsweredError, UnknownNameError
from staycurve.insights.catalogue import INSIGHTS
from staycurve.workspace import Company
from tests.insights.usage_company import Event, at_random, company_of

ACCOUNTS = "account_id created_at industry\n" + "\n".join(
    f"acc{n} 2024-01-{9 + n:02d} {'EdTech' if n % 2 else 'Retail'}" for n in range(4)
)
ROLES = ("admin", "member", "guest")
USERS = "user_id account_id role\n" + "\n".join(
    f"u{n:02d} acc{n % 4} {ROLES[n % 3]}" for n in range(12)
)
SETTINGS = (
    '[activation]\nevents = ["b"]\nchecklist = ["a", "b", "c"]\nwindow_days = 7\n'
    '[usage]\nactive = ["a", "b"]'
)
AS_OF = "2024-04-01"
FEB: dict[str, Any] = {"period": "2024-02", "as_of": AS_OF}

ASK: dict[str, Callable[..., Any]] = {
    "metrics": lambda c, **a: c.show(
        "time_to_first_value", "activation_rate", start="2024-01", end="2024-01", as_of=AS_OF, **a),
    "accounts of a metric": lambda c, **a: c.accounts(
        "activation_rate", period="2024-01", as_of=AS_OF, **a),
    "features report": lambda c, **a: c.features.report(spans=2, months=1, **FEB, **a),
    "features report of some days": lambda c, **a: c.features.report(
        period="28d", as_of=AS_OF, spans=0, **a),
    "features adoption": lambda c, **a: c.features.adoption(months=3, as_of=AS_OF, **a),
    "features accounts": lambda c, **a: [
        c.features.accounts(feature="a", part=part, **FEB, **a) for part in ("using", "again")
    ],
    "features users": lambda c, **a: c.features.users(feature="a", **FEB, **a),
    "onboarding time": lambda c, **a: c.onboarding.time_to_value(as_of=AS_OF, **a),
    "onboarding accounts": lambda c, **a: [
        c.onboarding.accounts(part=part, as_of=AS_OF, **a) for part in ("activated", "waiting")
    ],
    "onboarding checklist": lambda c, **a: c.onboarding.checklist(as_of=AS_OF, **a),
    "onboarding progress": lambda c, **a: c.onboarding.progress(
        step="b", state="reached", as_of=AS_OF, **a),
}


def events() -> list[Event]:
    """Random events on three platforms."""
    platforms = ("tv", "ios", "web", "web", "web", "ios", "web")
    return [
        dataclasses.replace(one, platform=platforms[one.number % len(platforms)])
        for one in at_random(12, count=500)
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("told")
    with company_of(folder / "p", events(), accounts=ACCOUNTS, users=USERS,
                    settings=SETTINGS) as made:
        yield made


def said(found: Any) -> Any:
    """What an answer says, without the SQL that it was found with."""
    if isinstance(found, list):
        return [said(one) for one in found]
    return {key: value for key, value in found.as_dict().items() if key != "sql"}


def role_of(event: Event) -> str | None:
    return ROLES[int(event.user[1:]) % 3] if event.user else None


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("property:platform=ios", lambda e: e.platform == "ios"),
        ("role!=admin,property:platform!=tv",
         lambda e: role_of(e) != "admin" and e.platform != "tv"),
    ],
)
def test_an_answer_is_what_the_kept_events_alone_would_say(
    shop: Company, tmp_path: Path, where: str, keep: Callable[[Event], bool]
) -> None:
    kept = [one for one in events() if keep(one)]
    assert len(kept) >= 10
    with company_of(tmp_path / "p", kept, accounts=ACCOUNTS, users=USERS,
                    settings=SETTINGS) as alone:
        for name, ask in ASK.items():
            assert said(ask(shop, where=where)) == said(ask(alone)), name
            if "tv" in where:
                assert said(ask(shop, where=f"industry=EdTech,{where}")) == said(
                    ask(alone, where="industry=EdTech")), name
        report = ASK["features report"]
        assert said(report(shop, where=where)) != said(report(shop))


def test_every_insight_into_features_and_onboarding_takes_them(shop: Company) -> None:
    # Limits and trials are of accounts: what their allowances and trials are, no event tells.
    of_accounts = {"features limits", "features limited"}
    asked = {name.removesuffix(" of some days") for name in ASK} - {
        "metrics", "accounts of a metric"}
    assert asked | of_accounts == {
        name for name, one in INSIGHTS.items()
        if name.split()[0] in ("features", "onboarding") and one.takes("where")
    }
    for ask in (shop.features.limits, shop.trials.report, shop.value.ltv):
        with pytest.raises(NotAnsweredError, match="about accounts, and not about what they do"):
            ask(where="property:platform=ios")
        with pytest.raises(NotAnsweredError, match="about accounts, and not about what they do"):
            ask(where="role=admin")


def test_what_is_not_known_is_refused(shop: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'platform'"):
        shop.features.report(where="property:platfrom=ios")
    with pytest.raises(UnknownNameError, match="Did you mean 'role'"):
        shop.onboarding.time_to_value(where="rolle=admin")
    for by in ("property:platform", "role"):
        with pytest.raises(NotAnsweredError, match="an account has several"):
            shop.onboarding.time_to_value(by=by)
        with pytest.raises(NotAnsweredError, match=f"cannot be cut by {by}"):
            shop.show("activation_rate", by=by)
    with pytest.raises(UnknownNameError, match="Did you mean 'platform'"):
        shop.show("activation_rate", where="property:platfrom=ios")


def test_by_hand(tmp_path: Path) -> None:
    # acme: first value on day 3 on the web, on day 5 by an admin; bolt's admin never gets there.
    rows = """
    account user event occurred_at          platform
    acme    ann  view  2024-01-02T09:00:00  ios
    acme    ben  done  2024-01-04T09:00:00  web
    acme    ann  done  2024-01-06T09:00:00  ios
    bolt    cid  view  2024-01-05T09:00:00  web
    bolt    cid  view  2024-01-05T10:00:00  ios
    """
    with company_of(
        tmp_path / "p", rows, settings='[activation]\nevents = ["done"]\nwindow_days = 4',
        accounts="account_id created_at\nacme 2024-01-01\nbolt 2024-01-01",
        users="user_id account_id role\nann acme admin\nben acme member\ncid bolt admin",
    ) as company:
        def told(where: str) -> tuple[Any, ...]:
            report = company.features.report(
                period="2024-01", where=where, spans=0, as_of="2024-03-01")
            time = company.onboarding.time_to_value(where=where, as_of="2024-03-01").whole[0]
            # In the middle of a day: what came later is not seen.
            early = company.features.report(
                period="2024-01", where=where, spans=0, as_of="2024-01-05T09:30:00")
            return (
                report.active_accounts,
                {row.feature: (row.accounts, row.uses, row.users) for row in report.rows},
                (time.size, time.activated, time.rate.value), early.active_accounts,
            )

        def shown(where: str) -> tuple[Any, ...]:
            rows = company.show(
                "activation_rate", "time_to_first_value", where=where, start="2024-01",
                end="2024-01", as_of="2024-03-01",
            ).rows
            return tuple(row["value"] for row in rows)

        # The two are 3 days and never, 5 and never, 3 and never, never and never.
        assert shown("") == (0.5, 3)
        assert shown("property:platform=ios") == (0.0, 5)
        assert shown("role=member") == (0.5, 3)
        assert shown("role=admin,property:platform=web") == (0.0, None)

        assert told("") == (2, {"view": (2, 3, 2), "done": (1, 2, 2)}, (2, 1, 0.5), 2)
        assert told("property:platform=ios") == (
            2, {"view": (2, 2, 2), "done": (1, 1, 1)}, (2, 1, 0.0), 1)
        assert told("role=member") == (1, {"done": (1, 1, 1)}, (2, 1, 0.5), 1)
        assert told("role=admin,property:platform=web") == (
            1, {"view": (1, 1, 1)}, (2, 0, 0.0), 1)
