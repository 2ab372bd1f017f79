"""Usage metrics against a count of the events by hand, over random companies and days."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import build, load

Day = dt.date
ACCOUNTS = {"a": "US", "b": "US", "c": "DE", "d": "DE"}
USERS = {"u1": "a", "u2": "a", "u3": "b", "u4": "c", "u5": "d"}
FEATURES = ("view", "edit", "share")


def days(first: Day, last: Day) -> list[Day]:
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


class Book:
    """Random events, and the questions answered from them one by one."""

    def __init__(self, seed: int) -> None:
        pick = random.Random(seed)
        start = dt.datetime(2024, 1, 20, tzinfo=dt.UTC)
        self.events: list[dict[str, Any]] = []
        for number in range(90):
            user = pick.choice(list(USERS))
            # Some users work in a second account now and then.
            account = USERS[user] if pick.random() < 0.8 else pick.choice(list(ACCOUNTS))
            at = start + dt.timedelta(minutes=pick.randrange(60 * 24 * 80))
            if number % 15 == 0:
                at = dt.datetime(2024, 3, 18, 12 + number // 15 % 3, tzinfo=dt.UTC)
            self.events.append({
                "event_id": f"e{number}", "account_id": account, "user_id": user,
                "event": pick.choice(FEATURES), "occurred_at": at.isoformat(),
            })

    def seen(self, until: dt.datetime) -> list[tuple[str, str, str, Day]]:
        found = []
        for event in self.events:
            at = dt.datetime.fromisoformat(event["occurred_at"])
            if at < until:
                found.append((event["account_id"], event["user_id"], event["event"], at.date()))
        return found

    def build(self, folder: Path) -> Company:
        return build(folder, {
            "accounts": [
                {"account_id": a, "country": c, "created_at": "2024-01-01"}
                for a, c in ACCOUNTS.items()
            ],
            "users": [{"user_id": u, "account_id": a} for u, a in USERS.items()],
            "events": self.events,
        })


def asked(ours: Company, metric: str, **how: Any) -> dict[Any, float | None]:
    rows = ours.show(metric, **how).rows
    return {
        (row["period"], *row["segment"].values()) if row["segment"] else row["period"]: row["value"]
        for row in rows
    }


# An instant within a day, so that a part of that day's events is not seen.
AS_OF = "2024-03-18T13:30:00"
UNTIL = dt.datetime(2024, 3, 18, 13, 30, tzinfo=dt.UTC)
LAST = UNTIL.date()


@pytest.mark.parametrize("seed", range(2))
def test_users_accounts_and_features_are_the_events_counted(seed: int, tmp_path: Path) -> None:
    book = Book(seed)
    with book.build(tmp_path / "p") as ours:
        seen = book.seen(UNTIL)
        months = {
            "2024-01-01": (Day(2024, 1, 1), Day(2024, 1, 31)),
            "2024-02-01": (Day(2024, 2, 1), Day(2024, 2, 29)),
            "2024-03-01": (Day(2024, 3, 1), LAST),
        }
        by_month: dict[str, list[tuple[str, str, str, Day]]] = defaultdict(list)
        for row in seen:
            by_month[f"{row[3]:%Y-%m}-01"].append(row)
        how = {"as_of": AS_OF, "start": "2024-01", "end": "2024-03"}
        assert asked(ours, "mau", **how) == {
            month: len({u for _, u, _, _ in by_month[month]}) for month in months
        }
        assert asked(ours, "active_accounts", **how) == {
            month: len({a for a, _, _, _ in by_month[month]}) for month in months
        }
        user_days = {m: len({(u, d) for _, u, _, d in by_month[m]}) for m in months}
        assert asked(ours, "dau", **how) == {
            month: pytest.approx(user_days[month] / len(days(*months[month]))) for month in months
        }
        sticky = asked(ours, "stickiness", **how)
        assert sticky.pop("2024-03-01") is None
        assert sticky == {
            month: pytest.approx(
                user_days[month] / len(days(*months[month]))
                / len({u for _, u, _, _ in by_month[month]})
            )
            for month in list(months)[:2]
        }
        for metric, length in (("wau", 7), ("mau", 28), ("dau", 1)):
            found = asked(
                ours, metric, grain="day", start="2024-02-20", end="2024-03-18", as_of=AS_OF
            )
            assert found == {
                str(day): len({
                    u for _, u, _, d in seen if day - dt.timedelta(days=length) < d <= day
                })
                for day in days(Day(2024, 2, 20), LAST)
            }, metric
        countries = asked(ours, "mau", by="country", **how)
        for month in months:
            for country in ("US", "DE"):
                users = {u for a, u, _, _ in by_month[month] if ACCOUNTS[a] == country}
                assert countries[month, country] == len(users)
        only = asked(ours, "mau", where="country=DE", **how)
        assert only == {m: countries[m, "DE"] for m in months}
        adopted = asked(ours, "feature_adoption", by="feature", **how)
        for month in list(months)[:2]:
            active = {a for a, _, _, _ in by_month[month]}
            for feature in FEATURES:
                using = {a for a, _, f, _ in by_month[month] if f == feature}
                assert adopted[month, feature] == pytest.approx(len(using) / len(active))
        quarter = asked(ours, "active_accounts", grain="quarter", as_of="2024-04-30")
        assert quarter["2024-01-01"] == len({a for a, *_ in book.seen(
            dt.datetime(2024, 4, 1, tzinfo=dt.UTC))})


@pytest.mark.parametrize("metric", ["mau", "dau", "active_accounts", "stickiness"])
def test_the_accounts_behind_a_number_sum_to_it(metric: str, tmp_path: Path) -> None:
    with Book(7).build(tmp_path / "p") as ours:
        value = asked(ours, metric, start="2024-02", end="2024-02")["2024-02-01"]
        rows = ours.accounts(metric, period="2024-02")
        assert rows.total["value"] == pytest.approx(value)
        if "numerator" in rows.total:
            top = sum(row["numerator"] for row in rows.rows)
            bottom = sum(row["denominator"] for row in rows.rows)
            assert top / bottom == pytest.approx(value)
        else:
            assert sum(row["value"] for row in rows.rows) == value


def test_only_events_that_count_make_active(tmp_path: Path) -> None:
    rows = {
        "accounts": "account_id\na\nb",
        "events": """
        event_id account_id user_id event occurred_at
        e1 a u1 view 2024-02-01
        e2 b u2 ping 2024-02-01
        e3 b u2 heartbeat 2024-02-02""",
    }
    with build(tmp_path / "all", rows) as ours:
        assert asked(ours, "mau", as_of="2024-03-01")["2024-02-01"] == 2
        path = ours.folder / "staycurve.toml"
        path.write_text('usage = { active = ["view"], ignored = ["heartbeat"] }\n'
                        + path.read_text())
    with Company(tmp_path / "all", clock=lambda: dt.datetime(2024, 3, 5, tzinfo=dt.UTC)) as ours:
        assert ours.is_due()
        ours.refresh()
        assert asked(ours, "mau", as_of="2024-03-01")["2024-02-01"] == 1
        found = asked(ours, "feature_adoption", by="feature", as_of="2024-03-01")
        # ping was used by an account that was not active with it; heartbeat counts nowhere.
        assert found["2024-02-01", "view"] == 1
        assert found["2024-02-01", "ping"] == 0
        assert ("2024-02-01", "heartbeat") not in found


def test_accounts_not_there_yet_are_censored_in_the_median(tmp_path: Path) -> None:
    rows = {
        "accounts": """
        account_id created_at industry
        a 2024-02-01 tech
        b 2024-02-01 tech
        c 2024-02-11 tech
        d 2024-02-21 food
        e 2024-02-01 food""",
        "events": """
        event_id account_id event occurred_at
        e1 a start 2024-02-04
        e2 b start 2024-02-25
        e3 d start 2024-02-21""",
    }
    with build(tmp_path / "p", rows) as ours:
        found = asked(ours, "time_to_first_value", as_of="2024-03-01", end="2024-02")
        # Days 0 (d), 3 (a), 24 (b); c has been seen 18 days, e 28: left 4/5, 3/5, then of the two
        # at risk at 24 one got there: 3/10.
        assert found == {"2024-02-01": 24}
        cut = asked(ours, "time_to_first_value", by="industry", as_of="2024-03-01", end="2024-02")
        # tech: 3 and 24, c censored at 18: 2/3, then 0. food: 0 and e censored: 1/2 at 0.
        assert cut == {("2024-02-01", "tech"): 24, ("2024-02-01", "food"): 0}
        only = asked(
            ours, "time_to_first_value", where="industry=tech", as_of="2024-03-01", end="2024-02"
        )
        assert only == {"2024-02-01": 24}
        rows_behind = ours.accounts("time_to_first_value", period="2024-02", as_of="2024-03-01")
        assert rows_behind.total["value"] == 24
        assert {r["account_id"]: (r["value"], r["reached"]) for r in rows_behind.rows} == {
            "a": (3, True), "b": (24, True), "c": (18, False), "d": (0, True), "e": (28, False),
        }
        early = ours.show("time_to_first_value", as_of="2024-02-10", end="2024-02")
        assert early.rows[0]["value"] is None
        assert "fewer than half" in early.rows[0]["why"]
        # On 2024-03-01 the windows of a, b, c and e have passed.
        assert asked(ours, "activation_rate", as_of="2024-03-01", end="2024-02") == {
            "2024-02-01": 0.25
        }


def test_small_segments_of_a_rate_are_named(tmp_path: Path) -> None:
    accounts = [
        {"account_id": f"a{n}", "country": "US" if n < 25 else "DE", "created_at": "2024-02-01"}
        for n in range(28)
    ]
    events = [{"event_id": "e", "account_id": "a1", "event": "x", "occurred_at": "2024-02-02"}]
    with build(tmp_path / "p", {"accounts": accounts, "events": events}) as ours:
        how = {"start": "2024-02", "end": "2024-02", "as_of": "2024-04-01"}
        found = ours.show("activation_rate", by="country", **how)
        assert found.said == (
            "Small samples: a rate rests on fewer than 20 accounts in country=DE (3).",
        )
        assert ours.show("activation_rate", **how).said == ()
        assert ours.show("active_accounts", by="country", **how).said == ()


def test_small_segments_of_money_are_counted_in_accounts(tmp_path: Path) -> None:
    accounts = [
        {"account_id": f"a{n}", "country": "US" if n < 25 else "DE", "created_at": "2024-01-01"}
        for n in range(28)
    ]
    spans = [
        {"subscription_id": f"s{n}", "account_id": f"a{n}", "starts_at": "2023-01-01",
         "ends_at": "", "amount": str(1000 + n), "plan": "Pro" if n % 2 else "Max"}
        for n in range(28)
    ]
    with build(tmp_path / "p", {"accounts": accounts, "subscriptions": spans}) as ours:
        how = {"start": "2024-02", "end": "2024-02", "as_of": "2024-04-01"}
        for metric in ("nrr", "grr", "nrr_12m", "share_from_history", "net_revenue_churn"):
            found = ours.show(metric, by="country", **how)
            assert found.small == {("DE",): 3}, metric
            assert found.as_dict()["notes"] == [
                "Small samples: a rate rests on fewer than 20 accounts in country=DE (3)."
            ]
            assert ours.show(metric, **how).small == {}
            # Money adds up, however many plans an account has.
            by_plan = ours.show(metric, by="plan", **how)
            assert by_plan.is_additive
            assert by_plan.small == {("Max",): 14, ("Pro",): 14}
        both = ours.show("mrr", "nrr", "customer_churn_rate", by="country", **how)
        assert [row["value"] for row in both.rows if row["metric"] == "nrr"] == [1.0, 1.0]
        assert both.small == {("DE",): 3}


def test_without_events_nobody_knows_who_was_activated(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"accounts": "account_id created_at\na 2024-02-01"}) as ours:
        for metric in ("activation_rate", "time_to_first_value", "mau"):
            row = ours.show(metric, start="2024-02", end="2024-02", as_of="2024-04-01").rows[0]
            assert row["value"] is None, metric
            assert "no data is loaded" in row["why"], metric


def test_activation_events_can_be_named(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"accounts": "account_id created_at\na 2024-02-01"}) as ours:
        path = ours.folder / "staycurve.toml"
        path.write_text('activation = { events = ["import", "invite"], window_days = 7 }\n'
                        + path.read_text())
    with Company(tmp_path / "p", clock=lambda: dt.datetime(2024, 3, 5, tzinfo=dt.UTC)) as ours:
        load(ours, {"events": """
        event_id account_id event occurred_at
        e1 a view 2024-02-02
        e2 a invite 2024-02-06
        e3 a import 2024-02-09"""})
        how = {"as_of": "2024-03-01", "end": "2024-02"}
        assert asked(ours, "time_to_first_value", **how) == {"2024-02-01": 5}
        assert asked(ours, "activation_rate", **how) == {"2024-02-01": 1}
