"""Other ways in: asked inside the product, answered elsewhere, mails that come back."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from staycurve.actions.surveys import bounces, letters
from tests.surveys.conftest import Shop

SECRET = "s3cret"
HOOKS = """
[ingest]
origins = ["https://app.example.com"]
[mail]
host = "127.0.0.1"
from = "hi@test.example"
webhook_secret = { env = "TEST_SECRET" }
[surveys.webhooks.own]
secret = { env = "TEST_SECRET" }
[surveys.webhooks.delighted]
secret = { env = "TEST_SECRET" }
kind = "delighted"
[surveys.webhooks.retently]
secret = { env = "TEST_SECRET" }
kind = "retently"
[surveys.webhooks.typeform]
secret = { env = "TEST_SECRET" }
kind = "typeform"
"""


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TEST_SECRET", SECRET)
    return HOOKS


def due(shop: Shop, user: str) -> list[Any]:
    found: list[Any] = shop.client.get(f"/api/v1/surveys/due?user={user}").json()["rows"]
    return found


def test_what_is_due_inside_the_product_obeys_the_gates_and_the_rarer_goes_first(
    shop: Shop,
) -> None:
    shop.create(name="csat", kind="csat")
    shop.create()
    shop.create(name="hidden", kind="open", rules={"is_in_product": False})
    # Asking what is due records nothing, however often.
    for _ in range(3):
        (offer,) = due(shop, "ann")
        assert (offer["survey"], offer["scale"]) == ("nps", [*range(11)])
    assert due(shop, "eve") == due(shop, "nobody") == []
    # Finn's account has paid for three weeks: NPS has to wait, CSAT has not.
    assert [one["survey"] for one in due(shop, "finn")] == ["csat"]
    assert shop.client.post("/api/v1/surveys/shown", json={"token": offer["token"]}).is_success
    # Asked now: nothing else for a week, NPS not for 90 days.
    assert due(shop, "ann") == []
    assert shop.rows("SELECT survey, user_id FROM invitations") == [("nps", "ann")]
    sent = {"token": offer["token"], "score": 9, "comment": "Good"}
    assert shop.client.post("/api/v1/surveys/answers", json=sent | {"score": 11}).status_code == 422
    assert shop.client.post("/api/v1/surveys/answers", json=sent).is_success
    assert shop.client.post("/api/v1/surveys/answers", json=sent).status_code == 409
    assert shop.rows("SELECT user_id, score, comment FROM answers") == [("ann", 9, "Good")]
    shop.clock.pass_(days=7)
    assert [one["survey"] for one in due(shop, "ann")] == ["csat"]


def test_two_offers_of_one_round_are_one_answer_and_old_ones_are_refused(shop: Shop) -> None:
    shop.create()
    first = due(shop, "ann")[0]["token"]
    shop.clock.pass_(hours=1)
    second = due(shop, "ann")[0]["token"]
    assert first != second
    codes = [
        shop.client.post("/api/v1/surveys/answers", json={"token": token, "score": 3}).status_code
        for token in (first, second, first + "x", "forged")
    ]
    assert codes == [200, 409, 422, 422]
    late = due(shop, "bob")[0]["token"]
    shop.clock.pass_(days=1, seconds=1)
    assert shop.client.post("/api/v1/surveys/answers", json={"token": late, "score": 3}
                            ).status_code == 422
    assert len(shop.surveys.answers("nps")) == 1


def test_a_page_elsewhere_needs_to_be_listed_and_to_have_a_key(shop: Shop) -> None:
    shop.create()
    _key, text = shop.company.state.create_key("ingest")
    address = "/api/v1/surveys/due?user=ann"
    own = {"Origin": "https://app.example.com"}
    known = {"Authorization": f"Bearer {text}"}
    assert shop.client.get(address, headers=own).status_code == 422
    assert shop.client.get(address, headers={"Authorization": "Bearer x"}).status_code == 422
    evil = shop.client.get(address, headers=known | {"Origin": "https://evil.example"})
    assert evil.status_code == 422
    assert "access-control-allow-origin" not in evil.headers
    found = shop.client.get(address, headers=known | own)
    assert found.headers["access-control-allow-origin"] == "https://app.example.com"
    assert len(found.json()["rows"]) == 1
    asked = shop.client.options(address, headers=own)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (
        204, "https://app.example.com")
    assert shop.client.options(address, headers={"Origin": "https://evil.example"}
                               ).status_code == 403


def test_where_people_log_in_programs_need_a_key(shop: Shop) -> None:
    shop.create()
    _key, text = shop.company.state.create_key("ingest")
    address = "/api/v1/surveys/due?user=ann"
    assert len(due(shop, "ann")) == 1
    shop.company.state.people.add("boss@test.example", "admin")
    assert shop.client.get(address).status_code == 422
    found = shop.client.get(address, headers={"Authorization": f"Bearer {text}"})
    assert len(found.json()["rows"]) == 1
    # Who answers a mail logs in nowhere, and the key opens nothing else.
    link = shop.links(shop.surveys.get("nps"))["bob"]
    assert shop.client.get(link).status_code == 200
    other = shop.client.get("/api/v1/surveys", headers={"Authorization": f"Bearer {text}"})
    assert other.status_code == 403


def signed(body: bytes) -> bytes:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).digest()


def test_answers_of_other_tools_come_by_webhook_each_once(shop: Shop) -> None:
    at = int(dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC).timestamp())
    delighted = json.dumps({"event_type": "survey_response.created", "event_data": {
        "id": "5435", "person": {"id": "p1", "email": "DORA@bolt.example"}, "survey_type": "nps",
        "score": 9, "comment": "All good", "created_at": at}}).encode()
    typeform = json.dumps({"event_type": "form_response", "form_response": {
        "token": "t1", "submitted_at": "2026-11-20T10:00:00Z",
        "hidden": {"user_id": "bob", "account_id": "acme"},
        "definition": {"fields": [{"id": "f1", "title": "How was it?", "type": "opinion_scale",
                                   "properties": {"steps": 5}}]},
        "answers": [{"type": "number", "number": 4, "field": {"id": "f1", "type": "opinion_scale"}},
                    {"type": "text", "text": "=1+1", "field": {"id": "f2", "type": "long_text"}}],
    }}).encode()
    plain = json.dumps([
        {"id": 1, "kind": "nps", "score": 3, "user_id": "ann", "account_id": "acme",
         "answered_at": "2026-11-20T10:00:00Z"},
        {"id": 2, "kind": "nps", "score": 12, "user_id": "ann", "account_id": "acme",
         "answered_at": "2026-11-20T10:00:00Z"},
    ]).encode()
    retently = json.dumps({
        "id": "56f1b3a3", "email": "finn@crux.example", "companyName": "Crux", "score": 4,
        "campaignName": "Renewal", "metricsType": "Star", "comment": "Fine",
        "createdDate": "2026-11-20T10:00:00.512Z", "ratingCategory": "positive",
        "customProps": [{"label": "account_id", "type": "string", "value": "crux"}, "odd"],
    }).encode()
    ways = {
        "retently": (retently, {"Authorization": f"Bearer {SECRET}"}),
        "delighted": (delighted, {"X-Delighted-Webhook-Signature":
                                  f"sha256={signed(delighted).hex()}"}),
        "typeform": (typeform, {"Typeform-Signature":
                                f"sha256={base64.b64encode(signed(typeform)).decode()}"}),
        "own": (plain, {"Authorization": f"Bearer {SECRET}"}),
    }
    for name, (body, headers) in ways.items():
        address = f"/webhooks/answers/{name}"
        assert shop.client.post(address, content=body).status_code == 401
        forged = shop.client.post(address, content=body + b" ", headers=headers)
        # What is not signed, but shows the secret, is taken as it comes.
        assert (forged.status_code == 401) == (name not in ("own", "retently"))
        shop.client.post(address, content=body, headers=headers)
        again = shop.client.post(address, content=body, headers=headers)
        assert again.json() == {"received": True, "new": 0}
    found = shop.rows("SELECT survey, kind, account_id, user_id, score, scale_max, comment "
                      "FROM answers ORDER BY survey")
    assert found == [
        ("Renewal", "csat", "crux", "finn", 4, 5, "Fine"),
        ("delighted", "nps", "bolt", "dora", 9, 10, "All good"),
        ("own", "nps", "acme", "ann", 3, 10, None),
        ("typeform", "csat", "acme", "bob", 4, 5, "=1+1"),
    ]
    # A score that is on no scale is listed with its reason.
    (reject,) = shop.company.rejects()
    assert (reject["table"], reject["column"]) == ("answers", "score")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("own", b"{", 400), ("own", b"[]", 422), ("own", b'{"kind": "nps"}', 422),
     ("own", b'{"id": 1}', 422), ("typeform", b"[1]", 422), ("delighted", b"{}", 422),
     ("nobody", b"{}", 404)],
)
def test_a_webhook_of_another_shape_is_refused(
    shop: Shop, name: str, body: bytes, status: int
) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    found = shop.client.post(f"/webhooks/answers/{name}", content=body, headers=headers)
    assert found.status_code == status
    assert found.json()["error"]["hint"]
    assert shop.rows("SELECT answer_id FROM answers") == []


BOUNCE = """From: MAILER-DAEMON@mx.example
To: hi@test.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {email}
Action: failed
Status: {code}
Diagnostic-Code: smtp; 550 no such user

--b--
"""
AWAY = """From: Ann <ann@acme.example>
To: hi@test.example
Subject: Automatic reply
Auto-Submitted: auto-replied
In-Reply-To: {id}

I am away.
"""


def test_who_bounced_is_written_to_no_more_and_a_full_mailbox_is(shop: Shop) -> None:
    mbox = "".join(
        f"From MAILER-DAEMON Mon Nov 23 12:00:00 2026\n{BOUNCE.format(email=email, code=code)}\n"
        for email, code in (("Ann@acme.example", "5.1.1"), ("bob@acme.example", "4.2.2"))
    )
    headers = {"Authorization": f"Bearer {SECRET}"}
    assert shop.client.post("/webhooks/bounces", content=mbox).status_code == 401
    found = shop.client.post("/webhooks/bounces", content=mbox, headers=headers)
    assert found.json() == {"received": True, "bounced": 1, "delayed": 1}
    assert [(one.email, one.reason) for one in shop.surveys.suppressions()] == [
        ("ann@acme.example", "bounced")]
    survey = shop.create()
    left = {one.person.user_id: one.why for one in shop.surveys.asking.look(survey)}
    assert (left["ann"], left["bob"]) == ("suppressed", "")


def test_who_is_away_is_reminded_a_week_later(shop: Shop) -> None:
    from staycurve.state import survey_mails as mails

    shop.surveys.asking.mail(shop.create(), is_at_once=True)
    with shop.company.state.database.writing() as session:
        (mail,) = [one for one in mails.due(session, shop.clock(), most=9)
                   if one.asked.invitation.user_id == "ann"]
        due_at = shop.clock() + dt.timedelta(days=5)
        mails.add(session, mail.asked.invitation.id, mails.REMINDER, due_at=due_at, zone="UTC")
    id = letters.message_id(mail.asked.invitation.uuid, "ask", "hi@test.example")
    assert shop.surveys.hear(AWAY.format(id=id).encode()) == {"away": 1}
    with shop.company.state.database.reading() as session:
        (found,) = [one for one in mails.due(session, shop.clock(), most=9, is_any=True)
                    if one.kind == mails.REMINDER]
    assert found.due_at == shop.clock() + dt.timedelta(days=7)
    assert shop.surveys.suppressions() == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"Content-Type: message/delivery-status\n\nFinal-Recipient: x",
     b"From: <<<@@@>\nSubject: =?utf-8?q?out of office?=\n\n", b"From x\n" * 5,
     b"Content-Type: multipart/report; boundary=\n\n--\n"],
)
def test_nothing_in_a_message_makes_reading_fail(content: bytes) -> None:
    found = [bounces.read(one) for one in bounces.messages(content)]
    assert found
    assert all(one.kind != bounces.BOUNCED for one in found)
