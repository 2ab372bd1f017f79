"""Mentions in notes: who is meant, told once, linked; a name of nobody stays a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from staycurve import personal
from staycurve.interfaces.api.app import create_app
from staycurve.state.mentions import MENTION, TITLE
from staycurve.workspace import Company
from tests.access.conftest import browser
from tests.company import build
from tests.work.conftest import ACCOUNTS, SUBSCRIPTIONS

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Accounts of Ana and Carl, who has left; Zoë and two Bens log in."""
    made = build(
        tmp_path_factory.mktemp("mentions") / "p",
        {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS},
        company='[ownership]\ngone = ["Carl"]\npeople = ["Dora Day"]\n',
    )
    for email in ("zoe@acme.example", "ben@acme.example", "ben@other.example",
                  "gone@acme.example"):
        made.state.people.add(email, "admin")
    made.state.people.disable("gone@acme.example")
    return made


def told(company: Company, account: str) -> list[str]:
    return [one["owner"] for one in company.work.tasks(account=account)]


@pytest.mark.parametrize(("text", "names"), [
    ("Met @zoe, and @Zoë's team", ["zoe", "Zoë's"]),
    ("(@ben@acme.example) and @Dora.Day.", ["ben@acme.example", "Dora.Day"]),
    ("mail zoe@acme.example, @ nobody, @@twice", []),
    ("한국 @지은 氏", ["지은"]),
])
def test_what_is_a_mention(text: str, names: list[str]) -> None:
    assert MENTION.findall(text) == names


def test_whoever_is_meant_gets_one_task_and_nobody_else_does(company: Company) -> None:
    text = "@zoe @ZOË @zoe@acme.example: ask @ana, @Dora.Day, @ben, @carl, @gone and @nobody"
    note = company.voice.add_note("big", text, author="ana")
    assert note.text == text
    # Ana wrote it; two are called ben, two have left, and nobody is called nobody.
    assert told(company, "big") == ["zoe@acme.example", "Dora Day"]
    [task] = company.work.tasks(owner="zoe@acme.example")
    assert (task["title"], task["message"], task["alert_id"]) == (TITLE, None, None)
    assert company.voice.mentioned([note]) == {
        "zoe": "zoe@acme.example", "ZOË": "zoe@acme.example",
        "zoe@acme.example": "zoe@acme.example", "ana": "Ana", "Dora.Day": "Dora Day",
    }
    company.work.complete(task["id"], by="zoe")
    assert told(company, "big") == ["Dora Day"]
    other = company.voice.add_note("mid", "Met them", mentions=["ben@other.example"])
    assert told(company, "mid") == ["ben@other.example"]
    # Notes that another tool holds tell nobody of what was said long ago.
    company.voice.add_notes([{
        "account_id": "low", "day": "2024-02-01", "kind": "call", "author": "Ana", "text": "@zoe",
    }], by="ana")
    assert told(company, "low") == []
    # With its note a task goes too, whether it is done or not.
    company.voice.delete_note(other.id)
    company.voice.delete_note(note.id)
    assert company.work.tasks(has_done=True) == []


def test_it_stands_in_my_work_and_leads_to_the_note(company: Company) -> None:
    client = browser(create_app(company))
    key = company.state.create_key("operator")[1]
    client.headers["Authorization"] = f"Bearer {key}"
    said = "Ask @zoe about <b>Q3</b>, and @nobody"
    sent = client.post("/api/v1/notes", json={"account_id": "new", "text": said})
    assert sent.json()["mentions"] == ["zoe", "nobody"]
    work = client.get("/work", headers=OWN).text
    assert "You were mentioned in a note" in work
    assert 'href="/accounts/new#notes"' in work
    # What was said stands in the note alone.
    assert "Q3" not in work
    page = client.get("/accounts/new", headers=OWN).text
    link = '<a href="/search?q=%40zoe&amp;kind=note" title="zoe@acme.example">@zoe</a>'
    assert f"Ask {link} about &lt;b&gt;Q3&lt;/b&gt;, and @nobody" in page
    found = client.get("/search?q=%40zoe&kind=note", headers=OWN).text
    assert "Ask @zoe about &lt;b&gt;Q3&lt;/b&gt;" in found
    assert 'href="/accounts/new#notes"' in found


def test_notes_are_found_by_their_words_by_who_may_read_them(company: Company) -> None:
    first = company.voice.add_note("big", "They would like a Größe\nof their own", author="Ana")
    company.voice.add_note("big", "Nothing else")
    [row] = company.search(q="GROSSE own", kind=["note"]).rows
    assert (row.id, row.account_id, row.name) == (
        str(first.id), "big", "They would like a Größe of their own")
    assert row.about == f"{first.day}, Ana"
    assert company.search(q="100%", kind=["note"]).rows == ()
    with personal.reading(is_shown=False):
        hidden = company.search(q="own")
    assert {one.kind for one in hidden.counts} == {"account", "metric", "page"}


def test_a_person_who_is_forgotten_is_no_longer_named_by_tasks(tmp_path: Path) -> None:
    with build(tmp_path / "p", {"accounts": ACCOUNTS, "users": """
        user_id  account_id email            name
        u-zoe-17 big        zoe@acme.example Zoe_Zimmer"""}) as own:
        own.state.people.add("ben@acme.example", "admin")
        own.state.people.add("zoe@acme.example", "viewer")
        own.voice.add_note("big", "See @zoe@acme.example")
        assert told(own, "big") == ["zoe@acme.example"]
        done = own.personal.forget("u-zoe-17")
        [owner] = told(own, "big")
        assert owner.startswith(done.key)
        body = (own.folder / "app.db").read_bytes().lower()
        assert b"zoe@acme.example" not in body
