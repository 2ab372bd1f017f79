"""People: who may log in to a project's server, and their sessions, links and passwords."""

from __future__ import annotations

import contextlib
from pathlib import Path

from staycurve.state import audit, links, people, sessions
from staycurve.state.database import Database
from staycurve.state.records import Login, Person
from staycurve.workspace.project import Clock

MARK = ".people"
"""A file that says that the project has people: where their table cannot be read, nobody is let
in, instead of everybody."""


class People:
    """Who may log in to the server of one project, kept beside its other app state."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self.database = database
        self._clock = clock
        self._mark = folder / MARK

    def is_marked(self) -> bool:
        """Whether the project is known to have people, without asking the database."""
        return self._mark.exists()

    def mark(self) -> None:
        """Keep that there are people; where the directory cannot be written, it is not kept."""
        with contextlib.suppress(OSError):
            self._mark.touch()

    def listed(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they were added."""
        if not self.database.is_there:
            return ()
        with self.database.reading() as session:
            return people.listed(session)

    def is_any(self) -> bool:
        """Whether there is anybody, so that one has to log in."""
        return self.asked("")[0]

    def add(self, email: str, role: str, *, password: str = "", by: str = "") -> Person:
        """Add somebody; see `staycurve.state.people.add`."""
        with self.database.writing() as session:
            made = people.add(
                session, email=email, role=role, password=password, who=by, now=self._clock()
            )
        self.mark()
        return made

    def set_role(self, named: str, role: str, *, by: str = "") -> Person:
        """Give somebody another role; their sessions end."""
        with self.database.writing() as session:
            return people.set_role(session, named, role, who=by, now=self._clock())

    def disable(self, named: str, *, by: str = "") -> Person:
        """Let somebody in no more."""
        with self.database.writing() as session:
            return people.disable(session, named, who=by, now=self._clock())

    def enable(self, named: str, *, by: str = "") -> Person:
        """Let somebody in again."""
        with self.database.writing() as session:
            return people.enable(session, named, who=by, now=self._clock())

    def link(self, named: str, kind: str, *, by: str = "") -> tuple[Person, str]:
        """A link by which somebody chooses a password: `invitation` or `reset`."""
        with self.database.writing() as session:
            return links.create(session, named, kind, who=by, now=self._clock())

    def linked(self, text: str) -> tuple[Person, str]:
        """Whose link a text is, and its kind; it is not spent."""
        with self.database.writing() as session:
            return links.look(session, text, now=self._clock())

    def choose(self, text: str, hashed: str) -> Person:
        """Spend a link for a password, of which the hash is given."""
        with self.database.writing() as session:
            return links.spend(session, text, hashed, now=self._clock())

    def known(self, email: str) -> tuple[Person | None, str]:
        """Who has an address and may log in, and the hash of their password; empty for nobody."""
        with self.database.reading() as session:
            row = people.by_email(session, email)
            if row is None or row.disabled_at is not None:
                return None, ""
            return people.record(row), row.password

    def provided(self, subject: str, email: str) -> Person | None:
        """Whom an identity provider names."""
        with self.database.writing() as session:
            return people.by_subject(session, subject, email)

    def rehash(self, person: Person, hashed: str) -> None:
        """Keep a stronger hash of the same password."""
        with self.database.writing() as session:
            people.row_of(session, person.email).password = hashed

    def begin(self, person: Person, *, how: str, before: str = "") -> str:
        """Begin a session; its text is for the browser alone."""
        now = self._clock()
        with self.database.writing() as session:
            text = sessions.create(session, person.id, now=now, before=before)
            audit.add(
                session, at=now, who=person.email, what="login", subject=f"person {person.id}",
                detail={"how": how},
            )
            return text

    def end(self, text: str, who: str) -> None:
        """End a session."""
        with self.database.writing() as session:
            login = sessions.checked(session, text)
            sessions.end(session, text)
            if login is not None:
                audit.add(
                    session, at=self._clock(), who=who, what="logout",
                    subject=f"person {login.person}", detail={},
                )

    def asked(self, text: str) -> tuple[bool, Login | None]:
        """Whether there is anybody, and whose session a text is, at one moment.

        Whether the session has expired is for the caller to see.
        """
        if not self.database.is_there:
            return False, None
        with self.database.reading() as session:
            found = sessions.checked(session, text) if text else None
            # Whose session it is, is there.
            is_any = found is not None or people.count(session) > 0
        if is_any and not self.is_marked():
            self.mark()
        return is_any, found

    def secret(self, name: str) -> str:
        """A random value of the project that signs."""
        with self.database.writing() as session:
            return sessions.secret(session, name)

    def note(self, what: str, subject: str, *, who: str, **detail: str) -> None:
        """Add a line to the audit log: a failed login, an export, a reading of personal data."""
        with self.database.writing() as session:
            audit.add(
                session, at=self._clock(), who=who, what=what, subject=subject, detail=detail
            )

