"""What customers said, wherever it stands: comments of answers, notes, and topics of tickets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.voice.asked import VoiceAsked
from staycurve.insights.voice.codebook import Codebook, replayed
from staycurve.insights.voice.kept import Listener, Note
from staycurve.insights.voice.matching import Found, Matcher
from staycurve.insights.voice.suggesting import Suggestion, Written, suggestions
from staycurve.tables.engine import AnyEngine, quoted

NOT_READ = Found("", "", 0.0)

SOURCES = {"answer": N_("Answer"), "note": N_("Note"), "ticket": N_("Ticket")}
"""Where texts come from. Of a ticket its topic is known, in the words of whoever filed it."""


@dataclass(frozen=True)
class Heard:
    """One thing that was said.

    Attributes
    ----------
    id : str
        The answer's; of a ticket `ticket:` and its id, of a note `note:` and its number.
    content : float, optional
        The score from 0 to 1, of the worst to the best of its scale; None without one.
    segments : tuple
        The values of the asked dimensions on its day.
    """

    id: str
    source: str
    account_id: str | None
    user_id: str | None
    day: dt.date
    kind: str | None
    score: float | None
    scale_max: int | None
    text: str
    segments: tuple[str | None, ...]
    found: Found = NOT_READ

    @property
    def content(self) -> float | None:
        """The score as a part of its scale."""
        if self.score is None:
            return None
        least = 0 if self.kind == "nps" else 1
        most = self.scale_max or {"nps": 10, "ces": 7}.get(self.kind or "", 5)
        return (self.score - least) / (most - least) if most > least else None


def book_of(company: Listener, version: int | None) -> Codebook:
    """The codebook as it is, or an earlier version of it."""
    return replayed(company.codebook_changes(), version)


def heard(
    company: Listener, engine: AnyEngine, asked: VoiceAsked, book: Codebook, *,
    sources: Sequence[str] = (),
) -> list[Heard]:
    """Every text of the range with its theme, oldest first.

    Parameters
    ----------
    sources : sequence of str
        Which of SOURCES; all without any.
    """
    wanted = tuple(sources) or tuple(SOURCES)
    notes = {f"note:{one.id}": one for one in company.account_notes()} if "note" in wanted else {}
    sql = texts_sql(asked, wanted, notes)
    matcher = Matcher(book)
    lines = engine.rows(sql)
    made = []
    for line in lines:
        text = line[8] if line[1] != "note" else notes[line[0]].text
        name, source, account, user, day, kind, score, scale = line[:8]
        one = Heard(name, source, account, user, day, kind, score, scale, text, tuple(line[9:]))
        made.append(replace(one, found=matcher.find(one.id, text)))
    return made


def texts_sql(
    asked: VoiceAsked, sources: Sequence[str], notes: dict[str, Note]
) -> str:
    """SQL of (id, source, account_id, user_id, day, kind, score, scale_max, text, seg…)."""
    null = "CAST(NULL AS VARCHAR)"
    parts = [
        f"SELECT CAST(NULL AS VARCHAR) AS id, {null} AS source, {null} AS account_id, "
        f"{null} AS user_id, CAST(NULL AS DATE) AS day, {null} AS kind, "
        f"CAST(NULL AS DOUBLE) AS score, CAST(NULL AS BIGINT) AS scale_max, {null} AS text, "
        f"{null} AS survey, {null} AS touchpoint WHERE 1 = 0"
    ]
    if "answer" in sources:
        parts.append(f"""SELECT answer_id, 'answer', account_id, user_id, answered_on, kind,
           CAST(score AS DOUBLE), CAST(scale_max AS BIGINT), comment, survey, touchpoint
    FROM answers
    WHERE comment IS NOT NULL AND trim(comment) <> '' AND answered_at < {asked.at}
      AND {asked.within("answered_on")}""")
    if "ticket" in sources:
        parts.append(f"""SELECT 'ticket:' || ticket_id, 'ticket', account_id, user_id, opened_on,
           {null}, CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT), topic, {null}, {null}
    FROM tickets
    WHERE topic IS NOT NULL AND trim(topic) <> '' AND opened_at < {asked.at}
      AND {asked.within("opened_on")}""")
    rows = ", ".join(
        f"({quoted(name)}, {quoted(one.account_id)}, DATE '{one.day}')"
        for name, one in notes.items() if asked.first <= one.day <= asked.last
    )
    if rows:
        parts.append(f"""SELECT v.id, 'note', v.account_id, {null}, v.day, {null},
           CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT), {null}, {null}, {null}
    FROM (VALUES {rows}) AS v(id, account_id, day)""")
    segments, joins = asked.segments(account="r.root_id", day="t.day")
    names = "".join(f", seg{place}" for place in range(len(asked.by)))
    every = "\n    UNION ALL\n    ".join(parts)
    return f"""WITH {asked.shared_sql}said AS (
    {every}
),
placed AS (
    SELECT t.id, t.source, r.root_id AS account_id, t.user_id, t.day, t.kind, t.score,
           t.scale_max, t.text{segments}
    FROM said t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT id, source, account_id, user_id, day, kind, score, scale_max, text{names}
FROM placed WHERE {asked.context.where()}
ORDER BY day, source, id"""


def suggested(found: Sequence[Heard]) -> tuple[Suggestion, ...]:
    """What texts that fit no theme suggest; topics of tickets are words of ours, not theirs."""
    return suggestions([
        Written(one.id, one.text, one.found.language, one.found.theme)
        for one in found if one.source != "ticket"
    ])


def row_of(one: Heard, names: dict[str, str]) -> dict[str, Any]:
    """The fields of a text that every list of texts has."""
    return {
        "comment_id": one.id, "source": one.source, "account_id": one.account_id,
        "user_id": one.user_id, "day": one.day, "score": one.score, "scale_max": one.scale_max,
        "language": one.found.language or None, "theme": one.found.theme or None,
        "theme_name": names.get(one.found.theme), "also": tuple(one.found.also),
    }
