"""Themes: 120 comments in five languages, changes of the codebook, what stands behind a theme."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Iterator
from math import comb
from pathlib import Path
from typing import Any

import pytest

from staycurve import personal
from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.voice.codebook import (
    CodebookChange,
    id_of,
    replayed,
    shipped,
)
from staycurve.insights.voice.languages import LANGUAGES, language_of
from staycurve.insights.voice.matching import Matcher
from staycurve.insights.voice.suggesting import Written, suggestions
from staycurve.state.voice import CodebookChangedError
from staycurve.workspace import Company
from tests.company import build
from tests.insights.voice_comments import COMMENTS, LATER

AT = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
PLANTED = [
    (f"{language}-{theme}-{place}", language, theme, text)
    for language, themes in COMMENTS.items()
    for theme, texts in themes.items() for place, text in enumerate(texts)
]


def change(book: Any, what: str, theme: str, **detail: Any) -> Any:
    return book.after(CodebookChange(book.version + 1, AT, "Ada", what, theme, detail))


def themes_of(book: Any) -> dict[str, str]:
    matcher = Matcher(book)
    return {name: matcher.find(name, text).theme for name, _language, _theme, text in PLANTED}


def test_planted_themes_are_found_and_none_moves_when_more_arrive() -> None:
    assert len(PLANTED) == 120
    book = shipped()
    before = themes_of(book)
    wrong = [name for name, _language, theme, _text in PLANTED if before[name] != theme]
    assert len(wrong) <= 0.15 * 120, wrong
    matcher = Matcher(book)
    written = [
        Written(name, text, matcher.find(name, text).language, before[name])
        for name, _language, _theme, text in PLANTED
    ] + [
        Written(f"later-{place}", text, found.language, found.theme)
        for place, text in enumerate(LATER) for found in [matcher.find("", text)]
    ]
    # Whatever the comments suggest is taken in: what stood in a theme stays there.
    for number, one in enumerate(suggestions(written)):
        detail = {"stems": {one.language: list(one.stems)}}
        if one.near:
            book = change(book, "extend", one.near, **detail)
        else:
            book = change(book, "accept", f"s{number}", name=f"S {number}", **detail)
    after = themes_of(book)
    assert {name: theme for name, theme in after.items() if before[name]} == {
        name: theme for name, theme in before.items() if theme
    }
    assert sum(after[name] == theme for name, _l, theme, _t in PLANTED) >= 0.85 * 120


def test_languages_are_told_apart() -> None:
    wrong = [text for _name, language, _theme, text in PLANTED if language_of(text) != language]
    assert len(wrong) <= 6, wrong
    assert language_of("") == language_of("123 …") == ""


def test_comments_without_a_theme_suggest_one_per_language() -> None:
    texts = {
        "en": ("Please offer a dark theme", "A dark theme would rest my eyes",
               "Dark theme for the night shift", "When does the dark theme arrive?"),
        "ko": ("다크 모드 주세요", "다크 모드 언제 나와요", "밤에는 다크 모드요", "다크 모드 최고"),
    }
    written = [
        Written(f"{language}{place}", text, language, "")
        for language, own in texts.items() for place, text in enumerate(own)
    ]
    found = suggestions(written)
    assert {one.language: len(one.comments) for one in found} == {"en": 4, "ko": 4}
    assert {one.language: one.stems[0] for one in found} == {"en": "dark*", "ko": "다크"}
    # Too few to have anything in common, and no words at all.
    assert suggestions(written[:3]) == ()
    assert suggestions([Written(str(n), text, "en", "") for n, text in enumerate("abcdef")]) == ()


def test_every_shipped_word_tells_its_own_theme() -> None:
    book = shipped()
    assert all(set(theme.stems()) == set(LANGUAGES) for theme in book.themes)
    matcher = Matcher(book)
    lost = []
    for theme in book.themes:
        for entry in theme.entries:
            text = entry.text.rstrip("!~*").replace("*", "")
            found = matcher.find("", text)
            if theme.id not in (found.theme, *found.also):
                lost.append((theme.id, entry.language, entry.text))
    assert not lost


def test_changes_rename_merge_split_and_pin() -> None:
    book = change(shipped(), "accept", "zen", name="Zen mode", stems={"en": ["zen mode"]})
    assert Matcher(book).find("x", "Where is the zen mode?").theme == "zen"
    # A word of a later version only takes what fitted nothing before.
    assert Matcher(book).find("x", "The price of zen mode").theme == "price"
    book = change(book, "rename", "zen", name="Themes")
    assert book.theme("themes").id == "zen"
    book = change(book, "merge", "zen", into="usability")
    assert Matcher(book).find("x", "Where is the zen mode?").theme == "usability"
    book = change(book, "split", "usability", name="Looks", stems={"en": ["zen mode"]})
    assert Matcher(book).find("x", "Where is the zen mode?").theme == "looks"
    book = change(book, "pin", "price", comment="x")
    assert Matcher(book).find("x", "Where is the zen mode?").theme == "price"
    book = change(book, "drop", "price")
    assert Matcher(book).find("x", "Where is the zen mode?").theme == "looks"
    assert book.version == 6


@pytest.mark.parametrize(("what", "theme", "detail", "says"), [
    ("accept", "n", {"name": "Price", "stems": {"en": ["a"]}}, "named 'Price' already"),
    ("accept", "n", {"name": "New", "stems": {"en": ["!"]}}, "needs a word"),
    ("accept", "n", {"name": "New", "stems": {"it": ["caro"]}}, "no language"),
    ("rename", "price", {"name": "Support"}, "Another theme is named"),
    ("merge", "price", {"into": "price"}, "into itself"),
    ("split", "price", {"name": "X", "stems": {"en": ["nonsense"]}}, "has no word"),
    ("unpin", "", {"comment": "x"}, "Nobody has pinned"),
])
def test_what_cannot_be_done_is_said(
    what: str, theme: str, detail: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        change(shipped(), what, theme, **detail)


def test_unknown_themes_are_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'price'"):
        shipped().theme("prise")
    with pytest.raises(UsageError, match="no version 3"):
        replayed((), 3)
    assert id_of("Prix élevés!", ["prix-eleves"]) == "prix-eleves-2"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    accounts = [f"a{number:02}" for number in range(50)]
    made = build(tmp_path_factory.mktemp("themes") / "project", {
        "accounts": [{"account_id": one, "industry": "Law" if one < "a25" else "Art"}
                     for one in accounts],
        "users": [{"user_id": "u0", "account_id": "a00", "name": "Nora Lindqvist"}],
        "subscriptions": [
            {"subscription_id": one, "account_id": one, "amount": 100, "starts_at": "2023-01-01",
             # Of the 25 that speak of the price 15 leave within 90 days; of the others one.
             "ends_at": "2024-03-01" if one < "a15" or one == "a30" else "",
             "renews_at": "" if one < "a15" or one == "a30" else
             "2024-08-01" if one < "a20" else "2025-08-01"}
            for one in accounts
        ],
        "answers": [
            {"answer_id": f"p{one}", "survey": "q", "kind": "nps", "account_id": one,
             "answered_at": "2024-01-10", "score": 2, "scale_max": 10,
             "comment": "Far too expensive, says Nora Lindqvist (nora@law.example)"}
            for one in accounts[:25]
        ] + [
            {"answer_id": f"s{one}", "survey": "q", "kind": "nps", "account_id": one,
             "answered_at": "2024-01-10", "score": 8, "scale_max": 10,
             "comment": "Your support team is friendly"}
            for one in accounts[25:]
        ] + [
            {"answer_id": "x1", "survey": "q", "kind": "csat", "account_id": "a40", "score": 5,
             "answered_at": "2024-06-10", "comment": "Please offer a dark theme"},
            {"answer_id": "x2", "survey": "q", "kind": "csat", "account_id": "a41", "score": 1,
             "answered_at": "2024-06-11", "comment": "..."},
        ],
        "tickets": [{"ticket_id": "t1", "account_id": "a42", "opened_at": "2024-06-12",
                     "topic": "billing"}],
    })
    yield made
    made.close()


AS_OF = "2024-07-01"


def test_a_theme_stands_with_scores_money_and_churn(company: Company) -> None:
    found = company.feedback.themes(as_of=AS_OF)
    rows = {row.theme: row for row in found.rows}
    assert {theme: row.comments for theme, row in rows.items()} == {
        "price": 25, "support": 25, "billing": 1, None: 2,
    }
    price = rows["price"]
    # Ten of the 25 still pay; five of them renew in August.
    assert (price.accounts, price.mrr, price.renewing_mrr) == (25, 1000, 500)
    assert price.mean_score == pytest.approx(0.2)
    assert (price.churned, price.followed, price.churn_rate) == (15, 25, 0.6)
    # Of 25 others that wrote in January one left; those who wrote in June are not observed yet.
    assert price.rest_churn_rate == pytest.approx(1 / 25)
    assert price.churn_p_value is not None
    # Fisher's exact test of 15 of 25 against 1 of 25, both sides alike, times two themes.
    tail = (comb(25, 15) * comb(25, 1) + comb(25, 16)) / comb(50, 16)
    assert price.churn_p_value == pytest.approx(2 * 2 * tail)
    assert price.is_significant
    assert rows["billing"].churn_why is not None
    assert [quote.text for quote in price.quotes] == [
        "Far too expensive, says [name] ([e-mail])"
    ]


def test_themes_are_split_and_narrowed(company: Company) -> None:
    rows = company.feedback.themes(by="industry", as_of=AS_OF).rows
    assert [(row.segment["industry"], row.theme, row.comments) for row in rows] == [
        ("Art", "support", 25), ("Art", "billing", 1), ("Art", None, 2), ("Law", "price", 25),
    ]
    texts = company.feedback.comments(theme="none", as_of=AS_OF).rows
    assert [one.comment_id for one in texts] == ["x2", "x1"]
    found = company.feedback.comments(text="DARK theme", unmasked=True, as_of=AS_OF).rows
    assert [(one.text, one.score) for one in found] == [("Please offer a dark theme", 5)]


def test_who_may_not_see_personal_data_cannot_ask_for_it(company: Company) -> None:
    with personal.reading(is_shown=False):
        rows = company.feedback.comments(theme="price", unmasked=True, as_of=AS_OF).rows
        themes = company.feedback.themes(unmasked=True, as_of=AS_OF).rows
    assert len(rows) == 25
    shown = [row.text for row in rows] + [one.text for row in themes for one in row.quotes]
    assert not any("Lindqvist" in text or "@" in text for text in shown)


def test_each_change_is_dated_and_earlier_counts_come_back(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {
        "accounts": "account_id\na1",
        "answers": [
            {"answer_id": f"a{place}", "survey": "q", "kind": "open", "account_id": "a1",
             "answered_at": "2024-05-01", "comment": "A dark theme please"}
            for place in range(5)
        ],
    })

    def counts(**given: Any) -> Counter[str | None]:
        rows = company.feedback.themes(**given).rows
        return Counter({row.theme: row.comments for row in rows})

    assert counts() == {None: 5}
    [suggested] = company.feedback.suggestions().rows
    made = company.voice.accept("Dark", company.voice.suggested_stems(1), seen=0, by="Ada")
    assert (suggested.number, made.version, made.who) == (1, 1, "Ada")
    assert counts() == {"dark": 5}
    assert counts(version=0) == {None: 5}
    company.voice.pin("a0", "price", by="Bo")
    assert counts() == {"dark": 4, "price": 1}
    assert counts(version=1) == {"dark": 5}
    # Two look at version 2; the first one's change stands, and the other is told.
    company.voice.rename("dark", "Dark mode", seen=2, by="Ada")
    with pytest.raises(CodebookChangedError, match="version 3, not 2: rename by Ada"):
        company.voice.drop("dark", seen=2, by="Bo")
    book = company.feedback.codebook()
    assert [(one.version, one.what, one.who) for one in book.changes] == [
        (3, "rename", "Ada"), (2, "pin", "Bo"), (1, "accept", "Ada"),
    ]
    assert [entry.what for entry in company.state.audit()] == [
        "codebook.rename", "codebook.pin", "codebook.accept",
    ]
    company.close()


def test_of_two_who_change_the_same_version_at_once_one_is_told(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {"accounts": "account_id\na1"})
    gate, found = threading.Barrier(4), []

    def change_it(name: str) -> None:
        with Company(tmp_path / "p", clock=company.clock) as own:
            gate.wait(30)
            try:
                own.voice.rename("price", name, seen=0, by=name)
                found.append(name)
            except CodebookChangedError as error:
                found.append(error.code)

    threads = [threading.Thread(target=change_it, args=(f"Price {n}",)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    [made] = company.voice.changes()
    assert sorted(found) == sorted([made.who, *["codebook_changed"] * 3])
    assert company.voice.codebook().theme("price").name == made.who
    company.close()


def test_notes_feed_themes_and_are_found(tmp_path: Path) -> None:
    company = build(tmp_path / "p", {"accounts": "account_id\na1\na2"})
    note = company.voice.add_note(
        "a1", "Call with @Zoë:\n\nthey find it too expensive\u202e", day="2024-05-01", author="Ada"
    )
    assert (note.kind, note.mentions, note.text) == (
        "call", ("Zoë",), "Call with @Zoë:\n\nthey find it too expensive")
    assert company.voice.notes(text="ZOE expensive") == (note,)
    assert company.voice.notes(text="100%") == company.voice.notes("a2") == ()
    [row] = company.feedback.themes(start="2024", end="2024", as_of="2024-12-31").rows
    assert (row.theme, row.comments, row.accounts) == ("price", 1, 1)
    for text, says in ((" \n ", "is empty"), ("x" * 10_001, "10,001 letters")):
        with pytest.raises(UsageError, match=says):
            company.voice.add_note("a1", text)
    with pytest.raises(UsageError, match="lies ahead"):
        company.voice.add_note("a1", "x", day="2099-01-01")
    company.voice.delete_note(note.id, by="Bo")
    assert company.voice.notes() == ()
    assert not any("expensive" in str(entry.as_dict()) for entry in company.state.audit())
    company.close()
