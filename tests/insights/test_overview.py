"""The morning's page: the ten metrics, what changed in a week, and whom to call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import UnknownNameError
from staycurve.workspace import Company
from tests.company import build

# The last day is 30 June 2024. Paying then: acme 300, bolt 80, crux 50 (past due), dune 60,
# echo 40; fern left on 28 June, and gala began on 26 June.
TABLES: dict[str, str] = {
    "accounts": """
        account_id name  industry owner
        acme       Acme  EdTech   Ana
        bolt       Bolt  EdTech   Ben
        crux       Crux  Health   Ana
        dune       Dune  Health   Ben
        echo       Echo  Health   -
        fern       Fern  EdTech   Ana
        gala       Gala  Health   Ana""",
    "subscriptions": """
    subscription_id account_id plan status starts_at ends_at amount renews_at cancel_requested_at
    s1 acme Pro active 2024-01-01 2024-06-27 200 - -
    s1 acme Pro active 2024-06-27 - 300 2024-07-20 -
    s2 bolt Pro active 2024-01-01 2024-07-31 80 - 2024-06-25
    s3 crux Pro active 2024-02-01 2024-06-20 50 - -
    s3 crux Pro past_due 2024-06-20 - 50 - -
    s4 dune Pro active 2024-03-01 - 60 2024-09-01 -
    s5 echo Pro active 2024-03-01 - 40 - -
    s6 fern Pro active 2024-03-01 2024-06-28 30 - -
    s7 gala Pro active 2024-06-26 - 70 - -""",
    "events": """
        event_id account_id user_id event occurred_at
        e1       acme       u1      open  2024-06-29
        e2       dune       u2      open  2024-06-10
        e3       echo       u3      open  2024-04-01
        e4       gala       u4      open  2024-06-30""",
    "tickets": """
        ticket_id account_id opened_at  solved_at  reopened_at
        t1        acme       2024-06-12 -          -
        t2        acme       2024-06-26 -          -
        t3        dune       2024-06-01 2024-06-03 2024-06-05
        t4        echo       2024-01-05 -          -
        t5        bolt       2024-06-20 2024-06-21 -""",
    "answers": """
        answer_id survey kind account_id answered_at score scale_max comment
        a1        q2     nps  acme       2024-05-10  3     10        too_slow
        a2        q2     nps  acme       2024-06-10  9     10        better_now
        a3        q2     nps  echo       2024-06-25  6     10        -
        a4        chat   csat dune       2024-06-26  2     5         no_help
        a5        chat   csat bolt       2024-06-27  5     5         great""",
}
AS_OF = "2024-07-01"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = build(tmp_path_factory.mktemp("morning") / "project", TABLES)
    yield made
    made.close()


def test_whom_to_call_is_paying_and_has_a_signal(company: Company) -> None:
    found = company.overview.calls(as_of=AS_OF)
    # t4 is older than 90 days; a1 was followed by a better answer; bolt's ticket is solved; gala
    # has no signal; fern does not pay any more.
    assert [
        (row.account_id, row.mrr, [(one.signal, str(one.since)) for one in row.reasons])
        for row in found.rows
    ] == [
        ("acme", 300, [("renewal_near", "2024-07-20"), ("old_ticket", "2024-06-12")]),
        ("dune", 60, [("use_stopped", "2024-06-10"), ("old_ticket", "2024-06-05"),
                      ("unhappy_answer", "2024-06-26")]),
        ("bolt", 80, [("cancellation_requested", "2024-06-25")]),
        ("crux", 50, [("payment_failing", "2024-06-20")]),
        ("echo", 40, [("unhappy_answer", "2024-06-25")]),
    ]
    assert found.mrr == 530
    assert {row.signal: (row.accounts, row.mrr) for row in found.signals} == {
        "payment_failing": (1, 50), "cancellation_requested": (1, 80), "renewal_near": (1, 300),
        "use_stopped": (1, 60), "old_ticket": (2, 360), "unhappy_answer": (2, 100),
    }
    assert found.rows[0].name == "Acme"
    assert found.rows[0].owner == "Ana"


def test_calls_of_an_owner_a_signal_and_a_segment(company: Company) -> None:
    def called(**asked: str) -> list[str]:
        return [row.account_id for row in company.overview.calls(as_of=AS_OF, **asked).rows]

    assert called(owner="Ana") == ["acme", "crux"]
    assert called(signal="old_ticket") == ["acme", "dune"]
    assert called(where="industry=EdTech") == ["acme", "bolt"]
    with pytest.raises(UnknownNameError, match="old_tickets"):
        called(signal="old_tickets")


def test_what_is_not_loaded_is_said_and_is_no_signal(tmp_path: Path) -> None:
    tables = {name: TABLES[name] for name in ("accounts", "subscriptions")}
    with build(tmp_path / "project", tables) as few:
        found = few.overview.calls(as_of=AS_OF)
    assert [row.account_id for row in found.rows] == ["acme", "bolt", "crux"]
    assert len(found.notes) == 3
    assert any("use stopped is not known" in note for note in found.notes)


def test_what_changed_in_a_week(company: Company) -> None:
    found = company.overview.changes(as_of=AS_OF)
    assert (str(found.first_day), str(found.last_day)) == ("2024-06-24", "2024-06-30")
    assert [(row.account_id, str(row.day), row.kind, row.mrr) for row in found.rows] == [
        ("acme", "2024-06-27", "expansion", 100),
        ("bolt", "2024-06-25", "cancellation_requested", 80),
        ("gala", "2024-06-26", "new", 70),
        ("fern", "2024-06-28", "churn", -30),
        ("acme", "2024-06-26", "ticket_opened", None),
        ("dune", "2024-06-26", "unhappy_answer", None),
        ("echo", "2024-06-25", "unhappy_answer", None),
    ]
    assert found.net_new_mrr == 140
    # The week before: bolt's ticket of 20 June.
    assert {row.kind: (row.count, row.count_before, row.mrr) for row in found.kinds} == {
        "new": (1, 0, 70), "expansion": (1, 0, 100), "churn": (1, 0, -30),
        "cancellation_requested": (1, 0, 80), "ticket_opened": (1, 1, None),
        "unhappy_answer": (2, 0, None),
    }


def test_rows_of_one_kind_are_those_of_its_sum(company: Company) -> None:
    whole = company.overview.changes(as_of=AS_OF, days=60)
    assert len(whole.kinds) >= 5
    for one in whole.kinds:
        own = company.overview.changes(as_of=AS_OF, days=60, kind=one.kind)
        assert len(own.rows) == one.count
        assert {row.kind for row in own.rows} <= {one.kind}
        if one.mrr is not None:
            assert sum(row.mrr or 0 for row in own.rows) == one.mrr


def test_nothing_in_a_week_says_so(company: Company) -> None:
    found = company.overview.changes(as_of="2024-01-20")
    assert (found.rows, found.why) == ((), "nothing changed in these days")


def test_the_ten_with_the_month_before(company: Company) -> None:
    found = company.overview.ten(as_of=AS_OF)
    assert (found.period, found.compared_with) == ("2024-06-01", "2024-05-01")
    rows = {row.metric: row for row in found.rows}
    assert [row.metric for row in found.rows if not row.part_of] == [
        "nps", "clv_margin", "nrr_12m", "crc", "customer_churn_rate", "csat", "fcr", "mrr", "arr",
    ]
    # Paid at the close of June: 300 + 80 + 50 + 60 + 40 + 70; of May: 200 + 80 + 50 + 60 + 40 + 30.
    assert (rows["mrr"].value, rows["mrr"].before, rows["mrr"].change) == (600, 460, 140)
    assert (rows["mrr"].low, rows["mrr"].high) == (0, 600)
    # Six paid when June opened, fern does not when it closes.
    assert rows["customer_churn_rate"].value == pytest.approx(1 / 6)
    assert rows["customer_churn_rate"].before == 0
    # June: one promoter, one detractor. May: one detractor. CSAT of June: one of two.
    assert (rows["nps"].value, rows["nps"].before) == (0, -100)
    assert (rows["csat"].value, rows["csat"].before) == (0.5, None)
    assert rows["voluntary_churned_mrr"].part_of == "customer_churn_rate"
    assert rows["crc"].value is None
    assert rows["crc"].why


def test_what_customers_wrote_is_the_tenth(company: Company) -> None:
    found = company.overview.ten(as_of=AS_OF)
    assert (found.comments, found.comments_before) == (3, 1)
    assert [(row.account_id, row.comment) for row in found.feedback] == [
        ("bolt", "great"), ("dune", "no help"), ("acme", "better now"),
    ]
    own = company.overview.ten(as_of=AS_OF, where="industry=EdTech")
    assert (own.comments, own.comments_before) == (2, 1)


def test_the_ten_beside_a_year_ago_and_at_another_grain(company: Company) -> None:
    found = company.overview.ten(as_of=AS_OF, compare="year")
    assert found.compared_with == "2023-06-01"
    assert company.overview.ten(as_of=AS_OF, grain="quarter").compared_with == "2024-01-01"
    assert company.overview.ten(as_of=AS_OF, period="2024-03").period == "2024-03-01"


def test_a_metric_that_no_filter_cuts_says_so_and_leaves_the_others(company: Company) -> None:
    rows = {
        row.metric: row
        for row in company.overview.ten(as_of=AS_OF, where="industry=EdTech").rows
    }
    assert rows["mrr"].value == 380
    assert rows["csat"].value == 1
    assert rows["crc"].value is None
    assert rows["crc"].why
