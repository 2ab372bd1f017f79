"""Voice of one project: its codebook, and notes on its accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from staycurve.actions.settings import OWNERSHIP
from staycurve.errors import UnknownNameError, UsageError
from staycurve.insights.account.asked import whose
from staycurve.insights.voice.codebook import (
    Codebook,
    CodebookChange,
    entries_of,
    id_of,
    replayed,
)
from staycurve.insights.voice.kept import Note
from staycurve.period import local_day
from staycurve.state import cleaning, mentions as telling, voice as keeping
from staycurve.state.audit import ACTING
from staycurve.state.cleaning import NAME, line
from staycurve.tables.engine import AnyEngine
from staycurve.workspace.measured import MeasuredCompany

if TYPE_CHECKING:
    from staycurve.workspace.state import State


class Voice:
    """What people keep of their customers' voice; every change is dated and audited.

    Parameters
    ----------
    company : MeasuredCompany
        Whose customers they are.
    state : State
        Where it is kept.
    """

    def __init__(self, company: MeasuredCompany, state: State) -> None:
        self._company = company
        self._database = state.database

    def changes(self) -> tuple[CodebookChange, ...]:
        """Every change of the codebook that was made by the company's now."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            found = keeping.changes(session)
        now = self._company.clock()
        return tuple(one for one in found if one.at <= now)

    def mark(self) -> tuple[int, int]:
        """Something that is another one after each change: of the codebook, and of notes."""
        if not self._database.is_there:
            return 0, 0
        with self._database.reading() as session:
            return keeping.mark(session)

    def codebook(self, version: int | None = None) -> Codebook:
        """The codebook, or an earlier version of it."""
        return replayed(self.changes(), version)

    def accept(
        self, name: str, stems: Mapping[str, Sequence[str]], *, seen: int | None = None,
        by: str = "",
    ) -> CodebookChange:
        """Add a theme.

        Parameters
        ----------
        stems : mapping
            Language (en, de, fr, es, ko) → words; `word*` matches what begins so.
        seen : int, optional
            The version of the codebook that was looked at: of two people who change it at the
            same time one is told.

        Raises
        ------
        UsageError
            If the name is taken, there is no word, or the codebook was changed meanwhile.
        """
        kept = line(name, what="The name", most=NAME)
        taken = [one.id for one in self.codebook().themes]
        detail = {"name": kept, "stems": _stems(stems)}
        return self._change("accept", id_of(kept, taken), detail, seen, by)

    def suggested_stems(self, number: int) -> dict[str, list[str]]:
        """The words of a suggestion, by its number among those that are made now.

        Raises
        ------
        UnknownNameError
            If there is no such suggestion.
        """
        from staycurve.insights.voice.comments import suggestions

        found = suggestions.ask(self._company).rows
        for one in found:
            if one.number == number:
                return {one.language: list(one.stems)}
        raise UnknownNameError(
            "suggestion", str(number), [str(one.number) for one in found],
            hint="All suggestions: staycurve feedback suggestions",
        )

    def extend(
        self, theme: str, stems: Mapping[str, Sequence[str]], *, seen: int | None = None,
        by: str = "",
    ) -> CodebookChange:
        """Give a theme more words; they only take comments that fitted nothing before."""
        own = self.codebook().theme(theme)
        return self._change("extend", own.id, {"stems": _stems(stems)}, seen, by)

    def rename(
        self, theme: str, name: str, *, seen: int | None = None, by: str = ""
    ) -> CodebookChange:
        """Give a theme another name; its id stays."""
        own = self.codebook().theme(theme)
        return self._change(
            "rename", own.id, {"name": line(name, what="The name", most=NAME)}, seen, by
        )

    def merge(
        self, theme: str, into: str, *, seen: int | None = None, by: str = ""
    ) -> CodebookChange:
        """Let one theme become a part of another."""
        book = self.codebook()
        detail = {"into": book.theme(into).id}
        return self._change("merge", book.theme(theme).id, detail, seen, by)

    def split(
        self, theme: str, name: str, stems: Mapping[str, Sequence[str]], *,
        seen: int | None = None, by: str = "",
    ) -> CodebookChange:
        """Move some words of a theme to a new one."""
        own = self.codebook().theme(theme)
        detail = {"name": line(name, what="The name", most=NAME), "stems": _stems(stems)}
        return self._change("split", own.id, detail, seen, by)

    def drop(self, theme: str, *, seen: int | None = None, by: str = "") -> CodebookChange:
        """Remove a theme; its comments fit none, or another."""
        return self._change("drop", self.codebook().theme(theme).id, {}, seen, by)

    def pin(
        self, comment: str, theme: str, *, seen: int | None = None, by: str = ""
    ) -> CodebookChange:
        """Say which theme a comment belongs to; an empty one says to none."""
        own = self.codebook().theme(theme).id if theme else ""
        named = line(comment, what="The comment", most=cleaning.PAGE)
        return self._change("pin", own, {"comment": named}, seen, by)

    def unpin(
        self, comment: str, *, seen: int | None = None, by: str = ""
    ) -> CodebookChange:
        """Let a comment's own words say again where it belongs."""
        return self._change("unpin", "", {"comment": comment}, seen, by)

    def _change(
        self, what: str, theme: str, detail: Mapping[str, Any], seen: int | None, by: str
    ) -> CodebookChange:
        def check(before: Sequence[CodebookChange], made: CodebookChange) -> None:
            replayed(before).after(made)

        with self._database.writing() as session:
            return keeping.change(
                session, what=what, theme=theme, detail=detail, seen=seen, who=by,
                now=self._company.clock(), check=check,
            )

    def notes(self, account: str = "", *, text: str = "") -> tuple[Note, ...]:
        """Every note that was kept by now, oldest first: of one account, or with these words."""
        if not self._database.is_there:
            return ()
        with self._database.reading() as session:
            found = keeping.notes(session, account=account, text=text)
        now = self._company.clock()
        return tuple(one for one in found if one.created_at <= now)

    def add_note(
        self, account: str, text: str, *, kind: str = "call", day: str = "", author: str = "",
        mentions: Sequence[str] = (), by: str = "",
    ) -> Note:
        """Keep a note on an account; whom it mentions gets a task that says so, once.

        Parameters
        ----------
        day : str
            Such as 2024-05-01; today without it.
        kind : str
            call, meeting or email.
        mentions : sequence of str
            Who was there, beside those whom the text names with an @. Nobody of that name is told
            nothing, and the name stays as it was written.

        Raises
        ------
        NoAccountError
            If there is no such account.
        UsageError
            If the text is empty or too long, or the day lies ahead.
        """
        company = self._company
        with company.reading() as engine:
            whose(engine, company, account, company.as_of())
            owners = self._owners(engine)
        today = local_day(company.clock(), company.config.company.zone)
        on = cleaning.day(day) if day else today
        if on > today:
            raise UsageError(
                f"{on} lies ahead: a note says what was said.", hint="Write today's day, or before."
            )
        with self._database.writing() as session:
            made = keeping.add_note(
                session, account=account, day=on, kind=kind, author=author or by, text=text,
                mentions=mentions, who=by or author, now=company.clock(),
            )
            if made.mentions:
                telling.tell(
                    session, made, telling.people_by_name(session, owners),
                    by=(author, by, ACTING.get()), now=company.clock(),
                )
            return made

    def mentioned(self, notes: Iterable[Note]) -> dict[str, str]:
        """What stands after an @ in notes → who is meant, for those that are known."""
        names = {name for one in notes for name in one.mentions}
        if not names:
            return {}
        with self._company.reading() as engine:
            owners = self._owners(engine)
        with self._database.reading() as session:
            known = telling.people_by_name(session, owners)
        return {name: found for name in names if (found := telling.meant(name, known))}

    def _owners(self, engine: AnyEngine) -> list[str]:
        """Everybody who looks after accounts and has not left."""
        stated = self._company.config[OWNERSHIP]
        own = [str(row[0]) for row in engine.rows(
            "SELECT DISTINCT owner FROM accounts WHERE owner IS NOT NULL ORDER BY owner"
        )]
        listed = (*own, *stated.people, *(rule.owner for rule in stated.rules))
        return [one for one in dict.fromkeys(listed) if one not in stated.gone]

    def add_notes(self, found: Sequence[Mapping[str, str]], *, by: str) -> None:
        """Keep many notes in one transaction, as another tool holds them; nobody is told of them.

        Parameters
        ----------
        found : sequence of mapping
            Each with account_id, day, kind, author and text; of accounts that are there.
        """
        with self._database.writing() as session:
            for one in found:
                keeping.add_note(
                    session, account=one["account_id"], day=cleaning.day(one["day"]),
                    kind=one["kind"], author=one["author"], text=one["text"], mentions=(), who=by,
                    now=self._company.clock(),
                )

    def delete_note(self, note: int, *, by: str = "") -> Note:
        """Remove a note, and give what it was."""
        with self._database.writing() as session:
            return keeping.delete_note(session, note, who=by, now=self._company.clock())


def _stems(stems: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Words by language, each once and as one line."""
    kept = {
        language: list(dict.fromkeys(
            line(one, what="A word", most=NAME) for one in texts if one.strip()
        ))
        for language, texts in stems.items()
    }
    entries_of(kept, 0)
    return {language: texts for language, texts in kept.items() if texts}
