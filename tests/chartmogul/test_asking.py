"""Lists, pages, refusals and metrics, as the official client asks for them."""

from __future__ import annotations

import datetime as dt

import chartmogul
import pytest

from staycurve.workspace.imports import ImportDesk
from tests.chartmogul.mogul import Mogul, line


def test_lists_come_a_page_at_a_time(mogul: Mogul) -> None:
    source = mogul.source()
    for number in range(5):
        mogul.customer(source, f"c{number}")
    seen: list[str] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = chartmogul.Customer.all(mogul.config, per_page=2, **more).get()
        seen += [one.external_id for one in page.entries]
        cursor = page.cursor
        if not page.has_more:
            break
    assert seen == ["c0", "c1", "c2", "c3", "c4"]
    with pytest.raises(chartmogul.APIError, match="cursor"):
        chartmogul.Customer.all(mogul.config, cursor="x!").get()


def test_customers_carry_what_they_pay_and_their_attributes(mogul: Mogul) -> None:
    source = mogul.source()
    acme = mogul.customer(source, email="a@acme.test", attributes={
        "tags": ["big"], "custom": [{"type": "String", "key": "channel", "value": "Ads"}],
    })
    assert (acme.status, acme.mrr) == ("Lead", 0)
    mogul.bill(acme, "i1", line(mogul.plan(source), "2026-11-01", "2026-12-01", 5000))
    found = chartmogul.Customer.retrieve(mogul.config, uuid=acme.uuid).get()
    assert (found.status, found.mrr, found.arr) == ("Active", 5000, 60000)
    assert found.customer_since.date() == dt.date(2026, 11, 1)
    assert found.attributes.tags == ["big"]
    chartmogul.CustomAttributes.add(mogul.config, uuid=acme.uuid, data={
        "custom": [{"type": "Integer", "key": "seats", "value": 3}]
    }).get()
    tags = chartmogul.Tags.add(mogul.config, uuid=acme.uuid, data={"tags": ["vip"]}).get()
    assert tags.tags == ["big", "vip"]
    by_mail = chartmogul.Customer.search(mogul.config, email="A@acme.test").get()
    assert [one.uuid for one in by_mail.entries] == [acme.uuid]
    ImportDesk(mogul.company).drain_and_refresh()
    with mogul.company.reading() as engine:
        row = engine.rows("SELECT channel, attributes FROM accounts")[0]
    assert row[0] == "Ads"
    assert '"seats":"3"' in row[1].replace(" ", "")


def test_invoices_are_found_again(mogul: Mogul) -> None:
    source = mogul.source()
    acme = mogul.customer(source)
    made = mogul.bill(acme, "i1", line(mogul.plan(source), "2026-01-01", "2026-02-01", 5000))
    uuid = made.invoices[0].uuid
    assert chartmogul.Invoice.retrieve(mogul.config, uuid=uuid).get().external_id == "i1"
    named = chartmogul.Invoice.retrieve(
        mogul.config, data_source_uuid=source.uuid, external_id="i1"
    ).get()
    assert named.uuid == uuid
    listed = chartmogul.Invoice.all(mogul.config, uuid=acme.uuid).get()
    assert listed.customer_uuid == acme.uuid
    assert [one.uuid for one in listed.invoices] == [uuid]
    assert [one.uuid for one in chartmogul.Invoice.all(mogul.config).get().invoices] == [uuid]


def test_metrics_have_the_shapes_and_units_of_theirs(mogul: Mogul) -> None:
    source = mogul.source()
    pro = mogul.plan(source)
    acme, bolt = mogul.customer(source, "acme", country="US"), mogul.customer(source, "bolt")
    mogul.bill(acme, "a1", line(pro, "2026-01-01", "2026-02-01", 5000, subscription="a"))
    mogul.bill(acme, "a2", line(pro, "2026-02-01", "2026-03-01", 7500, subscription="a"))
    mogul.bill(acme, "a3", line(pro, "2026-03-01", "2026-04-01", 7500, subscription="a"))
    mogul.bill(bolt, "b1", line(pro, "2026-01-01", "2026-02-01", 5000, subscription="b"))
    asked = {"start_date": "2026-01-01", "end_date": "2026-02-28", "interval": "month"}
    found = chartmogul.Metrics.mrr(mogul.config, **asked).get()
    first, second = found.entries
    assert (first.date, first.mrr, first.mrr_new_business) == (dt.date(2026, 1, 31), 10000, 10000)
    assert (second.date, second.mrr, second.percentage_change) == (
        dt.date(2026, 2, 28), 7500, -25.0
    )
    assert (second.mrr_expansion, second.mrr_churn, second.mrr_contraction) == (2500, -5000, 0)
    assert (found.summary.current, found.summary.previous) == (7500, 10000)
    every = chartmogul.Metrics.all(mogul.config, **asked).get().entries
    # Of two customers one left: 50% and, of 100 of MRR, 50 lost and 25 won.
    assert (every[1].customers, every[1].arr, every[1].arpa) == (1, 90000, 7500)
    assert (every[1].customer_churn_rate, every[1].mrr_churn_rate) == (50.0, 25.0)
    assert every[0].asp == 5000
    # Nobody was new in February: there is no price to tell, and 0 would be a number.
    assert "asp" not in vars(every[1])
    only = chartmogul.Metrics.customer_count(mogul.config, geo="US", **asked).get().entries
    assert [one.customers for one in only] == [1, 1]
    moved = chartmogul.CustomerActivity.all(mogul.config, uuid=acme.uuid).get().entries
    assert [(one.type, one.activity_mrr, one.activity_mrr_movement) for one in moved] == [
        ("new_biz", 5000, 5000), ("expansion", 7500, 2500)
    ]
    everyone = chartmogul.Activity.all(mogul.config, type="churn").get().entries
    assert [one.customer_external_id for one in everyone] == ["bolt"]
    standing = chartmogul.CustomerSubscription.all(mogul.config, uuid=acme.uuid).get().entries
    assert [(one.external_id, one.mrr, one.plan) for one in standing] == [("a", 7500, "Pro")]


def test_refusals_say_why(mogul: Mogul) -> None:
    for path, status in (
        ("/customers/cus_0", 404), ("/nothing", 404), ("/metrics/mrr", 422), ("/metrics/xyz", 404),
        ("/metrics/mrr?start-date=2026-01-01&end-date=2026-02-01&filters=x", 422),
        ("/metrics/mrr?start-date=2026-01-01&end-date=soon", 422), ("/line_items", 422),
    ):
        answer = mogul.refused("GET", path)
        assert answer.status_code == status
        told = answer.json()
        assert told["code"] == status
        assert told["message"]
        assert told["error"]["message"] == told["message"]
    for body in (b"{", b"[]", b'{"name": NaN}', b"[" * 100_000):
        assert mogul.refused("POST", "/data_sources", content=body).status_code in (400, 422)


def test_nothing_is_told_or_taken_without_the_key(mogul: Mogul) -> None:
    for auth in (None, ("wrong", ""), ("", "")):
        mogul.http.headers.pop("Authorization", None)
        for method, path in (("GET", "/customers"), ("POST", "/data_sources"), ("GET", "/x")):
            answer = mogul.refused(method, path, auth=auth, json={"name": "X"})
            assert answer.status_code == 401
    with ImportDesk(mogul.company).reading() as imports:
        assert imports.latest() == 0


def test_keys_open_what_their_scope_says(mogul: Mogul) -> None:
    state = mogul.company.state
    sends, reads = state.create_key("ingest"), state.create_key("chartmogul")
    asked = "/metrics/mrr?start-date=2026-01-01&end-date=2026-01-31"
    mogul.http.headers.pop("Authorization")

    def statuses(text: str) -> list[int]:
        return [
            mogul.refused(method, path, auth=(text, ""), json={"name": text}).status_code
            for method, path in (("POST", "/data_sources"), ("GET", "/customers"), ("GET", asked))
        ]

    assert statuses(sends[1]) == [201, 200, 403]
    assert statuses(reads[1]) == [201, 200, 200]
    state.revoke_key(reads[0].prefix)
    assert statuses(reads[1]) == [401, 401, 401]


def test_what_was_sent_is_loaded_by_itself(mogul: Mogul) -> None:
    source = mogul.source()
    mogul.bill(mogul.customer(source), "i1",
               line(mogul.plan(source), "2026-01-01", "2026-02-01", 5000))
    desk = ImportDesk(mogul.company)
    for _ in range(600):
        if not desk.is_due and not mogul.company.is_due():
            break
        mogul.refused("GET", "/ping")
    found = mogul.company.show("mrr", start="2026-01", end="2026-01", as_of="2026-11-20")
    assert found.rows[0]["value"] == 50


def test_what_a_server_took_in_before_it_ended_is_loaded_by_the_next(mogul: Mogul) -> None:
    source = mogul.source()
    acme = mogul.customer(source)
    desk = ImportDesk(mogul.company)
    mogul.bill(acme, "i1", line(mogul.plan(source), "2026-01-01", "2026-02-01", 5000))
    desk.drain()
    loads = len(mogul.company.loads())
    desk.drain()
    assert len(mogul.company.loads()) == loads
    assert not desk.is_due
