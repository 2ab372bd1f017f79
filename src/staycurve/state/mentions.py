"""Mentions: who is meant by an @ in a note, and the task by which they hear of it, once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from staycurve.i18n import N_
from staycurve.insights.voice.kept import Note
from staycurve.insights.voice.languages import folded
from staycurve.state.cleaning import WHO
from staycurve.state.people_models import PersonRow
from staycurve.state.work_models import TaskRow

MENTION = re.compile(
    r"(?<![\w.@])@(\w(?:[\w.'’+-]{0,60}\w)?(?:@\w(?:[\w.-]{0,50}\w)?)?)", re.UNICODE
)
"""An @ that begins a word, with a name or a whole address after it."""
TITLE = N_("You were mentioned in a note")
"""What the task is called: it names nobody, and says no word of the note."""
_BLANKS = re.compile(r"[\s._'’-]+")


def step(note: int, place: str = "") -> str:
    """How tasks of a note are told from others."""
    # Names of playbooks, which steps of their tasks begin with, have no @.
    return f"@note:{note}:{place}"


def people_by_name(session: Session, owners: Iterable[str] = ()) -> dict[str, str]:
    """What may stand after an @, folded → the address of who logs in, or an owner's name.

    Somebody who logs in is called by their address, or by what stands before its @; an owner of
    accounts by their name, with or without its blanks. What several are called names none of
    them, but who logs in goes before an owner.
    """
    emails = session.scalars(select(PersonRow.email).where(PersonRow.disabled_at.is_(None))).all()
    own = _once((key, one) for one in emails for key in (_key(one), _key(one.rpartition("@")[0])))
    of_owners = _once((_key(one), one) for one in owners if one.strip())
    taken = {_key(one.rpartition("@")[0]) for one in emails}
    return {key: one for key, one in of_owners.items() if key not in taken} | own


def meant(name: str, known: Mapping[str, str]) -> str:
    """Who is meant by what stands after an @; empty for nobody who is known."""
    return known.get(_key(name), "")


def tell(
    session: Session, note: Note, known: Mapping[str, str], *, by: Collection[str], now: dt.datetime
) -> tuple[str, ...]:
    """Give each person whom a note mentions one task, however often it does; who got one.

    Parameters
    ----------
    known : mapping
        What `people_by_name` gave.
    by : collection of str
        Who wrote it: nobody is told of their own words.
    """
    writers = {_key(one) for one in by if one} | {
        _key(person) for one in by if one for person in (meant(one, known),) if person
    }
    people = dict.fromkeys(
        person for one in note.mentions if (person := meant(one, known))
        and _key(person) not in writers
    )
    for place, person in enumerate(people):
        session.add(TaskRow(
            alert_id=None, account_id=note.account_id, step=step(note.id, str(place)), title=TITLE,
            owner=person[:WHO], due_on=note.created_at.date(), message="", status="open",
            done_at=None, done_by="", note="", version=1,
        ))
    session.flush()
    return tuple(people)


def forget_of(session: Session, note: int) -> None:
    """Delete what tells of a note that is deleted."""
    session.execute(delete(TaskRow).where(TaskRow.step.startswith(step(note), autoescape=True)))


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Key → whom it names, where it is one."""
    found: dict[str, set[str]] = {}
    for key, one in pairs:
        found.setdefault(key, set()).add(one)
    return {key: next(iter(several)) for key, several in found.items() if len(several) == 1}


def _key(name: str) -> str:
    local, at, domain = folded(name).strip().partition("@")
    return f"{_BLANKS.sub('', local)}{at}{domain}"
