"""The official client loads a company; MRR is worked out by hand."""

from __future__ import annotations

import chartmogul
import pytest

from tests.chartmogul.mogul import Mogul, line


def test_a_company_loads_and_has_the_mrr_of_its_invoices(mogul: Mogul) -> None:
    source = mogul.source()
    acme, bolt = mogul.customer(source, "acme"), mogul.customer(source, "bolt", country="DE")
    pro, year = mogul.plan(source), mogul.plan(source, "Pro yearly", "year")
    made = mogul.bill(
        acme, "i1",
        line(pro, "2026-01-01 00:00:00", "2026-02-01 00:00:00", 5950, tax_amount_in_cents=950,
             discount_amount_in_cents=1000, transaction_fees_in_cents=200, event_order=1),
        {"type": "one_time", "amount_in_cents": 99900, "description": "Setup"},
        transactions=[
            {"type": "payment", "date": "2026-01-01", "result": "failed", "external_id": "t1"},
            {"type": "payment", "date": "2026-01-03", "result": "successful"},
        ],
    )
    invoice = made.invoices[0]
    assert invoice.external_id == "i1"
    assert invoice.line_items[0].amount_in_cents == 5950
    assert invoice.line_items[0].subscription_uuid.startswith("sub_")
    assert invoice.transactions[0].result == "failed"
    mogul.bill(acme, "i2", line(pro, "2026-02-01", "2026-03-01", 5000))
    mogul.bill(bolt, "i3", line(year, "2026-01-15", "2027-01-15", 120000, subscription="s2"))
    # Acme pays 59.50 with 9.50 of tax, Bolt 1,200 a year.
    assert mogul.mrr("2025-12-31", "2026-01-14", "2026-01-15", "2026-02-28", "2026-03-01") == [
        0, 50, 150, 150, 100
    ]
    company = mogul.company
    with company.reading() as engine:
        assert engine.rows(
            "SELECT account_id, invoice_id, amount, discount_amount, kind, invoice_status "
            "FROM invoice_lines ORDER BY invoice_id, kind"
        ) == [
            ("acme", "i1", 50_000_000, 10_000_000, "base", "paid"),
            ("acme", "i1", 999_000_000, None, "one_time", "paid"),
            ("acme", "i2", 50_000_000, None, "base", "open"),
            ("bolt", "i3", 1_200_000_000, None, "base", "open"),
        ]
        # Nobody said how much: the whole invoice with its tax.
        assert engine.rows(
            "SELECT account_id, invoice_id, amount, paid_on, failed_on FROM payments ORDER BY 5"
        )[0][2] == 1_058_500_000
        assert engine.rows("SELECT account_id, country FROM accounts ORDER BY 1") == [
            ("acme", None), ("bolt", "DE")
        ]


def test_what_is_there_already_is_refused_and_changes_nothing(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 5000))
    with pytest.raises(chartmogul.APIError, match="already exists"):
        mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 7000))
    with pytest.raises(chartmogul.APIError, match="already exists"):
        mogul.customer(source)
    with pytest.raises(chartmogul.APIError, match="already been taken"):
        mogul.source()
    assert mogul.mrr("2026-01-10") == [50]


def test_of_several_invoices_those_that_are_right_are_taken(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    right = {"external_id": "i1", "date": "2026-01-01", "currency": "USD",
             "line_items": [line(pro, "2026-01-01", "2026-02-01", 5000)]}
    wrong = {"external_id": "i2", "date": "2026-13-01", "currency": "USD",
             "line_items": [{**line(pro, "2026-01-01", "2026-02-01", 5000), "plan_uuid": "pl_0"}]}
    answer = mogul.refused("POST", f"/import/customers/{acme.uuid}/invoices",
                           json={"invoices": [right, wrong, 7]})
    assert answer.status_code == 422
    told = answer.json()["invoices"]
    assert [bool(one["errors"]) for one in told] == [False, True, True]
    assert told[1]["errors"] == {"date": "is not a date in ISO 8601"}
    assert mogul.mrr("2026-01-10") == [50]


def test_a_cancellation_ends_a_subscription_on_its_day(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 5000))
    with pytest.deprecated_call():
        listed = chartmogul.CustomerSubscription.list_imported(
            mogul.config, uuid=acme.uuid
        ).get()
    uuid = listed.subscriptions[0].uuid
    chartmogul.CustomerSubscription.cancel(
        mogul.config, uuid=uuid, data={"cancelled_at": "2026-01-21 00:00:00"}
    ).get()
    assert mogul.mrr("2026-01-20", "2026-01-21") == [50, 0]
    assert mogul.mrr("2026-01-21", metric="churned_mrr") == [50]
    changed = chartmogul.CustomerSubscription.modify(
        mogul.config, uuid=uuid, data={"cancellation_dates": []}
    ).get()
    assert changed.cancellation_dates == []
    assert mogul.lines("canceled_at") == [(None,)]


def test_subscription_events_end_subscriptions_until_they_are_taken_back(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 5000))

    def ended() -> str | None:
        (at,) = mogul.lines("canceled_at")[0]
        return None if at is None else at[:10]

    event = chartmogul.SubscriptionEvent.create(mogul.config, data={"subscription_event": {
        "external_id": "e1", "data_source_uuid": source.uuid, "customer_external_id": "acme",
        "event_type": "subscription_cancellation_scheduled", "event_date": "2026-01-05",
        "effective_date": "2026-01-11", "subscription_external_id": "s1",
    }}).get()
    assert mogul.mrr("2026-01-10", "2026-01-11") == [50, 0]
    chartmogul.SubscriptionEvent.modify_with_params(
        mogul.config, data={"id": event.id, "effective_date": "2026-01-21"}
    ).get()
    assert ended() == "2026-01-21"
    chartmogul.SubscriptionEvent.disable(mogul.config, id=event.id).get()
    assert ended() is None
    chartmogul.SubscriptionEvent.enable(
        mogul.config, external_id="e1", data_source_uuid=source.uuid
    ).get()
    assert ended() == "2026-01-21"
    listed = chartmogul.SubscriptionEvent.all(mogul.config, external_id="e1").get()
    assert [one.id for one in listed.subscription_events] == [event.id]
    chartmogul.SubscriptionEvent.create(mogul.config, data={"subscription_event": {
        "data_source_uuid": source.uuid, "customer_external_id": "acme",
        "event_type": "subscription_event_retracted", "event_date": "2026-01-06",
        "effective_date": "2026-01-06", "retracted_event_id": "e1",
    }}).get()
    assert ended() is None
    assert mogul.mrr("2026-01-21") == [50]
    chartmogul.SubscriptionEvent.destroy_with_params(mogul.config, data={"id": event.id}).get()
    assert chartmogul.SubscriptionEvent.all(
        mogul.config, event_type="subscription_cancellation_scheduled"
    ).get().subscription_events == []


def test_what_is_disabled_voided_or_deleted_counts_for_nothing(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    made = mogul.bill(
        acme, "i1", line(pro, "2026-01-01", "2026-02-01", 5000),
        line(pro, "2026-01-01", "2026-02-01", 2000, subscription="s2"),
    ).invoices[0]

    def states() -> list[str]:
        return [state for _, state in sorted(mogul.lines("amount", "invoice_status"))]

    assert states() == ["open", "open"]
    chartmogul.LineItem.disable(
        mogul.config, uuid=made.line_items[0].uuid, data={"disabled": True}
    ).get()
    assert states() == ["open", "void"]
    chartmogul.Invoice.disable(mogul.config, uuid=made.uuid, data={"disabled": True}).get()
    assert states() == ["void", "void"]
    chartmogul.Invoice.disable(mogul.config, uuid=made.uuid, data={"disabled": False}).get()
    assert states() == ["open", "void"]
    assert mogul.mrr("2026-01-10") == [20]
    for state, ours in (("voided", "void"), ("written_off", "uncollectible")):
        chartmogul.Invoice.update_status(
            mogul.config, data_source_uuid=source.uuid, external_id="i1", data={"status": state}
        ).get()
        assert states() == [ours, "void"]
    chartmogul.Invoice.destroy(mogul.config, uuid=made.uuid).get()
    mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 9000))
    assert mogul.mrr("2026-01-10") == [90]
    chartmogul.Customer.destroy(mogul.config, uuid=acme.uuid).get()
    assert set(states()) == {"void"}


def test_prorated_lines(mogul: Mogul) -> None:
    source = mogul.source()
    pro, team = mogul.plan(source), mogul.plan(source, "Team")
    june = ("2026-06-01", "2026-07-01")
    rest = ("2026-06-16", "2026-07-01")
    # More of the same: 25 for half of June is 50 more a month.
    more = mogul.customer(source, "more")
    mogul.bill(more, "a1", line(pro, *june, 5000, subscription="more"))
    mogul.bill(more, "a2", line(pro, *rest, 2500, subscription="more", prorated=True))
    # Another plan, with a credit beside it: 80 for half of June is 160 a month.
    other = mogul.customer(source, "other")
    mogul.bill(other, "b1", line(pro, *june, 10000, subscription="other"))
    mogul.bill(other, "b2", line(pro, *rest, -5000, subscription="other", prorated=True),
               line(team, *rest, 8000, subscription="other", prorated=True))
    # Less, told as a difference: 10 less for half of June is 20 less a month.
    less = mogul.customer(source, "less")
    mogul.bill(less, "c1", line(pro, *june, 10000, subscription="less"))
    mogul.bill(less, "c2", line(pro, *rest, -1000, subscription="less", prorated=True,
                                proration_type="differential"))
    assert mogul.mrr("2026-06-15") == [250]
    rows = mogul.company.accounts(
        "mrr", period="2026-06-20", grain="day", as_of="2026-11-20"
    ).rows
    assert {row["account_id"]: row["value"] for row in rows} == {
        "more": 100, "other": 160, "less": 80
    }


def test_a_line_without_an_end_lasts_as_long_as_its_plan(mogul: Mogul) -> None:
    source = mogul.source()
    acme, quarter = mogul.customer(source), mogul.plan(source, "Quarterly", "month", 3)
    bill = line(quarter, "2026-01-31", "", 30000)
    mogul.bill(acme, "i1", bill)
    assert mogul.mrr("2026-01-31", "2026-04-29", "2026-04-30") == [100, 100, 0]


def test_refunds_move_no_mrr(mogul: Mogul) -> None:
    source = mogul.source()
    acme, pro = mogul.customer(source), mogul.plan(source)
    made = mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", 5000), transactions=[
        {"type": "payment", "date": "2026-01-02", "result": "successful"},
    ]).invoices[0]
    chartmogul.Transaction.create(mogul.config, uuid=made.uuid, data={
        "type": "refund", "date": "2026-01-09", "result": "successful", "amount_in_cents": 2000,
    }).get()
    assert mogul.mrr("2026-01-10") == [50]
    with mogul.company.reading() as engine:
        assert engine.rows(
            "SELECT amount, refunded_amount, paid_on IS NULL FROM payments ORDER BY 1 DESC"
        ) == [(50_000_000, 20_000_000, False), (0, None, True)]


def test_two_sources_may_use_the_same_ids(mogul: Mogul) -> None:
    first, second = mogul.source("One"), mogul.source("Two")
    for source, cents in ((first, 5000), (second, 7000)):
        acme, pro = mogul.customer(source), mogul.plan(source)
        mogul.bill(acme, "i1", line(pro, "2026-01-01", "2026-02-01", cents))
    assert mogul.mrr("2026-01-10") == [120]
    assert mogul.mrr("2026-01-10", metric="customers") == [2]
    chartmogul.DataSource.destroy(mogul.config, uuid=second.uuid).get()
    assert mogul.mrr("2026-01-10") == [50]


def test_merged_customers_are_one(mogul: Mogul) -> None:
    source = mogul.source()
    pro = mogul.plan(source)
    for name in ("acme", "acme-eu"):
        mogul.bill(mogul.customer(source, name), name,
                   line(pro, "2026-01-01", "2026-02-01", 5000, subscription=name))
    chartmogul.Customer.merge(mogul.config, data={
        "from": {"external_id": "acme-eu", "data_source_uuid": source.uuid},
        "into": {"external_id": "acme", "data_source_uuid": source.uuid},
    }).get()
    assert mogul.mrr("2026-01-10", metric="customers") == [1]
    assert mogul.mrr("2026-01-10") == [100]


def test_a_bulk_import_says_what_became_of_each_part(mogul: Mogul) -> None:
    source = mogul.source()
    made = chartmogul.JsonImport.create(mogul.config, data_source_uuid=source.uuid, data={
        "external_id": "batch", "customers": [{"external_id": "acme", "name": "Acme"}],
        "plans": [{"name": "Pro", "external_id": "pro", "interval_count": 1,
                   "interval_unit": "month"}],
        "invoices": [{"external_id": "i1", "customer_external_id": "acme", "currency": "USD",
                      "date": "2026-01-01"}],
        "line_items": [
            {"invoice_external_id": "i1", "type": "subscription", "amount_in_cents": 9900,
             "quantity": 5, "plan_external_id": "pro", "subscription_external_id": "s1",
             "service_period_start": "2026-01-01", "service_period_end": "2026-02-01"},
            {"invoice_external_id": "i9", "type": "one_time", "amount_in_cents": 1},
        ],
        "transactions": [{"invoice_external_id": "i1", "type": "payment",
                          "result": "successful", "date": "2026-01-01"}],
    }).get()
    again = chartmogul.JsonImport.retrieve(
        mogul.config, data_source_uuid=source.uuid, id=made.id
    ).get()
    assert again.status == "failed"
    assert again.status_details["invoices"] == {"status": "imported", "imported": 1}
    assert again.status_details["line_items"]["errors"] == {
        "1": {"invoice_external_id": "Invoice not found"}
    }
    assert mogul.mrr("2026-01-10") == [99]
