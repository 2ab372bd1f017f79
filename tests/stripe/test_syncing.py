"""Syncing Stripe: what changes, what goes, what fails, and what a kill leaves."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import load
from tests.stripe.company import NOW, VARIABLE, company_of, mrr, rows, spans, synced
from tests.stripe.fake import KEY, Fake

CORPUS = Path(__file__).parent / "corpus"


def objects(name: str = "plain") -> dict[str, Any]:
    """The objects of a case of the corpus."""
    found: dict[str, Any] = json.loads((CORPUS / f"{name}.json").read_text())["objects"]
    return found


def filled(*names: str) -> Fake:
    fake = Fake()
    for name in names or ("plain",):
        fake.fill(objects(name))
    return fake


def event(id: str, at: str, type: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "created": at, "type": type, "data": {"object": found}}


def canceled(fake: Fake) -> dict[str, Any]:
    return {
        **fake.objects["subscriptions"]["sub_1"], "status": "canceled",
        "canceled_at": "2025-06-20", "ended_at": "2025-06-20",
    }


def asked(fake: Fake) -> list[str]:
    """The paths asked for since the last time."""
    found = [one.partition("?")[0] for one in fake.requests]
    fake.requests.clear()
    return found


def test_the_next_sync_asks_for_events_and_what_they_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 100}
        asked(fake)
        synced(company)
        assert asked(fake) == ["/v1/events"]
        gone = canceled(fake)
        fake.fill({"subscriptions": [gone]})
        fake.fill({"events": [
            # Out of order, and one of them tells of an older state.
            event("evt_2", "2025-07-02", "customer.subscription.deleted",
                  fake.objects["subscriptions"]["sub_1"]),
            event("evt_1", "2025-07-01T12:00:00Z", "customer.subscription.updated",
                  objects()["subscriptions"][0]),
        ]})
        synced(company)
        assert asked(fake) == ["/v1/events", "/v1/subscriptions/sub_1"]
        assert [row[3] for row in spans(company)] == ["2025-06-20"]
        assert mrr(company, "2025-05", "2025-06") == {"2025-05": 100, "2025-06": 0}
        before = len(company.loads())
        synced(company)
        assert len(company.loads()) == before


def test_a_long_silence_lists_everything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
    fake.fill({"subscriptions": [canceled(fake)]})
    asked(fake)
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, now=NOW + dt.timedelta(days=24)
    ) as company:
        synced(company)
        assert asked(fake) == ["/v1/events"]
    with fake.serving(), company_of(
        tmp_path / "p", fake, monkeypatch, now=NOW + dt.timedelta(days=50)
    ) as company:
        synced(company)
        assert "/v1/subscriptions" in asked(fake)
        assert [row[3] for row in spans(company)] == ["2025-06-20"]


def test_full_finds_what_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = filled("plain")
    fake.fill({"invoices": [{
        **objects()["invoices"][0], "id": "in_draft", "status": "draft", "created": "2025-06-01",
    }]})
    for line in fake.objects["invoices"]["in_draft"]["lines"]["data"]:
        line["id"] = "il_draft"
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        assert ("in_draft",) in rows(company, "invoice_lines", "invoice_id", "1")
        del fake.objects["invoices"]["in_draft"]
        # A list that leaves an object out does not make it gone.
        fake.dropped.add("in_3")
        synced(company, is_full=True)
        kept = rows(company, "invoice_lines", "invoice_id", "1")
        assert ("in_draft",) not in kept
        assert ("in_3",) in kept
        assert mrr(company, "2025-03", "2025-03") == {"2025-03": 100}


def test_a_customer_that_is_deleted_keeps_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        fake.objects["customers"]["cus_1"] = {
            "id": "cus_1", "object": "customer", "deleted": True,
        }
        fake.fill({"events": [
            event("evt_1", "2025-07-01", "customer.deleted", {"id": "cus_1", "object": "customer"})
        ]})
        synced(company)
        assert rows(company, "accounts", "account_id, name", "1") == [("cus_1", None)]
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 100}


@pytest.mark.parametrize("path", ["subscriptions", "invoices", "events", "coupons"])
def test_a_path_that_is_not_there_leaves_the_others(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    fake.missing.add(path)
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        reports = company.sources.sync()
        assert not any(one.errors for one in reports)
        told = {one.label: one.notes for one in reports if one.notes}
        assert list(told) == [f"billing/{path}"]
        assert f"nothing at /v1/{path}" in told[f"billing/{path}"][0]
        company.refresh()
        # Invoices alone and subscriptions alone both say what is paid.
        assert mrr(company, "2025-01", "2025-06") == dict.fromkeys(
            ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06"), 100
        )


def test_without_events_every_sync_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = filled()
    fake.forbidden.add("events")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        (wrong,) = [one for one in company.sources.sync() if one.errors]
        assert "may not read /v1/events" in wrong.errors[0].message
        fake.fill({"subscriptions": [canceled(fake)]})
        company.sources.sync()
        assert [row[3] for row in spans(company)] == ["2025-06-20"]


def test_a_busy_and_confused_source_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled("twelve_items")
    fake.tire_every, fake.page, fake.repeats, fake.nested = 4, 2, True, 1
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        assert mrr(company, "2025-01", "2025-01") == {"2025-01": 12}
        assert len(rows(company, "invoice_lines", "line_id", "1")) == 72
        assert len(spans(company)) == 12


def test_a_source_that_breaks_half_way_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staycurve.sources import http
    from staycurve.sources.stripe import fetching

    monkeypatch.setattr(http.Patience, "__init__", lambda self: _hasty(self))
    monkeypatch.setattr(fetching, "PAGES_AT_ONCE", 1)
    fake = filled()
    fake.page, fake.fail_after = 1, 12
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        assert any(one.errors for one in company.sources.sync())
        fake.fail_after = None
        listed = asked(fake).count("/v1/invoices")
        assert listed > 1
        synced(company)
        assert set(mrr(company, "2025-01", "2025-06").values()) == {100}
        assert asked(fake).count("/v1/customers") == 0


def _hasty(patience: Any) -> None:
    for name, value in (("tries", 1), ("first", 0.0), ("longest", 0.0), ("most_asked", 1.0),
                        ("timeout", 5.0)):
        object.__setattr__(patience, name, value)


def test_an_unknown_shape_is_listed_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    odd = {**objects()["subscriptions"][0], "id": "sub_odd", "status": "hibernating"}
    fake.fill({
        "subscriptions": [odd],
        "invoices": [{**objects()["invoices"][0], "id": "in_odd", "lines": None}],
        "charges": [{"id": "ch_odd", "created": "2025-01-01", "currency": "usd", "amount": 5}],
    })
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        told = {(one["file"], one["value"], one["rule"]) for one in company.rejects()}
        assert told == {
            ("billing/spans", "sub_odd", "is a subscription that has the status 'hibernating'"),
            ("billing/invoice_lines", "in_odd", "is an invoice that has no list of lines"),
            ("billing/payments", "ch_odd", "is a charge that has no customer, or no amount"),
        }
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 100}
        # What can be read later takes the complaint back.
        fake.fill({"subscriptions": [{**odd, "status": "active"}], "events": [
            event("evt_1", "2025-07-02", "customer.subscription.updated",
                  {**odd, "object": "subscription"}),
        ]})
        synced(company)
        assert {one["value"] for one in company.rejects()} == {"in_odd", "ch_odd"}
        assert mrr(company, "2025-06", "2025-06") == {"2025-06": 200}


def test_reparse_asks_nobody_and_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled("upgrade_prorated")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        before = spans(company), rows(company, "invoice_lines", "line_id, amount", "1")
        asked(fake)
        reports = synced(company, is_reparse=True)
        assert asked(fake) == []
        assert {one.stream for one in reports} == {
            "accounts", "invoice_lines", "payments", "spans", "upcoming"
        }
        assert (spans(company), rows(company, "invoice_lines", "line_id, amount", "1")) == before


def test_syncing_in_any_order_and_twice_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object at a time, newest invoice first, or all at once."""
    whole = objects("upgrade_prorated")
    fake = filled("upgrade_prorated")
    with fake.serving(), company_of(tmp_path / "one", fake, monkeypatch) as company:
        synced(company)
        wanted = spans(company)
    fake = Fake()
    fake.fill({key: found for key, found in whole.items() if key != "invoices"})
    with fake.serving(), company_of(tmp_path / "two", fake, monkeypatch) as company:
        synced(company)
        for number, invoice in enumerate(reversed(whole["invoices"])):
            fake.fill({"invoices": [invoice], "events": [event(
                f"evt_{number}", "2025-07-01", "invoice.paid", {**invoice, "object": "invoice"}
            )]})
            synced(company)
        assert spans(company) == wanted


def test_invoice_lines_lead_to_the_span_that_they_are_part_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled("upgrade_prorated")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        found = company.invoices.lines(account="cus_1", as_of="2025-07-01").as_dict()["rows"]
        told = {
            row["line_id"]: (row["span_starts_on"], row["span_ends_on"], row["mrr"])
            for row in found
        }
        assert told == {
            **dict.fromkeys(("il_1", "il_2", "il_3"), ("2025-01-01", "2025-03-16", "100.00 USD")),
            "il_c": (None, None, None),
            **dict.fromkeys(("il_d", "il_m1", "il_m2", "il_m3"),
                            ("2025-03-16", None, "200.00 USD")),
        }


def test_what_is_kept_is_not_undone_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staycurve.errors import LoadError
    from staycurve.tables.undo import undo

    fake = filled()
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        first, *_, last = company.loads()
        assert (first.kind, last.table) == ("keep", "subscriptions")
        with pytest.raises(LoadError, match="keeps objects as they came"):
            undo(company.lake, company.config, first.load, now=NOW)
        (report,) = undo(company.lake, company.config, now=NOW)
        assert (report.table, report.removed) == ("subscriptions", 1)
        # Without its row, the subscription is what its invoices say.
        company.refresh()
        assert mrr(company, "2025-05", "2025-05") == {"2025-05": 100}


def test_payments_find_their_invoices_in_every_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    charges = [
        {"id": "ch_1", "created": "2025-01-01", "currency": "usd", "amount": 10000,
         "customer": "cus_1", "status": "succeeded", "payment_intent": "pi_1",
         "amount_refunded": 2500, "_invoice": "in_1"},
        {"id": "ch_2", "created": "2025-02-01", "currency": "usd", "amount": 10000,
         "customer": "cus_1", "status": "failed", "failure_code": "card_declined",
         "payment_intent": "pi_2", "amount_refunded": 0, "_invoice": "in_2"},
    ]
    settled = [
        {"id": f"inpay_{n}", "created": "2025-01-01", "invoice": f"in_{n}",
         "payment": {"type": "payment_intent", "payment_intent": f"pi_{n}"}} for n in (1, 2)
    ]
    for family in ("before_basil", "endive"):
        fake = Fake(family)
        fake.fill(objects())
        fake.fill({"charges": charges})
        if family == "endive":
            fake.fill({"invoice_payments": settled})
        with fake.serving(), company_of(tmp_path / family, fake, monkeypatch) as company:
            synced(company)
            assert rows(
                company, "payments", "payment_id, invoice_id, subscription_id, "
                "amount / 1000000, refunded_amount / 1000000.0, failure_reason", "1",
            ) == [
                ("ch_1", "in_1", "sub_1", 100, 25.0, None),
                ("ch_2", "in_2", "sub_1", 100, None, "card_declined"),
            ]


def test_no_secret_is_left_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = filled()
    fake.objects["invoices"]["in_1"]["confirmation_secret"] = {"client_secret": "pi_1_secret_x"}
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        monkeypatch.setenv(VARIABLE, "sk_test_wrong51H8")
        reports = company.sources.sync(is_full=True)
        (known,) = {error.message for one in reports for error in one.errors}
        assert "does not know the key (401)" in known
        assert "wrong51H8" not in str(company.sources.listed())
        assert fake.headers[0]["Stripe-Version"] == "2026-09-30.endive"
    held = [path for path in (tmp_path / "p").rglob("*") if path.is_file()]
    assert len(held) > 10
    for path in held:
        data = path.read_bytes()
        for secret in (KEY.encode(), b"wrong51H8", b"pi_1_secret_x"):
            assert secret not in data, path
    bodies = _raw(tmp_path / "p")
    assert "pi_1_secret_x" not in bodies
    assert "in_1" in bodies


def _raw(folder: Path) -> str:
    from staycurve.tables.duckdb_engine import Engine
    from staycurve.tables.lake import Lake
    from staycurve.tables.raw import RAW_COLUMNS, RAW_TABLE

    lake = Lake(folder)
    scan = lake.scan(lake.pointer.latest(), RAW_TABLE, RAW_COLUMNS)
    with Engine(folder / ".tmp") as engine:
        return " ".join(str(row[0]) for row in engine.rows(f"SELECT body FROM ({scan})"))


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
from staycurve.sources.stripe import fetching
from staycurve.tables import writing
fetching.PAGES_AT_ONCE = 1
from staycurve.sources import syncing
syncing.ROWS_AT_ONCE = 1
import datetime as dt
from staycurve.workspace import Company
left = int(sys.argv[2])
commit = writing.Writing.commit
def counted(self, **more):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return commit(self, **more)
writing.Writing.commit = counted
with Company(sys.argv[1], clock=lambda: dt.datetime(2025, 7, 1, tzinfo=dt.UTC)) as company:
    company.sources.sync()
"""


@pytest.mark.parametrize("commits", [4, 12, 19])
def test_a_killed_sync_goes_on_and_ends_with_the_same_tables(
    commits: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("upgrade_prorated",)
    fake = filled(*names)
    fake.page = 2
    with fake.serving(), company_of(tmp_path / "whole", fake, monkeypatch) as company:
        synced(company)
        wanted = _told(company)
        asked(fake)
    with fake.serving():
        with company_of(tmp_path / "p", fake, monkeypatch):
            pass
        done = subprocess.run(
            [sys.executable, "-c", _KILLED.replace("Company(sys.argv[1]",
             "Company(__import__('pathlib').Path(sys.argv[1])"), str(tmp_path / "p"), str(commits),
             str(Path(__file__).parents[2] / "src")],
            env={**os.environ, VARIABLE: KEY}, capture_output=True, check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        first = asked(fake)
        with company_of(tmp_path / "p", fake, monkeypatch) as company:
            synced(company)
            assert _told(company) == wanted
        again = asked(fake)
        assert first.count("/v1/customers") == 1
        assert again.count("/v1/customers") == 0


def _told(company: Company) -> list[Any]:
    return [
        spans(company), rows(company, "invoice_lines", "line_id, amount, plan", "1"),
        rows(company, "accounts", "account_id, name", "1"),
    ]


def test_what_a_customer_no_longer_says_goes_and_what_others_say_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled()
    fake.objects["customers"]["cus_1"]["metadata"] = {"tier": "gold", "Region": "north"}
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        # A CRM tells of the same account.
        load(company, {"accounts": [{
            "account_id": "cus_1", "name": "Acme", "industry": "Retail", "tier": "gold",
            "region": "north", "owner": "ada",
        }]})
        fake.objects["customers"]["cus_1"]["metadata"] = {"tier": "silver"}
        fake.fill({"events": [
            event("evt_1", "2025-07-01", "customer.updated", {"id": "cus_1", "object": "customer"})
        ]})
        synced(company)
        columns = "account_id, industry, owner, json_extract_string(attributes, '$.tier'), " \
            "json_extract_string(attributes, '$.region')"
        assert rows(company, "accounts", columns, "1")[0] == (
            "cus_1", "Retail", "ada", "silver", None
        )


def test_a_card_of_the_customer_is_the_trial_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = filled("trial_running")
    subscription = fake.objects["subscriptions"]["sub_1"]
    card = subscription.pop("default_payment_method")
    with fake.serving(), company_of(tmp_path / "p", fake, monkeypatch) as company:
        synced(company)
        assert rows(company, "subscriptions", "status, card_on_file", "starts_at")[0] == (
            "trialing", False,
        )
        fake.objects["customers"]["cus_1"]["invoice_settings"] = {"default_payment_method": card}
        fake.fill({"events": [
            event("evt_1", "2025-07-01", "customer.updated", {"id": "cus_1", "object": "customer"}),
            event("evt_2", "2025-07-01", "customer.subscription.updated", subscription),
        ]})
        synced(company)
        assert rows(company, "subscriptions", "status, card_on_file", "starts_at")[0] == (
            "trialing", True,
        )
