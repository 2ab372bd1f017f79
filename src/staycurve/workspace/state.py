"""State: views, annotations, dismissed doubts, goals, keys and the audit trail of one project."""

from __future__ import annotations

import datetime as dt

from staycurve.errors import UnknownNameError
from staycurve.state import (
    annotations as noting,
    audit,
    dismissals,
    goals as aiming,
    keys,
    views,
)
from staycurve.state.database import Database
from staycurve.state.records import Annotation, AuditEntry, Dismissal, Goal, Key, SavedView
from staycurve.workspace.people import People
from staycurve.workspace.project import Clock, Project

SHOWN = 100


class State:
    """What people keep beside the numbers; no number depends on it.

    Parameters
    ----------
    project : Project
        The database is that of its directory, or of its [state].

    Raises
    ------
    ConfigError
        If [state] names no database that can be used.
    """

    def __init__(self, project: Project) -> None:
        self.database = Database(project.folder, project.config.state)
        self._clock: Clock = project.clock
        self.people = People(self.database, lambda: self._clock(), project.folder)

    def close(self) -> None:
        """Give back its connections."""
        self.database.close()

    def shown(
        self,
    ) -> tuple[
        tuple[SavedView, ...], tuple[Annotation, ...], tuple[Dismissal, ...], tuple[Goal, ...]
    ]:
        """Saved views by name, annotations by day, dismissed doubts, goals: what pages show."""
        if not self.database.is_there:
            return (), (), (), ()
        with self.database.reading() as session:
            return (
                views.listed(session), noting.listed(session), dismissals.listed(session),
                aiming.listed(session, has_past=True),
            )

    def views(self) -> tuple[SavedView, ...]:
        """Every saved view, by name."""
        return self.shown()[0]

    def view(self, named: str) -> SavedView:
        """The saved view of a name, or of a number."""
        every = self.views()
        found = [view for view in every if view.name == named]
        found += [view for view in every if str(view.id) == named]
        if not found:
            raise UnknownNameError(
                "view", named, [view.name for view in every],
                hint="All views: staycurve views list",
            )
        return found[0]

    def save_view(self, name: str, page: str, query: str = "", *, by: str = "") -> SavedView:
        """Save a page with its filters and range under a name."""
        with self.database.writing() as session:
            return views.save(
                session, name=name, page=page, query=query, who=by, now=self._clock()
            )

    def rename_view(self, view: int, name: str, *, by: str = "") -> SavedView:
        """Give a view another name."""
        with self.database.writing() as session:
            return views.rename(session, view, name=name, who=by, now=self._clock())

    def delete_view(self, view: int, *, by: str = "") -> SavedView:
        """Remove a view, and give what it was."""
        with self.database.writing() as session:
            return views.delete(session, view, who=by, now=self._clock())

    def annotations(self, *metrics: str) -> tuple[Annotation, ...]:
        """Every annotation, by day; with metrics, those that speak of one of them or of all."""
        every = self.shown()[1]
        return tuple(one for one in every if not metrics or one.metric in (None, *metrics))

    def annotate(
        self, day: str, text: str, *, metric: str | None = None, author: str = ""
    ) -> Annotation:
        """Keep a note about a day, which charts show."""
        with self.database.writing() as session:
            return noting.add(
                session, day=day, text=text, metric=metric, author=author, now=self._clock()
            )

    def delete_annotation(self, annotation: int, *, by: str = "") -> Annotation:
        """Remove an annotation, and give what it was."""
        with self.database.writing() as session:
            return noting.delete(session, annotation, who=by, now=self._clock())

    def dismiss(self, doubt: str, rows: int, *, by: str = "") -> None:
        """Let a doubt about so many rows be shown no more; about more rows it is."""
        with self.database.writing() as session:
            dismissals.dismiss(session, doubt, rows, who=by, now=self._clock())

    def restore(self, doubt: str, *, by: str = "") -> None:
        """Let a doubt be shown again."""
        with self.database.writing() as session:
            dismissals.restore(session, doubt, who=by, now=self._clock())

    def goals(self, *, has_past: bool = False) -> tuple[Goal, ...]:
        """Active goals by their dates; with `has_past` those that have ended too."""
        return tuple(one for one in self.shown()[3] if has_past or one.is_active)

    def goal(self, goal: int) -> Goal:
        """One goal, whether it has ended or not."""
        with self.database.reading() as session:
            return aiming.get(session, goal)

    def add_goal(
        self, *, metric: str, target: float, until_on: dt.date, owner: str, source: str,
        start_on: dt.date, start_value: float, drop: int | None = None, by: str = "",
    ) -> Goal:
        """Keep a goal; see `Goals.add`, which checks it."""
        with self.database.writing() as session:
            return aiming.add(
                session, metric=metric, target=target, until_on=until_on, owner=owner,
                source=source, start_on=start_on, start_value=start_value, drop=drop, who=by,
                now=self._clock(),
            )

    def end_goal(
        self, goal: int, *, status: str, note: str, value: float | None, by: str = ""
    ) -> Goal:
        """End an active goal as dropped, reached or missed."""
        with self.database.writing() as session:
            return aiming.end(
                session, goal, status=status, note=note, value=value, who=by, now=self._clock()
            )

    def known_keys(self) -> tuple[Key, ...]:
        """Every key with which programs send, oldest first."""
        if not self.database.is_there:
            return ()
        with self.database.reading() as session:
            return keys.listed(session)

    def create_key(self, scope: str, *, name: str = "", by: str = "") -> tuple[Key, str]:
        """Make a key, and give its text, which is kept nowhere."""
        with self.database.writing() as session:
            return keys.create(session, scope=scope, name=name, who=by, now=self._clock())

    def revoke_key(self, named: str, *, by: str = "") -> Key:
        """Let a key, named by its number or first letters, open nothing any more."""
        with self.database.writing() as session:
            return keys.revoke(session, named, who=by, now=self._clock())

    def checked_key(self, text: str) -> Key | None:
        """The key that `text` is, unless it was revoked or never made."""
        if not self.database.is_there:
            return None
        with self.database.reading() as session:
            return keys.checked(session, text)

    def note_key_use(self, key: Key) -> None:
        """Keep that a key was used now, unless it was a moment ago."""
        now = self._clock()
        if key.last_used_at is None or now - key.last_used_at >= keys.USED_EVERY:
            with self.database.writing() as session:
                keys.note_use(session, key.id, now=now)

    def audit(
        self, *, most: int = SHOWN, who: str = "", what: str = "", before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """The last changes, logins, exports and readings of personal data, newest first."""
        if not self.database.is_there:
            return ()
        with self.database.reading() as session:
            return audit.listed(session, most=most, who=who, what=what, before=before)
