"""A Stripe that misbehaves: its clock, its currencies, its permissions; and what is never told."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.scheduling import Schedule
from staycurve.workspace import Company
from tests.stripe.company import NOW, VARIABLE, company_of, mrr, rows, spans, synced
from tests.stripe.fake import KEY, Fake
from tests.stripe.test_syncing import asked, canceled, event, filled, objects


def test_a_clock_that_runs_ahead_hides_nothing_that_happens_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    ahead = (NOW + dt.timedelta(days=400)).isoformat()[:19] + "Z"
    fake.fill({"events": [event("evt_far", ahead, "customer.updated",
                                {"id": "cus_1", "object": "customer"})]})
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        fake.fill({"subscriptions": [canceled(fake)], "events": [
            event("evt_1", "2025-07-01T00:10:00Z", "customer.subscription.deleted",
                  fake.objects["subscriptions"]["sub_1"]),
        ]})
        asked(fake)
        synced(company)
        # The event that is ahead is shown again, and nothing is fetched for it again.
        assert asked(fake) == ["/v1/events", "/v1/subscriptions/sub_1"]
        assert [row[3] for row in spans(company)] == ["2025-06-20"]


def another_account(fake: Fake, currency: str, mark: str) -> None:
    """The plain case once more, beside itself, in another currency."""
    text = json.dumps(objects()).replace('"usd"', f'"{currency}"')
    for prefix in ("cus", "sub", "si", "in", "il"):
        text = text.replace(f'"{prefix}_', f'"{prefix}_{mark}')
    given = json.loads(text)
    fake.fill({key: given[key] for key in ("customers", "subscriptions", "invoices")})


def test_a_currency_and_a_list_that_nobody_may_know_cost_what_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    another_account(fake, "zzz", "x")
    another_account(fake, "uah", "y")
    fake.forbidden.add("refunds")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        reports = company.sources.sync()
        wrong = {one.stream: one.errors[0].message for one in reports if one.errors}
        assert set(wrong) == {"refunds"}
        assert "may not read /v1/refunds" in wrong["refunds"]
        company.refresh()
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 100}
        told = {(one["value"], one["rule"]) for one in company.rejects() if one["file"] ==
                "billing/spans"}
        assert told == {
            ("ZZZ", "is not an ISO 4217 currency code"),
            ("UAH", "waits: there is no exchange rate for it yet"),
        }
        certified = {row["object"]: row for row in company.sources.certificate()}
        assert certified["subscription"]["in_lake"] == 3
        assert certified["subscription"]["not_conformed"] == ["sub_x1", "sub_y1"]


def test_a_dry_run_keeps_nothing_and_since_lists_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        told: list[tuple[int, int, str]] = []
        reports = {one.stream: one for one in company.sources.sync(
            is_dry_run=True, progress=lambda *one: told.append(one)
        )}
        # A bar is told the stream, and how far of all of them it has come.
        read = [one for one in told if one[2] == "billing/invoices: 6 invoices read"]
        assert read
        assert 0 < read[0][0] < read[0][1] == len(reports)
        assert (reports["invoices"].count("accepted"), reports["customers"].count("accepted")) == (
            len(fake.objects["invoices"]), 1,
        )
        assert company.loads() == []
        synced(company)
        asked(fake)
        fake.fill({"subscriptions": [canceled(fake)]})
        del fake.objects["invoices"]["in_2"]
        reports = {one.stream: one for one in synced(company, since="2025-01-01")}
        least = f"created%5Bgte%5D={int(dt.datetime(2025, 1, 1, tzinfo=dt.UTC).timestamp())}"
        assert [one for one in fake.requests if least in one and "subscriptions" in one]
        assert [row[3] for row in spans(company)] == ["2025-06-20"]
        # A part of a list says of nothing that it is gone.
        assert ("in_2",) in rows(company, "invoice_lines", "invoice_id", "1")


def test_no_page_answer_or_log_tells_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = filled()
    settings = 'webhook_secret = { env = "STAYCURVE_TEST_WHSEC" }\nevery = "15m"\n'
    monkeypatch.setenv("STAYCURVE_TEST_WHSEC", "whsec_hidden9")
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, settings=settings
    ) as company:
        synced(company)
        monkeypatch.setenv(VARIABLE, "sk_test_revoked9")
        Schedule(company).sync("billing")
        with TestClient(create_app(company)) as client:
            told = [
                client.get(address).text for address in
                ("/data", "/data?format=json", "/api/v1/sources", "/openapi.json", "/overview")
            ]
    assert "does not know the key (401)" in caplog.text
    # The system repeats the key in its answer; what is shown is the answer without it.
    assert any("does not know the key (401)" in text for text in told)
    for text in (*told, caplog.text):
        for secret in (KEY, "revoked9", "hidden9"):
            assert secret not in text


def test_what_a_skipped_page_held_is_asked_for_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    fake.page = 2
    fake.dropped |= {"in_2", "in_3"}
    # An event announces one, and a payment names the other; of a third nobody has anything.
    fake.fill({
        "events": [event("evt_1", "2025-06-20", "invoice.created", {
            **fake.objects["invoices"]["in_2"], "object": "invoice"})],
        "invoice_payments": [
            {"id": f"inpay_{n}", "created": "2025-03-01", "invoice": invoice, "payment": {
                "type": "payment_intent", "payment_intent": f"pi_{n}"}}
            for n, invoice in enumerate(("in_3", "in_never"))
        ],
    })
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        told = {row["object"]: row for row in company.sources.certificate()}["invoice"]
        assert (told["at_source"], told["in_lake"], told["deleted"]) == (4, 6, 1)
        assert told["kept_not_listed"] == ["in_2", "in_3"]
        assert told["named_not_kept"] == []
        assert set(mrr(company, "2025-01", "2025-06").values()) == {100}


def test_two_syncs_at_once_list_everything_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        company.close()

        def run(_: int) -> list[Any]:
            with Company(tmp_path / "p", clock=lambda: NOW) as own:
                return own.sources.sync()

        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(run, range(2)))
    assert [error for reports in both for one in reports for error in one.errors] == []
    assert asked(fake).count("/v1/customers") == 1
