"""Audiences: who is in them now and was when, and none that rests on itself."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from staycurve.actions.audiences import telling
from staycurve.actions.audiences.forms import customerio, hubspot
from staycurve.actions.rules.documents import RuleError
from staycurve.errors import UnknownNameError, UsageError
from staycurve.state.work_models import OutboxRow
from staycurve.workspace import Company
from tests.company import load
from tests.work.conftest import made
from tests.work.test_channels import SECRET, Clock


def audience(company: Company, name: str, *conditions: str, more: str = "") -> None:
    """An audience of the project's own."""
    folder = company.folder / "audiences"
    folder.mkdir(exist_ok=True)
    rule = "".join(f"\n[[when]]\n{one}\n" for one in conditions)
    (folder / f"{name}.toml").write_text(f'title = "T"\n{more}\n{rule}', encoding="utf-8")


LEAVING = """
subscription_id account_id plan starts_at  ends_at    interval amount
s2              mid        Pro  2024-01-01 2024-07-05 month    300
s2              mid        Pro  2024-07-05 -          month    100
"""
PAID = """
payment_id account_id subscription_id invoice_id amount paid_at    failed_at
p9         big        s1              i9         1000   2024-07-20 -
"""


def ids(company: Company, name: str, at: str | None = None) -> list[str]:
    """Who is in it."""
    return [one["account_id"] for one in company.audiences.members(name, at=at)["rows"]]


def test_members_now_and_then(company: Company) -> None:
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    audience(company, "german-large", 'fact = "audience.large"\nis = true',
             'fact = "account.country"\nis = "DE"')
    assert ids(company, "large") == ["big", "mid"]
    assert ids(company, "german-large") == ["big", "mid"]
    # gone left on 15 May; new came on 20 June.
    assert ids(company, "customers", "2024-05-01") == ["big", "calm", "gone", "idle", "low", "mid"]
    assert "gone" not in ids(company, "customers")
    assert company.audiences.members("large", at="2024-05-01")["source"] == "rule"
    assert company.audiences.is_member("large", "mid")
    assert not company.audiences.is_member("large", "low")
    with pytest.raises(UnknownNameError, match="Did you mean 'large'"):
        company.audiences.members("larg")


def test_history_tells_who_was_in_when_it_was_followed(company: Company) -> None:
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    first = company.as_of().at
    company.audiences.follow()
    load(company, {"subscriptions": LEAVING, "payments": PAID})
    moved = {one["audience"]: one for one in company.audiences.follow()}
    assert (moved["large"]["entered"], moved["large"]["left"]) == (0, 1)
    then = company.audiences.members("large", at=first.isoformat())
    assert then["source"] == "history"
    assert [one["account_id"] for one in then["rows"]] == ["big", "mid"]
    assert ids(company, "large") == ["big"]


def test_an_audience_that_rests_on_itself_is_refused_with_its_line(company: Company) -> None:
    audience(company, "one", 'fact = "audience.two"\nis = true')
    audience(company, "two", 'fact = "audience.one"\nis = true')
    with pytest.raises(RuleError, match="'one' rests on itself: one → two → one") as told:
        company.audiences.listed()
    assert told.value.message.startswith("audiences/two.toml:5 ")
    audience(company, "two", 'fact = "audience.thre"\nis = true')
    with pytest.raises(RuleError, match="there is no audience 'thre'"):
        company.audiences.listed()


USERS = """
user_id account_id email   left_at    newsletter
u1      big        a@x.org -          true
u2      big        b@x.org -          false
u3      big        c@x.org -          -
u4      mid        d@x.org 2024-06-01 true
u5      low        -       -          true
u6      gone       e@x.org -          true
u7      new        F@x.org -          true
"""


def test_people_without_consent_and_those_who_asked_not_to_be_written_to_are_left_out(
    company: Company,
) -> None:
    load(company, {"users": USERS})
    # customers asks for consent to the newsletter: u1 and u7 gave it, pay, and can be reached.
    assert [one["email"] for one in company.audiences.people("customers")] == ["a@x.org", "F@x.org"]
    company.surveys.suppress("f@X.org", by="Ana")
    assert [one["email"] for one in company.audiences.people("customers")] == ["a@x.org"]
    contacts = company.audiences.exported("customers", "hubspot-contacts")["inputs"]
    assert [one["id"] for one in contacts] == ["a@x.org"]
    people = company.audiences.exported("customers", "customerio-people")["batch"]
    assert [one["identifiers"] for one in people] == [{"id": "u1"}]
    # Accounts of which nobody may be written to are in no export of a list that needs consent.
    assert len(ids(company, "customers")) == 6
    companies = company.audiences.exported("customers", "hubspot")["inputs"]
    assert [one["id"] for one in companies] == ["big"]
    objects = company.audiences.exported("customers", "customerio")["batch"]
    assert [one["identifiers"]["object_id"] for one in objects] == ["big"]
    # Without consent to ask for, an account needs nobody.
    audience(company, "large", 'fact = "mrr"\nat_least = 300')
    assert [one["id"] for one in company.audiences.exported("large", "hubspot")["inputs"]] == [
        "big", "mid",
    ]
    with pytest.raises(UnknownNameError, match="Did you mean 'hubspot'"):
        company.audiences.exported("large", "hubspott")


@contextmanager
def receiving(status: list[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A program that takes webhooks and checks their signatures: its address, what it took.

    `status` is what it answers, the last one for good.
    """
    took: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = Webhook(SECRET).verify(body, dict(self.headers))
            answer = status.pop(0) if len(status) > 1 else status[0]
            if answer == 200:
                took.append({"id": self.headers["webhook-id"], **said})
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/h", took
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_told_the_whole_and_what_changes_signed_and_once(tmp_path: Path) -> None:
    # Signatures hold for minutes of the receiver's clock.
    clock = Clock()
    clock.now = dt.datetime.now(dt.UTC)
    with receiving([503, 200]) as (address, took):
        hook = f"""[channels.crm]
kind = "webhook"
url = "{address}"
secret = "{SECRET}"
allow_private = true
[channels.team]
url = "json://team.example"
"""
        with made(tmp_path / "p", extra=hook) as first:
            audience(first, "large", 'fact = "mrr"\nat_least = 300', more='channels = ["crm"]')
            load(first, {"users": USERS})
            first.surveys.suppress("c@x.org", by="Ana")
        with Company(tmp_path / "p", clock=clock) as company:
            with pytest.raises(UsageError, match="'team' is no webhook"):
                company.audiences.send("large", "team")
            assert company.audiences.send("large", "crm") == 1
            assert company.work.send() == {"sent": 0, "failed": 1}
            clock.now += dt.timedelta(minutes=2)
            assert company.work.send() == {"sent": 1, "failed": 0}
            company.audiences.follow()
            company.audiences.follow()
            load(company, {"subscriptions": LEAVING, "payments": PAID})
            company.audiences.follow()
            # Another rule at the same instant of the data.
            audience(company, "large", 'fact = "mrr"\nat_least = 100', more='channels = ["crm"]')
            company.audiences.follow()
            assert company.work.send() == {"sent": 3, "failed": 0}
    whole, came, left, more = (one["data"] for one in took)
    assert [one["type"] for one in took] == ["audience.members", *["audience.changed"] * 3]
    assert len({one["id"] for one in took}) == 4
    assert [one["account_id"] for one in whole["accounts"]] == ["big", "mid"]
    # u3 asked not to be written to, u4 left.
    assert [one["user_id"] for one in whole["accounts"][0]["people"]] == ["u1", "u2"]
    assert whole["accounts"][1]["people"] == []
    assert [one["account_id"] for one in came["entered"]] == ["big", "mid"]
    assert came["left"] == []
    assert (left["entered"], left["left"]) == ([], [{"account_id": "mid"}])
    assert [one["account_id"] for one in more["entered"]] == ["low", "mid", "new"]


def test_large_lists_go_out_in_parts(company: Company) -> None:
    rows = [{"account_id": f"a{n:04}", "name": None} for n in range(telling.PART + 1)]
    at = company.as_of().at
    with company.state.database.writing() as session:
        told = telling.tell_changes(
            session, "crm", "vip", entered=rows, left=["z"], at=at, now=at, next_at=at
        )
        assert told == 2
        first, second = session.query(OutboxRow).order_by(OutboxRow.id)
        assert (len(first.body["entered"]), len(second.body["entered"])) == (telling.PART, 1)
        assert (first.body["left"], second.body["left"]) == ([{"account_id": "z"}], [])
        assert [one.body["part"] for one in (first, second)] == [1, 2]


@pytest.mark.parametrize(
    ("more", "says"),
    [('channels = ["crn"]', "there is no channel 'crn'. Did you mean 'crm'"),
     ('channels = ["team"]', "the channel 'team' is no webhook")],
)
def test_a_channel_that_cannot_be_told_is_refused_with_its_line(
    tmp_path: Path, more: str, says: str
) -> None:
    extra = (f'[channels.crm]\nkind = "webhook"\nurl = "https://x.example"\nsecret = "{SECRET}"\n'
             '[channels.team]\nurl = "json://team.example"\n')
    with made(tmp_path / "p", extra=extra) as company:
        audience(company, "large", 'fact = "mrr"\nat_least = 300', more=more)
        with pytest.raises(RuleError) as told:
            company.audiences.listed()
        assert told.value.message.startswith(f"audiences/large.toml:2 {says}")


def test_forms_of_other_tools() -> None:
    rows = [{"account_id": "a", "name": "A"}]
    assert hubspot("vip", rows)["inputs"][0]["properties"]["audience_vip"] == "true"
    assert customerio("vip", rows)["batch"][0]["attributes"] == {"name": "A", "audience_vip": True}
