"""The rows behind numbers of the pages of behaviour, counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.web.findings.asking import opened, panel, says_what_is_wrong
from tests.web.findings.by_hand import AS_OF, by_hand

Row = dict[str, Any]


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Five accounts."""
    company = by_hand(tmp_path_factory.mktemp("hand") / "project")
    yield company
    company.close()


@pytest.fixture(scope="module")
def served(hand: Company) -> TestClient:
    """A client of the application that serves them."""
    return TestClient(create_app(hand), raise_server_exceptions=False)


def who(client: TestClient, href: str, key: str = "account_id") -> list[str]:
    """Whom the rows at an address name, in order, as of the end of April."""
    joint = "&" if "?" in href else "?"
    found = opened(client, f"{href}{joint}as_of={AS_OF}")
    return sorted(str(row[key]) for row in found["rows"])


def at(path: str) -> str:
    """An address as of the end of April."""
    return f"{path}{'&' if '?' in path else '?'}as_of={AS_OF}"


@pytest.mark.parametrize(("figure", "expected"), [
    ("dau", ["dune"]), ("wau", ["acme", "dune", "echo"]), ("mau", ["acme", "dune", "echo"]),
])
def test_accounts_active_on_the_days_of_a_figure(
    served: TestClient, figure: str, expected: list[str]
) -> None:
    href = f"/usage/activity?whose=account&members={figure}"
    assert who(served, href) == expected
    told = panel(served, at("/usage?whose=account"), "figures")["rows"]
    assert {row["figure"]: row["value"] for row in told}[figure] == str(len(expected))


def test_a_power_user_opens_to_what_was_done_day_by_day(served: TestClient) -> None:
    found = opened(served, at("/usage/uses?who=u1"))
    assert [(row["day"], row["feature"], row["uses"]) for row in found["rows"]] == [
        ("2024-04-29", "report", 1), ("2024-04-10", "report", 2),
        ("2024-04-10", "board", 1),
    ]
    assert found["total"]["uses"] == 4
    assert found["total"]["active_days"] == 2
    assert found["total"]["features"] == 2
    power = panel(served, at("/usage"), "power")["rows"]
    for row in power:
        total = opened(served, row["rows_at"])["total"]
        assert [total[name] for name in ("uses", "active_days", "features")] == [
            row[name] for name in ("uses", "active_days", "features")]
    account = opened(served, at("/usage/uses?whose=account&who=acme"))
    assert account["total"]["uses"] == 5


def test_who_is_active_in_a_month_is_new_returning_and_resurrecting(served: TestClient) -> None:
    href = "/usage/lifecycle?members=2024-04-01:active"
    assert who(served, href, "user_id") == ["u1", "u2", "u5", "u6"]


def test_all_cohorts_together_open_to_those_whose_period_has_closed(served: TestClient) -> None:
    href = "/usage/retention?whose=account&members=all:2"
    assert who(served, href + "&is_back=true") == ["dune"]
    assert who(served, href) == ["acme", "bolt", "crux", "dune"]
    totals = panel(served, at("/usage?whose=account"), "retention")["totals"]
    told = {row["age"]: (row["returned"], row["size"]) for row in totals}
    assert told[2] == (1, 4)
    assert told[0] == (5, 5)
    assert len(who(served, "/usage/retention?whose=account&members=all:0")) == 5


def test_who_is_still_in_time_has_not_taken_the_next_step(served: TestClient) -> None:
    funnel = "whose=user&step1=signup&step2=project&window=14d"
    href = "/usage/funnel?whose=user&steps=signup&steps=project&window=14d"
    assert who(served, f"{href}&pending=1", "user_id") == ["u6"]
    assert who(served, f"{href}&members=1", "user_id") == ["u5", "u6"]
    rows = panel(served, at(f"/usage?{funnel}"), "funnel")["rows"]
    assert [row["pending"] for row in rows] == [1, 0]


def test_seconds_since_the_step_before_stand_beside_who_took_it(served: TestClient) -> None:
    steps = "step1=report&step2=board&window=14d"
    found = opened(served, at("/usage/funnel?steps=report&steps=board&members=2"))
    told = panel(served, at(f"/usage?{steps}"), "funnel")["rows"][1]
    assert [row["seconds"] for row in found["rows"]] == [told["median_seconds"]] == [600]


def test_every_path_and_the_other_paths_open(served: TestClient, hand: Company) -> None:
    every = opened(served, at("/usage/paths?anchor=report&members=all"))
    assert every["total"]["rows"] == 8
    none = opened(served, at("/usage/paths?anchor=report&members=1"))
    assert none["total"]["rows"] == 6
    assert none["total"]["users"] == 4
    paths = hand.usage.paths(anchor="report", listed=1, as_of=AS_OF)
    other = [row.done_at for row in paths.other_users().rows]
    assert other == ["2024-04-10T09:00:00+00:00", "2024-04-10T09:10:00+00:00"]
    assert [row.count for row in paths.rows if row.is_other] == [len(other)]


def test_accounts_open_by_how_many_features_they_use(served: TestClient) -> None:
    rows = panel(served, at("/features?period=2024-04"), "breadth")["rows"]
    assert [(row["features"], row["accounts"]) for row in rows] == [(1, 1), (2, 2)]
    assert who(served, "/features/accounts?period=2024-04&part=breadth&breadth=1") == ["dune"]
    assert who(served, "/features/accounts?period=2024-04&part=breadth&breadth=2") == [
        "acme", "echo"]
    assert opened(served, at("/features/accounts?period=2024-04&part=breadth"))["total"][
        "features"] == 5


def test_what_an_account_used_of_its_limit_opens_by_user_and_day(served: TestClient) -> None:
    found = opened(
        served, at("/features/uses?period=2024-04&feature=report&account=acme"))
    assert [(row["user_id"], row["day"], row["uses"]) for row in found["rows"]] == [
        ("u1", "2024-04-02", 1), ("u1", "2024-04-10", 2), ("u1", "2024-04-29", 1),
        ("u2", "2024-04-29", 1),
    ]
    limits = panel(served, at("/features?period=2024-04"), "limits")["rows"]
    assert {row["account_id"]: row["uses"] for row in limits}["acme"] == found["total"]["uses"] == 5
    assert who(served, "/features/limits?period=2024-04&state=close") == ["acme"]


@pytest.mark.parametrize(("state", "expected"), [
    ("did", ["acme", "bolt"]), ("did_paying", ["acme"]), ("did_active", ["acme"]),
    ("did_not", ["crux"]), ("did_not_paying", []), ("did_not_active", []),
])
def test_both_sides_of_what_goes_with_staying_open(
    served: TestClient, state: str, expected: list[str]
) -> None:
    assert who(served, f"/activation/steps?step=project&state={state}") == expected


def test_the_comparison_counts_those_that_open(served: TestClient) -> None:
    told = [
        row for row in panel(served, at("/activation"), "later")["rows"]
        if row["step"] == "project"
    ]
    assert len(told) == 2
    for row in told:
        for side, href in (("users", row["rows_at"]), ("others", row["others_at"])):
            assert opened(served, href)["total"]["accounts"] == row[side]["count"]
            whole = href.replace(f"_{row['outcome']}", "")
            assert opened(served, whole)["total"]["accounts"] == row[side]["size"]


def test_the_curve_opens_to_who_is_not_there_and_who_is(served: TestClient) -> None:
    rows = panel(served, at("/activation"), "curve")["rows"]
    assert [(row["time"], row["at_risk"], row["events"]) for row in rows] == [
        (1, 5, 1), (2, 4, 1)]
    assert who(served, "/activation/accounts?part=signed_up&from_day=2") == [
        "bolt", "crux", "dune", "echo"]
    assert who(served, "/activation/accounts?part=activated&by_day=2") == ["acme", "bolt"]


@pytest.mark.parametrize(("query", "expected"), [
    ("part=converted&feature=report", ["acme", "bolt"]),
    ("part=converted&without=report", ["dune"]),
    ("part=not_converted&feature=report", []),
    ("part=not_converted&without=report", ["crux"]),
    ("part=left&within=3&end_class=voluntary", ["bolt"]),
    ("part=left&within=3&end_class=involuntary", []),
    ("part=left&within=1&end_class=voluntary", []),
])
def test_trials_open_on_both_sides(served: TestClient, query: str, expected: list[str]) -> None:
    assert who(served, f"/trials/accounts?{query}") == expected


def test_leads_that_are_old_enough_open(served: TestClient) -> None:
    leads = "/acquisition/leads?to=2024-04"
    assert who(served, leads, "lead_id") == ["l1", "l2", "l3"]
    assert who(served, leads + "&step=mature", "lead_id") == ["l1"]
    assert who(served, leads + "&step=qualified", "lead_id") == ["l1"]


@pytest.mark.parametrize(("address", "column", "expected"), [
    ("/acquisition/reach?period=2024-04", "count", [10, 5, 7]),
    ("/acquisition/reach?period=2024-04&where=channel=ads", "count", [10, 5]),
    ("/acquisition/reach?period=2024-04&kind=mentions", "count", [3]),
    ("/acquisition/spend?period=2024-04", "amount", [300, 80, 20]),
    ("/acquisition/spend?period=2024-04&where=channel=web", "amount", [20]),
])
def test_visits_and_spend_open_to_what_was_loaded(
    served: TestClient, address: str, column: str, expected: list[int]
) -> None:
    found = opened(served, at(address))
    assert [row[column] for row in found["rows"]] == expected
    assert found["total"][column] == sum(expected)


def test_visits_cannot_be_cut_by_what_they_do_not_carry(served: TestClient) -> None:
    found = panel(served, at("/acquisition/reach?period=2024-04&where=industry=EdTech"), "rows")
    assert "visits and spend do not carry it" in found["why"]


def test_what_channels_brought_is_what_opens(served: TestClient) -> None:
    told = panel(served, at("/acquisition?period=2024-04"), "channels")
    april = [row for row in told["totals"] if row["period"] == "2024-04-01"]
    assert [(row["visits"], row["spend"]) for row in april] == [(22, 400)]


def test_referred_accounts_open_by_whether_they_pay(served: TestClient) -> None:
    referred = "/acquisition/referred"
    assert who(served, referred) == ["bolt", "crux", "dune", "echo"]
    assert who(served, f"{referred}?state=ever_paid") == ["bolt", "dune"]
    assert who(served, f"{referred}?state=paying") == ["dune"]
    assert who(served, f"{referred}?state=paying&referrer=bolt") == []


def test_referrals_and_quality_can_be_cut(served: TestClient) -> None:
    path = at("/acquisition?period=2024-04&where=industry=Health")
    summary = panel(served, path, "referrals")["summary"]
    assert (summary["referred"], summary["accounts"], summary["paying"]) == (2, 2, 1)
    assert who(served, "/acquisition/referred?where=industry=Health") == ["bolt", "dune"]
    quality = {row["channel"]: row for row in panel(served, path, "quality")["rows"]}
    assert quality["ads"]["activation"]["size"] == 1
    assert quality["web"]["customers"] == 1
    assert quality["web"]["mrr"] == 60


def test_a_retention_of_a_channel_opens(served: TestClient) -> None:
    stayed = "/acquisition/stayed?age=3"
    assert who(served, f"{stayed}&where=channel=ads&is_kept=true") == ["acme"]
    assert who(served, f"{stayed}&where=channel=ads") == ["acme", "bolt"]
    assert who(served, "/acquisition/stayed?age=2&is_kept=true") == ["acme", "dune"]
    assert who(served, f"{stayed}&where=referred_by!=") == ["bolt"]
    quality = {
        row["channel"]: row
        for row in panel(served, at("/acquisition?period=2024-04"), "quality")["rows"]
    }
    kept = next(one for one in quality["ads"]["retention"] if one["age"] == 3)
    assert (kept["retained"], kept["size"]) == (1, 2)


def test_visits_of_a_stage_open_with_their_end(served: TestClient) -> None:
    found = opened(served, at("/lifecycle/visits?stage=lapsed"))
    # 90 days after it became known, crux is no longer new.
    assert [(row["account_id"], row["starts_on"]) for row in found["rows"]] == [
        ("bolt", "2024-03-10"), ("crux", "2024-04-11")]
    crux = opened(served, at("/lifecycle/visits?stage=awareness"))["rows"]
    assert [(row["starts_on"], row["ends_on"], row["days"]) for row in crux] == [
        ("2024-02-25", "2024-04-11", 46)]
    for row in panel(served, at("/lifecycle"), "times")["rows"]:
        visits = f"/lifecycle/visits?stage={row['stage']}"
        assert opened(served, at(visits))["total"]["rows"] == row["visits"]
        assert opened(served, at(visits + "&has_ended=true"))["total"]["rows"] == row["left"]


@pytest.mark.parametrize("path", [
    "/usage/activity?members=nope", "/usage/funnel?steps=signup&steps=board&members=1:fled",
    "/usage/paths?anchor=report&members=some", "/features/accounts?part=breadth&breadth=0",
    "/features/accounts?part=active&breadth=2", "/features/limits?state=far",
    "/trials/accounts?part=started&without=report",
    "/trials/accounts?part=started&end_class=voluntary",
    "/acquisition/stayed?age=0", "/acquisition/referred?state=rich",
    "/acquisition/reach?period=2024-04&kind=fame", "/lifecycle/visits?stage=nope",
    "/activation/accounts?by_day=-1",
])
def test_what_cannot_be_read_is_said(served: TestClient, path: str) -> None:
    assert says_what_is_wrong(served, path)
