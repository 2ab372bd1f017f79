"""What customers wrote, one text a row; the codebook; and what it does not cover yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountOrNoneField,
    AccountRow,
    Answer,
    AsOfField,
    FromField,
    Hidden,
    Key,
    Kind,
    Row,
    Said,
    Table,
    ToField,
    WhyField,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.shared.params import AsOfText, From, To, Where
from staycurve.insights.voice.asked import voice_asked
from staycurve.insights.voice.kept import Listener
from staycurve.insights.voice.languages import folded
from staycurve.insights.voice.masking import Masker
from staycurve.insights.voice.people import Unmasked, masked, masker
from staycurve.insights.voice.texts import SOURCES, book_of, heard, row_of, suggested
from staycurve.insights.voice.themes import (
    NO_TEXT,
    QUOTES,
    CodebookVersion,
    Source,
    named_theme,
)
from staycurve.metrics.base import Unit

MOST = 1000
NOTHING_SUGGESTED = N_("too few texts that fit no theme have anything in common")


@dataclass(frozen=True, kw_only=True)
class Comment(AccountRow):
    """One text."""

    comment_id: Annotated[str, Key(N_("The answer, ticket or note."))]
    source: Annotated[str, col(N_("Source"), Kind.NAME, named_by=SOURCES)]
    account_id: AccountOrNoneField
    user_id: Annotated[
        str | None, Key(N_("Who wrote it."), is_personal=True, stands_in=True)
    ]
    day: Annotated[dt.date, col(N_("Day"), Kind.DAY)]
    score: Annotated[float | None, col(N_("Score"), Unit.COUNT)]
    scale_max: Annotated[int | None, Key(N_("The best score."))]
    language: Annotated[str | None, Key(N_("Of the text: en, de, fr, es or ko."))]
    theme: Annotated[str | None, Key(N_("The id of its theme; empty where it fits none."))]
    theme_name: Annotated[str | None, col(N_("Theme"))]
    also: Annotated[tuple[str, ...], Key(N_("Other themes that it speaks of."))]
    text: Annotated[str, col(N_("Text"))]


@dataclass(frozen=True, kw_only=True)
class Comments(Answer):
    """What customers wrote, newest first."""

    as_of: AsOfField
    period_from: FromField
    period_to: ToField
    version: Annotated[int, Key(N_("The version of the codebook."))]
    theme: Annotated[str | None, Key(N_("Which theme; empty for all."))]
    more: Annotated[int, Key(N_("How many older ones are not listed."))]
    rows: Annotated[tuple[Comment, ...], Table(N_("Comments"), is_main=True)]
    why: WhyField = None

    def title(self) -> Said:
        return Said(N_("Comments, %(from)s to %(to)s"), {
            "from": (self.period_from, Kind.DAY), "to": (self.period_to, Kind.DAY)})

    def said(self) -> tuple[Said, ...]:
        if not self.more:
            return ()
        return (Said(N_("%(more)s older ones are not listed."),
                     {"more": (self.more, Unit.COUNT)}),)


@insight("feedback comments", comes_from="/feedback#themes", needs="")
def comments(
    company: Listener, *,
    theme: Annotated[
        str | None,
        Param(N_("Only this theme, by its id or name; none for what fits no theme."),
              metavar="THEME"),
    ] = None,
    text: Annotated[str | None, Param(N_("Only texts with these words."), metavar="WORDS")] = None,
    source: Source = None, version: CodebookVersion = None, unmasked: Unmasked = False,
    limit: Annotated[int, Param(N_("How many are listed at most."), least=1, most=MOST)] = 200,
    start: From = None, end: To = None, where: Where = "", as_of: AsOfText = None,
) -> Comments:
    """What did customers write?

    Comments of answers, notes and topics of tickets with their themes, newest first. Personal
    data is masked: e-mail addresses, phone, card and account numbers, and names of known users.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end)
    book = book_of(company, version)
    wanted = named_theme(book, theme)
    words = folded(text or "").split()
    with company.seeing(asked.as_of) as engine:
        every = heard(company, engine, asked, book, sources=(source,) if source else ())
        hides = masker(engine, is_unmasked=unmasked)
    names = {one.id: one.name for one in book.themes}
    shown = [
        one for one in reversed(every)
        if (wanted is None or one.found.theme == wanted)
        and all(word in folded(one.text) for word in words)
    ]
    return Comments(
        as_of=asked.as_of.at.isoformat(), period_from=str(asked.first), period_to=str(asked.last),
        version=book.version, theme=theme, more=max(0, len(shown) - limit),
        rows=tuple(
            Comment(**row_of(one, names), text=masked(one.text, hides) or "")
            for one in shown[:limit]
        ),
        why=None if shown else NO_TEXT,
    )


@dataclass(frozen=True, kw_only=True)
class CodedTheme(Row):
    """One theme of the codebook, and the words that tell it."""

    theme: Annotated[str, col(N_("Theme"), about=N_("Its id."))]
    name: Annotated[str, col(N_("Name"))]
    since: Annotated[
        int, col(N_("Since version"), Unit.COUNT, N_("0 is the codebook that is shipped."))
    ]
    stems: Annotated[
        dict[str, list[str]], Key(N_("Language → its words; word* also matches what begins so."))
    ]
    words: Annotated[int, col(N_("Words"), Unit.COUNT, N_("In all languages."))]


@dataclass(frozen=True, kw_only=True)
class Changed(Row):
    """One change of the codebook."""

    version: Annotated[int, col(N_("Version"), Unit.COUNT)]
    at: Annotated[str, col(N_("When"), Kind.DAY)]
    who: Annotated[str, col(N_("Who"))]
    what: Annotated[str, col(N_("Change"), Kind.NAME)]
    theme: Annotated[str, col(N_("Theme"))]


@dataclass(frozen=True, kw_only=True)
class CodebookAnswer(Answer):
    """The codebook and its changes."""

    version: Annotated[int, col(N_("Version"), Unit.COUNT)]
    pinned: Annotated[int, col(N_("Pinned comments"), Unit.COUNT,
                               N_("Whose theme a person has said."))]
    rows: Annotated[tuple[CodedTheme, ...], Table(N_("Codebook"), is_main=True)]
    changes: Annotated[tuple[Changed, ...], Table(N_("Changes"))]


@insight("feedback codebook", comes_from="/feedback#codebook", needs="", has_history=False)
def codebook(company: Listener, *, version: CodebookVersion = None) -> CodebookAnswer:
    """By which words are themes told, and who changed them when?"""
    book = book_of(company, version)
    made = company.codebook_changes()[:book.version]
    return CodebookAnswer(
        version=book.version, pinned=len(book.pins),
        rows=tuple(
            CodedTheme(theme=one.id, name=one.name, since=one.since, stems=one.stems(),
                       words=len(one.entries))
            for one in book.themes
        ),
        changes=tuple(
            Changed(version=one.version, at=one.at.isoformat(), who=one.who, what=one.what,
                    theme=one.theme)
            for one in reversed(made)
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Suggested(Row):
    """A theme that texts without one suggest."""

    number: Annotated[int, col(N_("Number"), Unit.COUNT, N_("By which it is accepted."))]
    language: Annotated[str, col(N_("Language"))]
    comments: Annotated[int, col(N_("Comments"), Unit.COUNT)]
    stems: Annotated[tuple[str, ...], col(N_("Words"))]
    near: Annotated[
        str | None, col(N_("Resembles"), about=N_("The theme that these comments are nearest to."))
    ]
    covered: Annotated[
        int, col(N_("Would match"), Unit.COUNT,
                 N_("Texts without a theme that have one of the words."))
    ]
    quotes: Annotated[tuple[str, ...], col(N_("Quotes"))]
    comment_ids: Annotated[tuple[str, ...], Hidden()] = ()


@dataclass(frozen=True, kw_only=True)
class Suggestions(Answer):
    """What the codebook does not cover yet."""

    as_of: AsOfField
    version: Annotated[int, Key(N_("The version of the codebook."))]
    unassigned: Annotated[int, col(N_("Fit no theme"), Unit.COUNT)]
    comments: Annotated[int, col(N_("Texts"), Unit.COUNT)]
    rows: Annotated[tuple[Suggested, ...], Table(N_("Suggested themes"), is_main=True)]
    why: WhyField = None


@insight("feedback suggestions", comes_from="/feedback#suggestions", needs="")
def suggestions(
    company: Listener, *, unmasked: Unmasked = False, start: From = None, end: To = None,
    where: Where = "", as_of: AsOfText = None,
) -> Suggestions:
    """Which themes does the codebook not know yet?

    Texts that fit no theme, grouped within each language by what their letters have in common
    (TF-IDF of character n-grams, non-negative factorisation). They are suggestions: accept one as
    a theme or as words of a theme, and it is kept as those words.
    """
    asked = voice_asked(company, where=where, as_of=as_of, start=start, end=end)
    book = book_of(company, None)
    with company.seeing(asked.as_of) as engine:
        every = heard(company, engine, asked, book)
        hides = masker(engine, is_unmasked=unmasked)
    texts = {one.id: one.text for one in every}
    found = suggested(every)
    return Suggestions(
        as_of=asked.as_of.at.isoformat(), version=book.version,
        unassigned=sum(not one.found.theme for one in every), comments=len(every),
        rows=tuple(
            Suggested(
                number=place, language=one.language, comments=len(one.comments), stems=one.stems,
                near=one.near or None, covered=one.covered,
                quotes=_quotes([texts[own] for own in one.comments], hides),
                comment_ids=one.comments,
            )
            for place, one in enumerate(found, 1)
        ),
        why=None if found else NOTHING_SUGGESTED,
    )


def _quotes(texts: Sequence[str], hides: Masker | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(masked(one, hides) or "" for one in texts))[:QUOTES]
