"""The value recap leaves the house: to whom, once, with nothing in it that is ours alone."""

from __future__ import annotations

import datetime as dt
import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.actions.mails.documents import text_of
from staycurve.errors import ConfigError
from staycurve.interfaces.cli.app import app
from staycurve.workspace.recaps import NotSendableError
from tests.mails.conftest import Office
from tests.surveys.test_mail import Box

PRICE, RISK, NOTE, OWNER = "98765.43", "doomed_churner", "Their boss hates us", "Ana"
HEALTH = 37
SETTINGS = """
[surveys]
address = "https://sc.acme.example"
"""


@pytest.fixture
def settings(mail: str) -> str:
    return mail.replace('from = ', 'recap_consent = "reports"\nfrom = ') + SETTINGS


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_contacts_are_the_users_who_may_be_written_to(office: Office) -> None:
    office.company.surveys.suppress("mia@mid.example")
    found = {one.user_id: one.why_not for one in office.company.recaps.contacts("big")}
    assert found == {
        "ann": "", "bob": "no_consent", "cid": "no_email", "dee": "left", "eli": "bounced",
    }
    assert [one.why_not for one in office.company.recaps.contacts("mid")] == ["suppressed"]


def test_it_goes_to_chosen_contacts_once(office: Office, box: Box) -> None:
    recaps, mailing = office.company.recaps, office.company.mailing
    told = recaps.send("big", ["ANN@big.example", "ann"], by="Ben")
    assert [one["is_new"] for one in told] == [True]
    assert [one["is_new"] for one in recaps.send("big", ["ann"], by="Ben")] == [False]
    assert [mailing.send().sent for _again in range(2)] == [1, 0]
    (arrived,) = box.mails
    assert str(arrived["To"]) == 'Annabel Archer <ann@big.example>'
    assert str(arrived["Subject"]) == "Big: what you did with us"
    text, html = part(arrived, "plain"), part(arrived, "html")
    for said in ("2024-Q1: 1 January 2024", "We have no usage data for you yet.",
                 "We have not agreed on goals yet", "0 requests were solved; 0 are open."):
        assert said in " ".join(text.split())
        assert said in html
    # Another quarter is another recap.
    told = recaps.send("big", ["ann"], by="Ben", period="2024-Q2")
    assert [one["is_new"] for one in told] == [True]
    assert [one["created_by"] for one in mailing.listed(account="big")] == ["Ben", "Ben"]


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (["ann", "bob"], "bob has not agreed to get reports. Nobody was sent anything"),
        (["ann", "cid"], "cid has no e-mail address"), (["dee"], "dee has left the account"),
        (["eli"], "mails to this address come back"), (["mia"], "'mia' is no contact of big"),
        (["stranger@else.example"], "is no contact of big"), ([], "Nobody is named"),
        ([""], "'' is no contact"),
    ],
)
def test_nobody_else_is_written_to(office: Office, to: list[str], message: str) -> None:
    with pytest.raises(NotSendableError, match=re.escape(message)):
        office.company.recaps.send("big", to, by="Ben")
    assert office.company.mailing.listed() == []


def test_who_wants_no_more_gets_no_more(office: Office, box: Box) -> None:
    office.company.recaps.send("big", ["ann"], by="Ben")
    office.company.mailing.send()
    (arrived,) = box.mails
    link = str(arrived["List-Unsubscribe"]).strip("<>")
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in part(arrived, "plain")
    assert link in part(arrived, "html")
    path = link.removeprefix("https://sc.acme.example")
    client = office.client()
    # Scanners of mail open every link.
    assert client.get(path).status_code == 200
    assert office.company.recaps.contacts("big")[0].why_not == ""
    assert client.post(path.replace("/s/", "/s/x")).status_code == 404
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert office.company.recaps.contacts("big")[-1].user_id == "eli"
    with pytest.raises(NotSendableError, match="asked not to be written to"):
        office.company.recaps.send("big", ["ann"], by="Ben", period="2024-Q1")


def test_one_that_waits_for_somebody_who_unsubscribed_meanwhile_is_dropped(
    office: Office, box: Box
) -> None:
    office.company.recaps.send("big", ["ann"], by="Ben")
    office.company.surveys.suppress("ann@big.example")
    assert office.company.mailing.send().dropped == 1
    assert box.mails == []


def test_nothing_that_is_ours_alone_leaves_the_house(
    office: Office, box: Box, tmp_path: Path
) -> None:
    company = office.company
    company.voice.add_note("big", f"{NOTE}. {PRICE} is what Mid pays.", author=OWNER)
    office.open(name=RISK, more=f'chance = 0.{HEALTH}')
    # The last day with data is 25 June: what was reached later is of a later period.
    office.clock.at = dt.datetime(2024, 6, 25, 12, tzinfo=dt.UTC)
    done = company.work.add_milestone("big", "Everybody is trained", due_on="2024-06-01",
                                      owner=OWNER)
    company.work.reach_milestone(done["id"], by=OWNER)
    company.health.give_pulse("big", "red", note=NOTE, author=OWNER)
    company.recaps.send("big", ["ann"], by="Ben", period="2024-Q2")
    company.mailing.send()
    page = office.client().get("/recap/big?period=2024-Q2")
    api = office.client().get("/api/v1/account/recap?account=big&period=2024-Q2").text
    paths = company.recaps.write("big", tmp_path / "files", period="2024-Q2")
    (panel,) = re.findall(r'<section[^>]*id="recap".*?</section>', page.text, re.S)
    (arrived,) = box.mails
    every = {
        "mail": part(arrived, "plain"), "html": part(arrived, "html"), "api": api, "page": panel,
        "file": paths[0].read_text(), "text file": paths[1].read_text(),
        "download": office.client().get(
            "/api/v1/recaps/file?account=big&period=2024-Q2&form=text").text,
    }
    for name, told in every.items():
        assert "Everybody is trained" in told, name
        for secret in (PRICE, RISK, NOTE, "red", f"0.{HEALTH}", "1000", "1,000", "300"):
            assert secret.lower() not in told.lower(), (name, secret)
        assert not re.search(r"\b(Ana|Ben|health|risk|churn|MRR|owner)\b", told, re.I), name


def test_the_page_sends_what_it_shows(office: Office, box: Box) -> None:
    client = office.client()
    page = client.get("/recap/big").text
    assert "Annabel Archer, ann@big.example" in page
    assert "has not agreed to get reports" in page
    answer = client.post("/recap/big", data={"do": "send", "to:ann": "1", "by": "Ben"},
                         headers={"origin": "http://testserver"})
    assert (answer.status_code, answer.headers["location"]) == (
        303, "/recap/big?done=sent#send"
    )
    assert office.company.mailing.send().sent == 1
    assert "It waits" not in client.get("/recap/big").text
    answer = client.post("/recap/big", data={"do": "send", "by": "Ben"},
                         headers={"origin": "http://testserver"})
    assert "Nobody is named" in answer.text
    assert client.get("/recap/nobody").status_code == 404


def test_the_api_sends_it_as_well(office: Office) -> None:
    client = office.client()
    rows = client.get("/api/v1/recaps/contacts?account=big").json()["rows"]
    assert [one["user_id"] for one in rows if one["may_be_sent"]] == ["ann"]
    sent = client.post("/api/v1/recaps", json={"account": "big", "to": ["ann"], "by": "Ben"})
    assert [one["is_new"] for one in sent.json()["rows"]] == [True]
    assert [one["state"] for one in client.get("/api/v1/recaps").json()["rows"]] == ["waiting"]
    refused = client.post("/api/v1/recaps", json={"account": "big", "to": ["bob"], "by": "Ben"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not_sendable")
    file = client.get("/api/v1/recaps/file?account=big")
    assert file.headers["content-disposition"].startswith("attachment;")
    assert client.get("/api/v1/recaps/file?account=big&form=pdf").status_code >= 400


def test_the_commands_write_and_send_it(
    office: Office, box: Box, tmp_path: Path
) -> None:
    def told(*words: str) -> str:
        done = CliRunner().invoke(app, ["--project", str(office.company.folder), *words])
        assert done.exit_code == 0, done.output
        return done.output

    written = told("recaps", "write", "big", "--to", str(tmp_path / "out"), "--period", "2024-Q2")
    assert [Path(one).name for one in written.split()] == [
        "recap-big-2024-Q2.html", "recap-big-2024-Q2.txt"
    ]
    sent = told("recaps", "send", "big", "--to", "ann", "--by", "Ben")
    assert "Sent 1, refused 0, waiting 0." in sent
    assert box.to == ["ann@big.example"]
    assert "ann@big.example" in told("recaps", "list", "--format", "csv")
    assert "has not agreed" in told("recaps", "contacts", "big")
    assert "Alerts that opened" in told("digest", "preview")


def test_text_and_html_say_the_same(office: Office) -> None:
    _found, letter = office.company.recaps.document("big")
    text = text_of(letter)
    assert letter.parts
    assert all(part.title in text for part in letter.parts)


class TestWithoutMail:
    """A company without [mail]."""

    @pytest.fixture
    def settings(self) -> str:
        return ""

    def test_nothing_can_be_sent(self, office: Office) -> None:
        with pytest.raises(ConfigError, match="names no server"):
            office.company.recaps.send("big", ["ann"], by="Ben")
        assert "No mail server is set" in office.client().get("/recap/big").text
