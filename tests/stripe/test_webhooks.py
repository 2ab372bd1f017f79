"""Webhooks: signed by the official client's rule, taken once, answered before anything is done."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from stripe import WebhookSignature

from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.scheduling import Schedule
from staycurve.sources.stripe.signatures import is_signed
from staycurve.workspace import Company
from tests.stripe.company import NOW, company_of, mrr, spans, synced
from tests.stripe.fake import Fake
from tests.stripe.test_syncing import canceled, filled

SECRET = "whsec_test_abc"
SETTINGS = 'webhook_secret = { env = "STAYCURVE_TEST_WHSEC" }\n'
NOW_SECONDS = int(NOW.timestamp())


def signed(body: bytes, secret: str = SECRET, when: int = NOW_SECONDS) -> str:
    """A header as Stripe's own client computes it."""
    signature = WebhookSignature._compute_signature(f"{when}.{body.decode()}", secret)
    return f"t={when},v1={signature}"


@pytest.fixture
def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Fake, Company, TestClient]]:
    monkeypatch.setenv("STAYCURVE_TEST_WHSEC", SECRET)
    fake = filled()
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, settings=SETTINGS
    ) as company, TestClient(create_app(company)) as client:
        yield fake, company, client


def send(client: TestClient, body: bytes, header: str, name: str = "billing") -> tuple[int, Any]:
    answer = client.post(
        f"/webhooks/stripe/{name}", content=body, headers={"Stripe-Signature": header}
    )
    return answer.status_code, answer.json()


def test_an_event_is_taken_once_and_the_next_sync_sees_it(
    served: tuple[Fake, Company, TestClient]
) -> None:
    fake, company, client = served
    synced(company)
    fake.fill({"subscriptions": [canceled(fake)]})
    body = json.dumps({
        "id": "evt_hook", "object": "event", "created": NOW_SECONDS,
        "type": "customer.subscription.deleted",
        "data": {"object": fake.objects["subscriptions"]["sub_1"]},
    }).encode()
    asked = len(fake.requests)
    assert send(client, body, signed(body)) == (200, {"received": True, "is_new": True})
    assert send(client, body, signed(body)) == (200, {"received": True, "is_new": False})
    # It was answered before anything was asked or written.
    assert len(fake.requests) == asked
    assert [row[3] for row in spans(company)] == [None]
    schedule = Schedule(company)
    schedule.look()
    assert [row[3] for row in spans(company)] == ["2025-06-20"]
    assert mrr(company, "2025-06", "2025-06") == {"2025-06": 0}
    schedule.look()
    synced(company)
    assert list((company.folder / "inbox" / "stripe" / "billing").iterdir()) == []


def test_what_is_not_signed_now_is_refused(served: tuple[Fake, Company, TestClient]) -> None:
    _, company, client = served
    body = b'{"id": "evt_1", "data": {"object": {}}}'
    for header in (
        "", "t=1", signed(body, "whsec_other"), signed(body, when=NOW_SECONDS - 301),
        signed(body, when=NOW_SECONDS + 301), signed(b'{"id": "evt_2"}'),
        signed(body) + f",t={NOW_SECONDS}", signed(body).replace("v1", "v0"),
    ):
        status, answer = send(client, body, header)
        assert (status, answer["error"]["code"]) == (400, "bad_signature"), header
    assert not (company.folder / "inbox").exists()


@pytest.mark.parametrize(("body", "name", "status"), [
    (b"{", "billing", 400), (b"[]", "billing", 400),
    (b'{"id": "../x", "data": {}}', "billing", 400),
    (b'{"id": "evt_1"}', "billing", 400), (b'{"id": "evt_1", "data": {}}', "other", 404),
])
def test_what_is_no_event_is_refused(
    body: bytes, name: str, status: int, served: tuple[Fake, Company, TestClient]
) -> None:
    _, company, client = served
    assert send(client, body, signed(body), name)[0] == status
    assert not (company.folder / "inbox").exists()


@pytest.mark.parametrize("lag", [-300, -1, 0, 299, 300])
def test_the_official_client_and_we_agree(lag: int) -> None:
    body = '{"id": "evt_ü"}'.encode()
    header = signed(body, when=NOW_SECONDS + lag)
    assert is_signed(body, header, SECRET, NOW_SECONDS)
    assert WebhookSignature.verify_header(body.decode(), header, SECRET)
    assert not is_signed(body + b" ", header, SECRET, NOW_SECONDS)
    # While a secret is rolled, Stripe signs with both.
    both = f"t={NOW_SECONDS},v1={'0' * 64}," + signed(body).partition(",")[2]
    assert is_signed(body, both, SECRET, NOW_SECONDS)


def test_one_process_of_all_keeps_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, settings='every = "15m"\n'
    ) as company:
        first, second = Schedule(company), Schedule(company)
        assert [one.every for one in first.sources] == [900]
        first.lead()
        second.lead()
        assert (first.is_leading, second.is_leading) == (True, False)
        first.stop()
        second.lead()
        assert second.is_leading
        second.sync("billing")
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 100}
        fake.missing.add("events")
        second.sync("billing")
        second.stop()


def test_a_server_syncs_by_itself_while_it_leads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = [], threading.Event()

    class Told(Schedule):
        def sync(self, name: str) -> None:
            super().sync(name)
            asked.append((self, name))
            done.set()

    fake = filled()
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, settings='every = "15m"\n'
    ) as company:
        first, second = Told(company), Told(company)
        first.start()
        second.start()
        try:
            assert done.wait(120)
            assert (first.is_leading, second.is_leading) == (True, False)
        finally:
            first.stop()
            second.stop()
        assert asked == [(first, "billing")]
        assert [row[0] for row in spans(company)] == ["sub_1"]


@pytest.mark.parametrize("every", ['"5"', '"0m"', '"1s"', "15", '"often"'])
def test_a_schedule_that_cannot_be_read_is_an_error(
    every: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staycurve.errors import ConfigError

    with pytest.raises(ConfigError, match="every"), company_of(
        tmp_path / "p", filled(), monkeypatch, settings=f"every = {every}\n",
        now=dt.datetime(2025, 7, 1, tzinfo=dt.UTC),
    ):
        pass
