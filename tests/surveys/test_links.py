"""Links: what scanners open changes nothing, and what a person sends is recorded once."""

from __future__ import annotations

import re
import string
import threading

import pytest

from tests.surveys.conftest import Shop

TEXTS = {"Accept": "text/html"}


def checked(html: str) -> list[str]:
    """The scores that are chosen on a page."""
    return re.findall(r'name="score" value="(\d+)" required checked', html)


def test_a_scanner_opens_all_eleven_links_three_times_then_the_person_answers(shop: Shop) -> None:
    link = shop.links(shop.create())["ann"]
    for _ in range(3):
        for score in range(11):
            page = shop.client.get(f"{link}?score={score}", headers=TEXTS)
            assert page.status_code == 200
            assert checked(page.text) == [str(score)]
        shop.client.get(f"{link}/unsubscribe")
    assert shop.surveys.answers("nps") == []
    assert shop.surveys.suppressions() == ()
    sent = shop.client.post(link, data={"score": "9", "comment": "Good."})
    assert (sent.status_code, sent.headers["location"]) == (303, link)
    assert "Thank you" in shop.client.get(link).text
    (row,) = shop.surveys.answers("nps")
    assert (row["user_id"], row["score"], row["comment"]) == ("ann", 9, "Good.")
    assert row["is_finished"]
    assert shop.rows("SELECT survey, kind, account_id, user_id, score, scale_max, comment "
                     "FROM answers") == [("nps", "nps", "acme", "ann", 9, 10, "Good.")]


def test_invitations_and_answers_are_counted_by_the_metrics(shop: Shop) -> None:
    survey = shop.create()
    links = shop.links(survey)
    assert sorted(links) == ["ann", "bob", "cid", "dora"]
    shop.client.post(links["ann"], data={"score": "10"})
    shop.client.post(links["dora"], data={"score": "3", "comment": "Slow"})
    shop.clock.pass_(days=10)
    for _ in range(2):
        shop.surveys.desk.drain_and_refresh()
        # A second drain finds nothing to bring in.
        assert not shop.surveys.desk.is_due
    found = shop.company.show(
        "nps", "response_rate", start="2026-11", end="2026-11", as_of="2026-12-02"
    )
    assert {row["metric"]: row["value"] for row in found.rows} == {"nps": 0.0, "response_rate": 0.5}


SIGNS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""Of base64 in addresses, by their values."""


@pytest.mark.parametrize("change", ["cut", "forged", "last bit", "longer", "empty"])
def test_a_link_that_was_not_made_here_records_nothing(shop: Shop, change: str) -> None:
    link = shop.links(shop.create())["ann"]
    wrong = {
        "cut": link[:-5], "forged": link[:-2] + ("A" if link[-2] != "A" else "B") + link[-1],
        # A signature has 256 bits, and its 43 signs have 258: nothing reads the last.
        "last bit": link[:-1] + SIGNS[SIGNS.index(link[-1]) ^ 1],
        "longer": link + "A" * 500, "empty": "/s/x",
    }[change]
    page = shop.client.get(wrong)
    assert page.status_code == 404
    assert "This link is not whole" in page.text
    assert shop.client.post(wrong, data={"score": "9"}).status_code == 404
    assert shop.client.post(f"{wrong}/unsubscribe").status_code == 404
    assert shop.surveys.answers("nps") == []


def test_an_expired_link_records_nothing(shop: Shop) -> None:
    link = shop.links(shop.create(rules={"expires_days": 30}))["ann"]
    shop.clock.pass_(days=30)
    page = shop.client.get(link)
    assert page.status_code == 410
    assert "This survey is closed" in page.text
    assert shop.client.post(link, data={"score": "9"}).status_code == 410
    assert shop.surveys.answers("nps") == []
    # Who is not to be written to any more is not, however late.
    assert shop.client.post(f"{link}/unsubscribe").status_code == 200
    assert [one.email for one in shop.surveys.suppressions()] == ["ann@acme.example"]


def test_a_link_is_spent_by_its_answer(shop: Shop) -> None:
    link = shop.links(shop.create())["ann"]
    shop.client.post(link, data={"score": "9"})
    again = shop.client.post(link, data={"score": "0"})
    assert again.status_code == 409
    assert "Your answer is recorded" in again.text
    assert [row["score"] for row in shop.surveys.answers("nps")] == [9]


@pytest.mark.parametrize("score", ["11", "-1", "9.5", "nine", "", "٩", "999999"])
def test_a_score_outside_the_scale_is_refused_and_what_was_written_stays(
    shop: Shop, score: str
) -> None:
    link = shop.links(shop.create())["ann"]
    page = shop.client.post(link, data={"score": score, "comment": "Kept <b>"})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "Kept &lt;b&gt;" in page.text
    assert shop.surveys.answers("nps") == []
    assert shop.client.post(link, data={"score": "0"}).status_code == 303


def test_a_comment_of_a_megabyte_is_refused_and_shown_again(shop: Shop) -> None:
    link = shop.links(shop.create())["ann"]
    page = shop.client.post(link, data={"score": "2", "comment": "x" * 1_000_000})
    assert page.status_code == 422
    assert "1,000,000 letters; 10,000 are kept at most" in page.text
    assert checked(page.text) == ["2"]
    assert "x" * 1_000_000 in page.text
    huge = shop.client.post(link, data={"score": "2", "comment": "x" * 5_000_000})
    assert huge.status_code == 413
    assert shop.surveys.answers("nps") == []


def test_html_formulas_and_marks_of_direction_are_words_and_nothing_else(shop: Shop) -> None:
    links = shop.links(shop.create())
    said = {
        "ann": "<script>alert(1)</script>", "bob": "=HYPERLINK(\"http://x\")",
        "dora": "\u202eevil\u2066 שלום\u200f\x00\r\nnext",
    }
    for user, comment in said.items():
        assert shop.client.post(links[user], data={"score": "1", "comment": comment}).is_redirect
    kept = {row["user_id"]: row["comment"] for row in shop.surveys.answers("nps")}
    assert kept == said | {"dora": "evil שלום\u200f\nnext"}
    found = dict(shop.rows("SELECT user_id, comment FROM answers"))
    assert found["bob"] == said["bob"]


def test_an_unfinished_answer_is_resumed_and_only_then_spent(shop: Shop) -> None:
    link = shop.links(shop.create(
        questions=["What else?", {"question": "How big?", "choices": ["Small", "Big"]}]
    ))["ann"]
    assert shop.client.post(link, data={"score": "6", "comment": "Hm"}).status_code == 303
    (row,) = shop.surveys.answers("nps")
    assert (row["score"], row["is_finished"]) == (6, False)
    page = shop.client.get(link).text
    assert "What else?" in page
    assert "A few more questions" in page
    # Back to the first question, and another score.
    assert checked(shop.client.get(f"{link}?step=1").text) == ["6"]
    shop.client.post(link, data={"step": "1", "score": "7", "comment": "Hm"})
    wrong = shop.client.post(link, data={"step": "2", "answer_1": "More", "answer_2": "Huge"})
    assert wrong.status_code == 422
    assert ">\nMore</textarea>" in wrong.text
    sent = shop.client.post(link, data={"step": "2", "answer_1": "More", "answer_2": "Big"})
    assert sent.status_code == 303
    assert "Thank you" in shop.client.get(link).text
    (row,) = shop.surveys.answers("nps")
    assert (row["score"], row["answer_1"], row["answer_2"], row["is_finished"]) == (
        7, "More", "Big", True)
    assert sorted(shop.rows("SELECT kind, score, question, comment FROM answers")) == [
        ("nps", 7, "Would you recommend us?", "Hm"), ("open", None, "How big?", "Big"),
        ("open", None, "What else?", "More"),
    ]
    # It is one answer to one invitation of four.
    shop.clock.pass_(days=10)
    shop.surveys.desk.drain_and_refresh()
    (rate,) = shop.company.show(
        "response_rate", start="2026-11", end="2026-11", as_of="2026-12-02"
    ).rows
    assert rate["value"] == 0.25


def test_two_tabs_record_one_answer(shop: Shop) -> None:
    link = shop.links(shop.create())["ann"]
    gate = threading.Barrier(2)
    found: list[int] = []

    def send(score: str) -> None:
        gate.wait()
        found.append(shop.client.post(link, data={"score": score}).status_code)

    tabs = [threading.Thread(target=send, args=(score,)) for score in ("3", "9")]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(found) == [303, 409]
    assert len(shop.surveys.answers("nps")) == 1


def test_a_survey_that_changes_while_people_answer_keeps_what_each_was_asked(shop: Shop) -> None:
    links = shop.links(shop.create(), where="name=Acme")
    assert sorted(links) == ["ann", "bob", "cid"]
    second = shop.create(question="And now?", questions=["Why?"])
    assert second.version == 2
    assert "Would you recommend us?" in shop.client.get(links["ann"]).text
    assert shop.client.post(links["ann"], data={"score": "8"}).status_code == 303
    later = shop.links(second)
    assert later["bob"] == links["bob"]
    assert "And now?" in shop.client.get(later["dora"]).text
    shop.client.post(later["dora"], data={"score": "8"})
    rows = {row["user_id"]: row for row in shop.surveys.answers("nps")}
    assert (rows["ann"]["version"], rows["ann"]["question"], rows["ann"]["is_finished"]) == (
        1, "Would you recommend us?", True)
    assert (rows["dora"]["version"], rows["dora"]["is_finished"]) == (2, False)


def test_one_click_unsubscribes_and_a_page_only_asks(shop: Shop) -> None:
    link = shop.links(shop.create())["ann"]
    asked = shop.client.get(f"{link}/unsubscribe")
    assert "<button>Unsubscribe</button>" in asked.text
    assert shop.surveys.suppressions() == ()
    done = shop.client.post(f"{link}/unsubscribe", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert [(one.email, one.reason) for one in shop.surveys.suppressions()] == [
        ("ann@acme.example", "unsubscribed")]
    # Who does not want to be asked may still say what they think.
    assert shop.client.post(link, data={"score": "5"}).status_code == 303


def test_an_answer_is_sent_as_json_too(shop: Shop) -> None:
    link = shop.links(shop.create(kind="csat", name="csat"))["bob"]
    assert shop.client.post(link, json={"score": 6}).status_code == 422
    broken = shop.client.post(link, content=b"[]", headers={"Content-Type": "application/json"})
    assert broken.status_code == 422
    assert shop.client.post(link, json={"score": 5, "comment": None}).status_code == 303
    assert shop.rows("SELECT kind, score, scale_max FROM answers") == [("csat", 5, 5)]
