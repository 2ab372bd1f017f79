"""Channels: nothing lost while one is away, nothing sent twice, signed, never into our network."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from staycurve.actions.channels import sending
from staycurve.actions.channels.sending import Message, NotSentError, checked, send_all, signed
from staycurve.actions.channels.settings import CHANNELS, Channel
from staycurve.actions.channels.telling import after_quiet
from staycurve.workspace import Company
from tests.work.conftest import made, playbook, rule

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = f'[channels.hook]\nkind = "webhook"\nurl = "https://example.org/h"\nsecret = "{SECRET}"\n'
MINUTE = dt.timedelta(minutes=1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


def opened(folder: Path) -> Company:
    """A company in which two alerts opened, and one channel was told."""
    company = made(folder, extra=HOOK)
    playbook(company, rule("mrr", "at_least = 300"))
    company.work.run(as_of="2024-07-01")
    return company


def test_one_message_a_run_sent_once_after_a_day_away(tmp_path: Path) -> None:
    with opened(tmp_path / "p") as company:
        database, channels = company.state.database, company.config[CHANNELS]
        clock, arrived = Clock(), []

        def away(channel: Channel, message: Message, now: dt.datetime) -> None:
            raise NotSentError("away")

        def there(channel: Channel, message: Message, now: dt.datetime) -> None:
            arrived.append(message)

        for _hour in range(24):
            send_all(database, channels, clock=clock, send=away)
            clock.now += dt.timedelta(hours=1)
        clock.now += dt.timedelta(hours=6)
        assert send_all(database, channels, clock=clock, send=there) == {"sent": 1, "failed": 0}
        assert send_all(database, channels, clock=clock, send=there) == {"sent": 0, "failed": 0}
        (message,) = arrived
        assert [one["account_id"] for one in message.body["opened"]] == ["big", "mid"]
        company.work.run(as_of="2024-07-01")
        clock.now += dt.timedelta(days=1)
        assert send_all(database, channels, clock=clock, send=there)["sent"] == 0


def test_what_a_killed_sender_held_is_sent_after_its_lease(tmp_path: Path) -> None:
    with opened(tmp_path / "p") as company:
        database, channels, clock = company.state.database, company.config[CHANNELS], Clock()
        keys: list[str] = []

        def killed(channel: Channel, message: Message, now: dt.datetime) -> None:
            keys.append(message.key)
            raise KeyboardInterrupt

        def there(channel: Channel, message: Message, now: dt.datetime) -> None:
            keys.append(message.key)

        with pytest.raises(KeyboardInterrupt):
            send_all(database, channels, clock=clock, send=killed)
        clock.now += 9 * MINUTE
        assert send_all(database, channels, clock=clock, send=there)["sent"] == 0
        clock.now += 2 * MINUTE
        assert send_all(database, channels, clock=clock, send=there)["sent"] == 1
        # Under the same key: who took it the first time knows it.
        assert keys[0] == keys[1]


def test_a_webhook_is_signed_as_the_scheme_says() -> None:
    now = dt.datetime.now(dt.UTC)
    headers = signed(SECRET, "alerts.opened:1", '{"a": 1}', now)
    assert Webhook(SECRET).verify('{"a": 1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify('{"a": 2}', headers)


def refusal(address: str, *, may_be_private: bool) -> str:
    """Why a name that stands for this address and a public one is refused; empty if it is not."""
    try:
        checked(
            "https://name.example/h", may_be_private=may_be_private,
            resolve=lambda _host, _port: ["93.184.216.34", address],
        )
    except NotSentError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1",
     "100.64.0.1", "0.0.0.0"],
)
def test_private_addresses_are_refused_by_what_the_name_resolves_to(address: str) -> None:
    assert "private network" in refusal(address, may_be_private=False)
    assert refusal(address, may_be_private=True) == ""


def test_a_public_address_is_not_refused() -> None:
    assert refusal("93.184.216.34", may_be_private=False) == ""


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        # Berlin in winter is one hour ahead; quiet from 20:00 to 07:00.
        ("2026-01-10T12:00", "2026-01-10T12:00"), ("2026-01-10T19:30", "2026-01-11T06:00"),
        ("2026-01-10T04:00", "2026-01-10T06:00"), ("2026-01-10T06:00", "2026-01-10T06:00"),
        # In summer two; the night of the change is an hour shorter.
        ("2026-03-28T20:00", "2026-03-29T05:00"),
    ],
)
def test_quiet_hours_are_local(now: str, sent: str) -> None:
    assert after_quiet(utc(now), BERLIN, (20 * 60, 7 * 60)) == utc(sent)


def utc(text: str) -> dt.datetime:
    """An instant in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        # On 29 March 2026 it is 03:00 right after 01:59: 02:30 never comes, 03:00 is past it.
        ("2026-03-29T00:30", "2026-03-29T01:00"),
        # On 25 October 02:00 to 02:59 comes twice, from 00:00 UTC and from 01:00 UTC: the second
        # 02:10 is quiet until the second 02:30, the first 02:45 is not.
        ("2026-10-25T01:10", "2026-10-25T01:30"), ("2026-10-25T00:45", "2026-10-25T00:45"),
        ("2026-10-25T00:10", "2026-10-25T00:30"),
    ],
)
def test_quiet_hours_that_end_while_clocks_are_set(now: str, sent: str) -> None:
    assert after_quiet(utc(now), BERLIN, (20 * 60, 2 * 60 + 30)) == utc(sent)


def test_what_is_tried_again_keeps_the_quiet_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, arrived = Clock(), []
    with made(tmp_path / "p", extra=HOOK, playbooks='quiet_hours = "20:00-07:00"') as quiet:
        playbook(quiet, rule("mrr", "at_least = 300"))
        with Company(quiet.folder, clock=clock) as company:
            def send(channel: Channel, message: Message, now: dt.datetime) -> None:
                if now < utc("2026-11-22T21:00"):
                    raise NotSentError("away")
                arrived.append(now)

            monkeypatch.setattr(sending, "send_one", send)
            clock.now = utc("2026-11-22T19:30")
            company.work.run(as_of="2024-07-01")
            while clock.now < utc("2026-11-23T09:00"):
                company.work.send()
                clock.now += 30 * MINUTE
    # Away until 21:00, quiet until 07:00.
    assert arrived == [utc("2026-11-23T07:00")]
