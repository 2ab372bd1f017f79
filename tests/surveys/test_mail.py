"""Mail: what arrives at a real SMTP server, and each invitation once whatever the server does."""

from __future__ import annotations

import datetime as dt
import email
import re
import smtplib
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from staycurve.actions.surveys import definition, letters, post
from staycurve.errors import ConfigError
from staycurve.workspace import Company
from staycurve.workspace.survey_sending import Sent
from tests.surveys.conftest import NOON, Shop


class Box:
    """Keeps what arrives; `says` answers for some recipients."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.says: dict[str, str] = {}

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.says:
            return self.says[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        made = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(made, EmailMessage)
        self.mails.append(made)
        return "250 taken"

    @property
    def to(self) -> list[str]:
        return sorted(one["To"].addresses[0].addr_spec for one in self.mails)


@pytest.fixture(scope="module")
def server() -> Iterator[Controller]:
    """An SMTP server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Controller(Box(), hostname="127.0.0.1", port=port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def box(server: Controller) -> Box:
    found: Box = server.handler
    found.mails, found.says = [], {}
    return found


@pytest.fixture
def port(server: Controller) -> int:
    return int(server.port)


@pytest.fixture
def settings(port: int) -> str:
    return (
        f'\n[mail]\nhost = "127.0.0.1"\nport = {port}\nfrom = "Acme <hi@test.example>"\n'
        '[surveys]\naddress = "https://ask.test.example"\n'
    )


def invited(shop: Shop, *, is_at_once: bool = True) -> Any:
    survey = shop.create()
    shop.surveys.asking.mail(survey, is_at_once=is_at_once)
    return survey


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_a_mail_has_text_beside_html_every_score_and_one_click_unsubscribing(
    shop: Shop, box: Box
) -> None:
    invited(shop)
    assert shop.surveys.sending.send(is_at_once=True).sent == 3
    assert box.to == ["ann@acme.example", "bob@acme.example", "dora@bolt.example"]
    (mail,) = (one for one in box.mails if "ann@" in one["To"])
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["From"] == "Acme <hi@test.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (link,) = set(re.findall(r"https://ask.test.example(/s/[\w.-]+)\?score=\d+",
                             part(mail, "plain")))
    assert mail["List-Unsubscribe"] == f"<https://ask.test.example{link}/unsubscribe>"
    for kind in ("plain", "html"):
        text = part(mail, kind)
        assert "Would you recommend us?" in text
        assert [f"{link}?score={score}" in text for score in range(11)] == [True] * 11
        assert f"{link}/unsubscribe" in text
    assert shop.client.get(f"{link}?score=4").status_code == 200
    assert shop.client.post(f"{link}/unsubscribe",
                            data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert [one.email for one in shop.surveys.suppressions()] == ["ann@acme.example"]


def test_nothing_of_a_name_becomes_a_header(box: Box) -> None:
    made = letters.mail(letters.Letter(
        definition.parse(definition.template("open"), file="open"), "A <b>\r\nBcc: x@y.example",
        "ann@acme.example", "Ann\r\nBcc: evil@x.example", "https://x.example/s/t",
        "hi@test.example", "<survey.a.ask@x>", NOON,
    ))
    read = email.message_from_bytes(made.as_bytes(policy=SMTP), policy=default)
    assert "Bcc" not in read
    assert read["To"].addresses[0].display_name == "Ann Bcc: evil@x.example"
    assert read["Subject"] == "A question from A <b> Bcc: x@y.example"
    assert "A &lt;b&gt;" in part(read, "html")


def test_mails_wait_for_the_working_hours_of_each_person(shop: Shop, box: Box) -> None:
    invited(shop, is_at_once=False)
    # Monday noon in UTC: 7 in New York, 21 in Tokyo, 13 in Berlin.
    first = shop.surveys.sending.send()
    assert (first.sent, box.to) == (1, ["dora@bolt.example"])
    assert first.next_at == dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)
    shop.clock.at = dt.datetime(2026, 11, 23, 14, 0, tzinfo=dt.UTC)
    assert shop.surveys.sending.send().sent == 1
    assert box.to == ["ann@acme.example", "dora@bolt.example"]
    # The machine was off in the morning of Tokyo, and it is evening there now.
    shop.clock.at = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    late = shop.surveys.sending.send()
    assert (late.sent, late.next_at) == (0, dt.datetime(2026, 11, 25, 0, tzinfo=dt.UTC))
    shop.clock.at = dt.datetime(2026, 11, 25, 0, 30, tzinfo=dt.UTC)
    assert shop.surveys.sending.send().sent == 1
    assert len(box.mails) == 3


def test_while_the_server_is_away_mails_wait_and_each_goes_out_once_after(
    shop: Shop, box: Box, port: int
) -> None:
    invited(shop)
    path = shop.company.folder / "staycurve.toml"
    path.write_text(path.read_text().replace(f"port = {port}", "port = 1"))
    with Company(shop.company.folder, clock=shop.clock) as away:
        for _ in range(3):
            done = away.surveys.sending.send(is_at_once=True)
            assert (done.sent, done.waiting) == (0, 3)
            assert "cannot be reached" in done.fault
    assert box.mails == []
    assert shop.surveys.sending.send(is_at_once=True).sent == 3
    assert shop.surveys.sending.send(is_at_once=True).sent == 0
    assert len(box.mails) == 3


def test_a_server_that_refuses_half_gets_the_other_half_once(shop: Shop, box: Box) -> None:
    survey = invited(shop)
    box.says = {"ann@acme.example": "550 5.1.1 unknown", "bob@acme.example": "450 later"}
    done = shop.surveys.sending.send(is_at_once=True)
    assert (done.sent, done.refused, done.later, box.to) == (1, 1, 1, ["dora@bolt.example"])
    assert shop.surveys.sending.send(is_at_once=True).sent == 0
    assert [(one.email, one.reason) for one in shop.surveys.suppressions()] == [
        ("ann@acme.example", "bounced")]
    box.says = {}
    shop.clock.pass_(minutes=15)
    assert shop.surveys.sending.send(is_at_once=True).sent == 1
    assert box.to == ["bob@acme.example", "dora@bolt.example"]
    # Who could not be written to was not asked.
    assert sorted(shop.rows("SELECT user_id FROM invitations")) == [("bob",), ("dora",)]
    assert shop.surveys.standing(survey.name).as_dict()["failed"] == 1


def test_a_process_that_dies_while_it_sends_sends_nothing_twice(
    shop: Shop, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(shop)

    class Died(BaseException):
        pass

    real = post.Post.send

    def dies(self: Any, message: Any, recipient: str) -> Any:
        real(self, message, recipient)
        raise Died

    monkeypatch.setattr(post.Post, "send", dies)
    with pytest.raises(Died):
        shop.surveys.sending.send(is_at_once=True)
    monkeypatch.undo()
    assert len(box.mails) == 1
    shop.clock.pass_(hours=1)
    done = shop.surveys.sending.send(is_at_once=True)
    assert (done.sent, done.unsure) == (2, 1)
    assert len(set(box.to)) == len(box.to) == 3
    assert len(shop.rows("SELECT user_id FROM invitations")) == 3


def test_a_connection_that_breaks_after_the_mail_was_handed_over_is_told_and_not_repeated(
    shop: Shop, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    invited(shop)
    real = smtplib.SMTP.data

    def breaks(self: Any, content: Any) -> Any:
        real(self, content)
        self.close()
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(smtplib.SMTP, "data", breaks)
    done = shop.surveys.sending.send(is_at_once=True)
    monkeypatch.undo()
    assert (done.sent, done.unsure) == (0, 3)
    assert shop.surveys.sending.send(is_at_once=True).sent == 0
    assert len(box.mails) == 3


def test_who_has_not_answered_is_reminded_once_after_five_days(shop: Shop, box: Box) -> None:
    invited(shop)
    shop.surveys.sending.send(is_at_once=True)
    links = {
        one["To"].addresses[0].username: re.findall(r"(/s/[\w.-]+)\?", part(one, "plain"))[0]
        for one in box.mails
    }
    shop.client.post(links["ann"], data={"score": "9"})
    shop.surveys.suppress("bob@acme.example")
    shop.clock.pass_(days=4)
    assert shop.surveys.sending.send(is_at_once=True).sent == 0
    # Five days after a Monday is a Saturday: in Berlin the next working hour is Monday at 9.
    shop.clock.at = dt.datetime(2026, 11, 30, 8, 0, tzinfo=dt.UTC)
    box.mails = []
    assert shop.surveys.sending.send().sent == 1
    assert box.to == ["dora@bolt.example"]
    assert box.mails[0]["Subject"] == "Reminder: A question from Test"
    assert f"{links['dora']}?score=1" in part(box.mails[0], "plain")
    shop.clock.pass_(days=20)
    done = shop.surveys.sending.send(is_at_once=True)
    assert (done.sent, done.next_at) == (0, None)
    # Reminding is not asking again.
    assert len(shop.rows("SELECT user_id FROM invitations")) == 3


def test_a_minute_sends_no_more_than_its_share_and_the_next_goes_on(shop: Shop, box: Box) -> None:
    invited(shop)
    found = [shop.surveys.sending.send(most=2, is_at_once=True) for _ in range(3)]
    assert [(one.sent, one.waiting) for one in found] == [(2, 1), (1, 0), (0, 0)]
    assert len(box.mails) == len(set(box.to)) == 3


def test_two_processes_send_each_mail_once(shop: Shop, box: Box) -> None:
    invited(shop)
    gate = threading.Barrier(2)

    def run() -> None:
        gate.wait()
        shop.surveys.sending.send(is_at_once=True)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(box.mails) == len(set(box.to)) == 3


def test_sending_needs_a_server(project: Any, shop: Shop) -> None:
    with Company(project, clock=shop.clock) as bare:
        survey, _ = bare.surveys.create("nps")
        with pytest.raises(ConfigError, match=r"no \[mail\]"):
            bare.surveys.asking.mail(survey)
        assert bare.surveys.listed()[0].asked == 0
        assert bare.surveys.sending.send() == Sent()
