"""Notes on one account: the panel that lists them, and the form that keeps one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from staycurve import personal
from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Kind
from staycurve.insights.voice.kept import NOTE_KINDS
from staycurve.interfaces.web.accounts_at import START
from staycurve.interfaces.web.answered import text
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.page import Panel, Shown
from staycurve.interfaces.web.texts import _
from staycurve.interfaces.web.views_page import number_of
from staycurve.state.mentions import MENTION

_DONE = {"noted": N_("The note was kept."), "deleted": N_("The note was deleted.")}
_FIELDS = ("text", "kind", "day", "author")
OTHERS = ("pulse", "resolve", "snooze", "done", "plan", "reach", "drop")
"""What forms of the account's other panels ask for: their faults stand there."""


def act_on_notes(ask: Ask) -> str:
    """Keep or delete a note, as the form says; where to go then."""
    account, form = unquote(ask.address.removeprefix(START)), ask.form
    asked, voice = form.get("do", ""), ask.company.voice
    if asked == "note":
        voice.add_note(
            account, form.get("text", ""), kind=form.get("kind", "call"), day=form.get("day", ""),
            author=form.get("author", ""),
        )
        done = "noted"
    elif asked == "delete":
        voice.delete_note(number_of(form.get("id", "")))
        done = "deleted"
    else:
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    return f"{START}{quote(account)}?done={done}#notes"


def _show(ask: Ask) -> Shown:
    account = unquote(ask.address.removeprefix(START))
    if not personal.is_shown():
        # A note may name anybody: who may not see that sees that there are notes, and no word.
        count = len(ask.company.voice.notes(account))
        return Shown((), {"hidden": count}, {"hidden": count})
    found = [one for one in reversed(ask.company.voice.notes(account))
             if one.day <= ask.seen.last_day or not ask.options.get("as_of")]
    if found:
        personal.note()
    known = ask.company.voice.mentioned(found)
    is_own = ask.form.get("do") not in OTHERS
    typed: dict[str, Any] = dict(ask.form) if ask.fault and is_own else {}
    done = ask.options.get("done", "")
    return Shown([one.as_dict() for one in found], {
        "notes": [
            {"note": one, "day": text(one.day, Kind.DAY), "kind": _(NOTE_KINDS[one.kind]),
             "paragraphs": [_pieces(line, known) for line in one.text.splitlines()]}
            for one in found
        ],
        "kinds": [(name, _(label), typed.get("kind") == name)
                  for name, label in NOTE_KINDS.items()],
        "typed": {name: typed.get(name, "") for name in _FIELDS},
        "fault": ask.fault if is_own else None, "done": _(_DONE[done]) if done in _DONE else "",
        "at": ask.address, "hidden": None,
    })


def _pieces(line: str, known: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """A line of a note as (text, address, who is meant): mentions of those who are known lead on.

    They lead to every note with the same mention; one of nobody who is known is a word.
    """
    found: list[tuple[str, str, str]] = []
    at = 0
    for mention in MENTION.finditer(line):
        who = known.get(mention[1], "")
        if who:
            found.append((line[at : mention.start()], "", ""))
            asked = urlencode({"q": mention[0], "kind": "note"})
            found.append((mention[0], f"/search?{asked}", who))
            at = mention.end()
    return [one for one in (*found, (line[at:], "", "")) if one[0]]


NOTES = Panel(
    "notes", N_("Notes"), N_("What was said in calls, meetings and e-mails?"), "notes.html", _show,
    options=("done",),
)
