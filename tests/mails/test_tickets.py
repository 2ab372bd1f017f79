"""Tickets: asked for once, solved once, and nothing lost while a help desk is away for a day."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import TypeAdapter
from standardwebhooks.webhooks import Webhook

from staycurve.actions.channels.sending import Message, NotSentError, send_all
from staycurve.actions.channels.settings import CHANNELS, Channel
from staycurve.actions.rules.documents import RuleError
from staycurve.actions.ticket_settings import TICKETS
from staycurve.errors import ConfigError, UnknownNameError
from staycurve.interfaces.api.work_shapes import ListedAlertShape
from staycurve.state.alerts import TransitionError
from staycurve.workspace import Company
from tests.mails.conftest import Office, free_port
from tests.surveys.test_mail import Box
from tests.work.conftest import playbook, rule

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = f"""
[channels.desk]
kind = "webhook"
url = "https://example.org/h"
secret = "{SECRET}"
[channels.team]
kind = "webhook"
url = "https://example.org/t"
secret = "{SECRET}"
[tickets.zendesk]
channel = "desk"
secret = "{SECRET}"
source = "zen"
"""
TICKET = 'ticket = "zendesk"'


@pytest.fixture
def settings() -> str:
    return HOOK


class Desk:
    """Keeps what arrives at channels, unless it is away."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, Message]] = []
        self.is_away = False

    def __call__(self, channel: Channel, message: Message, now: dt.datetime) -> None:
        if self.is_away:
            raise NotSentError("away")
        self.arrived.append((channel.name, message))

    def go(self, office: Office) -> None:
        """Send what is due."""
        company = office.company
        send_all(company.state.database, company.config[CHANNELS], clock=office.clock, send=self)

    def of(self, channel: str) -> list[Message]:
        """What arrived at a channel."""
        return [message for name, message in self.arrived if name == channel]


def said(office: Office, body: dict[str, Any] | str, *, id: str = "m1", secret: str = SECRET,
         late: int = 0) -> tuple[int, dict[str, Any]]:
    """What the server answers to a signed webhook: its status and its body."""
    text = body if isinstance(body, str) else json.dumps(body)
    at = office.clock() - dt.timedelta(seconds=late)
    answer = office.client().post("/webhooks/tickets/zendesk", content=text.encode(), headers={
        "webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,AAAA {Webhook(secret).sign(id, at, text)}",
    })
    return answer.status_code, answer.json()


def solved(**data: Any) -> dict[str, Any]:
    return {"type": "ticket.solved", "data": data}


def test_each_alert_asks_for_one_ticket_and_the_desk_hears_of_nothing_else(office: Office) -> None:
    first, second = office.open(more=TICKET)
    office.work.run(as_of="2024-07-01")
    desk = Desk()
    desk.go(office)
    asked = desk.of("desk")
    assert {one.key for one in asked} == {
        f"ticket.open:zendesk:{one['id']}" for one in (first, second)
    }
    assert asked[0].kind == "ticket.open"
    assert asked[0].body["alert"]["account_id"] == "big"
    assert "mrr" in asked[0].body["text"]
    assert [one.kind for one in desk.of("team")] == ["alerts.opened"]
    found = office.work.hand_over(first["id"], desk="zendesk", by="Ana")
    assert (found["is_new"], found["state"]) == (False, "asked")
    desk.go(office)
    assert len(desk.of("desk")) == 2


def test_a_second_playbook_of_the_same_alert_asks_for_its_ticket(office: Office) -> None:
    office.open("first", 900)
    assert office.work.tickets() == []
    only, other = office.open("second", 300, TICKET)
    assert sorted((one["alert_id"], one["desk"]) for one in office.work.tickets()) == [
        (only["id"], "zendesk"), (other["id"], "zendesk")
    ]


def test_a_desk_that_is_away_for_a_day_gets_each_ticket_once(office: Office) -> None:
    office.open(more=TICKET)
    desk = Desk()
    desk.is_away = True
    for _hour in range(24):
        desk.go(office)
        office.clock.pass_(hours=1)
    assert desk.arrived == []
    desk.is_away = False
    # The waits have grown to six hours.
    office.clock.pass_(hours=6)
    desk.go(office)
    office.clock.pass_(days=2)
    desk.go(office)
    assert sorted(one.key for one in desk.of("desk")) == [
        "ticket.open:zendesk:1", "ticket.open:zendesk:2"
    ]


def test_the_alert_ends_when_the_desk_says_so_however_often_it_does(office: Office) -> None:
    first, second = office.open(more=TICKET)
    # What comes out of order is as good: solved names the ticket that nobody has told of.
    assert said(office, solved(alert=first["id"], reference=4711)) == (
        200, {"received": True, "new": 2}
    )
    found = office.work.alert(first["id"])
    assert (found["status"], found["reason"], found["resolved_by"]) == (
        "resolved", "ticket_solved", "zendesk"
    )
    assert [one["what"] for one in found["history"]][-3:] == [
        "ticket_opened", "ticket_solved", "resolved"
    ]
    assert found["tickets"][0]["reference"] == "4711"
    assert {one["status"] for one in found["tasks"]} == {"dropped"}
    for _again in range(2):
        assert said(office, solved(reference="4711"))[1] == {"received": True, "new": 0}
    opened = {"type": "ticket.opened",
              "data": {"alert": f"ticket.open:zendesk:{second['id']}", "reference": "4712"}}
    assert [said(office, opened)[1]["new"] for _again in range(2)] == [1, 0]
    office.work.resolve(second["id"], reason="helped", by="Ana")
    assert said(office, solved(reference="4712"))[1]["new"] == 1
    # Ana's reason stands.
    assert office.work.alert(second["id"])["reason"] == "helped"
    desk = Desk()
    desk.go(office)
    # The desk is told what people resolved, and not what it said itself.
    assert [one.body["alert"]["id"] for one in desk.of("desk") if one.kind == "alert.resolved"] == [
        second["id"]
    ]
    assert [one.body["alert"]["id"] for one in desk.of("team") if one.kind == "alert.resolved"] == [
        first["id"], second["id"]
    ]


REFUSED: list[tuple[int, str, dict[str, Any]]] = [
    (401, "bad_signature", {"secret": "whsec_" + "A" * 32}),
    (401, "bad_signature", {"late": 400}), (401, "bad_signature", {"late": -400}),
    (400, "no_json", {"body": "{"}), (422, "no_ticket", {"body": {"type": "ticket.solved"}}),
    (422, "no_ticket", {"body": {"type": "other", "data": {"alert": 1}}}),
    (422, "no_ticket", {"body": solved(alert=True)}),
    (422, "unknown_ticket", {"body": solved(alert=99)}),
    (422, "unknown_ticket", {"body": solved(alert=10**12)}),
    (422, "unknown_ticket", {"body": solved(reference="never")}),
]


def test_what_cannot_be_followed_changes_nothing(office: Office) -> None:
    (first, *_others) = office.open(more=TICKET)
    for status, code, given in REFUSED:
        asked: dict[str, Any] = {"body": solved(alert=first["id"], reference="1")} | given
        found = said(office, **asked)
        assert (found[0], found[1]["error"]["code"]) == (status, code), given
    assert office.work.alert(first["id"])["status"] == "open"
    assert office.client().post("/webhooks/tickets/other", content=b"{}").status_code == 404


def test_a_ticket_stands_on_the_cards_of_its_alert(office: Office) -> None:
    first, second = office.open()
    client = office.client()
    assert "<dt>Owner</dt>" in client.get("/work").text
    assert "<dt>Ticket</dt>" not in client.get("/work").text
    for one in (first, second):
        office.work.hand_over(one["id"], desk="zendesk", by="Ana")
    said(office, {"type": "ticket.opened", "data": {"alert": first["id"], "reference": "4711"}})
    rows = client.get("/api/v1/alerts").json()["rows"]
    assert [(one["id"], [own["reference"] for own in one["tickets"]]) for one in rows] == [
        (first["id"], ["4711"]), (second["id"], [None])
    ]
    TypeAdapter(list[ListedAlertShape]).validate_python(rows, strict=True)
    opened, asked = (
        f'<dt>Ticket</dt><dd>zendesk {one} <span class="quiet">{state}</span></dd>'
        for one, state in (("4711", "open"), ("", "asked for"))
    )

    def cards(path: str) -> list[str]:
        html = client.get(path).text
        return [one for one in (opened, asked) if one in html]

    assert cards("/work") == [opened, asked]
    assert cards(f"/alerts/{first['id']}") == cards("/accounts/big") == [opened]
    said(office, solved(reference="4711"))
    assert '4711 <span class="quiet">solved</span>' in client.get(f"/alerts/{first['id']}").text


def test_a_ticket_has_one_reference(office: Office) -> None:
    (first, *_others) = office.open(more=TICKET)
    assert said(office, {"type": "ticket.opened",
                         "data": {"alert": first["id"], "reference": "1"}})[0] == 200
    status, body = said(office, solved(alert=first["id"], reference="2"))
    assert (status, body["error"]["message"]) == (
        422, "The ticket of alert 1 at zendesk is 1 already."
    )


def test_a_ticket_that_is_solved_in_the_loaded_table_ends_its_alert(office: Office) -> None:
    first, second = office.open(more=TICKET)
    for alert, reference in ((first, "1"), (second, "9")):
        office.work.hear("zendesk", {"type": "ticket.opened", "data": {
            "alert": alert["id"], "reference": reference}})
    # zen:1 is solved; zen:9 was opened again.
    assert [office.work.close_solved() for _again in range(2)] == [1, 0]
    assert office.work.alert(first["id"])["reason"] == "ticket_solved"
    assert office.work.alert(second["id"])["status"] == "open"
    assert [one["solved_by"] for one in office.work.tickets(has_solved=True)] == [None, "tickets"]


def test_a_run_looks_at_the_table_before_it_opens_anything(office: Office) -> None:
    (first, *_others) = office.open(more=TICKET)
    office.work.hear("zendesk", {"type": "ticket.opened", "data": {
        "alert": first["id"], "reference": "1"}})
    office.work.run(as_of="2024-07-02")
    assert office.work.alert(first["id"])["status"] == "resolved"


def test_nothing_is_asked_for_an_alert_that_has_ended(office: Office) -> None:
    (first, *_others) = office.open()
    office.work.resolve(first["id"], reason="helped", by="Ana")
    with pytest.raises(TransitionError, match="is resolved"):
        office.work.hand_over(first["id"], desk="zendesk", by="Ana")
    with pytest.raises(UnknownNameError, match=r"help desk 'zendsk'\. Did you mean 'zendesk'"):
        office.work.hand_over(first["id"], desk="zendsk", by="Ana")


def test_a_playbook_that_names_no_desk_is_refused_with_its_line(office: Office) -> None:
    playbook(office.company, rule("mrr", "at_least = 300", more='ticket = "jira"'))
    with pytest.raises(RuleError, match=r"late.toml:3 .*no help desk 'jira'"):
        office.work.run(as_of="2024-07-01")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('channel = "team"\nemail = "a@b.example"', "a channel or by email"),
        ('email = "nobody"', "email is not an address"),
        ('chanel = "team"', "chanel is not known. Did you mean 'channel'"),
        ("channel = 3", "take texts"),
    ],
)
def test_a_desk_that_is_not_whole_is_refused(section: str, message: str) -> None:
    _found, wrong = TICKETS.read(tomllib.loads(f"[second]\n{section}"))
    assert [message in one.message for one in wrong] == [True]


class TestByMail:
    """A help desk that takes mails."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def settings(self, port: int) -> str:
        return (f'\n[mail]\nhost = "127.0.0.1"\nport = {port}\nfrom = "hi@test.example"\n'
                '[tickets.zendesk]\nemail = "help@desk.example"\n')

    def test_a_server_that_is_away_for_a_day_gets_each_ticket_once(
        self, office: Office, port: int
    ) -> None:
        office.open(more=TICKET)
        for _hour in range(24):
            assert "cannot be reached" in office.company.mailing.send().fault
            office.clock.pass_(hours=1)
        server = Controller(box := Box(), hostname="127.0.0.1", port=port)
        server.start()
        try:
            assert [office.company.mailing.send().sent for _again in range(2)] == [2, 0]
        finally:
            server.stop()
        assert box.to == ["help@desk.example"] * 2
        assert sorted(str(one["Subject"]) for one in box.mails) == [
            "Big: large [staycurve #1]", "Mid: large [staycurve #2]"
        ]
        text = box.mails[0].get_body(("plain",))
        assert text is not None
        assert "Alert 1 of the playbook large" in text.get_content()

    def test_without_a_mail_server_nothing_runs(self, office: Office) -> None:
        path = office.company.folder / "staycurve.toml"
        path.write_text(path.read_text().replace('host = "127.0.0.1"\n', ""))
        with (
            Company(office.company.folder, clock=office.clock) as company,
            pytest.raises(ConfigError, match="names no server"),
        ):
            Office(company, office.clock).open(more=TICKET)
