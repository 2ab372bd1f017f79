"""Draining: invitations and answers, durable in app state, into the lake, each exactly once.

A row is read by its number of change, and the number rides in the commit that brings it in: a drain
that was cut off goes on where the lake stands, and a row that comes twice replaces itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from staycurve.actions.surveys import answers, definition
from staycurve.sources.base import Sender
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.port import FileReport
from staycurve.sources.survey_streams import ANSWERED, INVITED, RECEIVED
from staycurve.sources.writer import LakeWriter
from staycurve.state import survey_answers as recording, survey_invitations as inviting
from staycurve.state.survey_records import Asked, Received
from staycurve.tables.engine import quoted
from staycurve.workspace.desks import Desk

AT_ONCE = 2_000
_ONE_DRAIN = threading.Lock()
Row = dict[str, Any]


class SurveyDesk(Desk):
    """Brings what surveys asked and heard into the lake of one company."""

    @property
    def is_due(self) -> bool:
        """Whether something was asked or answered that is not in the lake yet."""
        if not self._company.state.database.is_there:
            return False
        with self._company.state.database.reading() as session:
            return any(
                changed(session, after=self._cursor(sender), most=1)
                for sender, changed, _ in self._streams()
            )

    def drain(self, *, wait: float = 600.0) -> list[FileReport]:
        """Bring everything into the lake that is not there."""
        if not self._company.state.database.is_there:
            return []
        found: list[FileReport] = []
        with _ONE_DRAIN:
            for sender, changed, make in self._streams():
                found += self._stream(sender, changed, make, wait)
        return found

    def _streams(self) -> Sequence[tuple[Sender, Any, Callable[[Sequence[Any]], list[Row]]]]:
        return (
            (INVITED, inviting.changed_invitations, _invitation_rows),
            (ANSWERED, recording.changed_responses, _answer_rows),
            (RECEIVED, recording.changed_received, self._received_rows),
        )

    def _stream(
        self, sender: Sender, changed: Any, make: Callable[[Sequence[Any]], list[Row]],
        wait: float,
    ) -> list[FileReport]:
        company = self._company
        writer = LakeWriter(company.lake, company.config, now=company.clock(), wait=wait)
        reports: list[FileReport] = []
        after = self._cursor(sender)
        while True:
            with company.state.database.reading() as session:
                found = changed(session, after=after, most=AT_ONCE)
            if not found:
                return reports
            after = _change_of(found[-1], sender)
            table = sender.stream.tables[0]
            reports += writer.write([Batch(make(found), Cursor(after), table=table)], sender=sender)

    def _received_rows(self, found: Sequence[Received]) -> list[Row]:
        """Answers of other tools; who is known by the address alone is looked up."""
        emails = {one.email.lower() for one in found if one.email}
        known: dict[str, tuple[str, str | None]] = {}
        if emails and self._company.lake.rows(self._company.snapshot, "users"):
            listed = ", ".join(map(quoted, sorted(emails)))
            with self._company.reading() as engine:
                rows = engine.rows(
                    "SELECT lower(email), MIN(user_id), MIN(account_id) FROM users "
                    f"WHERE lower(email) IN ({listed}) GROUP BY lower(email) "
                    "HAVING COUNT(DISTINCT user_id) = 1"
                )
            known = {email: (user, account) for email, user, account in rows}
        made = []
        for one in found:
            user, account = known.get(one.email.lower(), ("", None))
            made.append(dict(one.body) | {
                "answer_id": f"{one.source}/{one.external_id}",
                "user_id": one.user_id or user or None,
                "account_id": one.account_id or account or None,
                "comment": one.comment or None,
            })
        return made


def _change_of(found: Any, sender: Sender) -> int:
    if isinstance(found, Received):
        return found.change
    assert isinstance(found, Asked)
    if sender is ANSWERED:
        assert found.response is not None
        return found.response.change
    return found.invitation.change


def _invitation_rows(found: Sequence[Asked]) -> list[Row]:
    return [
        {
            "invitation_id": one.invitation.uuid, "survey": one.survey,
            "account_id": one.invitation.account_id or None, "user_id": one.invitation.user_id,
            "asked_at": _told(one.invitation.asked_at),
        }
        for one in found if one.invitation.asked_at is not None
    ]


def _answer_rows(found: Sequence[Asked]) -> list[Row]:
    rows: list[Row] = []
    for one in found:
        if one.response is None:
            continue
        what, heard, asked = definition.of(one.body), one.response, one.invitation
        shared = {
            "survey": one.survey, "account_id": asked.account_id or None,
            "user_id": asked.user_id, "touchpoint": what.touchpoint or None,
            "asked_at": _told(asked.asked_at), "answered_at": _told(heard.answered_at),
        }
        rows.append(shared | {
            "answer_id": asked.uuid, "kind": what.kind,
            "score": None if heard.score is None else str(heard.score),
            "scale_max": None if what.scale_max is None else str(what.scale_max),
            "question": what.question, "comment": heard.comment or None,
        })
        words = "profile" if what.kind == "profile" else "open"
        rows += [
            shared | {
                "answer_id": f"{asked.uuid}/further/{place}", "kind": words, "score": None,
                "scale_max": None, "question": question, "comment": text,
            }
            for place, (question, text) in enumerate(answers.pairs(what, heard.further), 1)
        ]
    return rows


def _told(at: Any) -> str | None:
    return None if at is None else at.isoformat()
