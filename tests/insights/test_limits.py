"""Limits: who has an allowance, how much of it is used, and what the pace leads to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staycurve.errors import UsageError
from staycurve.workspace import Company
from tests.company import build

SETTINGS = """
[usage]
count = "n"

[[limits]]
feature = "call"
plan = "Pro"
allowance = 100

[[limits]]
feature = "call"
plan = "Max"
allowance = 1000

[[limits]]
feature = "seat"
allowance = 10
"""

TABLES = {
    "accounts": """
        account_id name country
        acme       Acme DE
        bolt       Bolt US
        crux       Crux US
        dune       Dune US
        eden       Eden US
        gone       Gone US""",
    "subscriptions": """
        subscription_id account_id plan starts_at  ends_at    status   amount
        s1              acme       Pro  2024-01-01 -          active   100
        s2              bolt       Pro  2024-01-01 -          active   50
        s3              bolt       Max  2024-01-01 -          active   500
        s4              crux       Pro  2024-06-01 2024-06-15 trialing 0
        s5              dune       Lite 2024-01-01 -          active   10
        s6              eden       Pro  2024-01-01 2024-06-05 active   70
        s7              gone       Pro  2024-01-01 2024-06-05 active   70""",
    "events": """
        event_id account_id event occurred_at properties
        e1       acme       call  2024-06-01  {"n":45}
        e2       acme       call  2024-06-10  {"n":40}
        e3       bolt       call  2024-06-03  {"n":120}
        e4       crux       call  2024-06-02  {"n":101}
        e5       dune       call  2024-06-02  {"n":500}
        e6       dune       seat  2024-06-02  {"n":8}
        e7       acme       call  2024-05-02  {"n":70}
        e8       acme       call  2024-05-31  {"n":1}
        e9       acme       call  2024-06-11  {"n":999}
        e10      bolt       call  2024-04-05  {"n":1}
        e11      crux       call  2024-06-10T13:00:00Z {"n":5}""",
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("limits") / "p", TABLES, end_reasons=SETTINGS) as found:
        yield found


def limited(company: Company, state: str) -> Any:
    return company.features.limited(feature="call", state=state, as_of="2024-06-11")


def test_utilisation_by_hand(company: Company) -> None:
    found = company.features.limits(as_of="2024-06-11", least=0)
    rows = {(row.account_id, row.feature): row for row in found.rows}
    # eden and gone have left; every plan has ten seats.
    assert {key for key in rows if key[1] == "call"} == {
        ("acme", "call"), ("bolt", "call"), ("crux", "call")
    }
    assert {key[0] for key in rows if key[1] == "seat"} == {"acme", "bolt", "crux", "dune"}
    acme = rows["acme", "call"]
    assert (acme.plan, acme.mrr, acme.uses, acme.allowance) == ("Pro", 100.0, 85, 100)
    assert (acme.utilisation, acme.status) == (0.85, "near")
    # Ten of thirty days have passed.
    assert acme.projected == pytest.approx(255)
    assert acme.is_projected_above
    # bolt has two plans; the larger allowance counts, its MRR is all of it.
    bolt = rows["bolt", "call"]
    assert (bolt.plan, bolt.allowance, bolt.mrr) == ("Max", 1000, 550.0)
    assert (bolt.utilisation, bolt.status, bolt.is_projected_above) == (
        0.12, "below", False
    )
    crux = rows["crux", "call"]
    assert (crux.status, crux.mrr, crux.uses) == ("above", 0.0, 106)
    assert rows["dune", "seat"].status == "near"
    assert [row.account_id for row in found.rows][:2] == ["crux", "acme"]


def test_the_summary_counts_everybody_and_the_list_the_fullest(company: Company) -> None:
    found = company.features.limits(as_of="2024-06-11")
    call = next(row for row in found.summary if row.feature == "call")
    assert (call.accounts, call.using, call.above, call.near, call.below) == (
        3, 3, 1, 1, 1
    )
    assert (call.projected_above, call.projected_above_mrr, call.near_mrr) == (2, 100, 100)
    assert [(row.account_id, row.feature) for row in found.rows] == [
        ("crux", "call"), ("acme", "call"), ("dune", "seat")
    ]
    assert found.left_out == 4
    for status in ("above", "near", "below"):
        assert limited(company, status).total["accounts"] == getattr(call, status)
    assert limited(company, "projected").total == {"accounts": 2, "mrr": 100.0}


def test_an_instant_cuts_the_day(company: Company) -> None:
    found = company.features.limits(as_of="2024-06-10T12:00:00Z", least=0)
    crux = next(row for row in found.rows if row.account_id == "crux")
    assert crux.uses == 101
    assert found.days_passed == pytest.approx(9.5)


def test_a_closed_month_is_what_it_came_to(company: Company) -> None:
    found = company.features.limits(period="2024-05", as_of="2024-06-11", least=0)
    acme = next(row for row in found.rows if row.account_id == "acme")
    assert (acme.uses, acme.projected) == (71, 71.0)
    # eden still was on Pro then.
    assert {row.account_id for row in found.rows if row.feature == "call"} == {
        "acme", "bolt", "eden", "gone"
    }


def test_the_projection_is_tried_on_closed_months(company: Company) -> None:
    # Ten of May's 31 days: acme's 70 uses by then would be 217, and came to 71.
    record = company.features.limits(as_of="2024-06-11").record
    # The first event is one of April: of March nothing is known.
    assert record.months == ("2024-04", "2024-05")
    assert record.judged_at == pytest.approx(10 / 30)
    assert (record.projected_only, record.projected_and_passed, record.passed_only) == (
        1, 0, 0
    )


def test_a_closed_month_is_projected_from_its_middle(tmp_path: Path) -> None:
    # Half of March are 16 days, of April and May 15 and 16 (half to even). acme has 60 of its 100
    # by then in March and ends at 60; in April 40, ends at 120; in May 70, ends at 140.
    uses = {"2024-03-16": 60, "2024-04-15": 40, "2024-04-16": 80, "2024-05-16": 70,
            "2024-05-31": 70, "2024-06-01": 1}
    events = [
        {"event_id": f"e{n}", "account_id": "acme", "event": "call", "occurred_at": day,
         "properties": f'{{"n": {count}}}'}
        for n, (day, count) in enumerate(uses.items())
    ]
    tables = {
        "accounts": "account_id\nacme",
        "subscriptions": (
            "subscription_id account_id plan starts_at amount\ns1 acme Pro 2024-01-01 1"
        ),
        "events": events,
    }
    with build(tmp_path / "p", tables, end_reasons=SETTINGS) as company:
        # Asked of a month that is over, or late in an open one: judged at the middle all the same.
        for asked in ({"period": "2024-06", "as_of": "2024-07-20"}, {"as_of": "2024-06-28"}):
            record = company.features.limits(**asked).record
            assert record.judged_at == 0.5
            assert (record.projected_only, record.projected_and_passed, record.passed_only) == (
                1, 1, 1
            )
            said = company.features.limits(**asked).said()
            assert "Tried after" in said[0].text


def test_a_segment_and_an_early_month(company: Company) -> None:
    found = company.features.limits(as_of="2024-06-03", where="country=DE", least=0)
    assert {row.account_id for row in found.rows} == {"acme"}
    assert found.notes


def test_without_limits_it_says_so(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"accounts": TABLES["accounts"]}) as company:
        assert company.features.limits().why == "staycurve.toml states no [[limits]]"


def test_an_allowance_is_that_of_a_month(company: Company) -> None:
    with pytest.raises(UsageError, match="is not a month"):
        company.features.limits(period="2024-Q2", as_of="2024-06-11")
    with pytest.raises(UsageError, match="begins after"):
        company.features.limits(period="2024-07", as_of="2024-06-11")
